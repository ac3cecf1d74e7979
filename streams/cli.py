"""The command line: ``probewatch COMMAND``. Exit 0 finished, 1 failed, 2 usage or settings."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from schemas.errors import ConfigError


# Commands import what they need when they run: `--help` answers in a tenth of a second that way.
if TYPE_CHECKING:
    from streams.replay.pipeline import Pipeline
    from streams.settings import Settings


USAGE = 2
Broker = Literal["embedded", "local"]
CORES = os.cpu_count() or 1

app = typer.Typer(
    help="Detect systematic capability probing (distillation) of language-model APIs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
topics_app = typer.Typer(help="Create the topics, or check those that exist.", no_args_is_help=True)
reference_app = typer.Typer(help="What the population looks like.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(reference_app, name="reference")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file, TOML or YAML.", show_default=False)
]
JobsOption = Annotated[
    int,
    typer.Option("--jobs", min=1, help="Processes that fingerprint text.", show_default="cores"),
]
EventsArgument = Annotated[
    str, typer.Option("--events", help="Raw events, JSON lines; .gz, or - for stdin.")
]


@contextmanager
def _errors() -> Iterator[None]:
    """Turn what we raise on purpose into a sentence and an exit status."""
    try:
        yield
    except ConfigError as error:
        typer.echo(f"probewatch: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except BrokenPipeError:
        # The reader of our output has seen enough, as in `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None


def _settings(config: Path | None, **overrides: object) -> Settings:
    from streams.settings import load_settings

    return load_settings(config, **overrides)


@app.command()
def worker(config: ConfigOption = None) -> None:
    """Run the stages of this worker until SIGTERM (or forever)."""
    from streams.app import run_worker

    with _errors():
        raise typer.Exit(run_worker(_settings(config)))


@app.command()
def replay(
    events: Annotated[
        str | None,
        typer.Option(
            "--events", help="Raw events, JSON lines; .gz, or - for stdin.", show_default=False
        ),
    ] = None,
    alerts: Annotated[str, typer.Option("--alerts", help="Where alerts go; - for stdout.")] = "-",
    config: ConfigOption = None,
    from_topic: Annotated[
        bool, typer.Option("--from-topic", help="Read the request topic instead of a file.")
    ] = False,
    start: Annotated[
        str | None,
        typer.Option("--from", help="First append time (RFC 3339) or offset.", show_default=False),
    ] = None,
    stop: Annotated[
        str | None,
        typer.Option("--to", help="Append time or offset to stop before.", show_default=False),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option(
            "--now", help="Later events are from the future.", show_default="start of the run"
        ),
    ] = None,
    jobs: JobsOption = CORES,
    drain: Annotated[
        bool, typer.Option(help="End a file as if the stream had gone idle for 30 minutes.")
    ] = True,
) -> None:
    """Run the four stages over a file or a range of the request topic: the same alerts as live."""
    if from_topic == (events is not None):
        typer.echo("probewatch: give either --events or --from-topic", err=True)
        raise typer.Exit(USAGE)
    with _errors():
        settings = _settings(config)
        pipeline = _pipeline(settings)
        if events is not None:
            _replay_file(settings, pipeline, events, alerts, now=now, jobs=jobs, drain=drain)
        else:
            _replay_topic(settings, pipeline, alerts, start, stop)


@app.command()
def fingerprint(
    events: Annotated[
        str, typer.Argument(help="Raw events, JSON lines; .gz, or - for stdin.")
    ] = "-",
    out: Annotated[
        str, typer.Option("--out", help="Wire events without text; - for stdout.")
    ] = "-",
    config: ConfigOption = None,
    jobs: JobsOption = CORES,
) -> None:
    """Turn raw events into wire events: text becomes keyed hashes and is dropped."""
    from rich.console import Console

    from streams.edge import fingerprint_lines

    with _errors():
        settings = _settings(config)
        _warn_about_demo_key(settings)
        fingerprint_lines(
            events, out, keys=settings.keys(), jobs=jobs, console=Console(stderr=True)
        )


@app.command("config")
def show_config(config: ConfigOption = None) -> None:
    """Print the settings in force, secrets hidden."""
    import orjson

    with _errors():
        settings = _settings(config)
        typer.echo(orjson.dumps(settings.redacted(), option=orjson.OPT_INDENT_2).decode())


@app.command()
def demo(
    kafka: Annotated[
        Broker, typer.Option("--kafka", help="embedded: in memory; local: a real Apache Kafka.")
    ] = "embedded",
    seconds: Annotated[
        int | None,
        typer.Option(
            "--seconds", min=10, help="End by itself after this long.", show_default=False
        ),
    ] = None,
) -> None:
    """Watch the main job at work on simulated traffic with one campaign in it."""
    from streams.demo import run_demo

    with _errors():
        raise typer.Exit(asyncio.run(run_demo(kafka, seconds)))


@topics_app.command("create")
def create_topics(config: ConfigOption = None) -> None:
    """Create every topic that does not exist yet."""
    from streams import admin

    with _errors():
        created = asyncio.run(admin.create_topics(_settings(config)))
        typer.echo("\n".join(created) if created else "every topic is there already")


@topics_app.command("check")
def check_topics(config: ConfigOption = None) -> None:
    """Say how the topics differ from what they must be; exit 1 if they do."""
    from streams import admin

    with _errors():
        problems = asyncio.run(admin.check_topics(_settings(config)))
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo("every topic is as it must be")


@reference_app.command("fit")
def fit_reference(
    events: EventsArgument,
    out: Annotated[Path, typer.Option("--out", help="The reference file to write.")],
    config: ConfigOption = None,
    jobs: JobsOption = CORES,
) -> None:
    """Fit a reference to benign traffic; its name is its hash."""
    from rich.console import Console

    from streams.replay.fitting import fit_reference as fit

    with _errors():
        settings = _settings(config)
        reference = fit(
            settings, events, out, jobs=jobs, console=Console(stderr=True), now_ms=_wall_ms()
        )
        typer.echo(reference.sha256)


def _pipeline(settings: Settings) -> Pipeline:
    from streams.reference import load_for
    from streams.replay.pipeline import Pipeline

    reference, others = load_for(settings)
    return Pipeline(
        settings.deployment,
        reference,
        budget=settings.budget,
        digest_key=settings.keys().current,
        references=others,
    )


def _replay_file(
    settings: Settings,
    pipeline: Pipeline,
    events: str,
    alerts: str,
    *,
    now: str | None,
    jobs: int,
    drain: bool,
) -> None:
    from rich.console import Console

    from models.eventtime import format_time
    from streams.replay.run import replay_file

    console = Console(stderr=True)
    _warn_about_demo_key(settings)
    now_ms = _wall_ms() if now is None else _time(now, "--now")
    typer.echo(f"events after {format_time(now_ms)} (+5 min) are from the future (--now)", err=True)
    replay_file(
        pipeline,
        events,
        alerts,
        keys=settings.keys(),
        now_ms=now_ms,
        jobs=jobs,
        drain=drain,
        console=console,
    )


def _replay_topic(
    settings: Settings, pipeline: Pipeline, alerts: str, start: str | None, stop: str | None
) -> None:
    from rich.console import Console

    from streams.replay.run import replay_topic
    from streams.replay.topic import Range

    what = Range(**_bound("start", start), **_bound("stop", stop))
    replay_topic(settings, pipeline, alerts, what, Console(stderr=True))


def _bound(name: str, text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    if text.isdigit():
        return {f"{name}_offset": int(text)}
    return {f"{name}_ms": _time(text, "--from" if name == "start" else "--to")}


def _time(text: str, option: str) -> int:
    from models.eventtime import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise ConfigError(f"{option} {text}: {error}") from error


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


def _warn_about_demo_key(settings: Settings) -> None:
    if settings.uses_demo_key:
        typer.echo(
            "warning: fingerprints use the public key probewatch-demo; set "
            "PROBEWATCH_FINGERPRINT_KEY before they leave this machine",
            err=True,
        )


main: Callable[[], None] = app


if __name__ == "__main__":
    main()
