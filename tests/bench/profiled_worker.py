"""Where our worker's time goes: the same command under cProfile, and its CPU time by thread.

``python -m tests.bench.profiled_worker OUT`` is ``probewatch worker`` with a profile of its main
thread, where everything but the fetching happens, in the file OUT at the end. cProfile makes calls
dear: read shares, not microseconds.
"""

from __future__ import annotations

import cProfile
import pstats
import sys

from pathlib import Path

from rich.console import Console

from streams.cli import app
from tests.bench import engine_worker
from tests.bench.meter import Measured, Run


LINES = 40


def measure(folder: Path, console: Console, run: Run) -> Measured:
    """Let a worker under the profiler read the topic; print what it found."""
    out = folder / "worker.prof"
    measured = engine_worker.measure(run, ("-m", "tests.bench.profiled_worker", str(out)))
    console.print(f"under the profiler: {measured.us_per_event:.2f} us CPU/event")
    pstats.Stats(str(out)).strip_dirs().sort_stats("tottime").print_stats(LINES)
    return measured


def main() -> None:
    """Run the worker until SIGTERM, then write the profile."""
    profile = cProfile.Profile()
    try:
        profile.runcall(app, ["worker"])
    finally:
        profile.dump_stats(sys.argv[1])


if __name__ == "__main__":
    main()
