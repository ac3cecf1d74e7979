"""Topics, workers and readers for tests that run workers as processes of their own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.integration.counting import NEXT, NUMBER


PROGRAM = Path(__file__).with_name("counting.py")
PARTITIONS = 4
WAIT_S = 40.0


@dataclass
class Bench:
    """Topics of one test, and the workers it has started."""

    bootstrap: str
    folder: Path
    source: str
    changelog: str
    outputs: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def plan(self, *, more: dict[str, Any] | None = None, **settings: Any) -> Path:
        path = self.folder / "plan.json"
        plan = {
            "bootstrap": self.bootstrap,
            "app_id": self.source,
            "source": self.source,
            "changelog": self.changelog,
            "partitions": PARTITIONS,
            "outputs": self.outputs,
            "settings": settings,
        }
        path.write_text(json.dumps(plan | (more or {})))
        return path

    def start(self, plan: Path) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it is ready."""
        number = len(self.workers)
        ready = self.folder / f"ready-{number}"
        with (self.folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(plan)],
                env=os.environ | {"PROBEWATCH_READY_FILE": str(ready)},
                stderr=log,
            )
        self.workers.append(worker)
        wait_for(lambda: ready.exists() or worker.poll() is not None)
        assert ready.exists(), self.log(number)
        return worker

    def log(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def fill(self, count: int) -> None:
        asyncio.run(_fill(self.bootstrap, self.source, count))

    def written(self) -> int:
        return len(read_all(self.bootstrap, self.outputs))

    def assert_counted_once(self) -> None:
        """Outputs and state both say that every record was folded exactly once."""
        records = read_all(self.bootstrap, self.source)
        expected = Counter(f"{r.partition}:{r.offset}".encode() for r in records)
        outputs = read_all(self.bootstrap, self.outputs, settled=True)
        assert Counter(r.value for r in outputs) == expected
        state = {}
        for row in read_all(self.bootstrap, self.changelog, settled=True):
            if row.key != NEXT:
                state[row.partition, row.key] = NUMBER.unpack(row.value)[0]
        assert state == Counter((r.partition, r.key) for r in records)


def wait_for(condition: Callable[[], object], seconds: float = WAIT_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


async def _fill(bootstrap: str, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, compression_type="lz4", linger_ms=10)
    await producer.start()
    sent = [
        await producer.send(topic, b"x" * 600, key=b"key-%d" % (i % 97), partition=i % PARTITIONS)
        for i in range(count)
    ]
    await asyncio.gather(*sent)
    await producer.stop()


def read_all(bootstrap: str, topic: str, *, settled: bool = False) -> list[Any]:
    """Every committed record; ``settled`` waits until the fate of all that was written is known."""
    return asyncio.run(_read_all(bootstrap, topic, settled=settled))


async def _read_all(bootstrap: str, topic: str, *, settled: bool) -> list[Any]:
    options: dict[str, Any] = {"bootstrap_servers": bootstrap, "auto_offset_reset": "earliest"}
    everything = AIOKafkaConsumer(**options)
    consumer = AIOKafkaConsumer(
        topic, isolation_level="read_committed", fetch_max_wait_ms=50, **options
    )
    await asyncio.gather(everything.start(), consumer.start())
    try:
        tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        # Markers follow a commit by some milliseconds: the committed end is not yet the end.
        end = await (everything if settled else consumer).end_offsets(tps)
        records: list[Any] = []
        left = {tp for tp in tps if end[tp]}
        async with asyncio.timeout(WAIT_S):
            while left:
                for fetched in (await consumer.getmany(timeout_ms=100)).values():
                    records += fetched
                left = {tp for tp in left if await consumer.position(tp) < end[tp]}
        return records
    finally:
        await asyncio.gather(everything.stop(), consumer.stop())
