"""A Faust app with one agent per stage, and the tasks that keep it moving."""

from __future__ import annotations

import asyncio
import time

from collections.abc import Awaitable, Callable
from typing import Any, cast

from faust.types import TP

from streams import metrics
from streams.agent import stage_agent
from streams.alignment import Alignment, follow
from streams.heartbeat import Heart, HeartbeatWriter, Pulse
from streams.settings import Settings
from streams.transport import failure
from streams.transport.cadence import Cadence
from streams.transport.connection import client_options, faust_credentials
from streams.transport.consumer import BatchConsumer
from streams.transport.driver import broker_urls
from streams.transport.feed import Feed, FeedApp
from streams.transport.node import MakeNode
from streams.transport.ownership import Ownership, Terms
from streams.transport.readiness import Readiness
from streams.transport.schema import chunk_topic
from streams.transport.wiring import Wiring


BUFFERED_CHUNKS = 16
"""Chunks that may wait for an agent: what a held partition can still deliver."""
POLL_RECORDS = 2000
"""Of one fetch: aiokafka empties one partition before the next, and so far the others fall back."""
FETCH_BYTES = 1 << 20
"""Per partition; a larger record comes alone."""
STEP_S = 0.02
REBALANCE_S = 20.0
REQUEST_S = 40.0
"""Longer than a broker takes to restart, and than a session."""


class LiveWorker:
    """Everything one worker process runs; :attr:`app` is what Faust starts."""

    def __init__(self, settings: Settings, plan: Wiring, make_node: MakeNode) -> None:
        self.settings = settings
        self.plan = plan
        self.client = client_options(settings.kafka)
        terms = Terms(
            app_id=settings.app_id,
            client=self.client,
            cadence=Cadence(settings.flush_s, settings.urgent_s),
            check_crcs=not settings.embedded,
            recoverable=not settings.embedded,
        )
        self.owned = {spec.topic: Ownership(spec, terms, make_node) for spec in plan.stages}
        self.source = next((o for o in self.owned.values() if o.spec.stage == "account"), None)
        self.alignment = Alignment(settings.read_ahead_ticks)
        self.readiness = Readiness(settings.ready_s)
        self._heart = Heart(settings.idle_s, settings.idle_clock)
        self._assigned_once = False
        self.app = self._new_app()
        self._connect()

    def _new_app(self) -> FeedApp:
        settings = self.settings
        feeds = [
            Feed(o.spec.topic, o.spec.chunk_records, o.spec.holes, o.position)
            for o in self.owned.values()
        ]
        return FeedApp(
            settings.app_id,
            feeds=feeds,
            broker=broker_urls(settings.kafka.servers),
            broker_credentials=faust_credentials(settings.kafka),
            broker_check_crcs=not settings.embedded,
            broker_session_timeout=settings.session_timeout_s,
            broker_heartbeat_interval=settings.session_timeout_s / 5,
            broker_rebalance_timeout=REBALANCE_S,
            broker_request_timeout=max(REQUEST_S, 2 * settings.session_timeout_s),
            broker_max_poll_records=POLL_RECORDS,
            broker_commit_interval=1.0,
            consumer_max_fetch_size=FETCH_BYTES,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=settings.instance_id,
            stream_buffer_maxsize=BUFFERED_CHUNKS,
            # Barriers settle what is under way when partitions go; Faust would wait for its acks.
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
            store="memory://",
            autodiscover=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            web_enabled=False,
            worker_redirect_stdouts=False,
        )

    def _connect(self) -> None:
        app = self.app
        for ownership in self.owned.values():
            after_chunk = self._align if ownership is self.source else _nothing
            agent = stage_agent(ownership, after_chunk)
            app.agent(
                chunk_topic(app, ownership.spec.topic), name=ownership.spec.stage, concurrency=1
            )(agent)
        app.on_partitions_assigned.connect(self._on_assigned)
        app.on_partitions_revoked.connect(self._on_revoked)
        app.on_before_shutdown.connect(self._on_shutdown)
        self._task("barriers", self._barriers)
        if self.source is not None:
            self._task("alignment", self._follow)
            self._task("heartbeat", self._beat)

    async def _on_assigned(self, _: Any, /, *told: Any, **__: Any) -> None:
        assigned: set[TP] = told[0]
        metrics.REBALANCES.inc()
        self._assigned_once = True
        self.readiness.wait()
        for topic, ownership in self.owned.items():
            ownership.consumer = self._consumer
            ownership.assign([tp.partition for tp in assigned if tp.topic == topic])

    async def _on_revoked(self, _: Any, /, *told: Any, **__: Any) -> None:
        revoked: set[TP] = told[0]
        await asyncio.gather(
            *(
                ownership.release([tp.partition for tp in revoked if tp.topic == topic])
                for topic, ownership in self.owned.items()
            )
        )

    async def _on_shutdown(self, *_: Any, **__: Any) -> None:
        self.readiness.cancel()
        await asyncio.gather(*(ownership.close() for ownership in self.owned.values()))

    async def _barriers(self) -> None:
        """Begin barriers that are due though no record comes, and notice that we are ready."""
        while True:
            await asyncio.sleep(STEP_S)
            for ownership in self.owned.values():
                ownership.write_due()
                lags = [part.node.lag_ticks for part in ownership.working]
                metrics.LAG_TICKS.labels(ownership.spec.stage).set(max(lags, default=0))
            self._align()
            if self._assigned_once and all(ownership.ready for ownership in self.owned.values()):
                self.readiness.reached()

    def _align(self) -> None:
        if self.source is None or self.source.consumer is None:
            return
        own = {part.partition: part.node.complete for part in self.source.working}
        held = self.alignment.held(own)
        self.source.consumer.gate.hold(map(self.source.tp, held))
        metrics.GATED.set(len(held))

    async def _follow(self) -> None:
        check_crcs = not self.settings.embedded
        await follow(self.alignment, self.client, topic=self.plan.edges, check_crcs=check_crcs)

    async def _beat(self) -> None:
        if self.source is None:
            return
        writer = HeartbeatWriter(self.client, topic=self.source.spec.topic)
        await writer.start()
        try:
            while True:
                await asyncio.sleep(self.settings.idle_s / 2)
                if self.source.ready:
                    await writer.write(self._heart.beat(**await self._pulses(self.source)))
        finally:
            await writer.stop()

    async def _pulses(self, source: Ownership) -> dict[str, Any]:
        now, idle_s = time.monotonic(), self.settings.idle_s
        own = {}
        for part in source.working:
            quiet_s, tp = now - part.fed_s, source.tp(part.partition)
            caught_up = quiet_s >= idle_s and await self._consumer.caught_up(tp, part.position)
            own[part.partition] = Pulse(quiet_s, caught_up, part.node.watermark)
        return {
            "own": own,
            "greatest_ms": self.alignment.greatest_ms,
            "others_quiet_s": self.alignment.quiet_s(without=own.keys()),
            "now_ms": time.time_ns() // 1_000_000,
        }

    @property
    def _consumer(self) -> BatchConsumer:
        return cast("BatchConsumer", self.app.consumer)

    def _task(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        async def guarded() -> None:
            try:
                await work()
            except Exception as error:  # noqa: BLE001 - nobody would notice that it has ended
                failure.die(f"task {name} failed", error)

        self.app.task(guarded)


def _nothing() -> None:
    pass
