"""A small world for tests of the whole chain, and the deployment it runs in."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO

import msgspec
import orjson

from models.content import Keys
from models.eventtime import parse_time
from models.evidence import Budget
from models.stage import Deployment
from schemas.alert import Alert
from schemas.topics import Partitions
from streams.adapters.raw import Wire, to_wire
from streams.reference import load_default
from streams.replay.file import FileReplay
from streams.replay.lines import Input
from streams.replay.pipeline import Pipeline, ordered
from streams.simulate import WorldSpec, simulate


START_MS = parse_time("2026-10-01T00:00:00.000Z")
NOW_MS = parse_time("2026-11-01T00:00:00.000Z")
KEYS = Keys(current=b"key of the tests", epoch=0, previous=None)
DEPLOYMENT = Deployment(Partitions(requests=4, windows=2, links=2, alerts=2))


@lru_cache(maxsize=2)
def lines(seed: int = 3, requests: int = 4000) -> tuple[bytes, ...]:
    """Raw events of a small world with one campaign, as JSON lines."""
    world = WorldSpec(seed=seed, start_ms=START_MS)
    found = []
    for event in simulate(world):
        found.append(orjson.dumps(event))
        if len(found) == requests:
            break
    return tuple(found)


@lru_cache(maxsize=2)
def wires(seed: int = 3, requests: int = 4000) -> tuple[Wire, ...]:
    """The same events without text."""
    return tuple(to_wire(line, KEYS) for line in lines(seed, requests))


def pipeline() -> Pipeline:
    """An empty pipeline."""
    return Pipeline(DEPLOYMENT, load_default(), budget=Budget(), digest_key=KEYS.current)


def replayed(events: Sequence[bytes]) -> Pipeline:
    """A finished replay of raw events."""
    made = pipeline()
    replay = FileReplay(made, NOW_MS, KEYS.current)
    source = Input(BytesIO(b"\n".join(events)), None, None)
    replay.run(source, KEYS, jobs=1, drain=True, on_progress=lambda: None)
    return made


def written(alerts: Sequence[Alert]) -> bytes:
    """Alert lines as a replay writes them."""
    return b"\n".join(msgspec.json.encode(alert) for alert in ordered(alerts))
