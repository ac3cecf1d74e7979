"""One replay from beginning to end: read, run, write the alerts, say what happened."""

from __future__ import annotations

import asyncio
import time

from collections.abc import Sequence
from typing import BinaryIO

import msgspec

from rich.console import Console

from models.content import Keys
from schemas.alert import Alert
from streams.replay.file import FileReplay
from streams.replay.lines import open_input, open_output
from streams.replay.pipeline import Pipeline, ordered
from streams.replay.report import Summary, print_summary, progress_bar
from streams.replay.topic import Range, TopicReplay
from streams.settings import Settings


def replay_file(
    pipeline: Pipeline,
    events: str,
    alerts: str,
    *,
    keys: Keys,
    now_ms: int,
    jobs: int,
    drain: bool,
    console: Console,
) -> Summary:
    """Replay ``events`` (a path or ``-``) into ``alerts`` (a path or ``-``).

    Raises ``ConfigError`` when one of them cannot be opened or the input is not whole.
    """
    started = time.perf_counter()
    with open_output(alerts) as out, open_input(events) as source:
        replay = FileReplay(pipeline, now_ms, keys.current)
        with progress_bar(source.total_bytes, console) as bar:
            replay.run(
                source,
                keys,
                jobs=jobs,
                drain=drain,
                on_progress=lambda: bar.update(source.read_bytes, replay.lines),
            )
        write_alerts(pipeline.alerts, out)
    return _finish(pipeline, replay.events, len(replay.accounts), started, console)


def replay_topic(
    settings: Settings, pipeline: Pipeline, alerts: str, what: Range, console: Console
) -> Summary:
    """Replay a range of the request topic into ``alerts``. Raises ``ConfigError``."""
    started = time.perf_counter()
    replay = TopicReplay(pipeline, settings.kafka)
    with open_output(alerts) as out:
        with progress_bar(None, console) as bar:
            asyncio.run(replay.run(what, lambda read, total: bar.update(read, read, total)))
        write_alerts(pipeline.alerts, out)
    return _finish(pipeline, replay.events, len(replay.accounts), started, console)


def _finish(
    pipeline: Pipeline, events: int, accounts: int, started: float, console: Console
) -> Summary:
    summary = Summary(
        events=events,
        accounts=accounts,
        alerts=pipeline.alerts,
        dead_letters=pipeline.dead_letters,
        counts=pipeline.counts(),
        seconds=time.perf_counter() - started,
    )
    print_summary(summary, console)
    return summary


def write_alerts(alerts: Sequence[Alert], out: BinaryIO) -> None:
    """One JSON line per revision, in the defined order."""
    out.writelines(msgspec.json.encode(alert) + b"\n" for alert in ordered(alerts))
