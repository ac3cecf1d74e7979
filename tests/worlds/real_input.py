"""Raw events out of real prompts and real timing: benign traffic of a week and one campaign.

``python -m tests.worlds.real_input --data DIR --out DIR [--seed N] [--requests N] [--days N]``
writes ``events.jsonl.gz``, raw events ordered by time, and ``truth.json``, what they were made of.
Equal arguments give equal bytes. Events are made one at a time; what is kept is the prompts and the
plan of arrivals.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from models.eventtime import format_time
from streams.simulate.events import NEW_MODEL, EventWriter
from streams.simulate.people import DAY_MS
from streams.simulate.traffic import Actor, merge
from tests.worlds import benign, campaign
from tests.worlds.actors import Habits
from tests.worlds.content import vocabulary
from tests.worlds.servegen import read_profiles
from tests.worlds.shared_data import read_gaps, read_prompts, read_seconds_of_day
from tests.worlds.spec import FULL, Spec, World
from tests.worlds.truth import Truth


MONDAY = int(datetime(2025, 3, 3, tzinfo=UTC).timestamp() * 1000)
"""When the world begins: always in the past, and on the day the rhythms expect."""
RELEASE_DAYS = 4.4
PROGRESS_EVENTS = 50_000

SHARES = {"chat": 0.16, "role": 0.04, "evaluation": 0.06, "labeller": 0.035, "moderation": 0.03}
"""Of all requests; the campaign has what its accounts send (about 0.17), API clients the rest."""
ACCOUNTS = {"chat": 2750, "role": 300, "evaluation": 26}
"""In a world of full size."""


def build(spec: Spec, data: Path) -> tuple[World, list[Actor]]:
    """The world and its actors; together they send at least ``spec.requests`` requests."""
    prompts = read_prompts(data)
    words = vocabulary(prompts.threads)
    world = World(
        spec=spec,
        prompts=prompts,
        habits=Habits(read_gaps(data), read_seconds_of_day(data), words),
        profiles=read_profiles(data),
        released=int(min(RELEASE_DAYS, 0.6 * spec.days) * DAY_MS),
    )
    collectors, collected = campaign.collectors(world, spec.scaled(campaign.ACCOUNTS))
    share = {name: int(part * spec.requests) for name, part in SHARES.items()}
    size = {name: min(spec.scaled(full), share[name]) for name, full in ACCOUNTS.items()}
    rest = spec.requests - collected - sum(share.values())
    actors = [
        *benign.chat_users(world, size["chat"], share["chat"]),
        *benign.role_users(world, size["role"], share["role"]),
        *benign.evaluation_users(world, size["evaluation"], share["evaluation"]),
        *benign.batch_labeller(world, share["labeller"]),
        *benign.moderation_vendor(world, share["moderation"]),
        *benign.api_clients(world, rest),
        *collectors,
    ]
    return world, actors


def write(spec: Spec, data: Path, out: Path) -> dict[str, Any]:
    """Write both files; returns the truth."""
    began = time.monotonic()
    world, actors = build(spec, data)
    _say(f"{len(world.population.accounts):,} accounts planned in {time.monotonic() - began:.0f} s")
    truth = Truth(spec, MONDAY)
    writer = EventWriter(spec.seed, MONDAY, world.released)
    released = False
    out.mkdir(parents=True, exist_ok=True)
    # Without a name and a time in the header, equal worlds are equal files.
    with (
        (out / "events.jsonl.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", 5, raw, mtime=0) as lines,
    ):
        for number, sent in enumerate(merge(actors)):
            if sent.time >= world.released and not released:
                released = True
                lines.write(orjson.dumps(writer.release()) + b"\n")
            event = writer.event(sent)
            truth.count(sent, event)
            lines.write(orjson.dumps(event) + b"\n")
            if number % PROGRESS_EVENTS == PROGRESS_EVENTS - 1:
                _say(f"{number + 1:,} requests, day {sent.time / DAY_MS:.1f}")
    found = truth.summary(world.population)
    found["released"] = {"time": format_time(MONDAY + world.released), "model": NEW_MODEL}
    (out / "truth.json").write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    size = (out / "events.jsonl.gz").stat().st_size
    _say(f"{found['requests']:,} requests, {size / 1e6:.0f} MB, {time.monotonic() - began:.0f} s")
    return found


def _say(line: str) -> None:
    sys.stderr.write(f"real_input: {line}\n")


def main(argv: list[str] | None = None) -> int:
    """Command line; 0 = written, 2 = usage."""
    parser = argparse.ArgumentParser(prog="python -m tests.worlds.real_input", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the shared data set")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=FULL)
    parser.add_argument("--days", type=float, default=7.0)
    options = parser.parse_args(argv)
    if not options.data.is_dir():
        parser.error(f"{options.data} is not a folder")
    found = write(Spec(options.seed, options.requests, options.days), options.data, options.out)
    for family, numbers in found["families"].items():
        _say(f"  {family}: " + ", ".join(f"{name} {value:,}" for name, value in numbers.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
