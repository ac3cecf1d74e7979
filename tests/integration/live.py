"""A whole deployment on a broker of its own: topics, workers, and what lies on the topics."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from infra.kafka.broker import Broker
from infra.kafka.cli import JARS
from infra.kafka.jars import Jars
from models.eventtime import format_time
from models.stage import Deployment
from schemas.topics import ALERTS, REQUESTS, catalogue
from streams.adapters.raw import Wire, partition_for
from streams.node.records import SourceRecord
from streams.replay.file import BROADCAST_TYPES
from tests.unit.replay.worlds import DEPLOYMENT, KEYS


START_S = 60.0


@dataclass
class Live:
    """One deployment; ``end`` stops whatever it has started."""

    broker: Broker
    deployment: Deployment
    folder: Path
    key: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """Settings of every command of this deployment."""
        partitions = self.deployment.partitions
        return os.environ | {
            "KAFKA_BOOTSTRAP_SERVERS": self.broker.bootstrap,
            "PROBEWATCH_FINGERPRINT_KEY": self.key,
            "PROBEWATCH_PARTITIONS__REQUESTS": str(partitions.requests),
            "PROBEWATCH_PARTITIONS__WINDOWS": str(partitions.windows),
            "PROBEWATCH_PARTITIONS__LINKS": str(partitions.links),
            "PROBEWATCH_PARTITIONS__ALERTS": str(partitions.alerts),
            "PROBEWATCH_TICK_MS": str(self.deployment.tick_ms),
            "PROBEWATCH_LATENESS_MS": str(self.deployment.lateness_ms),
            "PROBEWATCH_READ_AHEAD_TICKS": "1000000",
            "PROBEWATCH_IDLE_CLOCK": "off",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """One ``probewatch`` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env=self.environment,
            capture_output=True,
            check=False,
        )

    def start(self, **settings: str) -> None:
        """Start a worker and wait until it has recovered."""
        number = len(self.workers)
        ready = self.folder / f"ready-{number}"
        with (self.folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "worker"],
                env=self.environment | {"PROBEWATCH_READY_FILE": str(ready)} | settings,
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        deadline = time.monotonic() + START_S
        while not ready.exists():
            assert worker.poll() is None, self.logs().decode()
            assert time.monotonic() < deadline, self.logs().decode()
            time.sleep(0.1)

    def logs(self) -> bytes:
        """Everything the workers have said."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("worker-*.log")))

    def fill(self, wires: Sequence[Wire], closing_ms: int) -> None:
        """Write the events, and the heartbeat with which a file's replay ends."""
        beat = orjson.dumps({"type": "heartbeat", "time": format_time(closing_ms)})
        asyncio.run(self._fill([*wires, Wire("", beat, "heartbeat")]))

    async def _fill(self, wires: Sequence[Wire]) -> None:
        count = self.deployment.partitions.requests
        async with self._producer() as producer:
            for wire in wires:
                key = wire.account.encode() or None
                everywhere = wire.control in BROADCAST_TYPES
                here = range(count) if everywhere else [partition_for(wire.account, count)]
                for partition in here:
                    await producer.send(REQUESTS, wire.value, key, partition)

    def fill_raw(self, records: Sequence[SourceRecord]) -> None:
        """Write records as they are, all to one partition, in order."""
        asyncio.run(self._fill_raw(records))

    async def _fill_raw(self, records: Sequence[SourceRecord]) -> None:
        async with self._producer() as producer:
            for record in records:
                headers = list(record.headers)
                await producer.send(REQUESTS, record.value, record.key, 0, headers=headers)

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.broker.bootstrap, linger_ms=20, max_request_size=16 << 20
        )
        await producer.start()
        try:
            yield producer
            await producer.flush()
        finally:
            await producer.stop()

    def alerts(self) -> list[bytes]:
        """Values of the alerts topic."""
        return [record.value for record in self.read(ALERTS)]

    def wait_for(self, topic: str, count: int, seconds: float) -> None:
        """Wait until ``topic`` has ``count`` records, and a little longer in case more come."""
        deadline = time.monotonic() + seconds
        while len(self.read(topic)) < count:
            for worker in self.workers:
                assert worker.poll() is None, self.logs().decode()
            assert time.monotonic() < deadline, self.logs().decode()
            time.sleep(0.5)
        time.sleep(2.0)

    def read(self, topic: str) -> list[Any]:
        """Every committed record of a topic."""
        return asyncio.run(self._read(topic))

    def read_everything(self) -> bytes:
        """Every byte on every topic, keys and headers too."""
        found = []
        for topic in catalogue(self.deployment.partitions):
            for record in self.read(topic.name):
                found += [record.key or b"", record.value or b""]
                found += [value for _, value in record.headers]
        return b"\n".join(found)

    async def _read(self, topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.broker.bootstrap,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=16 << 20,
        )
        await consumer.start()
        try:
            tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
            end = await consumer.end_offsets(tps)
            records: list[Any] = []
            left = {tp for tp in tps if end[tp]}
            while left:
                for fetched in (await consumer.getmany(timeout_ms=100)).values():
                    records += fetched
                left = {tp for tp in left if await consumer.position(tp) < end[tp]}
            return records
        finally:
            await consumer.stop()

    def stop(self) -> list[int]:
        """Tell the workers to stop; their exit codes."""
        for worker in self.workers:
            worker.terminate()
        codes = [worker.wait(START_S) for worker in self.workers]
        self.workers.clear()
        return codes

    def end(self) -> None:
        """Leave nothing behind."""
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
            worker.wait()
        self.broker.wipe()


@contextmanager
def deployment(folder: Path) -> Iterator[Live]:
    """A deployment with its topics, on a broker of its own; everything is stopped at the end."""
    live = Live(Broker(folder / "kafka", Jars(JARS)), DEPLOYMENT, folder, KEYS.current.decode())
    try:
        live.broker.start()
        created = live.run("topics", "create")
        assert created.returncode == 0, created.stderr.decode()
        checked = live.run("topics", "check")
        assert checked.returncode == 0, checked.stdout.decode()
        yield live
    finally:
        live.end()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
