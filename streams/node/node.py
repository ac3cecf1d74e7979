"""The node: inlet, stage and outlet of one partition, and the row that says where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from models.stage import Deployment, Effects, State
from schemas.frame import StageName
from streams.node.outlet import Outlet
from streams.node.progress import Progress, SourceProgress, decode_progress, encode_progress
from streams.node.records import Cut, Output, SourceRecord
from streams.node.rows import PROGRESS_KEY, pack_row, unpack_row


Batch = TypeVar("Batch")
Made_co = TypeVar("Made_co", covariant=True)
Folded_contra = TypeVar("Folded_contra", contravariant=True)


class Inlet(Protocol[Made_co]):
    """The incoming side: records to batches, and where reading stands."""

    counts: Counter[str]

    @property
    def position(self) -> int:
        """The next offset to offer."""

    @property
    def next_offset(self) -> int:
        """Where a restart begins to read."""

    @property
    def complete(self) -> int:
        """Ticks below this are complete."""

    @property
    def watermark(self) -> int:
        """Greatest event time seen, ms."""

    @property
    def lag_ticks(self) -> int:
        """How far the furthest source is ahead of ``complete``."""

    @property
    def sources(self) -> list[SourceProgress]:
        """Progress of each upstream channel as of ``next_offset``."""

    def offer(self, records: Sequence[SourceRecord]) -> Made_co | None:
        """Read at least one record; what can be folded now, if anything."""

    def take_letters(self) -> list[Output]:
        """Dead letters since the last call."""

    def restore(self, progress: Progress) -> None:
        """Continue where a progress row says."""


class Stage(State, Protocol[Folded_contra]):
    """The arithmetic: batches to effects."""

    def fold(self, batch: Folded_contra, /) -> Effects:
        """Apply the batch to the state and return what it causes."""


class Node(Generic[Batch]):
    """One stage on one partition.

    Records go in through :meth:`offer`; a barrier takes what is to be written with :meth:`cut`.
    Nothing here knows about Kafka, files or clocks.
    """

    def __init__(
        self,
        name: StageName,
        partition: int,
        deployment: Deployment,
        inlet: Inlet[Batch],
        stage: Stage[Batch],
    ) -> None:
        self.stage: StageName = name
        self.partition = partition
        self.deployment = deployment
        self.counts: Counter[str] = Counter()
        """Since the caller last cleared it; names from the metric catalogue."""
        self._inlet = inlet
        self._stage = stage
        self._outlet = Outlet(name, partition, deployment)
        self._cut_at = 0

    def offer(self, records: Sequence[SourceRecord]) -> None:
        """Fold records at offsets >= ``position``, in order.

        Raises ``StateError`` if the channel is broken.
        """
        if not records:
            return
        batch = self._inlet.offer(records)
        self.counts += self._inlet.counts
        self._inlet.counts.clear()
        if batch is not None:
            self._take(self._stage.fold(batch))

    @property
    def position(self) -> int:
        """The next offset to offer."""
        return self._inlet.position

    @property
    def next_offset(self) -> int:
        """Where a restart begins to read: the oldest record that is not completely folded."""
        return self._inlet.next_offset

    @property
    def complete(self) -> int:
        """Ticks below this are complete here."""
        return self._inlet.complete

    @property
    def watermark(self) -> int:
        """Greatest event time seen, ms."""
        return self._inlet.watermark

    @property
    def lag_ticks(self) -> int:
        """How far the furthest source is ahead of what is folded."""
        return self._inlet.lag_ticks

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
        return self._inlet.take_letters() + self._outlet.cut(self.complete, self.watermark)

    def cut(self) -> Cut:
        """What this barrier writes; afterwards the node is clean."""
        outputs = self.outputs()
        offset = self.next_offset
        rows: list[tuple[bytes, bytes | None]] = [
            (key, None if payload is None else pack_row(payload, offset))
            for key, payload in self._stage.changed()
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
        self._stage.restore(payloads)
        if progress is not None:
            self._outlet.sequences = progress.sequences
            self._outlet.sent_complete = progress.complete
            self._inlet.restore(progress)
        self._cut_at = self.position

    def snapshot(self) -> dict[bytes, bytes]:
        """Every state row without its envelope."""
        return self._stage.snapshot()

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
            sources=self._inlet.sources,
        )
