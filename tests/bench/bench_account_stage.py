"""CPU time of the account stage: ``python -m tests.bench.bench_account_stage [--profile]``.

Batches of 1000 requests with 12 sentences each, over 100,000 accounts (``usual``: 20,000). In
``busy`` accounts follow a Zipf law and windows fill up; in ``even`` hardly any closes; in ``usual``
15 requests share one; in ``sparse`` nearly every request has one of its own. Medians over batches,
since the cores are often shared.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import resource
import sys
import time

from dataclasses import dataclass

import numpy as np

from models.account.batch import Identity, RequestBatch
from models.account.layout import ACCOUNT
from models.account.stage import AccountStage
from models.eventtime import parse_time
from models.stage import Deployment
from tests.unit.models.benign_windows import shipped


BATCH = 1000
SENTENCES = 12
START = parse_time("2026-11-24T00:00:00Z")


@dataclass(frozen=True)
class Workload:
    """A kind of traffic."""

    name: str
    zipf: float
    """Exponent; 0 = all accounts alike."""
    batch_ms: float
    """Event time that a batch covers."""
    accounts: int = 100_000


WORKLOADS = (
    Workload("busy", 1.0, 50.0),
    Workload("even", 0.0, 50.0),
    Workload("usual", 0.0, 3_000.0, 20_000),
    Workload("sparse", 0.0, 20_000.0),
)


def batches(load: Workload, count: int, seed: int = 1) -> list[RequestBatch]:
    """The traffic, made beforehand."""
    generator = np.random.default_rng(seed)
    weights = (1.0 + np.arange(load.accounts)) ** -load.zipf
    cumulative = np.cumsum(weights / weights.sum())
    names = [f"acct_{number:016x}" for number in range(load.accounts)]
    identities: list[Identity] = [
        (f"org_{number // 3:012x}", "2026-01-01T00:00:00.000Z", number % 6)
        for number in range(load.accounts)
    ]
    made = []
    for number in range(count):
        who = np.minimum(np.searchsorted(cumulative, generator.random(BATCH)), load.accounts - 1)
        first = START + int(number * load.batch_ms)
        times = first + np.sort(generator.integers(0, max(int(load.batch_ms), 1), BATCH))
        made.append(_batch(generator, who, times, names, identities))
    return made


def _batch(
    generator: np.random.Generator,
    who: np.ndarray,
    times: np.ndarray,
    names: list[str],
    identities: list[Identity],
) -> RequestBatch:
    size = len(who)
    flagged = generator.random(size) < 0.05
    wide = who.astype(np.uint64)
    return RequestBatch(
        kind=np.zeros(size, np.uint8),
        time=times,
        watermark=np.maximum.accumulate(times),
        account=[names[number] for number in who.tolist()],
        identity=[identities[number] for number in who.tolist()],
        event=[""] * size,
        event_hash=generator.integers(1, 1 << 63, size).astype(np.uint64),
        input_tokens=generator.integers(0, 4000, size),
        output_tokens=generator.integers(0, 900, size),
        refused=generator.random(size) < 0.01,
        failed=generator.random(size) < 0.01,
        elicitation=np.where(flagged, 1 << generator.integers(0, 8, size), 0).astype(np.uint16),
        category=generator.integers(9, 16, size).astype(np.uint8),
        depth=generator.integers(0, 4, size),
        foreign=generator.random(size) < 0.001,
        payment=wide + np.uint64(1),
        network=wide % np.uint64(5000) + np.uint64(1),
        client=wide % np.uint64(50) + np.uint64(1),
        credential=wide + np.uint64(1),
        chain=generator.integers(1, 1 << 63, size).astype(np.uint64),
        chain_prev=generator.integers(1, 1 << 63, size).astype(np.uint64),
        sentence_count=np.full(size, SENTENCES),
        sentences=generator.integers(1, 1 << 63, size * SENTENCES).astype(np.uint64),
        contexts=generator.integers(0, 1 << 16, size * SENTENCES).astype(np.uint16),
        code=np.zeros(size, np.uint8),
        subject=np.zeros(size, np.uint64),
    )


def measure(load: Workload, count: int) -> None:
    """Fold a warm-up, then time the rest."""
    stage = AccountStage(Deployment(), shipped())
    warm, work = batches(load, 2 * count, seed=1), batches(load, count, seed=2)
    later = int(2 * count * load.batch_ms)
    for batch in work:
        batch.time[:] += later
        batch.watermark[:] += later
    for batch in warm:
        stage.fold(batch)
    list(stage.changed())
    windows, links, spent = 0, 0, []
    for batch in work:
        begun = time.process_time()
        counts = stage.fold(batch).counts
        spent.append((time.process_time() - begun) / BATCH * 1e6)
        windows, links = windows + counts["windows"], links + counts["links"]
    begun = time.process_time()
    rows = sum(1 for _ in stage.changed())
    export = (time.process_time() - begun) / max(rows, 1) * 1e6
    report = (
        f"{load.name:7} median {np.median(spent):5.2f} mean {np.mean(spent):5.2f} us/request  "
        f"{windows / count / BATCH:6.3f} windows, {links / count / BATCH:5.2f} links a request  "
        f"{export:5.2f} us/changed row"
    )
    sys.stdout.write(report + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=300)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--only", choices=[load.name for load in WORKLOADS])
    options = parser.parse_args()
    profile = cProfile.Profile()
    sys.stdout.write(f"row {ACCOUNT.itemsize} bytes\n")
    for load in WORKLOADS:
        if options.only in {None, load.name}:
            if options.profile:
                profile.enable()
            measure(load, options.batches)
            profile.disable()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(f"peak RSS {peak} MB\n")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    main()
