"""The incoming side of a node that reads frames: sequence check, tick buffer, restart position.

Rows are released when every source has completed their tick, sorted by (time, source, position in
the channel): an order that depends on no timing. Nothing that is buffered is saved; instead the
restart position stays at the oldest frame that is not completely folded (copying the buffer into
state rows would write every record a second time).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from numpy.typing import NDArray

from models.stage import ChannelBatch, Deployment, Records, concatenate
from schemas.edge import EDGE
from schemas.errors import StateError
from schemas.frame import FRAME_VERSION, AccountFacts, Frame
from schemas.link import LINK
from schemas.topics import EDGES, LINKS, WINDOWS
from schemas.window import WINDOW
from streams.node.progress import Progress, SourceProgress
from streams.node.records import Output, SourceRecord


LAYOUTS = {WINDOWS: WINDOW, LINKS: LINK, EDGES: EDGE}

_decode_frame = msgspec.msgpack.Decoder(Frame).decode


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Rows of one frame that wait for their tick."""

    source: int
    accounts: Sequence[AccountFacts]
    account: NDArray[np.int32]
    rows: Records


@dataclass(frozen=True, slots=True)
class _Pending:
    """A frame that has been read and is not yet completely folded."""

    offset: int
    source: int
    last_tick: int
    complete: int
    watermark: int


class ChannelInlet:
    """Frames of one partition of ``topic`` in, ordered batches out."""

    def __init__(self, topic: str, deployment: Deployment) -> None:
        self.layout = LAYOUTS[topic]
        self.tick_ms = deployment.tick_ms
        self._index = {source: i for i, source in enumerate(deployment.sources(topic))}
        self.complete = 0
        """Ticks below this are folded."""
        self.counts: Counter[str] = Counter()
        self.next_offset = 0
        self.position = 0
        self.sources = [SourceProgress() for _ in self._index]
        """Channel progress as of ``next_offset``; never the newest, or a tick could fold before its
        rows are re-read."""
        self._live = [SourceProgress() for _ in self._index]
        self._frames: deque[_Pending] = deque()
        self._chunks: list[_Chunk] = []

    @property
    def watermark(self) -> int:
        """Greatest event time any source has reported, ms."""
        return max(source.watermark for source in self._live)

    @property
    def buffered(self) -> int:
        """Rows that wait for their tick."""
        return sum(len(chunk.rows) for chunk in self._chunks)

    @property
    def lag_ticks(self) -> int:
        """How far the furthest source is ahead of what is folded."""
        return max(source.complete for source in self._live) - self.complete

    def take_letters(self) -> list[Output]:
        """A bad frame is no bad input but broken state: there are none."""
        return []

    def restore(self, progress: Progress) -> None:
        """Continue where a progress row says."""
        self.next_offset = self.position = progress.next_offset
        self.complete = progress.complete
        self.sources = progress.sources
        self._live = [SourceProgress(s.sequence, s.complete, s.watermark) for s in progress.sources]

    def offer(self, records: Sequence[SourceRecord]) -> ChannelBatch | None:
        """Read frames; return what has become complete, if anything.

        Raises ``StateError`` for a frame that is missing, foreign or damaged.
        """
        self.counts["frames"] += len(records)
        for record in records:
            self._read(record)
            self.position = record.offset + 1
        complete = min(source.complete for source in self._live)
        if complete <= self.complete:
            return None
        self.complete = complete
        batch = self._release(complete * self.tick_ms)
        self.counts["events"] += len(batch.rows)
        self._trim()
        return batch

    def _read(self, record: SourceRecord) -> None:
        frame = self._decode(record)
        source = self._index.get((frame.stage, frame.partition))
        if source is None:
            raise StateError(
                f"a frame from {frame.stage} {frame.partition}, which is not upstream of here"
            )
        live = self._live[source]
        if frame.sequence != live.sequence:
            raise StateError(
                f"channel from {frame.stage} {frame.partition}: frame {frame.sequence} "
                f"where {live.sequence} belongs (offset {record.offset})"
            )
        live.sequence += 1
        live.complete = max(live.complete, frame.complete)
        live.watermark = max(live.watermark, frame.watermark)
        rows = self._rows(frame)
        last_tick = frame.complete - 1
        if len(rows):
            last_tick = max(last_tick, int(rows["time"].max()) // self.tick_ms)
            # A restart reads frames again of which the first ticks are folded already.
            rows = rows[rows["time"] >= self.complete * self.tick_ms]
        if len(rows):
            self._chunks.append(
                _Chunk(source, frame.accounts, rows["account"].astype(np.int32), rows)
            )
        self._frames.append(
            _Pending(record.offset, source, last_tick, frame.complete, frame.watermark)
        )

    def _decode(self, record: SourceRecord) -> Frame:
        try:
            frame = _decode_frame(record.value or b"")
        except msgspec.DecodeError as error:
            raise StateError(f"the frame at offset {record.offset} cannot be read") from error
        if frame.version != FRAME_VERSION:
            raise StateError(
                f"frame format {frame.version}; this worker reads format {FRAME_VERSION}"
            )
        return frame

    def _rows(self, frame: Frame) -> Records:
        if len(frame.rows) % self.layout.itemsize:
            raise StateError(f"a frame of {len(frame.rows)} bytes does not divide into records")
        rows: Records = np.frombuffer(frame.rows, self.layout)
        if len(rows) and int(rows["account"].max()) >= len(frame.accounts):
            raise StateError("a frame's record names an account that its table does not have")
        return rows

    def _release(self, upto: int) -> ChannelBatch:
        """The buffered rows with time < ``upto``, in folding order; the rest stays."""
        accounts: list[AccountFacts] = []
        parts: list[Records] = []
        account: list[NDArray[np.int32]] = []
        source: list[NDArray[np.int32]] = []
        kept: list[_Chunk] = []
        for chunk in self._chunks:
            due = chunk.rows["time"] < upto
            if not due.all():
                kept.append(
                    _Chunk(chunk.source, chunk.accounts, chunk.account[~due], chunk.rows[~due])
                )
            if due.any():
                parts.append(chunk.rows[due])
                account.append(chunk.account[due] + np.int32(len(accounts)))
                source.append(np.full(len(parts[-1]), chunk.source, np.int32))
                accounts.extend(chunk.accounts)
        self._chunks = kept
        if not parts:
            return ChannelBatch([], np.empty(0, np.int32), np.empty(0, self.layout), upto)
        rows = concatenate(parts)
        # lexsort is stable and chunks lie in channel order, so equal (time, source) keep their
        # position.
        order = np.lexsort((np.concatenate(source), rows["time"]))
        return ChannelBatch(accounts, np.concatenate(account)[order], rows[order], upto)

    def _trim(self) -> None:
        """Move the restart position over frames that are folded to the last row and tick."""
        while self._frames and self._frames[0].last_tick < self.complete:
            frame = self._frames.popleft()
            base = self.sources[frame.source]
            base.sequence += 1
            base.complete = max(base.complete, frame.complete)
            base.watermark = max(base.watermark, frame.watermark)
            self.next_offset = frame.offset + 1
