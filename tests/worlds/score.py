"""Judge alerts against the truth of a world: ``python -m tests.worlds.score TRUTH ALERTS``."""

from __future__ import annotations

import sys

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson

from schemas.alert import Alert, Kind, State


MAJORITY = 0.5


@dataclass(frozen=True)
class Score:
    """What was paged. Shares are of the campaign's requests, and of its accounts."""

    paged_after: float | None
    """Share of the campaign's requests that had been sent at its first page; None without one."""
    recall: float
    """Share of the campaign's accounts that its pages name."""
    precision: float
    """Share of the accounts its pages name that belong to it."""
    false_pages: tuple[str, ...]
    """Ids of paging alerts about somebody else."""


def score(truth: dict[str, Any], alerts: list[Alert]) -> Score:
    """Judge all revisions of all alerts; an alert's first paging revision is when it pages."""
    campaign: dict[str, int] = truth["campaign"]["accounts"]
    organizations = set(truth["campaign"]["organizations"])
    first: int | None = None
    named: set[str] = set()
    false: dict[str, None] = {}
    for alert in alerts:
        if not alert.severity.pages or alert.state is State.CLOSED:
            continue
        if not _belongs(alert, campaign, organizations):
            false[alert.id] = None
        elif alert.kind is Kind.CAMPAIGN:
            time = round(datetime.fromisoformat(alert.time).timestamp() * 1000)
            first = time if first is None else min(first, time)
            named |= set(alert.members)
    times = truth["campaign"]["times"]
    return Score(
        paged_after=None if first is None else bisect_right(times, first) / len(times),
        recall=len(named & campaign.keys()) / len(campaign),
        precision=len(named & campaign.keys()) / max(1, len(named)),
        false_pages=tuple(false),
    )


def _belongs(alert: Alert, accounts: dict[str, int], organizations: set[str]) -> bool:
    """Whether it is about the campaign: most of its members, or its account or organisation."""
    if alert.kind is Kind.CAMPAIGN:
        hits = sum(member in accounts for member in alert.members)
        return hits > MAJORITY * len(alert.members)
    return alert.account_id in accounts or alert.organization_id in organizations


def main(argv: list[str]) -> int:
    """Print the score of an alerts file; 0 = the campaign alone was paged, 1 = not so."""
    truth, alerts = Path(argv[0]), Path(argv[1])
    decoder = msgspec.json.Decoder(Alert)
    found = score(
        orjson.loads(truth.read_bytes()),
        [decoder.decode(line) for line in alerts.read_bytes().splitlines()],
    )
    sys.stdout.write(f"{found}\n")
    return 0 if found.paged_after is not None and not found.false_pages else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
