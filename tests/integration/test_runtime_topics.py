"""Topics as the catalogue says, on a broker that has none yet."""

from __future__ import annotations

import asyncio
import time

from collections.abc import Iterator

import pytest

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from infra.kafka.broker import Broker
from infra.kafka.cli import JARS
from infra.kafka.jars import Jars
from schemas.topics import REQUESTS, Partitions, catalogue
from streams.admin import check_topics, create_topics
from streams.settings import KafkaSettings, Settings
from tests.integration.bench import wait_for


pytestmark = pytest.mark.integration

YEAR_MS = 365 * 86_400_000


@pytest.fixture(scope="module")
def empty(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of its own: the shared one may have topics of these names."""
    broker = Broker(tmp_path_factory.mktemp("empty"), Jars(JARS))
    broker.start()
    yield broker
    broker.wipe()


def test_topics_are_created_once_as_the_catalogue_says_and_differences_are_named(
    empty: Broker,
) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=empty.bootstrap))
    names = {topic.name for topic in catalogue(Partitions())}

    missing = asyncio.run(check_topics(settings))
    assert len(missing) == len(names)
    assert all("does not exist" in problem for problem in missing)

    assert set(asyncio.run(create_topics(settings))) == names
    assert asyncio.run(create_topics(settings)) == []
    assert asyncio.run(check_topics(settings)) == []

    other = settings.model_copy(update={"partitions": Partitions(requests=8)})
    problems = asyncio.run(check_topics(other))
    assert [p for p in problems if p.startswith(f"{REQUESTS} has 16 partitions")]

    right = next(t.config() for t in catalogue(Partitions()) if t.name == REQUESTS)
    asyncio.run(_alter(empty.bootstrap, right | {"message.timestamp.type": "CreateTime"}))
    problem = f"{REQUESTS}: message.timestamp.type is CreateTime and should be LogAppendTime"
    wait_for(lambda: asyncio.run(check_topics(settings)) == [problem])
    asyncio.run(_alter(empty.bootstrap, right))


def test_requests_carry_the_time_they_were_appended(empty: Broker) -> None:
    settings = Settings(kafka=KafkaSettings(bootstrap_servers=empty.bootstrap))
    asyncio.run(create_topics(settings))
    wait_for(lambda: asyncio.run(check_topics(settings)) == [])

    async def append() -> int:
        producer = AIOKafkaProducer(bootstrap_servers=empty.bootstrap)
        await producer.start()
        try:
            sent = await producer.send_and_wait(REQUESTS, b"x", timestamp_ms=1_000, partition=0)
        finally:
            await producer.stop()
        return sent.timestamp or 0

    assert asyncio.run(append()) > time.time_ns() // 1_000_000 - YEAR_MS


async def _alter(bootstrap: str, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, REQUESTS, configs=config)
        await admin.alter_configs([resource])
    finally:
        await admin.close()
