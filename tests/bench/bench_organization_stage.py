"""CPU time of the organisation stage: ``python -m tests.bench.bench_organization_stage``.

Batches of 1000 account windows of 8,000 accounts in 2,000 organisations. ``full`` windows hold 32
requests, so that every eighth closes its organisation's; ``small`` ones hold 3. Medians over
batches, since the cores are often shared.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from models.eventtime import parse_time
from models.organization.stage import OrganizationStage
from models.stage import ChannelBatch, Deployment
from schemas.frame import AccountFacts
from schemas.window import WINDOW
from tests.unit.models.benign_windows import shipped


BATCH, BATCHES = 1000, 120
ORGANIZATIONS = 2000
START = parse_time("2026-11-24T00:00:00Z")
STEP_MS = 10_000


def batch(
    generator: np.random.Generator, number: int, requests: int, accounts: list[AccountFacts]
) -> ChannelBatch:
    """Benign windows of random accounts."""
    rows = np.zeros(BATCH, WINDOW)
    begin = START + number * STEP_MS
    rows["time"] = begin + np.sort(generator.integers(0, STEP_MS, BATCH))
    rows["requests"] = requests
    rows["elicited"] = generator.binomial(requests, 0.05, BATCH)
    rows["categories"] = 1 << generator.integers(9, 16, BATCH)
    rows["input_tokens"] = requests * generator.integers(100, 4000, BATCH)
    rows["network"] = generator.integers(1, 5000, BATCH)
    rows["credential"] = generator.integers(1, 500, BATCH)
    owner = generator.integers(0, len(accounts), BATCH).astype(np.int32)
    return ChannelBatch(accounts, owner, rows, begin + STEP_MS)


def measure(name: str, requests: int) -> None:
    """Fold a warm-up, then time the rest."""
    generator = np.random.default_rng(1)
    accounts = [
        AccountFacts(f"acct_{n:016x}", f"org_{n % ORGANIZATIONS:012x}")
        for n in range(4 * ORGANIZATIONS)
    ]
    stage, spent = OrganizationStage(Deployment(), shipped()), []
    for number in range(BATCHES):
        made = batch(generator, number, requests, accounts)
        begun = time.process_time()
        stage.fold(made)
        spent.append((time.process_time() - begun) / BATCH * 1e6)
    window = float(np.median(spent[BATCHES // 2 :]))
    rows = [payload for _, payload in stage.changed() if payload is not None]
    sys.stdout.write(
        f"{name:6} {window:6.2f} us/account window, {window / requests:5.2f} us/request, "
        f"row {np.mean([len(row) for row in rows]):.0f} bytes\n"
    )


def main() -> None:
    measure("full", 32)
    measure("small", 3)


if __name__ == "__main__":
    main()
