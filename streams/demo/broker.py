"""The demo's own broker: nothing that was there before is touched, and nothing stays behind."""

from __future__ import annotations

import asyncio
import tempfile

from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from schemas.errors import ConfigError
from streams.embedded import embedded_broker


Kind = Literal["embedded", "local"]

TOOL = Path(__file__).resolve().parents[2] / "infra" / "kafka" / "kafka"
"""Part of a clone, not of what is installed."""

NOTICE: Mapping[Kind, str] = {
    "embedded": (
        "Embedded broker (librdkafka's, in memory): it is for trying out, keeps nothing and "
        "guarantees nothing."
    ),
    "local": "A real Apache Kafka on this machine, removed at the end.",
}


@asynccontextmanager
async def demo_broker(kind: Kind, topics: Mapping[str, int]) -> AsyncIterator[str]:
    """Run an empty broker; gives its bootstrap address.

    The embedded one has ``topics`` (name to partitions); a real one has none yet. Raises
    :class:`ConfigError` if it cannot be started here.
    """
    if kind == "embedded":
        with embedded_broker(topics) as bootstrap:
            yield bootstrap
        return
    if not TOOL.is_file():
        raise ConfigError("a local Kafka is started by a clone's infra/kafka: use embedded here")
    with tempfile.TemporaryDirectory(prefix="probewatch-demo-") as folder:
        try:
            yield await _tool("start", folder)
        finally:
            # Also after half a start: a broker that nobody waits for would live on.
            await _tool("wipe", folder)


async def _tool(command: str, folder: str) -> str:
    """Run one command of the broker tool on ``folder``; returns what it prints."""
    process = await asyncio.create_subprocess_exec(
        str(TOOL),
        command,
        f"--dir={folder}",
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        process_group=0,  # Ctrl-C is ours to handle: the broker has to outlive the worker
    )
    out, errors = await process.communicate()
    if process.returncode:
        raise ConfigError(f"no local Kafka: {errors.decode(errors='replace').strip()}")
    return out.decode().strip()
