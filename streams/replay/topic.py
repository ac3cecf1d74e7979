"""Replay of a range of the request topic: the log as it is, heartbeats and all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.errors import ConfigError
from schemas.topics import REQUESTS
from streams.admin import partition_counts
from streams.replay.pipeline import Pipeline
from streams.settings import KafkaSettings
from streams.transport.connection import MESSAGE_BYTES, client_options


POLL_RECORDS = 4096
READ_AHEAD_TICKS = 3600
"""A partition this far ahead of the slowest waits: buffers hold an hour and not the topic."""


@dataclass(frozen=True, slots=True)
class Range:
    """What to read, in append times (ms) or in offsets that hold for every partition."""

    start_ms: int | None = None
    stop_ms: int | None = None
    start_offset: int | None = None
    stop_offset: int | None = None


class TopicReplay:
    """Reads every partition of the request topic over a range and drives a pipeline."""

    def __init__(self, pipeline: Pipeline, kafka: KafkaSettings) -> None:
        self.pipeline = pipeline
        self.events = 0
        self.accounts: set[bytes] = set()
        self._kafka = kafka

    async def run(self, what: Range, on_progress: Callable[[int, int], None]) -> None:
        """Read the range to its end; ``on_progress(records read, records in all)``.

        Raises ``ConfigError`` if the topic does not exist or has another number of partitions.
        """
        consumer = AIOKafkaConsumer(
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=MESSAGE_BYTES,
            **client_options(self._kafka),
        )
        await consumer.start()
        try:
            starts, stops = await self._bounds(consumer, what)
            await self._read(consumer, starts, stops, on_progress)
        finally:
            await consumer.stop()

    async def _bounds(
        self, consumer: AIOKafkaConsumer, what: Range
    ) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """First offset and offset past the last, for each partition."""
        count = self.pipeline.deployment.partitions.requests
        found = (await partition_counts(self._kafka)).get(REQUESTS, 0)
        if found != count:
            raise ConfigError(f"{REQUESTS} has {found} partitions, the settings say {count}")
        partitions = [TopicPartition(REQUESTS, p) for p in range(count)]
        consumer.assign(partitions)
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
        starts = await _resolve(consumer, what.start_ms, what.start_offset, first, last)
        stops = await _resolve(consumer, what.stop_ms, what.stop_offset, last, last)
        for partition in partitions:
            starts[partition] = max(starts[partition], first[partition])
            stops[partition] = min(stops[partition], last[partition])
        return starts, stops

    async def _read(
        self,
        consumer: AIOKafkaConsumer,
        starts: dict[TopicPartition, int],
        stops: dict[TopicPartition, int],
        on_progress: Callable[[int, int], None],
    ) -> None:
        total = sum(max(0, stops[tp] - starts[tp]) for tp in starts)
        for partition, offset in starts.items():
            consumer.seek(partition, offset)
        left = {tp for tp in starts if starts[tp] < stops[tp]}
        while left:
            polled = await consumer.getmany(
                *self._not_ahead(left), timeout_ms=200, max_records=POLL_RECORDS
            )
            for partition, records in polled.items():
                wanted = [record for record in records if record.offset < stops[partition]]
                if wanted:
                    self.pipeline.offer(partition.partition, wanted)
                    self.events += len(wanted)
                    self.accounts.update(r.key for r in wanted if r.key is not None)
            for partition in list(left):
                if await consumer.position(partition) >= stops[partition]:
                    left.discard(partition)
            self.pipeline.advance()
            on_progress(self.events, total)

    def _not_ahead(self, left: set[TopicPartition]) -> list[TopicPartition]:
        """The partitions to read next; never empty, since the slowest is always among them."""
        complete = {tp: self.pipeline.nodes["account"][tp.partition].complete for tp in left}
        limit = min(complete.values()) + READ_AHEAD_TICKS
        return [tp for tp in left if complete[tp] <= limit]


async def _resolve(
    consumer: AIOKafkaConsumer,
    time_ms: int | None,
    offset: int | None,
    default: dict[TopicPartition, int],
    end: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    """Offsets for a time, for a fixed offset, or the default; a time past the end means the end."""
    if offset is not None:
        return dict.fromkeys(default, offset)
    if time_ms is None:
        return dict(default)
    found = await consumer.offsets_for_times(dict.fromkeys(default, time_ms))
    return {tp: end[tp] if at is None else at.offset for tp, at in found.items()}
