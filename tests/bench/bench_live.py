"""The first speed figure: CPU per event of the live account worker, against peers, on real Kafka.

One run, one topic, one broker: every engine is a process of its own and reads the same topic from
its beginning, one engine after the other, in rounds. What each does is in ``docs/performance.md``.

Settings: ``BENCH_EVENTS``, ``BENCH_ROUNDS``, ``BENCH_FAUST_EVENTS``, and ``BENCH_PROFILE=1``, which
runs our worker once more under cProfile and prints where its time goes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

import msgspec
import pytest

from rich.console import Console
from rich.table import Table

from infra.kafka.broker import Broker
from tests.bench import engine_worker, profiled_worker
from tests.bench.meter import Measured, Run
from tests.bench.report import Figure, against, at_most, publish
from tests.bench.stand import emitted, fill, renew


EVENTS = int(os.environ.get("BENCH_EVENTS", "400000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FAUST_EVENTS = min(EVENTS, int(os.environ.get("BENCH_FAUST_EVENTS", "60000")))
"""A stock agent takes the beginning only: all of it would take two minutes a round."""
PROFILE = os.environ.get("BENCH_PROFILE") == "1"
WARMUP = 20_000
"""Of the stock agent: it stops in the middle, and has fetched ahead to its full depth by then."""
ENGINE_S = 300.0
"""Of one run, far above any."""
OVER_P, FAUST_BAR, AIOKAFKA_BAR = 8.0, 8.0, 3.0
"""What was promised: at most p + 8 us, and so many times cheaper than the peers."""
UNIT = "us CPU/event"
WIDTH = 120
POLL, DECODE, NODE = "poll only", "poll + decode", "poll + account nodes"
WORKER = "probewatch worker (account)"
AIOKAFKA, FAUST = "aiokafka + River objects", "stock Faust agent + River objects"


@dataclass(frozen=True, slots=True)
class Engine:
    """Something that reads the topic."""

    name: str
    measure: Callable[[Run], Measured]
    limit: int = EVENTS
    writes: bool = True


def _peer(module: str, *arguments: str) -> Callable[[Run], Measured]:
    def measure(run: Run) -> Measured:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{module}", _encode(run), *arguments],
            check=False,
            capture_output=True,
            cwd=engine_worker.ROOT,
            timeout=ENGINE_S,
        )
        if done.returncode:
            raise RuntimeError(f"{module} failed:\n{done.stderr.decode(errors='replace')}")
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Measured)

    return measure


def _encode(run: Run) -> str:
    return msgspec.json.encode(run).decode()


ENGINES = (
    Engine(POLL, _peer("engine_poll"), writes=False),
    Engine(DECODE, _peer("engine_poll", "decode"), writes=False),
    Engine(NODE, _peer("engine_node"), writes=False),
    Engine(WORKER, engine_worker.measure),
    Engine(AIOKAFKA, _peer("engine_aiokafka")),
    Engine(FAUST, _peer("engine_faust"), limit=FAUST_EVENTS),
)


@pytest.mark.timeout(1800)
def test_account_worker_against_faust_and_aiokafka(kafka: Broker, tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("the worker's CPU time is read from /proc, which this system does not have")
    console = Console(width=WIDTH)
    size = asyncio.run(fill(kafka.bootstrap, EVENTS))
    console.print(f"\n{EVENTS:,} events of {size:.0f} bytes are on the topic")
    numbers, work = count(), dict[str, dict[str, int]]()
    runs: dict[str, list[Measured]] = {engine.name: [] for engine in ENGINES}
    for _ in range(ROUNDS):
        for engine in ENGINES:
            measured = _measure(engine, kafka.bootstrap, next(numbers))
            runs[engine.name].append(measured)
            console.print(f"  {engine.name:36s}{measured.us_per_event:8.2f} {UNIT}")
            if engine.name in (WORKER, AIOKAFKA) and engine.name not in work:
                work[engine.name] = asyncio.run(emitted(kafka.bootstrap))
    console.print(f"emitted: {work[WORKER]}")
    assert work[WORKER] == work[AIOKAFKA], "the engines did not do the same work"
    console.print(_table(runs))
    publish(_figures({name: _median(measured) for name, measured in runs.items()}))
    if PROFILE:
        profile = Engine(WORKER, partial(profiled_worker.measure, tmp_path, console))
        _measure(profile, kafka.bootstrap, next(numbers))


def _measure(engine: Engine, bootstrap: str, number: int) -> Measured:
    if engine.writes:
        asyncio.run(renew(bootstrap))
    return engine.measure(Run(bootstrap, EVENTS, engine.limit, WARMUP, number))


def _median(runs: list[Measured]) -> float:
    return median(run.us_per_event for run in runs)


def _table(runs: dict[str, list[Measured]]) -> Table:
    ours = _median(runs[WORKER])
    table = Table(title=f"{UNIT}, {ROUNDS} rounds")
    table.add_column("engine")
    for column in ("median", "least", "most", "/ worker", "events", "events/s wall", "peak MB"):
        table.add_column(column, justify="right")
    for name, measured in runs.items():
        us = sorted(run.us_per_event for run in measured)
        wall = median(run.events / run.wall_s for run in measured)
        peak = max(run.peak_bytes for run in measured) / 1e6
        middle = _median(measured)
        cells = f"{middle:.2f} {us[0]:.2f} {us[-1]:.2f} {middle / ours:.2f}".split()
        table.add_row(name, *cells, f"{measured[0].events:,}", f"{wall:,.0f}", f"{peak:.0f}")
    return table


def _figures(us: dict[str, float]) -> list[Figure]:
    ours = us[WORKER]
    return [
        Figure(name="live: poll only (p)", value=us[POLL], unit=UNIT),
        Figure(name="live: account worker", value=ours, unit=UNIT),
        at_most("live: account worker over p", ours - us[POLL], UNIT, OVER_P),
        against("live: stock Faust agent", ours, UNIT, FAUST, us[FAUST], FAUST_BAR),
        against("live: aiokafka + River", ours, UNIT, AIOKAFKA, us[AIOKAFKA], AIOKAFKA_BAR),
        against("live: poll + decode", ours, UNIT, DECODE, us[DECODE]),
        against("live: poll + account nodes", ours, UNIT, NODE, us[NODE]),
    ]
