"""Delivers every offset of a partition once and in order, whatever the fetch position did.

Faust drops fetched records when its flow stops while a fetch is under way and relies on a later
seek, and that seek does not move every partition: aiokafka leaves one without a commit where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from faust.types import TP


class Chunk(NamedTuple):
    """Records of one partition, as one Faust event."""

    start: int
    """The first offset it covers. What follows is contiguous but for holes: if the reader stands
    before it, a chunk was lost on the way."""
    records: Sequence[Any]
    """aiokafka's ``ConsumerRecord``, in offset order; at least one."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Records before these were skipped: fetch again from ``offset``."""

    offset: int


class Guard:
    """Where each partition's delivery stands."""

    def __init__(self) -> None:
        self._next: dict[TP, int] = {}
        self._rewound: dict[TP, int] = {}

    def begin(self, tp: TP, offset: int) -> None:
        """Deliver ``tp`` from ``offset`` on."""
        self._next[tp] = offset
        self._rewound.pop(tp, None)

    def forget(self, tp: TP) -> None:
        """The partition is no longer ours."""
        self._next.pop(tp, None)
        self._rewound.pop(tp, None)

    def position(self, tp: TP) -> int | None:
        """The next offset to deliver, or None for a partition that was not begun."""
        return self._next.get(tp)

    def admit(self, tp: TP, records: Sequence[Any], *, holes: bool) -> Chunk | Rewind | None:
        """What to do with fetched ``records``: deliver, fetch again, or nothing (seen before).

        ``holes``: the topic is written in transactions, whose markers take offsets, so a jump is
        normal (and its frames carry sequence numbers). Elsewhere a jump is fetched once more, and
        believed the second time: retention overtook us.
        """
        expected = self._next[tp]
        if records[0].offset < expected:
            records = [record for record in records if record.offset >= expected]
            if not records:
                return None
        jumped = records[0].offset > expected
        if jumped and not holes and self._rewound.get(tp) != expected:
            self._rewound[tp] = expected
            return Rewind(expected)
        return Chunk(expected, records)

    def split(self, tp: TP, chunk: Chunk, size: int) -> Iterator[Chunk]:
        """The chunk in pieces of at most ``size`` records; each counts as delivered once taken."""
        start = chunk.start
        for first in range(0, len(chunk.records), size):
            records = chunk.records[first : first + size]
            end = records[-1].offset + 1
            self._next[tp] = end
            yield Chunk(start, records)
            start = end
