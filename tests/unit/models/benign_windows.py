"""Windows of a small benign population, seeded: what the shipped reference was fitted on.

``python -m tests.unit.models.benign_windows`` writes models/reference/default.json again. The
shipped file is a starting point: a deployment fits its own with ``probewatch reference fit``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.eventtime import DAY_MS, MINUTE_MS, parse_time
from models.reference.fit import fit
from models.reference.reference import Reference
from models.stage import Emission
from schemas.frame import AccountFacts
from schemas.request import CATEGORIES, PLANS
from schemas.window import WINDOW


START = parse_time("2026-03-02T00:00:00Z")


@dataclass(frozen=True)
class Kind:
    """One benign family; rates are shares of requests, tokens medians."""

    share: float
    plans: tuple[str, ...]
    windows_per_day: float
    requests: int
    """Typical requests of a window."""
    refused: float
    failed: float
    elicited: float
    graded: float
    categories: tuple[str, ...]
    breadth: float
    """Share of requests outside ``categories``."""
    tokens: tuple[int, int]


KINDS = (
    Kind(0.45, ("free", "pro"), 3, 3, 0.01, 0.01, 0.02, 0.005,
         ("conversation", "writing", "question_answering", "translation"), 0.3, (300, 300)),
    Kind(0.20, ("pro", "team", "api"), 6, 14, 0.005, 0.02, 0.03, 0.01,
         ("agentic_code", "low_level_code", "tool_orchestration"), 0.15, (4000, 500)),
    Kind(0.20, ("api", "enterprise"), 20, 32, 0.002, 0.01, 0.005, 0.002,
         ("extraction",), 0.02, (900, 80)),
    Kind(0.08, ("api", "team", "enterprise"), 12, 28, 0.005, 0.01, 0.01, 0.01,
         ("question_answering", "conversation"), 0.05, (1500, 200)),
    Kind(0.03, ("api", "enterprise"), 15, 32, 0.002, 0.005, 0.10, 0.35,
         ("grading", "question_answering"), 0.05, (2000, 60)),
    Kind(0.04, ("api", "pro"), 8, 20, 0.01, 0.02, 0.12, 0.02,
         ("reasoning_math", "data_analysis", "vision"), 0.10, (1200, 700)),
)  # fmt: skip
"""Chat, coding, batch extraction, support bots, judges and analysts."""


def benign(accounts: int = 1500, days: int = 3, seed: int = 1) -> Emission:
    """Window summaries in order of closing, with the accounts they belong to."""
    generator = np.random.default_rng(seed)
    facts: list[AccountFacts] = []
    pieces = []
    shares = np.array([kind.share for kind in KINDS])
    for number, which in enumerate(generator.choice(len(KINDS), accounts, p=shares / shares.sum())):
        kind = KINDS[which]
        plan = PLANS.index(kind.plans[int(generator.integers(len(kind.plans)))])
        # Two accounts an organisation on average.
        organization = f"org_{int(generator.integers(max(accounts // 2, 1)))}"
        facts.append(AccountFacts(f"acct_{number}", organization, START - 90 * DAY_MS, plan))
        piece = _windows(kind, days, generator)
        piece["account"] = number % 65_536
        pieces.append((number, piece))
    account = np.concatenate([np.full(len(piece), number) for number, piece in pieces])
    rows = np.concatenate([piece for _, piece in pieces])
    order = np.argsort(rows["time"], kind="stable")
    return Emission(facts, account[order].astype(np.int32), rows[order])


def _windows(kind: Kind, days: int, generator: np.random.Generator) -> np.ndarray:
    count = int(generator.poisson(kind.windows_per_day * days)) + 1
    rows = np.zeros(count, WINDOW)
    rows["opened"] = START + generator.integers(0, days * DAY_MS, count)
    rows["time"] = rows["opened"] + generator.integers(0, 15 * MINUTE_MS, count)
    requests = np.clip(generator.poisson(kind.requests, count), 1, 32)
    rows["requests"] = requests
    # Accounts of one family differ: each has its own rates, with the weight of 12 requests.
    for name, rate in (
        ("refused", kind.refused),
        ("failed", kind.failed),
        ("elicited", kind.elicited),
        ("graded", kind.graded),
    ):
        rows[name] = generator.binomial(requests, generator.beta(12 * rate, 12 * (1 - rate)))
    bits = generator.integers(0, 8, count)
    rows["techniques"] = np.where(rows["elicited"] > 0, 1 << bits, 0)
    rows["categories"] = [_categories(kind, int(n), generator) for n in requests]
    for name, median in zip(("input_tokens", "output_tokens"), kind.tokens, strict=True):
        rows[name] = requests * generator.lognormal(np.log(median), 0.5, count)
    return rows


def _categories(kind: Kind, requests: int, generator: np.random.Generator) -> int:
    own = generator.choice([CATEGORIES.index(name) for name in kind.categories], requests)
    any_of = generator.integers(0, len(CATEGORIES), requests)
    drawn = np.where(generator.random(requests) < kind.breadth, any_of, own)
    return int(np.bitwise_or.reduce(1 << drawn))


SHIPPED = Path(__file__).resolve().parents[3] / "models" / "reference" / "default.json"


def shipped() -> Reference:
    return Reference.from_bytes(SHIPPED.read_bytes())


def main() -> None:
    SHIPPED.write_bytes(fit(benign()).to_bytes())


if __name__ == "__main__":
    main()
