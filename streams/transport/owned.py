"""One partition in this worker's hands."""

from __future__ import annotations

import asyncio

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

from aiokafka import AIOKafkaProducer
from faust.types import EventT

from schemas.errors import StateError
from streams.transport.guard import Chunk
from streams.transport.node import StageNode


Acknowledge = Callable[[EventT[Any]], Awaitable[object]]


@dataclass(slots=True, eq=False)
class Owned:
    """Its node, its producer, and the events whose offsets are not committed yet."""

    partition: int
    node: StageNode
    producer: AIOKafkaProducer
    assigned: bool = True
    """False between a revocation and the next assignment: nothing may touch the node then, or two
    transactions would overlap on one producer."""
    recovered: bool = False
    opened: bool = False
    """Its records flow."""
    dropped: bool = False
    """Somebody else's now."""
    start: int = 0
    """Where the log began when it was opened; a fresh node knows only 0."""
    barrier: asyncio.Task[None] | None = None
    """The last one; at most one is in flight."""
    cut_s: float = field(default_factory=monotonic)
    """When the last barrier began."""
    cut_at: int = 0
    """Its position then."""
    fed_s: float = field(default_factory=monotonic)
    """When records last came."""
    _held: deque[tuple[int, EventT[Any]]] = field(default_factory=deque)

    @property
    def position(self) -> int:
        """The next offset it wants."""
        return max(self.node.position, self.start)

    @property
    def writing(self) -> bool:
        """Whether a barrier is in flight."""
        return self.barrier is not None and not self.barrier.done()

    def take(self, event: EventT[Any]) -> None:
        """Fold the event's chunk; the event waits for the barrier that commits it.

        Without a single await, so that no barrier is cut between a record and its registration.
        Raises :class:`StateError` if a chunk before this one never arrived.
        """
        chunk = cast("Chunk", event.value)
        position = self.position
        if chunk.start > position:
            raise StateError(
                f"partition {self.partition}: records {position} to {chunk.start} were fetched and "
                "never arrived"
            )
        records = chunk.records
        if records[0].offset < position:
            records = [record for record in records if record.offset >= position]
        if records:
            self.node.offer(records)
        self._held.append((chunk.records[-1].offset, event))
        # Offsets are all that an acknowledgement needs: do not pin the records until then.
        event.value = event.message.value = None
        self.fed_s = monotonic()

    async def acknowledge(self, next_offset: int, acknowledge: Acknowledge) -> None:
        """Tell Faust about every event that lies wholly below what a barrier committed."""
        while self._held and self._held[0][0] < next_offset:
            await acknowledge(self._held.popleft()[1])

    def unhold(self) -> None:
        """Forget the events: after a rebalance Faust does not know them any more."""
        self._held.clear()
