"""Event time on a real broker: idle partitions get heartbeats, fast ones wait for slow ones."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aiokafka import AIOKafkaProducer

from infra.kafka.broker import Broker
from models.eventtime import parse_time
from streams.alignment import read_head
from tests.conftest import CreateTopic
from tests.integration.bench import PROGRAM, read_all, wait_for


pytestmark = pytest.mark.integration

START_MS = 1_700_000_000_000
NEVER_S = 3600.0


@dataclass
class Clockwork:
    """A source of two partitions, and a worker whose nodes only keep the time."""

    bootstrap: str
    folder: Path
    source: str
    changelog: str
    edges: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, **settings: Any) -> None:
        plan, ready = self.folder / "plan.json", self.folder / "ready"
        plan.write_text(
            json.dumps(
                {
                    "bootstrap": self.bootstrap,
                    "app_id": self.source,
                    "source": self.source,
                    "changelog": self.changelog,
                    "partitions": 2,
                    "edges": self.edges,
                    "settings": settings,
                }
            )
        )
        with (self.folder / "worker.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(plan)],
                env=os.environ | {"PROBEWATCH_READY_FILE": str(ready)},
                stderr=log,
            )
        self.workers.append(worker)
        wait_for(lambda: ready.exists() or worker.poll() is not None)
        assert ready.exists(), (self.folder / "worker.log").read_text()

    def fill(self, partition: int, times_ms: Sequence[int]) -> None:
        asyncio.run(_fill(self.bootstrap, self.source, partition, times_ms))

    def heartbeats(self, partition: int) -> list[int]:
        """Times of the heartbeats in a source partition, in order."""
        return [
            parse_time(json.loads(record.value)["time"])
            for record in read_all(self.bootstrap, self.source)
            if record.partition == partition and record.value.startswith(b"{")
        ]

    def complete(self) -> dict[int, int]:
        """How far each source partition is, in seconds since the start."""
        heads = [read_head(record.value) for record in read_all(self.bootstrap, self.edges)]
        return {head.partition: head.complete - START_MS // 1000 for head in heads}


async def _fill(bootstrap: str, topic: str, partition: int, times_ms: Sequence[int]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=10)
    await producer.start()
    for time_ms in times_ms:
        await producer.send(topic, b"%d" % time_ms, partition=partition)
    await producer.stop()


@pytest.fixture
def clockwork(kafka: Broker, create_topic: CreateTopic, tmp_path: Path) -> Iterator[Clockwork]:
    clockwork = Clockwork(
        kafka.bootstrap,
        tmp_path,
        create_topic("source", 2),
        create_topic("changelog", 2, {"cleanup.policy": "compact"}),
        create_topic("edges"),
    )
    yield clockwork
    for worker in clockwork.workers:
        worker.kill()
        worker.wait()


def test_idle_partition_follows_the_others_and_goes_no_further(clockwork: Clockwork) -> None:
    clockwork.start(idle_s=0.3, idle_clock="off")
    clockwork.fill(0, [START_MS + 1000 * second for second in range(6)])
    wait_for(lambda: clockwork.complete() == {0: 5, 1: 5})
    time.sleep(2.0)
    assert clockwork.heartbeats(1) == sorted(set(clockwork.heartbeats(1))), "none twice"
    assert clockwork.heartbeats(1)[-1] == START_MS + 5000
    assert clockwork.heartbeats(0) == [], "it is what the others follow"


def test_event_time_goes_on_with_the_wall_clock_when_all_are_idle(clockwork: Clockwork) -> None:
    clockwork.start(idle_s=0.3, idle_clock="wall")
    now_ms = time.time_ns() // 1_000_000
    clockwork.fill(0, [now_ms - 5000])
    wait_for(lambda: all(max(clockwork.heartbeats(p), default=0) > now_ms for p in (0, 1)))
    for partition in (0, 1):
        beats = clockwork.heartbeats(partition)
        assert beats == sorted(set(beats))
        assert beats[-1] < time.time_ns() // 1_000_000 - 300, "now minus the idle time"


def test_partition_that_is_far_ahead_waits_for_the_slowest(clockwork: Clockwork) -> None:
    # A hundred events a second of event time; what one fetch may bring on top is 20 seconds.
    fast = [START_MS + 10 * i for i in range(30_000)]
    clockwork.start(idle_s=NEVER_S, read_ahead_ticks=5)
    clockwork.fill(1, [START_MS])
    wait_for(lambda: clockwork.complete() == {1: 0})
    clockwork.fill(0, fast)
    wait_for(lambda: clockwork.complete().get(0, 0) > 5)
    time.sleep(3.0)
    assert clockwork.complete()[0] < 100
    clockwork.fill(1, [START_MS + 300_000])
    wait_for(lambda: clockwork.complete() == {0: 299, 1: 300})
