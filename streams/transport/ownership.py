"""The partitions of one stage that this worker owns: taking over, writing, handing over."""

from __future__ import annotations

import asyncio

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from aiokafka.errors import IllegalStateError
from faust.types import TP, EventT

from schemas.errors import ConfigError
from streams import metrics
from streams.log import get_logger
from streams.node.records import Cut
from streams.transport import failure
from streams.transport.barrier import new_producer, transactional_id, write_barrier
from streams.transport.cadence import Cadence
from streams.transport.consumer import BatchConsumer
from streams.transport.node import MakeNode
from streams.transport.owned import Acknowledge, Owned
from streams.transport.recovery import read_changelog
from streams.transport.wiring import StageSpec


log = get_logger(__name__)

FULL_CHUNKS = 8
"""Chunks that fill a barrier: 4,000 requests, for which its 10 ms are 2.5 us each."""
RELEASE_S = 10.0
"""To finish barriers when partitions are taken away: half of what the group waits for a member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What all stages of a worker have in common."""

    app_id: str
    client: dict[str, Any]
    cadence: Cadence
    check_crcs: bool = True
    recoverable: bool = True
    """False on the embedded broker, which forgets rows without a word."""


class Ownership:
    """Every method belongs to the app's event loop."""

    def __init__(self, spec: StageSpec, terms: Terms, make_node: MakeNode) -> None:
        self.spec = spec
        self.parts: dict[int, Owned] = {}
        self.consumer: BatchConsumer | None = None
        self.acknowledge: Acknowledge | None = None
        self._terms = terms
        self._make_node = make_node
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def working(self) -> list[Owned]:
        """Partitions that are ours and recovered."""
        return [part for part in self.parts.values() if part.assigned and part.recovered]

    @property
    def ready(self) -> bool:
        """Whether records of every assigned partition flow."""
        return all(part.opened for part in self.parts.values() if part.assigned)

    def position(self, partition: int) -> int | None:
        """The next offset the partition's node wants, None while that is not known."""
        part = self.parts.get(partition)
        return part.position if part is not None and part.recovered else None

    def tp(self, partition: int) -> TP:
        """The partition in Faust's words."""
        return TP(self.spec.topic, partition)

    def assign(self, partitions: Collection[int]) -> None:
        """Own exactly these from now on; recovery goes on in a task.

        Not in the rebalance callback: aiokafka sends no heartbeats while that runs, and a member
        that recovers for longer than its session would lose what it recovers. A partition that was
        ours before stays as it is. If another worker had it in between, that one has fenced our
        producer, and the next barrier ends this process.
        """
        for partition in self.parts.keys() - set(partitions):
            self._spawn(self._drop(self.parts.pop(partition)))
        kept = list(self.parts.values())
        new = [self._take_over(p) for p in partitions if p not in self.parts]
        for part in kept:
            part.assigned = True
        self._consumer.gate.shut(map(self.tp, partitions))
        if new:
            self._spawn(self._recover(new))
        if again := [part for part in kept if part.recovered]:
            self._spawn(self._open(again))
        metrics.PARTITIONS.labels(self.spec.stage).set(len(self.parts))

    def _take_over(self, partition: int) -> Owned:
        producer = new_producer(
            transactional_id(self._terms.app_id, self.spec.stage, partition), self._terms.client
        )
        part = Owned(partition, self._make_node(self.spec.stage, partition), producer)
        self.parts[partition] = part
        return part

    async def _recover(self, parts: list[Owned]) -> None:
        """Fence, read, restore, open: in this order."""
        began = monotonic()
        # From here on no earlier owner can write to these changelog partitions.
        await asyncio.gather(*(part.producer.start() for part in parts))
        state = await read_changelog(
            self.spec.changelog,
            [part.partition for part in parts],
            self._terms.client,
            check_crcs=self._terms.check_crcs,
        )
        if any(state.values()) and not self._terms.recoverable:
            raise ConfigError(
                f"{self.spec.changelog} is not empty, and the embedded broker forgets rows without "
                "saying so: start it anew, or use a real Kafka"
            )
        count = sum(map(len, state.values()))
        for part in parts:
            part.node.restore(state.pop(part.partition).items())
            part.recovered = True
            await asyncio.sleep(0)
        metrics.RECOVERY_SECONDS.labels(self.spec.stage).set(monotonic() - began)
        metrics.RECOVERED_ROWS.labels(self.spec.stage).inc(count)
        log.info(
            "recovered",
            stage=self.spec.stage,
            partitions=len(parts),
            state_rows=count,
            seconds=round(monotonic() - began, 2),
        )
        await asyncio.gather(*(part.producer.stop() for part in parts if part.dropped))
        await self._open([part for part in parts if part.assigned])

    async def _open(self, parts: Iterable[Owned]) -> None:
        opening = {self.tp(part.partition): part for part in parts if not part.dropped}
        if not opening:
            return
        try:
            starts = await self._consumer.open({tp: p.position for tp, p in opening.items()})
        except IllegalStateError:
            log.info("rebalanced_while_opening", stage=self.spec.stage)  # the next one opens them
            return
        for tp, part in opening.items():
            part.start = starts[tp]
            part.opened = part.assigned

    def take(self, event: EventT[Any]) -> None:
        """Fold one chunk, unless its partition went away while it waited."""
        part = self.parts.get(event.message.partition)
        if part is None or not part.assigned or not part.recovered:
            return
        part.take(event)
        self.write_if_due(part)

    def write_due(self) -> None:
        """Begin every barrier that is due."""
        for part in self.working:
            self.write_if_due(part)

    def write_if_due(self, part: Owned) -> None:
        """Begin the partition's barrier if it is due and none is in flight."""
        if part.writing or not part.node.dirty:
            return
        if self._terms.cadence.due(
            monotonic() - part.cut_s,
            urgent=part.node.urgent,
            full=part.node.position - part.cut_at >= FULL_CHUNKS * self.spec.chunk_records,
            behind=partial(self._is_behind, part),
        ):
            self._write(part)

    def _is_behind(self, part: Owned) -> bool:
        """Whether more than the next chunk waits for it."""
        behind = self._consumer.behind(self.tp(part.partition), part.position)
        return behind > self.spec.chunk_records

    def _write(self, part: Owned) -> None:
        cut = part.node.cut()
        metrics.count(self.spec.stage, part.node.counts)
        part.cut_s, part.cut_at = monotonic(), part.node.position
        part.barrier = asyncio.create_task(self._commit(part, cut))

    async def _commit(self, part: Owned, cut: Cut) -> None:
        stage = self.spec.stage
        try:
            with metrics.BARRIER_SECONDS.labels(stage).time():
                await write_barrier(part.producer, self.spec.changelog, part.partition, cut)
            metrics.STATE_ROWS.labels(stage).inc(len(cut.rows))
            metrics.OUTPUTS.labels(stage).inc(len(cut.outputs))
            if self.acknowledge is not None:
                await part.acknowledge(cut.next_offset, self.acknowledge)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is
            failure.die(f"barrier of {stage} {part.partition} failed", error)

    async def release(self, partitions: Collection[int]) -> None:
        """Write what is folded and touch these no more; they stay in memory until assigned anew.

        Ends the process if that takes longer than the group waits: the next owner fences us anyway.
        """
        parts = [self.parts[p] for p in partitions if p in self.parts]
        for part in parts:
            part.assigned = part.opened = False
        try:
            async with asyncio.timeout(RELEASE_S):
                await asyncio.gather(*(part.barrier for part in parts if part.barrier is not None))
                for part in parts:
                    if part.recovered and part.node.dirty:
                        self._write(part)
                await asyncio.gather(*(part.barrier for part in parts if part.barrier is not None))
        except TimeoutError as error:
            failure.die(f"{self.spec.stage}: partitions could not be handed over in time", error)
        for part in parts:
            part.unhold()

    async def close(self) -> None:
        """Hand over everything and stop the producers; a recovery under way is abandoned."""
        await self.release(list(self.parts))
        for task in self._tasks:
            task.cancel()
        parts, self.parts = list(self.parts.values()), {}
        await asyncio.gather(*(part.producer.stop() for part in parts), return_exceptions=True)

    async def _drop(self, part: Owned) -> None:
        part.dropped = True
        if part.recovered:  # else whoever recovers it stops it, for it may be starting just now
            await part.producer.stop()

    @property
    def _consumer(self) -> BatchConsumer:
        if self.consumer is None:
            raise RuntimeError("no consumer yet")
        return self.consumer

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            failure.die(f"{self.spec.stage}: a partition could not be taken over", error)
