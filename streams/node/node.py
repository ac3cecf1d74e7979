"""The node: inlet, stage and outlet of one partition, and the row that says where it stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence

from typing_extensions import override

from models.account.stage import AccountStage
from models.stage import ChannelStage, Deployment, Effects, State
from schemas.frame import StageName
from streams.node.channel import ChannelInlet
from streams.node.deadletter import DeadLetters
from streams.node.outlet import Outlet
from streams.node.progress import Progress, SourceProgress, decode_progress, encode_progress
from streams.node.records import Cut, Output, SourceRecord
from streams.node.rows import PROGRESS_KEY, pack_row, unpack_row
from streams.node.source import SourceInlet


class Node(ABC):
    """One stage on one partition.

    Records go in through :meth:`offer`; a barrier takes what is to be written with :meth:`cut`.
    Nothing here knows about Kafka, files or clocks.
    """

    def __init__(
        self, stage: StageName, partition: int, deployment: Deployment, state: State
    ) -> None:
        self.stage: StageName = stage
        self.partition = partition
        self.deployment = deployment
        self.counts: Counter[str] = Counter()
        """Since the caller last cleared it; names from the metric catalogue."""
        self._state = state
        self._outlet = Outlet(stage, partition, deployment)
        self._cut_at = 0

    @abstractmethod
    def offer(self, records: Sequence[SourceRecord]) -> None:
        """Fold records at offsets >= ``position``, in order.

        Raises ``StateError`` if the channel is broken.
        """

    @property
    @abstractmethod
    def position(self) -> int:
        """The next offset to offer."""

    @property
    @abstractmethod
    def next_offset(self) -> int:
        """Where a restart begins to read: the oldest record that is not completely folded."""

    @property
    @abstractmethod
    def complete(self) -> int:
        """Ticks below this are complete here."""

    @property
    @abstractmethod
    def watermark(self) -> int:
        """Greatest event time seen, ms."""

    @property
    def lag_ticks(self) -> int:
        """How far the furthest source is ahead of what is folded."""
        return 0

    @property
    def urgent(self) -> bool:
        """Whether a barrier should come early: an alert waits, or downstream waits for the tick."""
        return self._outlet.has_alerts or self.complete > self._outlet.sent_complete

    @property
    def dirty(self) -> bool:
        """Whether a barrier has anything to write."""
        return self.position != self._cut_at

    def outputs(self) -> list[Output]:
        """Records caused since the last call: dead letters, alerts, frames."""
        return self._letters() + self._outlet.cut(self.complete, self.watermark)

    def cut(self) -> Cut:
        """What this barrier writes; afterwards the node is clean."""
        outputs = self.outputs()
        offset = self.next_offset
        rows: list[tuple[bytes, bytes | None]] = [
            (key, None if payload is None else pack_row(payload, offset))
            for key, payload in self._state.changed()
        ]
        rows.append((PROGRESS_KEY, pack_row(encode_progress(self._progress()), offset)))
        self._cut_at = self.position
        return Cut(outputs, rows, offset)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the live rows of the changelog partition.

        Raises ``StateError`` if one cannot be read.
        """
        progress = None
        payloads = []
        for key, row in rows:
            if key == PROGRESS_KEY:
                progress = decode_progress(unpack_row(row), self.deployment)
            else:
                payloads.append((key, unpack_row(row)))
        self._state.restore(payloads)
        if progress is not None:
            self._outlet.sequences = progress.sequences
            self._outlet.sent_complete = progress.complete
            self._resume(progress)
        self._cut_at = self.position

    def snapshot(self) -> dict[bytes, bytes]:
        """Every state row without its envelope."""
        return self._state.snapshot()

    def _take(self, effects: Effects) -> None:
        self._outlet.take(effects)
        self.counts += effects.counts
        for alert in effects.alerts:
            self.counts[f"alert:{alert.kind}:{alert.severity}"] += 1

    def _progress(self) -> Progress:
        return Progress(
            next_offset=self.next_offset,
            deployment=self.deployment,
            sequences=self._outlet.sequences,
            complete=self.complete,
            watermark=self.watermark,
            sources=self._sources(),
        )

    def _letters(self) -> list[Output]:
        return []

    def _sources(self) -> list[SourceProgress]:
        return []

    @abstractmethod
    def _resume(self, progress: Progress) -> None: ...


class AccountNode(Node):
    """Reads the request topic."""

    def __init__(
        self, partition: int, deployment: Deployment, stage: AccountStage, digest_key: bytes
    ) -> None:
        super().__init__("account", partition, deployment, stage)
        self._stage = stage
        self._inlet = SourceInlet(deployment, DeadLetters(partition, digest_key))

    @override
    def offer(self, records: Sequence[SourceRecord]) -> None:
        if not records:
            return
        batch = self._inlet.offer(records)
        self.counts += self._inlet.counts
        self._inlet.counts.clear()
        self.counts["events"] += len(records)
        if len(batch):
            self._take(self._stage.fold(batch))

    @property
    @override
    def position(self) -> int:
        return self._inlet.position

    @property
    @override
    def next_offset(self) -> int:
        return self._inlet.next_offset

    @property
    @override
    def complete(self) -> int:
        return self._inlet.complete

    @property
    @override
    def watermark(self) -> int:
        return self._inlet.watermark

    @override
    def _letters(self) -> list[Output]:
        return self._inlet.take_letters()

    @override
    def _resume(self, progress: Progress) -> None:
        self._inlet.restore(progress.next_offset, progress.watermark)


class ChannelNode(Node):
    """Reads frames from the stages before it."""

    def __init__(
        self,
        stage_name: StageName,
        partition: int,
        deployment: Deployment,
        topic: str,
        stage: ChannelStage,
    ) -> None:
        super().__init__(stage_name, partition, deployment, stage)
        self._stage = stage
        self._inlet = ChannelInlet(topic, deployment)

    @override
    def offer(self, records: Sequence[SourceRecord]) -> None:
        if not records:
            return
        batch = self._inlet.offer(records)
        self.counts["frames"] += len(records)
        if batch is not None:
            self.counts["events"] += len(batch.rows)
            self._take(self._stage.fold(batch))

    @property
    @override
    def position(self) -> int:
        return self._inlet.position

    @property
    @override
    def next_offset(self) -> int:
        return self._inlet.next_offset

    @property
    @override
    def complete(self) -> int:
        return self._inlet.folded

    @property
    @override
    def watermark(self) -> int:
        return self._inlet.watermark

    @property
    @override
    def lag_ticks(self) -> int:
        return self._inlet.newest_complete - self._inlet.folded

    @override
    def _sources(self) -> list[SourceProgress]:
        return self._inlet.base

    @override
    def _resume(self, progress: Progress) -> None:
        self._inlet.restore(progress.next_offset, progress.complete, progress.sources)
