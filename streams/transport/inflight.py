"""The commit floor: what Faust may commit is bounded by the oldest chunk that is not acknowledged.

Faust's own rule commits past a chunk in flight (faust-streaming#606). Nothing here positions a
reader: the progress row does. The committed offset is what lag monitors and autoscalers look at.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Protocol

from faust.types import TP


class Acknowledged(Protocol):
    """A Faust message: the offset of its last record, and whether it is done."""

    offset: int
    acked: bool


class InFlight:
    """Delivered chunks per partition, oldest first."""

    def __init__(self) -> None:
        self._queues: defaultdict[TP, deque[Acknowledged]] = defaultdict(deque)

    def add(self, tp: TP, message: Acknowledged) -> None:
        """A chunk was delivered."""
        self._queues[tp].append(message)

    def floor(self, tp: TP) -> int | None:
        """The offset after the last chunk before which all are done; None if that did not move."""
        queue = self._queues[tp]
        offset = None
        while queue and queue[0].acked:
            offset = queue.popleft().offset + 1
        return offset

    def forget(self, tp: TP) -> None:
        """The partition is delivered from elsewhere now, or is no longer ours."""
        self._queues.pop(tp, None)
