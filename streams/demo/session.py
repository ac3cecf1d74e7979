"""One demo, from the broker to the summary.

    simulator ─▶ llm.requests.v1 ─▶ worker (a child, under the supervisor)
                                       │
    terminal ◀── probewatch.alerts.v1 ◀┘

Whatever was started is ended, whether time is up, somebody presses Ctrl-C, or something fails.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from rich.console import Console
from rich.rule import Rule

from models.eventtime import DAY_MS
from schemas.alert import Alert, State
from schemas.topics import ALERTS, catalogue
from streams import admin
from streams.demo.board import Board
from streams.demo.broker import NOTICE, Kind, demo_broker
from streams.demo.worker import PARTITIONS, Health, demo_settings, health, supervised
from streams.settings import Settings
from streams.simulate import WorldSpec, labels
from streams.simulate.player import Player
from streams.terminal import alert_block, facts_table
from streams.transport.connection import client_options


PLAY_S = 50.0
"""Three days of traffic: 240 events/s."""
LEAST_PLAY_S = 5.0
TAIL_S = 8.0
"""Kept free at the end of a demo with an end, for the start of the worker and the last alerts."""
STATUS_S = 10.0
POLL_S = 1.0
DRAIN_S = 1.0
"""How long alerts of the worker's last barriers may take to arrive."""
PLAIN_WIDTH = 120
"""Columns where there is no terminal to ask."""
ENDED, FAILED = 0, 1


async def run_demo(kafka: Kind, seconds: int | None) -> int:
    """Show the main job at work for ``seconds``, or until Ctrl-C; returns the exit status.

    0 also after Ctrl-C or SIGTERM; 1 if the worker or the traffic failed. Raises ``ConfigError`` if
    the broker cannot be started.
    """
    # While topics are new, aiokafka reports every refused attempt as an error; it raises the last.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(signum, stopping.set)
    deadline = None if seconds is None else loop.time() + seconds
    console.print(NOTICE[kafka], style="bold", highlight=False)
    topics = {topic.name: topic.partitions for topic in catalogue(PARTITIONS)}
    async with demo_broker(kafka, topics) as bootstrap:
        settings = demo_settings(kafka, bootstrap)
        if kafka == "local":
            await admin.create_topics(settings)
        return await Session(settings, console, stopping, deadline).run()


class Session:
    """A demo on a broker that runs and has its topics. ``deadline`` is on the loop's clock."""

    def __init__(
        self,
        settings: Settings,
        console: Console,
        stopping: asyncio.Event,
        deadline: float | None,
    ) -> None:
        self._settings = settings
        self._console = console
        self._stopping = stopping
        self._deadline = deadline
        span_ms = 3 * DAY_MS
        self._world = WorldSpec(start_ms=time.time_ns() // 1_000_000 - span_ms, span_ms=span_ms)
        self._labels = labels(self._world)
        self._board = Board(self._labels)
        self._health = Health()
        self._player = Player(
            self._world,
            settings.keys(),
            play_s=self._play_s(),
            partitions=settings.partitions.requests,
        )
        self._began = self._now()

    async def run(self) -> int:
        """Run until time is up, somebody stops it or a part fails; returns the exit status."""
        self._introduce()
        supervisor = supervised(self._settings)
        worker = asyncio.create_task(supervisor.run(), name="the worker")
        self._began = self._now()
        rest = [
            asyncio.create_task(self._produce(), name="the traffic"),
            asyncio.create_task(self._show_alerts(), name="the reader of alerts"),
            asyncio.create_task(self._report(), name="the report"),
        ]
        try:
            why = await self._wait([worker, *rest])
            await self._look()
            if not worker.done():
                supervisor.stop()
                await worker
            await asyncio.sleep(DRAIN_S)
        finally:
            for task in (worker, *rest):
                task.cancel()
            await asyncio.gather(worker, *rest, return_exceptions=True)
        self._summarise(why)
        return ENDED if why is None else FAILED

    def _play_s(self) -> float:
        if self._deadline is None:
            return PLAY_S
        return min(PLAY_S, max(LEAST_PLAY_S, self._deadline - self._now() - TAIL_S))

    async def _wait(self, tasks: Iterable[asyncio.Task[object]]) -> str | None:
        """Wait for the end; says what failed, or None."""
        stop = asyncio.create_task(self._stopping.wait())
        running = {stop, *tasks}
        try:
            while stop in running:
                left = None if self._deadline is None else self._deadline - self._now()
                done, running = await asyncio.wait(
                    running, timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    return None
                for task in done - {stop}:
                    problem = _problem(task)
                    if problem is not None:
                        return problem
            return None
        finally:
            stop.cancel()

    async def _produce(self) -> None:
        producer = AIOKafkaProducer(linger_ms=20, **client_options(self._settings.kafka))
        await producer.start()
        try:
            await self._player.run(producer)
        finally:
            await producer.stop()
        self._say("the simulated traffic is over" + ("" if self._deadline else "; Ctrl-C ends"))

    async def _show_alerts(self) -> None:
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            check_crcs=not self._settings.embedded,
            **client_options(self._settings.kafka),
        )
        decoder = msgspec.json.Decoder(Alert)
        await consumer.start()
        try:
            count = self._settings.partitions.alerts
            consumer.assign([TopicPartition(ALERTS, partition) for partition in range(count)])
            async for record in consumer:
                alert = decoder.decode(record.value)
                self._board.take(alert, self._now() - self._began)
                # A ticket is news once; a page is news whenever it changes.
                if alert.severity.pages or alert.state is State.OPENED:
                    self._console.print(alert_block(alert, brief=not alert.severity.pages))
        finally:
            await consumer.stop()

    async def _report(self) -> None:
        """Say every now and then how far it is."""
        spoken = self._now()
        while True:
            await asyncio.sleep(POLL_S)
            await self._look()
            if self._now() - spoken >= STATUS_S:
                spoken = self._now()
                day = (self._player.event_ms - self._world.start_ms) / DAY_MS
                self._say(
                    f"day {day:.1f}: {self._player.sent:,} events produced, "
                    f"{self._health.events:,} processed"
                )

    async def _look(self) -> None:
        found = await health(self._settings)
        if found is not None:
            self._health = found

    def _introduce(self) -> None:
        collecting = sum(label.campaign for label in self._labels.values())
        self._console.print(
            f"{self._world.days:.0f} days of traffic in {self._play_s():.0f} s: "
            f"{len(self._labels) - collecting} benign accounts, and a campaign over {collecting}.",
            highlight=False,
        )

    def _summarise(self, why: str | None) -> None:
        self._console.print(Rule("summary", align="left"))
        self._console.print(facts_table(self._board.facts(self._player.sent, self._health)))
        if why is not None:
            self._console.print(f"The demo failed: {why}.", style="bold red", markup=False)

    def _say(self, text: str) -> None:
        self._console.print(f"-- {text}", style="dim", highlight=False, markup=False)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _problem(task: asyncio.Task[object]) -> str | None:
    """Why the end of a task is the end of the demo; None for the traffic, which may be over."""
    name = task.get_name()
    with suppress(asyncio.CancelledError):
        error = task.exception()
        if error is not None:
            return f"{name}: {type(error).__name__}: {error}"
    if name == "the worker":
        return f"the worker ended by itself with status {task.result()}"
    return None
