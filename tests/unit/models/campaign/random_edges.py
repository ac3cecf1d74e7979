"""Small random edges that open, merge and close cases, with rules that let them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np

from numpy.typing import NDArray

from models.campaign import Bounds, CampaignStage, Rules
from models.eventtime import DAY_MS, HOUR_MS, MINUTE_MS
from models.stage import ChannelBatch, Deployment, Records
from schemas.edge import EDGE, EdgeKind
from schemas.frame import AccountFacts


START = 20_000 * DAY_MS

EASY = Rules(
    rotating=0.5,
    fixed=0.5,
    related=0.5,
    family=-9.0,
    owners=2,
    related_owners=2,
    fixed_owners=2,
    template_owners=1,
    others=1,
    rotates=0.0,
    covers=1,
    crowd=2,
    elicits=-9.0,
    marked=-9.0,
    lesson_ms=0,
    relations=0.0,
    related_youth=0.0,
    related_temporal=0.0,
    fixed_content=-9.0,
    fixed_youth=-9.0,
    strong=0.0,
    repeated=1.0,
    quiet_ms=DAY_MS,
)
"""Nearly every group is a case."""
SMALL = Bounds(
    link_days=3, accounts=9, keys=12, links_per_account=5, dormant_days=4, dormants=2, fingerprint=3
)


def new_stage(rules: Rules = EASY, bounds: Bounds = SMALL) -> CampaignStage:
    return CampaignStage(Deployment(), rules=rules, bounds=bounds)


def people(count: int) -> list[AccountFacts]:
    return [
        AccountFacts(f"acct{i}", f"org{i * 7 % 8}", START - (i % 3) * 12 * DAY_MS if i % 5 else 0)
        for i in range(count)
    ]


def edges(rng: np.random.Generator, n: int, accounts: int) -> tuple[NDArray[np.int32], Records]:
    """n records of all kinds, at times that rest and jump."""
    rows = np.zeros(n, EDGE)
    steps = rng.choice(
        [0, 1000, 10 * MINUTE_MS, HOUR_MS, DAY_MS, 3 * DAY_MS],
        n,
        p=[0.35, 0.3, 0.2, 0.12, 0.02, 0.01],
    )
    rows["time"] = START + np.cumsum(steps)
    rows["kind"] = rng.choice(
        [0, 1, 2, 3, 4, 16, 32, 33, 34], n, p=[0.5, 0.12, 0.1, 0.1, 0.06, 0.04, 0.04, 0.02, 0.02]
    )
    rows["code"] = np.where(rows["kind"] == EdgeKind.EXPLANATION, rng.integers(0, 4, n), 0)
    rows["key"] = rng.integers(0, 12, n).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    rows["key_first"] = rows["time"] - rng.integers(0, DAY_MS, n)
    rows["requests"] = rng.integers(1, 9, n)
    rows["total_requests"] = np.arange(n)
    rows["foreign"] = rng.random(n) < 0.1
    rows["key_accounts"] = rng.integers(4, 20, n)
    rows["key_requests"] = rows["key_accounts"] + rng.integers(0, 20, n)
    rows["key_organizations"] = rows["key_accounts"]
    rows["key_young"] = rng.integers(0, 5, n)
    rows["key_elicited"] = rng.integers(0, 5, n)
    return rng.integers(0, accounts, n).astype(np.int32), rows


def batches(
    accounts: Sequence[AccountFacts],
    account: NDArray[np.int32],
    rows: Records,
    cuts: Sequence[int],
    end: int,
) -> list[ChannelBatch]:
    """The records cut before ``cuts``; the batches' ends lie anywhere up to the next record."""
    made = []
    for begin, stop in pairwise([0, *sorted(cuts), len(rows)]):
        upto = end if stop == len(rows) else int(rows["time"][stop])
        early = begin < stop and (begin + stop) % 2
        piece, after = slice(begin, stop), slice(stop if early else begin, stop)
        if early:
            last = int(rows["time"][stop - 1]) + 1
            made.append(ChannelBatch(accounts, account[piece], rows[piece], last))
        made.append(ChannelBatch(accounts, account[after], rows[after], upto))
    return made


def run(stage: CampaignStage, batches: Sequence[ChannelBatch]) -> list[bytes]:
    """All alerts, as they go on the wire."""
    return [msgspec.json.encode(alert) for batch in batches for alert in stage.fold(batch).alerts]
