"""Read-ahead: a source partition may be so many ticks ahead of the slowest, and no more.

Downstream buffers what it cannot fold until the slowest source partition has completed the tick.
The account stage tells every target how far each partition is, so a tail of the edges topic knows
of all of them, also of those that other workers own.

The rule, and why it cannot come to a standstill:

- A partition of ours is held while its ``complete`` exceeds the smallest known one by more than the
  bound. The slowest known partition is therefore never held, here or elsewhere.
- What is known only grows, so knowing it late holds more, never less, and only until it arrives.
- The tail begins a fixed number of records before the end. A partition that is not in them is
  unknown, unless it is ours: then its own recovered progress counts.
- An unknown partition is left out of the minimum. Counting it as slowest would be safer for memory,
  but two workers that restart at once are unknown to each other, would both hold everything, and so
  stay unknown for ever. Its first tick makes it known; a heartbeat sees to that if it is idle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Any

import msgspec

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import StateError
from schemas.frame import FRAME_VERSION, StageName
from schemas.topics import EDGES


LOOK_BACK = 20_000
"""Records before the end where the tail begins: ten minutes of a deployment that is busy with 33
nodes and a second's tick, read in less than a second."""
POLL_MS = 500
FETCH_WAIT_MS = 100


class FrameHead(msgspec.Struct, array_like=True, gc=False):
    """The first fields of a frame; msgspec skips the rest without building it."""

    version: Annotated[int, msgspec.Meta(ge=1, le=255)]
    stage: StageName
    partition: int
    sequence: int
    complete: int
    watermark: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one source partition is."""

    complete: int
    watermark: int
    """Greatest event time, ms."""
    moved_s: float
    """When either last moved, on the monotonic clock."""


class Alignment:
    """What is known about every source partition."""

    def __init__(self, read_ahead_ticks: int) -> None:
        self.read_ahead_ticks = read_ahead_ticks
        self.seen: dict[int, Progress] = {}

    def observe(self, partition: int, complete: int, watermark: int) -> None:
        """A frame, or our own node, says how far ``partition`` is. Going back is ignored."""
        known = self.seen.get(partition)
        if known is None:
            self.seen[partition] = Progress(complete, watermark, monotonic())
        elif complete > known.complete or watermark > known.watermark:
            self.seen[partition] = Progress(
                max(complete, known.complete), max(watermark, known.watermark), monotonic()
            )

    def held(self, own: Mapping[int, int]) -> set[int]:
        """Which of ours to hold; ``own`` maps those that are recovered to their ``complete``."""
        known = {partition: progress.complete for partition, progress in self.seen.items()}
        known.update(own)
        if not known:
            return set()
        limit = min(known.values()) + self.read_ahead_ticks
        return {partition for partition, complete in own.items() if complete > limit}

    @property
    def greatest_ms(self) -> int:
        """Greatest event time known of any source partition, 0 if none."""
        return max((progress.watermark for progress in self.seen.values()), default=0)

    def quiet_s(self, *, without: Collection[int]) -> float:
        """Seconds since the event time of any partition but these last moved."""
        now = monotonic()
        moved = (p.moved_s for partition, p in self.seen.items() if partition not in without)
        return min((now - moved_s for moved_s in moved), default=float("inf"))


_decode_head = msgspec.msgpack.Decoder(FrameHead).decode


def read_head(value: bytes) -> FrameHead:
    """The head of a frame. Raises :class:`StateError` if it cannot be read."""
    try:
        head = _decode_head(value)
    except msgspec.DecodeError as error:
        raise StateError(f"a frame on {EDGES} cannot be read") from error
    if head.version != FRAME_VERSION:
        raise StateError(f"frame format {head.version}; this worker reads format {FRAME_VERSION}")
    return head


async def follow(
    alignment: Alignment, client: dict[str, Any], *, topic: str = EDGES, check_crcs: bool = True
) -> None:
    """Tail the topic for ever and tell ``alignment``; every target partition hears every tick."""
    consumer = AIOKafkaConsumer(
        group_id=None,
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        check_crcs=check_crcs,
        **client,
    )
    tp = TopicPartition(topic, 0)
    await consumer.start()
    try:
        consumer.assign([tp])
        first = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.seek(tp, max(first, end - LOOK_BACK))
        while True:
            for record in (await consumer.getmany(tp, timeout_ms=POLL_MS)).get(tp, ()):
                head = read_head(record.value or b"")
                if head.stage == "account":
                    alignment.observe(head.partition, head.complete, head.watermark)
    finally:
        await consumer.stop()
