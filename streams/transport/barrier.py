"""The barrier: everything a partition writes, in one transaction."""

from __future__ import annotations

import asyncio

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.frame import StageName
from streams.node.records import Cut, Headers


BATCH_BYTES = 512 << 10
"""Of a batch before compression: the topics between the stages take 1 MiB."""
TRANSACTION_TIMEOUT_MS = 30_000
"""How long a transaction may stay open before the broker aborts it: longer than a broker takes to
restart (17-22 s), and how long readers wait for a dead worker that nobody replaces."""
BARRIER_S = 45.0
"""A barrier that has not ended by then never will: its transaction is aborted after 30 s."""
REQUEST_TIMEOUT_MS = 40_000
"""Must exceed a broker's restart, or a producer gives up on what it could still deliver."""


class _Row(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def transactional_id(app_id: str, stage: StageName, partition: int) -> str:
    """One per partition, not per worker: so the next owner's start fences the one before it."""
    return f"{app_id}-{stage}-{partition}"


def new_producer(transactional: str, client: dict[str, Any]) -> AIOKafkaProducer:
    """A producer for the barriers of one partition, not started."""
    return AIOKafkaProducer(
        transactional_id=transactional,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_batch_size=BATCH_BYTES,
        # aiokafka's lz4 is fixed at level 9: 14 us a request, against 0.9 for nearly the same size.
        compression_type="snappy",
        linger_ms=0,
        **client,
    )


async def write_barrier(
    producer: AIOKafkaProducer, changelog: str, partition: int, cut: Cut
) -> None:
    """Write a cut, completely or not at all. Whoever calls acknowledges after it returns.

    The protocol, step by step; ``docs/adr/0004-commit-protocol.md`` says why:

    1. begin;
    2. outputs: alerts, dead letters, frames, grouped by their partition;
    3. state rows to the changelog partition, the progress row ("next source offset") last;
    4. wait until the brokers have every batch;
    5. commit.

    Raises ``KafkaError`` (``ProducerFenced``: the partition has a new owner) or ``TimeoutError``.
    After either the producer is of no use: the next owner's start aborts what is open.
    """
    async with asyncio.timeout(BARRIER_S):
        await producer.begin_transaction()  # 1
        groups: defaultdict[tuple[str, int], list[_Row]] = defaultdict(list)
        for output in cut.outputs:
            groups[output.topic, output.partition].append(
                _Row(output.key, output.value, output.headers)
            )
        sent: list[asyncio.Future[Any]] = []
        for (topic, target), rows in groups.items():
            sent += await _send(producer, topic, target, rows)  # 2
        sent += await _send(producer, changelog, partition, [_Row(*row) for row in cut.rows])  # 3
        # aiokafka commits also when a broker has refused a batch (too large, not authorised).
        await asyncio.gather(*sent)  # 4
        await producer.commit_transaction()  # 5


async def _send(
    producer: AIOKafkaProducer, topic: str, partition: int, rows: Iterable[_Row]
) -> list[asyncio.Future[Any]]:
    """Hand rows to the producer in batches; a row larger than a batch travels alone in one."""
    sent = []
    batch = producer.create_batch()
    for row in rows:
        if not _append(batch, row):
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            _append(batch, row)
    batch.close()
    if batch.record_count():
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    return sent


def _append(batch: BatchBuilder, row: _Row) -> bool:
    """Whether the row fitted; an empty batch takes a row of any size."""
    headers = list(row.headers)  # aiokafka's C code insists
    return batch.append(key=row.key, value=row.value, headers=headers, timestamp=None) is not None
