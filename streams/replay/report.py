"""What a replay shows a person, on stderr: a bar while it runs, a summary at the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.alert import Alert, Severity, State
from streams.node import Output


EXAMPLES = 3
"""Positions named per dead-letter reason: enough to look, short enough to read."""


@dataclass(slots=True)
class Summary:
    """The figures of a finished replay."""

    events: int
    accounts: int
    alerts: Sequence[Alert]
    dead_letters: Sequence[Output]
    counts: Counter[str]
    seconds: float

    def opened(self) -> Counter[str]:
        """Alerts by severity, each episode once, at the worst it reached."""
        worst: dict[str, Severity] = {}
        order = list(Severity)
        for alert in self.alerts:
            known = worst.get(alert.id, Severity.INFO)
            worst[alert.id] = max(known, alert.severity, key=order.index)
        return Counter(severity.value for severity in worst.values())

    def rejected(self) -> dict[str, list[str]]:
        """Positions (line or offset) of dead letters, by reason."""
        places: dict[str, list[str]] = defaultdict(list)
        for letter in self.dead_letters:
            headers = dict(letter.headers)
            places[headers["dlq.reason"].decode()].append(
                headers["__streams.errors.offset"].decode()
            )
        return places


@contextmanager
def progress_bar(total: int | None, console: Console) -> Iterator[ProgressLine]:
    """A bar over ``total`` units of input; nothing at all when stderr is not a terminal."""
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[events]:,} events"),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as progress:
        yield ProgressLine(progress, total)


class ProgressLine:
    """One bar; ``update`` is cheap enough to call after every chunk."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("replay", total=total, events=0, rate=0.0)

    def update(self, done: int, events: int, total: int | None = None) -> None:
        """``done`` units of the total are read, ``events`` events folded in."""
        task = self._progress.tasks[0]
        rate = events / task.elapsed if task.elapsed else 0.0
        self._progress.update(self._task, completed=done, total=total, events=events, rate=rate)


def print_summary(summary: Summary, console: Console) -> None:
    """The table at the end."""
    table = Table(show_header=False, box=None, pad_edge=False)
    rate = summary.events / summary.seconds if summary.seconds else 0.0
    table.add_row("events", f"{summary.events:,} in {summary.seconds:.1f} s ({rate:,.0f}/s)")
    table.add_row("accounts", f"{summary.accounts:,}")
    opened = summary.opened()
    severities = [f"{opened[s.value]} {s.value}" for s in reversed(Severity) if opened[s.value]]
    closed = sum(alert.state is State.CLOSED for alert in summary.alerts)
    table.add_row("alerts", f"{', '.join(severities) or 'none'} ({closed} closed)")
    for name in ("late", "duplicate"):
        if summary.counts[name]:
            table.add_row(name, f"{summary.counts[name]:,}")
    rejected = summary.rejected()
    table.add_row("dead letters", f"{len(summary.dead_letters):,}")
    for reason, places in sorted(rejected.items()):
        more = "" if len(places) <= EXAMPLES else ", ..."
        table.add_row(f"  {reason}", f"{len(places):,} (line {', '.join(places[:EXAMPLES])}{more})")
    console.print(table)
