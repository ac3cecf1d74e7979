"""Records of a request partition for tests, and effects in a form that can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from models.account.batch import Identity, RecordKind, RequestBatch
from models.eventtime import parse_time
from models.stage import Effects, State
from schemas.frame import AccountFacts


START = parse_time("2026-11-24T00:00:00Z")


@dataclass(frozen=True)
class Record:
    """One record of the log."""

    time: int
    kind: RecordKind = RecordKind.REQUEST
    account: str = "acct_0"
    identity: Identity | None = ("org_0", "2026-01-01T00:00:00Z", 4)
    event: str = ""
    input_tokens: int = 100
    output_tokens: int = 50
    refused: bool = False
    failed: bool = False
    elicitation: int = 0
    category: int = 0
    depth: int = 0
    foreign: bool = False
    payment: int = 0
    network: int = 0
    client: int = 0
    credential: int = 0
    chain: int = 0
    chain_prev: int = 0
    sentences: tuple[tuple[int, int], ...] = ()
    """Key and context."""
    code: int = 0
    subject: int = 0


def requests(count: int, step_ms: int = 1000, start: int = START, **changes: Any) -> list[Record]:
    """Requests of one account, evenly spaced, each with an id of its own."""
    return [
        replace(Record(start + n * step_ms, event=f"{start}-{n}"), **changes) for n in range(count)
    ]


def batch_of(records: Sequence[Record], reached: int = 0) -> RequestBatch:
    """A batch; ``reached`` is the watermark that earlier batches left."""
    times = np.array([record.time for record in records], np.int64)

    def column(name: str, dtype: Any) -> Any:
        return np.array([getattr(record, name) for record in records], dtype)

    control = [record.kind is not RecordKind.REQUEST for record in records]
    hashes = [int.from_bytes(record.event.encode()[-8:].rjust(8, b"x")) for record in records]
    keys = [pair for record in records for pair in record.sentences]
    broadcast = [r.kind not in {RecordKind.REQUEST, RecordKind.ENFORCEMENT} for r in records]
    return RequestBatch(
        kind=column("kind", np.uint8),
        time=times,
        watermark=np.maximum.accumulate(np.maximum(times, reached)),
        account=["" if b else r.account for r, b in zip(records, broadcast, strict=True)],
        identity=[None if c else r.identity for r, c in zip(records, control, strict=True)],
        event=[record.event for record in records],
        event_hash=np.array(hashes, np.uint64),
        input_tokens=column("input_tokens", np.int64),
        output_tokens=column("output_tokens", np.int64),
        refused=column("refused", bool),
        failed=column("failed", bool),
        elicitation=column("elicitation", np.uint16),
        category=column("category", np.uint8),
        depth=column("depth", np.int64),
        foreign=column("foreign", bool),
        payment=column("payment", np.uint64),
        network=column("network", np.uint64),
        client=column("client", np.uint64),
        credential=column("credential", np.uint64),
        chain=column("chain", np.uint64),
        chain_prev=column("chain_prev", np.uint64),
        sentence_count=np.array([len(record.sentences) for record in records], np.int64),
        sentences=np.array([key for key, _ in keys], np.uint64),
        contexts=np.array([context for _, context in keys], np.uint16),
        code=column("code", np.uint8),
        subject=column("subject", np.uint64),
    )


@dataclass
class Seen:
    """What a run caused: alerts as JSON, and per topic each record with the facts it carries."""

    alerts: list[bytes] = field(default_factory=list)
    records: dict[str, list[tuple[AccountFacts, bytes]]] = field(default_factory=dict)
    changed: dict[bytes, bytes] = field(default_factory=dict)
    """The state that a reader of all changed rows would restore."""

    def add(self, effects: Effects, stage: State) -> None:
        self.alerts.extend(msgspec.json.encode(alert) for alert in effects.alerts)
        for topic, emission in effects.emitted:
            assert len(emission.account) == len(emission.rows)
            for account, row in zip(emission.account.tolist(), emission.rows, strict=True):
                facts = emission.accounts[account]
                self.records.setdefault(topic, []).append((facts, row.tobytes()))
        for key, payload in stage.changed():
            if payload is None:
                self.changed.pop(key, None)
            else:
                self.changed[key] = payload


@dataclass(frozen=True)
class World:
    """A random partition of the request topic; the same for the same fields."""

    seed: int
    count: int
    accounts: int
    gap_ms: int
    """Median time between records."""
    jump: float = 0.01
    """Share of records that come after minutes to days of silence."""
    duplicates: float = 0.05
    hostile: float = 0.5
    """Share of accounts that probe."""

    def records(self) -> list[Record]:
        generator = np.random.default_rng(self.seed)
        now, made = START, []
        for number in range(self.count):
            now += int(generator.exponential(self.gap_ms))
            if generator.random() < self.jump:
                now += int(10 ** generator.uniform(5, 8.5))
            late = int(generator.integers(0, 3000)) if generator.random() < 0.1 else 0
            made.append(self._record(generator, number, max(now - late, START)))
            if made and generator.random() < self.duplicates:
                back = int(generator.integers(1, min(30, len(made)) + 1))
                made.append(replace(made[-back], time=now))
        return made

    def _record(self, generator: np.random.Generator, number: int, time: int) -> Record:
        draw = generator.random()
        account = int(generator.integers(self.accounts) ** 2 // self.accounts)
        if draw < 0.02:
            kinds = (RecordKind.HEARTBEAT, RecordKind.RELEASE, RecordKind.ENFORCEMENT)
            kind = kinds[int(generator.integers(3))]
            return Record(time, kind, f"acct_{account}", None, code=account % 3, subject=number)
        hostile = account < self.hostile * self.accounts
        plan = account % 6
        organization = f"org_{account // 2}" if draw < 0.97 else "org_other"
        created = ("", "2026-03-01T00:00:00Z", "not a time")[account % 3]
        flags = 1 << int(generator.integers(8)) if generator.random() < 0.03 + hostile * 0.9 else 0
        few = int(generator.integers(1, 4))
        depth = int(generator.integers(0, 5))
        return Record(
            time=time,
            account=f"acct_{account}",
            identity=(organization, created, plan),
            event=f"event-{number}",
            input_tokens=int(generator.integers(0, 1 << 20)),
            output_tokens=int(generator.integers(0, 1 << 12)),
            refused=bool(generator.random() < (0.8 if hostile else 0.05)),
            failed=bool(generator.random() < 0.05),
            elicitation=flags,
            category=int(generator.integers(16)) if hostile else account % 4,
            depth=depth,
            foreign=bool(generator.random() < 0.05),
            payment=int(generator.integers(0, few)),
            network=int(generator.integers(0, 3)),
            client=int(generator.integers(0, 2)),
            credential=int(generator.integers(0, few)),
            chain=int(generator.integers(0, 1 << 62)) if depth else 0,
            chain_prev=int(generator.integers(0, 1 << 62)) if depth > 1 else 0,
            sentences=tuple(
                (int(generator.integers(1, 1 << 62)), int(generator.integers(1 << 16)))
                for _ in range(int(generator.integers(0, 5)))
            ),
        )


def run(stage: Any, records: Sequence[Record], cuts: Sequence[int]) -> Seen:
    """Fold the records in batches that end at ``cuts``."""
    seen, reached, begin = Seen(), 0, 0
    for end in [*sorted(cuts), len(records)]:
        batch = batch_of(records[begin:end], reached)
        seen.add(stage.fold(batch), stage)
        begin, reached = end, int(batch.watermark[-1]) if len(batch) else reached
    return seen
