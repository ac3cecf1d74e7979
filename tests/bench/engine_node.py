"""In between: poll, and fold into our account nodes; whatever they would write is dropped.

``python -m tests.bench.engine_node RUN``

What the worker costs above this is Faust, transactions, compression and sending.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from models.evidence import Budget
from models.stage import Deployment
from schemas.topics import REQUESTS
from streams.node import make_node
from streams.reference import load_default
from streams.transport.wiring import EVENT_CHUNK
from tests.bench.meter import Meter, Run, told


POLL_MS = 200
POLL_RECORDS = 2000
CUT_EVENTS = 2500
"""Events of a partition between two cuts, as seen of a worker that works off this backlog."""


async def fold(run: Run) -> None:
    """Read the topic to its end."""
    deployment, meter = Deployment(), Meter(run)
    reference = load_default()
    nodes = [
        make_node("account", p, deployment, reference, budget=Budget(), digest_key=b"bench")
        for p in range(deployment.partitions.requests)
    ]
    cut_at = [0] * len(nodes)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=run.bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(REQUESTS, p) for p in range(len(nodes))])
        meter.begin()
        while not meter.done:
            batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            for tp, records in batches.items():
                node = nodes[tp.partition]
                for first in range(0, len(records), EVENT_CHUNK):
                    node.offer(records[first : first + EVENT_CHUNK])
                    if node.position - cut_at[tp.partition] >= CUT_EVENTS:
                        cut_at[tp.partition] = node.position
                        node.cut()
                meter.count(len(records))
    finally:
        await consumer.stop()
    meter.report()


if __name__ == "__main__":
    asyncio.run(fold(told()))
