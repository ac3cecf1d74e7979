"""Topics: create them as the catalogue says, or say where the cluster differs."""

from __future__ import annotations

import asyncio

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaConnectionError, TopicAlreadyExistsError, for_code

from schemas.errors import ConfigError
from schemas.topics import Topic, catalogue
from streams.settings import KafkaSettings, Settings
from streams.transport.connection import client_options


BROKER_DEFAULT = -1
"""A replication factor that leaves the choice to the cluster (KIP-464)."""
METADATA_WAIT_S = 10.0
"""A new topic takes a moment to reach every broker's metadata."""
POLL_S = 0.1


class UnreachableError(ConfigError):
    """No broker answers at the configured addresses."""


async def partition_counts(kafka: KafkaSettings) -> dict[str, int]:
    """Partitions of every topic of the cluster. Raises :class:`UnreachableError`."""
    async with _admin(kafka) as admin:
        return await _partition_counts(admin)


def count_problems(expected: dict[str, int], found: dict[str, int]) -> list[str]:
    """Topics that are missing or have another number of partitions, one sentence each."""
    problems = []
    for name, partitions in expected.items():
        if name not in found:
            problems.append(f"{name} does not exist (`probewatch topics create` makes it)")
        elif found[name] != partitions:
            problems.append(
                f"{name} has {found[name]} partitions and the settings say {partitions}: results "
                "depend on the number, so changing it is a migration"
            )
    return problems


async def create_topics(settings: Settings) -> list[str]:
    """Create what is missing of the catalogue; returns the names created.

    Raises :class:`UnreachableError`, or ``KafkaError`` if the cluster refuses.
    """
    async with _admin(settings.kafka) as admin:
        existing = await _partition_counts(admin)
        missing = [t for t in catalogue(settings.partitions) if t.name not in existing]
        if not missing:
            return []
        answer = await admin.create_topics(
            [_new_topic(topic, settings.replication_factor) for topic in missing]
        )
        created = list(_created(answer.to_object()["topic_errors"]))
        async with asyncio.timeout(METADATA_WAIT_S):
            while not set(created) <= (await _partition_counts(admin)).keys():  # noqa: ASYNC110 - the event is in the cluster
                await asyncio.sleep(POLL_S)
        return created


def _new_topic(topic: Topic, replication_factor: int | None) -> NewTopic:
    new = NewTopic(topic.name, topic.partitions, 1, topic_configs=topic.config())
    # aiokafka's constructor refuses -1, its protocol does not.
    new.replication_factor = replication_factor or BROKER_DEFAULT
    return new


def _created(answers: Iterable[dict[str, Any]]) -> Iterable[str]:
    for answer in answers:
        error = for_code(answer["error_code"])
        if answer["error_code"] == 0:
            yield answer["topic"]
        elif error is not TopicAlreadyExistsError:  # somebody else was faster
            raise error(f"{answer['topic']}: {answer['error_message']}")


async def check_topics(settings: Settings) -> list[str]:
    """Where the cluster's topics differ from the catalogue, one sentence each; empty if nowhere.

    Raises :class:`UnreachableError`.
    """
    topics = {topic.name: topic for topic in catalogue(settings.partitions)}
    async with _admin(settings.kafka) as admin:
        found = await _partition_counts(admin)
        expected = {name: topic.partitions for name, topic in topics.items()}
        problems = count_problems(expected, found)
        existing = [topic for topic in topics.values() if topic.name in found]
        for name, config in (await _configs(admin, existing)).items():
            for key, value in topics[name].config().items():
                if config.get(key) != value:
                    problems.append(f"{name}: {key} is {config.get(key)} and should be {value}")
    return problems


async def _configs(
    admin: AIOKafkaAdminClient, topics: Iterable[Topic]
) -> dict[str, dict[str, str]]:
    """The settings of existing topics, in Kafka's names."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    answers = await admin.describe_configs(resources)
    return {
        resource["resource_name"]: {
            entry["config_names"]: entry["config_value"] for entry in resource["config_entries"]
        }
        for answer in answers
        for resource in answer.to_object()["resources"]
    }


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    # All topics: naming one that does not exist creates it on a broker that allows that.
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        try:
            await admin.start()
        except KafkaConnectionError:
            raise UnreachableError(
                f"no Kafka broker answers at {kafka.bootstrap_servers} with security protocol "
                f"{kafka.security_protocol}: if it is up, check user, password and CA file "
                "(a wrong one looks the same from here)"
            ) from None
        yield admin
    finally:
        await admin.close()
