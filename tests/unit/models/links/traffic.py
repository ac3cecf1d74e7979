"""Small random traffic that meets every rule of the links stage, and ways to compare results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from numpy.typing import NDArray

from models.eventtime import DAY_MS
from models.links.layouts import COUNTERS
from models.links.rules import LinkRules
from models.links.stage import LinksStage
from models.stage import ChannelBatch, Deployment, Emission, Records
from schemas.edge import EDGE
from schemas.frame import AccountFacts
from schemas.link import LINK


START = 20_000 * DAY_MS

DEFAULT = LinkRules()
SMALL = replace(
    DEFAULT,
    front_keys=6,
    upkeep_every=16,
    most_keys=8,
    most_members=24,
    key_idle_days=3,
    gates=(
        replace(DEFAULT.gates[0], least=3, most=6, share=0.6),
        *(replace(gate, most=4) for gate in DEFAULT.gates[1:]),
    ),
)
"""Bounds that a hundred observations reach."""


def people(count: int, organizations: int, rng: np.random.Generator) -> list[AccountFacts]:
    """Accounts of various ages, some unknown, in few organisations."""
    ages = rng.choice([0, 2, 10, 100], count)
    return [
        AccountFacts(
            f"acct{i}",
            f"org{i % organizations}",
            START - int(age) * DAY_MS if age else 0,
            int(i % 6),
        )
        for i, age in enumerate(ages)
    ]


def traffic(
    rng: np.random.Generator, n: int, accounts: int, keys: int
) -> tuple[NDArray[np.int32], Records]:
    """n observations of random accounts and keys, at times that rest and jump over days."""
    rows = np.zeros(n, LINK)
    account = rng.integers(0, accounts, n).astype(np.int32)
    steps = rng.choice(
        [0, 1, 900, 3_600_000, DAY_MS, 5 * DAY_MS], n, p=[0.3, 0.2, 0.3, 0.14, 0.05, 0.01]
    )
    rows["time"] = START + np.cumsum(steps)
    rows["kind"] = rng.choice([0, 1, 2, 3, 4, 9], n, p=[0.7, 0.07, 0.07, 0.07, 0.07, 0.02])
    rows["key"] = rng.integers(0, keys, n)
    rows["context"] = rng.choice(40, n)
    rows["elicitation"] = rng.choice([0, 0, 0, 5], n)
    for name in COUNTERS:
        rows[name] = np.arange(n) * 7 % 1000 + 1
    return account, rows


def batches(
    people: Sequence[AccountFacts],
    account: NDArray[np.int32],
    rows: Records,
    cuts: Sequence[int],
) -> list[ChannelBatch]:
    """The traffic cut before the observations ``cuts``; every batch has its own account table."""
    edges = [0, *sorted(cuts), len(rows)]
    made = []
    for begin, end in pairwise(edges):
        # Reversed and doubled: neither order nor repetition in a table may matter.
        table = [people[i] for i in account[begin:end].tolist()][::-1]
        index = np.arange(end - begin, dtype=np.int32)[::-1].copy()
        upto = int(rows["time"][end]) if end < len(rows) else int(rows["time"][-1]) + 1
        made.append(ChannelBatch(table, index, rows[begin:end], upto))
    return made


def told(emissions: Sequence[Emission]) -> list[tuple[Any, ...]]:
    """Edges with the facts of their account instead of its index, one tuple each."""
    names = [name for name in EDGE.names or () if name != "account"]
    return [
        (emission.accounts[index], *(int(row[name]) for name in names))
        for emission in emissions
        for index, row in zip(emission.account.tolist(), emission.rows, strict=True)
    ]


def run(stage: LinksStage, batches: Sequence[ChannelBatch]) -> list[tuple[Any, ...]]:
    """All edges that the batches cause."""
    return [
        edge
        for batch in batches
        for edge in told([emission for _, emission in stage.fold(batch).emitted])
    ]


def new_stage(rules: LinkRules = SMALL) -> LinksStage:
    return LinksStage(Deployment(), rules)
