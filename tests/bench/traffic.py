"""The traffic of the benchmark, and how it gets onto the request topic.

One line of JSON an event, as a gateway writes it: about 800 bytes, 12 sentence keys. Everything is
a function of the event's number, so every run has the same events.
"""

from __future__ import annotations

import asyncio
import base64

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from numpy.typing import NDArray

from models.eventtime import format_time, parse_time
from schemas.topics import REQUESTS


ACCOUNTS = 100_000
ORGANIZATIONS = 25_000
HEAD = 50
"""Weights are 1 / (rank + 50) (Zipf-Mandelbrot): the largest account sends 0.26 % of everything."""
EVENTS_PER_S = 20_000
"""Of event time."""
START = parse_time("2026-01-01T00:00:00.000Z")
SENTENCES = 12
TEMPLATE = 3
"""Sentences of the account's own prompt template, the same in each of its requests."""
RETRIED = 0.002
"""Share of events that a gateway sends a second time."""
REFUSED, FAILED, ELICITING = 0.005, 0.004, 0.02
CATEGORIES = (
    "agentic_code",
    "conversation",
    "writing",
    "question_answering",
    "translation",
    "extraction",
    "data_analysis",
    "other",
)
"""Benign ones: an account that grades all day would be an alert, and alerts are rare."""
USUAL = 0.9
"""Share of an account's requests that are of one category."""
DEPTHS = (1, 1, 1, 1, 1, 2, 3, 4, 5, 6)
BLOCK = 10_000
BATCH_EVENTS = 64
"""A producer that lingers 50 ms at 20,000 events a second over 16 partitions."""
IN_FLIGHT = 256
"""Batches."""


@dataclass(frozen=True, slots=True)
class Block:
    """What is drawn for one block of events; lists, because they are read one by one."""

    rank: list[int]
    """Of the account."""
    tokens: list[list[int]]
    outcome: list[list[bool]]
    """Refused, failed, eliciting."""
    depth: list[int]
    usual: list[bool]
    """Whether the request is of the account's usual category."""
    again: list[bool]
    sentences: str
    contexts: str
    chains: str


def events(count: int) -> Iterator[tuple[str, bytes]]:
    """(account, value) of ``count`` events in the order of their time."""
    share = np.cumsum(1.0 / (np.arange(ACCOUNTS) + HEAD))
    share /= share[-1]
    last = ("", b"")
    for first in range(0, count, BLOCK):
        block = _block(np.random.default_rng(first), share)
        for i in range(min(BLOCK, count - first)):
            if not block.again[i] or first + i == 0:
                last = _event(first + i, i, block)
            yield last


def _block(rng: np.random.Generator, share: NDArray[np.float64]) -> Block:
    rank = np.searchsorted(share, rng.random(BLOCK))
    keys = rng.integers(1, 1 << 63, (BLOCK, SENTENCES), np.uint64)
    # Distinct for each account, and spread over all 64 bits.
    own = rank[:, None] * TEMPLATE + np.arange(1, TEMPLATE + 1)
    keys[:, :TEMPLATE] = own.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return Block(
        rank=rank.tolist(),
        tokens=rng.integers(20, 4000, (BLOCK, 2)).tolist(),
        outcome=(rng.random((BLOCK, 3)) < (REFUSED, FAILED, ELICITING)).tolist(),
        depth=rng.choice(DEPTHS, BLOCK).tolist(),
        usual=(rng.random(BLOCK) < USUAL).tolist(),
        again=(rng.random(BLOCK) < RETRIED).tolist(),
        sentences=base64.b64encode(keys.astype("<u8").tobytes()).decode(),
        contexts=base64.b64encode(rng.bytes(BLOCK * SENTENCES * 2)).decode(),
        chains=rng.bytes(BLOCK * 16).hex(),
    )


@lru_cache(maxsize=4)
def _time(millis: int) -> str:
    return format_time(millis)


def _event(number: int, i: int, block: Block) -> tuple[str, bytes]:
    rank, depth = block.rank[i], block.depth[i]
    name = f"acct_{rank:012d}"
    chain = block.chains[32 * i : 32 * i + 32]
    refused, failed, eliciting = block.outcome[i]
    category = CATEGORIES[(rank if block.usual[i] else number) % len(CATEGORIES)]
    # 12 keys of 8 bytes, and 12 contexts of 2, are whole groups of base64.
    value = (
        f'{{"id":"req_{number:016d}","time":"{_time(START + number * 1000 // EVENTS_PER_S)}",'
        f'"account.id":"{name}","organization.id":"org_{rank % ORGANIZATIONS:012d}",'
        f'"api_key.id":"key_{rank:012d}","gen_ai.request.model":"meridian-large-2",'
        f'"gen_ai.usage.input_tokens":{block.tokens[i][0]},'
        f'"gen_ai.usage.output_tokens":{block.tokens[i][1]},'
        f'"http.response.status_code":{529 if failed else 200},'
        + ('"refused":true,' if refused else "")
        + f'"account.created":"2025-03-{1 + rank % 28:02d}T00:00:00.000Z","account.plan":"api",'
        f'"payment.hash":"{rank % 30_000:016x}","client.network.hash":"{rank % 5_000:016x}",'
        f'"client.hash":"{rank % 40:016x}","content.version":1,"content.key_epoch":0,'
        f'"content.sentences":"{block.sentences[128 * i : 128 * i + 128]}",'
        f'"content.context":"{block.contexts[32 * i : 32 * i + 32]}",'
        f'"content.chain":"{chain[:16]}",'
        + (f'"content.chain.prev":"{chain[16:]}",' if depth > 1 else "")
        + f'"content.depth":{depth},'
        + ('"content.elicitation":["cot_inline"],' if eliciting else "")
        + f'"content.category":"{category}"}}'
    )
    return name, value.encode()


async def load(bootstrap: str, count: int, partitions: int) -> float:
    """Write ``count`` events to the request topic; returns their mean size in bytes."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,  # or a retry could put batches out of order
        compression_type="lz4",
        max_batch_size=1 << 20,
    )
    await producer.start()
    placed: dict[str, int] = {}
    waiting: dict[int, list[tuple[bytes, bytes]]] = {p: [] for p in range(partitions)}
    sent: list[asyncio.Future[object]] = []
    size = 0
    try:
        for account, value in events(count):
            partition = placed.get(account)
            if partition is None:
                # The partition that Kafka's own clients choose for this key.
                partition = (murmur2(account.encode()) & 0x7FFF_FFFF) % partitions
                placed[account] = partition
            size += len(value)
            waiting[partition].append((account.encode(), value))
            if len(waiting[partition]) == BATCH_EVENTS:
                sent.append(await _send(producer, partition, waiting[partition]))
                if len(sent) >= IN_FLIGHT:
                    await asyncio.gather(*sent)
                    sent.clear()
        for partition, rest in waiting.items():
            if rest:
                sent.append(await _send(producer, partition, rest))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return size / count


async def _send(
    producer: AIOKafkaProducer, partition: int, records: list[tuple[bytes, bytes]]
) -> asyncio.Future[object]:
    batch = producer.create_batch()
    for key, value in records:
        batch.append(key=key, value=value, timestamp=None)
    records.clear()
    batch.close()
    future: asyncio.Future[object] = await producer.send_batch(batch, REQUESTS, partition=partition)
    return future
