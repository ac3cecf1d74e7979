"""The outgoing side of a node: rows into numbered frames, alerts into records."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import xxhash

from numpy.typing import NDArray

from models.stage import Deployment, Effects, Emission, Records, concatenate
from schemas.alert import Alert
from schemas.frame import FRAME_RECORDS, FRAME_VERSION, AccountFacts, Frame, StageName
from schemas.topics import ALERT_STATE, ALERTS, EDGES, LINKS, WINDOWS
from streams.node.records import Output


TOPICS_OF: dict[StageName, tuple[str, ...]] = {
    "account": (WINDOWS, LINKS, EDGES),
    "organization": (EDGES,),
    "links": (EDGES,),
    "campaign": (),
}
"""Where each stage's frames go. Every target partition hears of every tick, also when it has no
rows."""


class Outlet:
    """Collects what a stage causes until the next barrier."""

    def __init__(self, stage: StageName, partition: int, deployment: Deployment) -> None:
        self.stage = stage
        self.partition = partition
        self.deployment = deployment
        self.sequences = {topic: [0] * deployment.targets(topic) for topic in TOPICS_OF[stage]}
        self.sent_complete = 0
        self._emitted: dict[str, list[Emission]] = {topic: [] for topic in TOPICS_OF[stage]}
        self._alerts: list[Alert] = []

    @property
    def has_alerts(self) -> bool:
        """Whether an alert waits for the next cut."""
        return bool(self._alerts)

    def take(self, effects: Effects) -> None:
        """Keep what a batch caused, in order."""
        self._alerts.extend(effects.alerts)
        for topic, emission in effects.emitted:
            if len(emission.rows):
                self._emitted[topic].append(emission)

    def cut(self, complete: int, watermark: int) -> list[Output]:
        """Everything taken since the last cut, as records.

        The last frame of each channel carries ``complete``.
        """
        outputs = [output for alert in self._alerts for output in self._alert(alert)]
        self._alerts.clear()
        for topic, emissions in self._emitted.items():
            outputs.extend(self._frames(topic, emissions, complete, watermark))
            emissions.clear()
        self.sent_complete = complete
        return outputs

    def _alert(self, alert: Alert) -> Iterator[Output]:
        value = msgspec.json.encode(alert)
        count = self.deployment.partitions.alerts
        for topic, key in ((ALERTS, alert.subject), (ALERT_STATE, alert.id)):
            yield Output(topic, partition_of(key, count), key.encode(), value)

    def _frames(
        self, topic: str, emissions: list[Emission], complete: int, watermark: int
    ) -> Iterator[Output]:
        batch = _concatenate(emissions)
        places = _by_target(topic, batch, self.deployment)
        for target, mine in enumerate(places):
            if not len(mine) and complete == self.sent_complete:
                continue
            last = max(0, len(mine) - 1) // FRAME_RECORDS
            for piece in range(last + 1):
                which = mine[piece * FRAME_RECORDS : (piece + 1) * FRAME_RECORDS]
                accounts, packed = _pack(batch, which)
                frame = Frame(
                    FRAME_VERSION,
                    self.stage,
                    self.partition,
                    self.sequences[topic][target],
                    complete if piece == last else self.sent_complete,
                    watermark,
                    accounts,
                    packed,
                )
                self.sequences[topic][target] += 1
                yield Output(topic, target, None, msgspec.msgpack.encode(frame))


def partition_of(key: str, count: int) -> int:
    """The partition of a key on the topics we write: any fixed hash does, the writers are ours."""
    return xxhash.xxh3_64_intdigest(key.encode()) % count


def route(topic: str, emission: Emission, deployment: Deployment) -> NDArray[np.int64]:
    """Target partition of each row, int64[n].

    Windows go by organisation, links by key, edges to the only partition.
    """
    if topic == WINDOWS:
        count = deployment.partitions.windows
        table = np.array(
            [partition_of(facts.organization_id, count) for facts in emission.accounts], np.int64
        )
        return table[emission.account]
    if topic == LINKS:
        return (emission.rows["key"] % np.uint64(deployment.partitions.links)).astype(np.int64)
    return np.zeros(len(emission.rows), np.int64)


def _by_target(
    topic: str, batch: Emission | None, deployment: Deployment
) -> list[NDArray[np.int64]]:
    """For each target partition the numbers of its rows, in order."""
    count = deployment.targets(topic)
    if batch is None:
        return [np.empty(0, np.int64)] * count
    targets = route(topic, batch, deployment)
    order = np.argsort(targets, kind="stable")
    return np.split(order, np.searchsorted(targets[order], np.arange(1, count)))


def _concatenate(emissions: list[Emission]) -> Emission | None:
    if not emissions:
        return None
    if len(emissions) == 1:
        return emissions[0]
    accounts: list[AccountFacts] = []
    indices = []
    for emission in emissions:
        indices.append(emission.account + np.int32(len(accounts)))
        accounts.extend(emission.accounts)
    return Emission(accounts, np.concatenate(indices), concatenate([e.rows for e in emissions]))


def _pack(batch: Emission | None, which: NDArray[np.int64]) -> tuple[list[AccountFacts], bytes]:
    """The account table and the row bytes of some rows of a batch."""
    if batch is None or not len(which):
        return [], b""
    owners = batch.account.take(which)
    seen = np.zeros(len(batch.accounts), bool)
    seen[owners] = True
    used = np.flatnonzero(seen)
    number = np.empty(len(seen), np.uint16)
    number[used] = np.arange(len(used), dtype=np.uint16)
    rows: Records = batch.rows.take(which)
    rows["account"] = number[owners]
    return [batch.accounts[index] for index in used.tolist()], rows.tobytes()
