"""Peer: a plain aiokafka consumer with River objects per account, and an idempotent producer.

``python -m tests.bench.engine_aiokafka RUN``

Offsets are committed now and then, state is not kept anywhere, and after a crash records are sent
twice or never: no transactions and no recovery, which costs the peer nothing here.
"""

from __future__ import annotations

import asyncio

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from schemas.topics import REQUESTS
from tests.bench.meter import Meter, Run, told
from tests.bench.river_peer import CODEC, RiverPeer


POLL_MS = 200
LINGER_MS = 20
BATCH_BYTES = 512 << 10


async def consume(run: Run) -> None:
    """Read the topic to its end."""
    meter, peer = Meter(run), RiverPeer()
    consumer = AIOKafkaConsumer(
        REQUESTS,
        bootstrap_servers=run.bootstrap,
        group_id=f"bench-aiokafka-{run.number}",
        auto_offset_reset="earliest",
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=run.bootstrap,
        enable_idempotence=True,
        compression_type=CODEC,
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES,
    )
    await producer.start()
    await consumer.start()
    sent: list[asyncio.Future[Any]] = []
    try:
        meter.begin()
        while not meter.done:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    peer.fold(record.value or b"")
                    if peer.full:
                        sent += await send(producer, peer)
                meter.count(len(records))
        sent += await send(producer, peer)
        await asyncio.gather(*sent)
        meter.report()
    finally:
        await consumer.stop()
        await producer.stop()


async def send(producer: AIOKafkaProducer, peer: RiverPeer) -> list[asyncio.Future[Any]]:
    """Hand everything to the producer, and do not wait for the broker."""
    return [
        await producer.send(record.topic, record.value, partition=record.partition)
        for record in peer.flush()
    ]


if __name__ == "__main__":
    asyncio.run(consume(told()))
