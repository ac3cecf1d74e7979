"""``probewatch fingerprint``: raw events in, wire events out, and how fast."""

from __future__ import annotations

import time

from rich.console import Console

from models.content import Keys
from streams.replay.lines import open_input, open_output, wires
from streams.replay.report import progress_bar


def fingerprint_lines(events: str, out: str, *, keys: Keys, jobs: int, console: Console) -> None:
    """Fingerprint every line of ``events`` into ``out``; lines that cannot be are named on stderr.

    Raises ``ConfigError`` when one of them cannot be opened or the input is not whole.
    """
    started = time.perf_counter()
    lines = rejected = 0
    with (
        open_output(out) as sink,
        open_input(events) as source,
        progress_bar(source.total_bytes, console) as bar,
    ):
        for chunk in wires(source, keys, jobs):
            for number, wire in enumerate(chunk, lines + 1):
                if wire.error is None:
                    sink.write(wire.value + b"\n")
                else:
                    console.print(f"line {number}: {wire.error}", style="yellow")
                    rejected += 1
            lines += len(chunk)
            bar.update(source.read_bytes, lines)
    seconds = time.perf_counter() - started
    console.print(
        f"{lines:,} events in {seconds:.1f} s ({lines / seconds:,.0f}/s, {jobs} processes), "
        f"{rejected:,} rejected"
    )
