"""The topics of a benchmark: one of requests that stays, and the others anew for every engine."""

from __future__ import annotations

import asyncio

import msgspec

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.frame import Frame
from schemas.link import LINK
from schemas.topics import LINKS, REQUESTS, WINDOWS, Topic, catalogue
from schemas.window import WINDOW
from streams.admin import create_topics
from streams.settings import Settings, load_settings
from tests.bench.traffic import load


GONE_S = 30.0
POLL_S = 0.1
POLL_MS = 200


async def fill(bootstrap: str, events: int) -> float:
    """Create the topics, put ``events`` events on one; returns their mean size in bytes."""
    settings = _settings(bootstrap)
    await create_topics(settings)
    return await load(bootstrap, events, settings.partitions.requests)


async def renew(bootstrap: str) -> None:
    """Empty every topic but that of the requests: nobody starts from another's state."""
    settings = _settings(bootstrap)
    others = {topic.name for topic in catalogue(settings.partitions)} - {REQUESTS}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(sorted(others))
        async with asyncio.timeout(GONE_S):
            while others & set(await admin.list_topics()):
                await asyncio.sleep(POLL_S)
    finally:
        await admin.close()
    await create_topics(settings)


async def emitted(bootstrap: str) -> dict[str, int]:
    """How many records the frames hold that an engine has written, by topic."""
    sizes = {LINKS: LINK.itemsize, WINDOWS: WINDOW.itemsize}
    return {
        topic.name: await _rows(bootstrap, topic, sizes[topic.name])
        for topic in catalogue(_settings(bootstrap).partitions)
        if topic.name in sizes
    }


async def _rows(bootstrap: str, topic: Topic, record_bytes: int) -> int:
    decode = msgspec.msgpack.Decoder(Frame).decode
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        tps = [TopicPartition(topic.name, p) for p in range(topic.partitions)]
        consumer.assign(tps)
        left = {tp: end for tp, end in (await consumer.end_offsets(tps)).items() if end}
        rows = 0
        while left:
            for records in (await consumer.getmany(*left, timeout_ms=POLL_MS)).values():
                rows += sum(len(decode(record.value or b"").rows) for record in records)
            # The position moves over the markers of transactions too, where no record comes.
            left = {tp: end for tp, end in left.items() if await consumer.position(tp) < end}
        return rows // record_bytes
    finally:
        await consumer.stop()


def _settings(bootstrap: str) -> Settings:
    return load_settings(kafka={"bootstrap_servers": bootstrap})
