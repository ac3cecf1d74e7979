"""The floor: a loop that only polls the topic with aiokafka, or polls and decodes.

``python -m tests.bench.engine_poll RUN [decode]``
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.request import RequestEvent
from schemas.topics import REQUESTS, Partitions
from tests.bench.meter import Meter, Run, told


POLL_MS = 200


async def poll(run: Run, *, decoding: bool) -> None:
    """Read the topic to its end."""
    decode = msgspec.json.Decoder(RequestEvent).decode
    meter = Meter(run)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=run.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(REQUESTS, p) for p in range(Partitions().requests)])
        meter.begin()
        while not meter.done:
            for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                if decoding:
                    for record in records:
                        decode(record.value or b"")
                meter.count(len(records))
    finally:
        await consumer.stop()
    meter.report()


if __name__ == "__main__":
    asyncio.run(poll(told(), decoding="decode" in sys.argv[2:]))
