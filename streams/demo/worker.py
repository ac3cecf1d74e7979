"""The demo's worker: its settings, its process, and what it says about itself."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import urllib.request

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import Partitions
from streams.demo.broker import Kind
from streams.settings import DEMO_KEY, KafkaSettings, Settings
from streams.supervisor import Policy, Supervisor


COMMAND = (sys.executable, "-m", "streams.cli", "worker")
LOOPBACK = "127.0.0.1"
SCRAPE_S = 2.0
"""Longer than the worker is ever busy without looking up."""

PARTITIONS = Partitions(requests=8, windows=4, links=4, edges=1, alerts=1)
"""One worker has all of them, and pays for each: a barrier takes 10 ms of CPU whatever is in it."""

# A second of the demo is an hour and a half of its traffic, so ticks are compressed alike.
COMPRESSED: Mapping[str, Any] = {
    "app_id": "probewatch-demo",
    "tick_ms": 60_000,
    "lateness_ms": 120_000,
    "read_ahead_ticks": 600,
    "idle_s": 0.5,
    # Ticks complete all the time here; a barrier for each would be more records than the embedded
    # broker keeps.
    "flush_s": 1.0,
    "urgent_s": 1.0,
    "idle_clock": "off",
    "fingerprint_key": DEMO_KEY,
    "allow_demo_key": True,
    "log_format": "console",
    "log_level": "error",
}


def demo_settings(kind: Kind, bootstrap: str) -> Settings:
    """The settings in this process; those of the worker are :func:`worker_environment`."""
    return Settings(
        **COMPRESSED,
        kafka=KafkaSettings(bootstrap_servers=bootstrap),
        partitions=PARTITIONS,
        embedded=kind == "embedded",
        metrics_port=_free_port(),
    )


def worker_environment(settings: Settings, inherited: Mapping[str, str]) -> dict[str, str]:
    """``inherited`` without any settings of the user's, who may have a real cluster in them."""
    env = {
        name: value
        for name, value in inherited.items()
        if not name.startswith(("PROBEWATCH_", "KAFKA_"))
    }
    ours = {
        **COMPRESSED,
        **{f"partitions__{name}": count for name, count in asdict(PARTITIONS).items()},
        "kafka__bootstrap_servers": settings.kafka.bootstrap_servers,
        "embedded": settings.embedded,
        "metrics_port": settings.metrics_port,
    }
    return env | {f"PROBEWATCH_{name.upper()}": str(value) for name, value in ours.items()}


def supervised(settings: Settings) -> Supervisor:
    """The worker, not started yet; on the embedded broker any exit of it is the end."""
    environment = worker_environment(settings, os.environ)
    policy = Policy(restart=not settings.embedded)
    return Supervisor(COMMAND, env=environment, policy=policy)


@dataclass(frozen=True)
class Health:
    """What the worker has done so far, as its metrics tell."""

    events: int = 0
    """Records of the request topic folded, heartbeats not counted."""
    dead_letters: int = 0
    cpu_s: float = 0.0


async def health(settings: Settings) -> Health | None:
    """Ask the worker; None while it does not answer."""
    url = f"http://{LOOPBACK}:{settings.metrics_port}/metrics"
    try:
        text = await asyncio.to_thread(_get, url)
    except OSError:
        return None
    total: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = f"{sample.name}:{sample.labels.get('stage', '')}"
            total[name] = total.get(name, 0.0) + sample.value
    heartbeats = total.get("probewatch_heartbeats_total:", 0)
    return Health(
        events=int(total.get("probewatch_events_total:account", 0) - heartbeats),
        dead_letters=int(total.get("probewatch_dead_letters_total:", 0)),
        cpu_s=total.get("process_cpu_seconds_total:", 0.0),
    )


def _get(url: str) -> str:
    # Without a proxy: an environment made for the internet must not capture the loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=SCRAPE_S) as answer:
        body: bytes = answer.read()
    return body.decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
