"""Window summaries of organisations' accounts for tests, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from models.eventtime import parse_time
from models.organization.stage import OrganizationStage
from models.stage import ChannelBatch, Deployment, Effects
from schemas.frame import AccountFacts
from schemas.window import WINDOW
from tests.unit.models.benign_windows import shipped


START = parse_time("2026-11-24T00:00:00Z")


def stage() -> OrganizationStage:
    return OrganizationStage(Deployment(), shipped())


@dataclass(frozen=True)
class Summary:
    """One account's closed window."""

    time: int
    account: str = "acct_0"
    organization: str = "org_0"
    fields: dict[str, Any] = field(default_factory=dict)


def summary(time: int, account: int = 0, organization: str = "org_0", **fields: Any) -> Summary:
    """A benign full window with some fields changed."""
    usual = {
        "requests": 32,
        "categories": 1 << 12,
        "input_tokens": 32 * 1000,
        "network": 1 + account,
        "credential": 1 + account,
    }
    return Summary(time, f"{organization}/acct_{account}", organization, usual | fields)


def batch_of(summaries: Sequence[Summary], upto: int) -> ChannelBatch:
    """A batch of summaries in order of time."""
    table: dict[AccountFacts, int] = {}
    rows = np.zeros(len(summaries), WINDOW)
    account = np.zeros(len(summaries), np.int32)
    for position, each in enumerate(summaries):
        facts = AccountFacts(each.account, each.organization)
        account[position] = table.setdefault(facts, len(table))
        rows["time"][position] = each.time
        for name, value in each.fields.items():
            rows[name][position] = value
    return ChannelBatch(list(table), account, rows, upto)


@dataclass
class Seen:
    """What a run caused, in a form that can be compared."""

    alerts: list[bytes] = field(default_factory=list)
    edges: list[tuple[AccountFacts, bytes]] = field(default_factory=list)
    changed: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, effects: Effects, folded: OrganizationStage) -> None:
        self.alerts.extend(msgspec.json.encode(alert) for alert in effects.alerts)
        for _, emission in effects.emitted:
            for owner, row in zip(emission.account.tolist(), emission.rows, strict=True):
                self.edges.append((emission.accounts[owner], row.tobytes()))
        for key, payload in folded.changed():
            assert payload is not None
            self.changed[key] = payload


def run(folded: OrganizationStage, summaries: Sequence[Summary], cuts: Sequence[int]) -> Seen:
    """Fold the summaries in batches whose ``upto`` are ``cuts``, ms, and one to the end."""
    seen = Seen()
    end = max([START, *(each.time for each in summaries), *cuts]) + 1
    begin = 0
    for upto in [*sorted(cuts), end]:
        stop = begin
        while stop < len(summaries) and summaries[stop].time < upto:
            stop += 1
        seen.add(folded.fold(batch_of(summaries[begin:stop], upto)), folded)
        begin = stop
    return seen


def world(seed: int, count: int, organizations: int, gap_ms: int) -> Iterator[Summary]:
    """Random summaries in order of time; half of the organisations collect."""
    generator = np.random.default_rng(seed)
    now = START
    for _ in range(count):
        now += int(generator.exponential(gap_ms))
        if generator.random() < 0.01:
            now += int(10 ** generator.uniform(6, 8.5))
        number = int(generator.integers(organizations))
        hostile = number % 2 == 1
        requests = int(generator.integers(1, 33))
        yield summary(
            now,
            int(generator.integers(12)),
            f"org_{number}",
            requests=requests,
            elicited=int(generator.binomial(requests, 0.9 if hostile else 0.02)),
            graded=int(generator.binomial(requests, 0.4 if hostile else 0.02)),
            categories=int(generator.integers(1, 1 << 16)) if hostile else 1 << 12,
            input_tokens=requests * int(generator.integers(500, 5000)),
            network=int(generator.integers(0, 60)),
            credential=int(generator.integers(0, 20)),
            evidence=float(generator.uniform(0, 30)) if hostile else 1.0,
        )
