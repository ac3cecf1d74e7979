"""``probewatch reference fit``: benign traffic through the account stage, windows into a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from rich.console import Console

from models.reference.fit import fit
from models.reference.reference import Reference
from models.stage import Deployment, Emission
from schemas.errors import ConfigError
from schemas.frame import AccountFacts, Frame
from schemas.topics import WINDOWS
from schemas.window import WINDOW
from streams.node import AnyNode, Output, make_node
from streams.node.records import SourceRecord
from streams.reference import load_default
from streams.replay.file import FileReplay
from streams.replay.lines import open_input
from streams.replay.report import progress_bar
from streams.settings import Settings


class WindowCollector:
    """The account stage alone; keeps the windows it closes."""

    def __init__(self, settings: Settings) -> None:
        self.deployment: Deployment = settings.deployment
        self.dead_letters: list[Output] = []
        self.nodes: list[AnyNode] = [
            make_node(
                "account",
                partition,
                settings.deployment,
                load_default(),
                budget=settings.budget,
                digest_key=settings.keys().current,
            )
            for partition in range(settings.partitions.requests)
        ]
        self._frames: list[Frame] = []

    @property
    def watermark(self) -> int:
        """Greatest event time of any partition, ms."""
        return max(node.watermark for node in self.nodes)

    def offer(self, partition: int, records: Sequence[SourceRecord]) -> None:
        """Fold records of one partition, in order."""
        self.nodes[partition].offer(records)

    def advance(self) -> None:
        """Keep the frames of windows that have closed."""
        for node in self.nodes:
            for output in node.outputs():
                if output.topic == WINDOWS:
                    frame = msgspec.msgpack.decode(output.value, type=Frame)
                    if frame.rows:
                        self._frames.append(frame)

    def windows(self) -> Emission:
        """Every window so far and whose it is."""
        accounts: list[AccountFacts] = []
        rows, owners = [np.empty(0, WINDOW)], [np.empty(0, np.int32)]
        for frame in self._frames:
            rows.append(np.frombuffer(frame.rows, WINDOW))
            owners.append(rows[-1]["account"].astype(np.int32) + np.int32(len(accounts)))
            accounts.extend(frame.accounts)
        return Emission(accounts, np.concatenate(owners), np.concatenate(rows))


def fit_reference(
    settings: Settings, events: str, out: Path, *, jobs: int, now_ms: int, console: Console
) -> Reference:
    """Fit a reference to the windows of ``events`` and write it to ``out``.

    Raises ``ConfigError`` when a file cannot be opened or holds no windows.
    """
    collector, keys = WindowCollector(settings), settings.keys()
    replay = FileReplay(collector, now_ms, keys.current)
    with open_input(events) as source, progress_bar(source.total_bytes, console) as bar:
        replay.run(
            source,
            keys,
            jobs=jobs,
            drain=True,
            on_progress=lambda: bar.update(source.read_bytes, replay.lines),
        )
    try:
        reference = fit(collector.windows())
    except ValueError as error:
        raise ConfigError(f"{events}: {error}") from error
    try:
        out.write_bytes(reference.to_bytes())
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error
    return reference
