"""A stage that counts, and a worker process that runs it: losses and doubles show in the sums.

As a program: ``python counting.py PLAN.json`` runs a worker until it is told to stop.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import threading
import time

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from models.eventtime import parse_time
from schemas.frame import FRAME_VERSION, Frame, StageName
from streams.app import run
from streams.node.records import Cut, Output, SourceRecord
from streams.settings import KafkaSettings, Settings
from streams.transport.node import MakeNode, StageNode
from streams.transport.wiring import StageSpec, Wiring


NEXT = b"\0next"
NUMBER = struct.Struct("<q")


class CountingNode:
    """Counts records per key, and sends one output per record with its partition and offset.

    Outputs go to ``targets`` partitions of ``outputs`` in turn.
    """

    def __init__(
        self, partition: int, outputs: str | None, delay_s: float = 0.0, targets: int = 1
    ) -> None:
        self.partition = partition
        self.counts: Counter[str] = Counter()
        self.position = 0
        self.complete = 0
        self.watermark = 0
        self.lag_ticks = 0
        self.urgent = False
        self.dirty = False
        self.totals: Counter[bytes] = Counter()
        self._outputs_to = outputs
        self._delay_s = delay_s
        self._targets = targets
        self._changed: set[bytes] = set()
        self._outputs: list[Output] = []

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        for key, row in rows:
            (number,) = NUMBER.unpack(row)
            if key == NEXT:
                self.position = number
            else:
                self.totals[key] = number

    def offer(self, records: Sequence[SourceRecord]) -> None:
        assert records[0].offset >= self.position, "offered twice"
        if self._delay_s:
            time.sleep(self._delay_s)
        for record in records:
            key = record.key or b""
            self.totals[key] += 1
            self._changed.add(key)
            if self._outputs_to is not None:
                value = f"{self.partition}:{record.offset}".encode()
                target = record.offset % self._targets
                self._outputs.append(Output(self._outputs_to, target, key, value))
        self.position = records[-1].offset + 1
        self.counts["events"] += len(records)
        self.dirty = True

    def cut(self) -> Cut:
        rows: list[tuple[bytes, bytes | None]] = [
            (key, NUMBER.pack(self.totals[key])) for key in sorted(self._changed)
        ]
        rows.append((NEXT, NUMBER.pack(self.position)))
        cut = Cut(self._outputs, rows, self.position)
        self._changed, self._outputs, self.dirty = set(), [], False
        return cut


class TickingNode(CountingNode):
    """Reads event times, in ms, and heartbeats; tells the edges topic of every completed second."""

    def __init__(self, partition: int, edges: str) -> None:
        super().__init__(partition, None)
        self._edges = edges
        self._sent = 0
        self._sequence = 0

    def offer(self, records: Sequence[SourceRecord]) -> None:
        super().offer(records)
        for record in records:
            value = record.value or b""
            if value.startswith(b"{"):
                time_ms = parse_time(json.loads(value)["time"])
            else:
                time_ms = int(value)
            self.watermark = max(self.watermark, time_ms)
        self.complete = self.watermark // 1000
        self.urgent = self.complete > self._sent

    def cut(self) -> Cut:
        cut = super().cut()
        if self.urgent:
            frame = Frame(
                FRAME_VERSION,
                "account",
                self.partition,
                self._sequence,
                self.complete,
                self.watermark,
                [],
                b"",
            )
            cut.outputs.append(Output(self._edges, 0, None, msgspec.msgpack.encode(frame)))
            self._sequence += 1
            self._sent, self.urgent = self.complete, False
        return cut


def counting_nodes(outputs: str | None, delay_s: float = 0.0) -> MakeNode:
    def make(_: StageName, partition: int) -> StageNode:
        return CountingNode(partition, outputs, delay_s)

    return make


def die_soon(nodes: MakeNode, after_s: float) -> MakeNode:
    """The same nodes in a process that is killed so many seconds after it has folded something."""
    killer = threading.Timer(after_s, os.kill, [os.getpid(), signal.SIGKILL])
    killer.daemon = True

    def make(stage: StageName, partition: int) -> StageNode:
        node = nodes(stage, partition)
        offer = node.offer

        def offer_and_die(records: Sequence[SourceRecord]) -> None:
            offer(records)
            with suppress(RuntimeError):  # it runs already
                killer.start()

        node.offer = offer_and_die  # type: ignore[method-assign]
        return node

    return make


def chained_nodes(middle: str, outputs: str, targets: int, delay_s: float) -> MakeNode:
    """``links`` sends to ``middle``, ``campaign`` reads it and sends to ``outputs``."""

    def make(stage: StageName, partition: int) -> StageNode:
        if stage == "links":
            return CountingNode(partition, middle, delay_s, targets)
        return CountingNode(partition, outputs)

    return make


def ticking_nodes(edges: str) -> MakeNode:
    def make(_: StageName, partition: int) -> StageNode:
        return TickingNode(partition, edges)

    return make


def plan_of(
    stage: StageName, source: str, changelog: str, partitions: int, *, edges: str = "none"
) -> Wiring:
    """One stage that reads ``source``; only the account stage sends heartbeats and is aligned."""
    spec = spec_of(stage, source, changelog)
    return Wiring(stages=(spec,), topics={source: partitions, changelog: partitions}, edges=edges)


def spec_of(stage: StageName, source: str, changelog: str, *, holes: bool = False) -> StageSpec:
    return StageSpec(stage=stage, topic=source, changelog=changelog, chunk_records=100, holes=holes)


def counting_settings(bootstrap: str, app_id: str, **overrides: Any) -> Settings:
    return Settings(
        app_id=app_id,
        kafka=KafkaSettings(bootstrap_servers=bootstrap),
        allow_demo_key=True,
        session_timeout_s=6.0,
        log_format="console",
        **overrides,
    )


def main(path: str) -> int:
    plan = json.loads(Path(path).read_text())
    settings = counting_settings(plan["bootstrap"], plan["app_id"], **plan.get("settings", {}))
    source, changelog, partitions = plan["source"], plan["changelog"], plan["partitions"]
    delay_s = plan.get("delay_s", 0.0)
    if "edges" in plan:
        nodes = ticking_nodes(plan["edges"])
        wiring = plan_of("account", source, changelog, partitions, edges=plan["edges"])
    elif "middle" in plan:
        nodes = chained_nodes(plan["middle"], plan["outputs"], plan["targets"], delay_s)
        first = spec_of("links", source, changelog)
        second = spec_of("campaign", plan["middle"], plan["middle_changelog"], holes=True)
        wiring = Wiring(stages=(first, second), topics={source: partitions})
    else:
        nodes = counting_nodes(plan["outputs"], delay_s)
        wiring = plan_of("links", source, changelog, partitions)
    if "die_after_s" in plan:
        nodes = die_soon(nodes, plan["die_after_s"])
    return run(settings, nodes, wiring)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
