"""Replay of a file: lines to partitions as Kafka would, then the pipeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import orjson

from models.content import Keys
from models.eventtime import MINUTE_MS, format_time
from models.stage import Deployment
from schemas.errors import InputError
from streams.adapters.raw import Wire, partition_for
from streams.node import Output, Record
from streams.node.deadletter import DeadLetters
from streams.node.records import SourceRecord
from streams.replay.lines import Input, wires


BROADCAST_TYPES = {"heartbeat", "model.released", "reference.activated"}
DRAIN_MS = 30 * MINUTE_MS
"""After the last line: one window length and one group step, so that what has arrived is also
judged."""


class Chain(Protocol):
    """What a replay drives: all four stages, or some of them."""

    dead_letters: list[Output]

    @property
    def deployment(self) -> Deployment:
        """What the partitions are counted by."""

    @property
    def watermark(self) -> int:
        """Greatest event time of any source partition, ms."""

    def offer(self, partition: int, records: Sequence[SourceRecord]) -> None:
        """Fold records of one partition of the request topic, in order."""

    def advance(self) -> None:
        """Carry everything that is due from stage to stage."""


class FileReplay:
    """Reads lines, assigns partitions with the topic's own partitioner, and drives a chain.

    Offsets are line numbers, so a dead letter says which line it comes from.
    """

    def __init__(self, chain: Chain, now_ms: int, digest_key: bytes) -> None:
        self.chain = chain
        self.now_ms = now_ms
        self.lines = 0
        self.events = 0
        """Lines that are not control records, good and bad."""
        self.accounts: set[str] = set()
        self._count = chain.deployment.partitions.requests
        self._edge_letters = DeadLetters(0, digest_key)

    def run(
        self, source: Input, keys: Keys, *, jobs: int, drain: bool, on_progress: Callable[[], None]
    ) -> None:
        """Read the input to its end; ``on_progress`` is called after every chunk."""
        for chunk in wires(source, keys, jobs):
            self._feed(self._place(chunk, self.now_ms))
            on_progress()
        if drain:
            time = closing_time(self.chain)
            value = orjson.dumps({"type": "heartbeat", "time": format_time(time)})
            self._feed(self._place([Wire("", value, "heartbeat")], time))

    def _feed(self, records: dict[int, list[Record]]) -> None:
        for partition in sorted(records):
            self.chain.offer(partition, records[partition])
        self.chain.advance()

    def _place(self, chunk: list[Wire], appended_ms: int) -> dict[int, list[Record]]:
        """Records by partition; broadcast control records are copied to each."""
        records: dict[int, list[Record]] = defaultdict(list)
        for wire in chunk:
            self.lines += 1
            self.events += not wire.control
            if wire.error is not None:
                self._reject(wire.error)
                continue
            key = wire.account.encode() if wire.account else None
            record = Record(self.lines, key, wire.value, (), appended_ms)
            for partition in self.partitions(wire):
                records[partition].append(record)
            if wire.account and not wire.control:
                self.accounts.add(wire.account)
        return records

    def partitions(self, wire: Wire) -> Iterator[int]:
        """Where a record goes: broadcast control records everywhere, the rest by account."""
        if wire.control in BROADCAST_TYPES:
            yield from range(self._count)
        else:
            yield partition_for(wire.account, self._count) if wire.account else 0

    def _reject(self, error: InputError) -> None:
        record = Record(self.lines, None, None, (), self.now_ms)
        self.chain.dead_letters.append(self._edge_letters.letter(record, error))


def closing_time(chain: Chain) -> int:
    """The event time, ms, an idle stream would reach: it closes what is still open."""
    return chain.watermark + chain.deployment.lateness_ms + DRAIN_MS
