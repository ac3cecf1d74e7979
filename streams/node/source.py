"""The incoming side of the account node: request records in, one batch of columns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from numpy.typing import NDArray

from models.account.batch import RequestBatch
from models.eventtime import DAY_MS, MINUTE_MS, parse_times
from models.stage import Deployment
from schemas.errors import InputError, Reason
from streams.node.columns import columns, content_columns, requests_of
from streams.node.deadletter import DeadLetters
from streams.node.decode import Decoded, decode, decode_events
from streams.node.progress import Progress, SourceProgress
from streams.node.records import Output, SourceRecord


FUTURE_MS = 5 * MINUTE_MS
"""How far ``time`` may lie ahead of the append time: clocks of gateways differ by seconds, not
minutes."""
OLD_MS = 7 * DAY_MS
"""How far ``time`` may lie behind the watermark: the retention of the request topic."""


class SourceInlet:
    """Decodes, judges times, and keeps the partition's watermark."""

    def __init__(self, deployment: Deployment, dead_letters: DeadLetters) -> None:
        self.tick_ms = deployment.tick_ms
        self.lateness_ms = deployment.lateness_ms
        self.next_offset = 0
        self.watermark = 0
        self.counts: Counter[str] = Counter()
        self._dead_letters = dead_letters
        self._letters: list[Output] = []

    @property
    def position(self) -> int:
        """The next offset to offer: nothing is buffered here."""
        return self.next_offset

    @property
    def complete(self) -> int:
        """Ticks below this are complete: a function of the log's prefix only."""
        return max(0, (self.watermark - self.lateness_ms) // self.tick_ms)

    @property
    def lag_ticks(self) -> int:
        """Nothing waits here."""
        return 0

    @property
    def sources(self) -> list[SourceProgress]:
        """There is no stage upstream."""
        return []

    def restore(self, progress: Progress) -> None:
        """Continue where a progress row says."""
        self.next_offset = progress.next_offset
        self.watermark = progress.watermark

    def take_letters(self) -> list[Output]:
        """Dead letters since the last call."""
        letters, self._letters = self._letters, []
        return letters

    def offer(self, records: Sequence[SourceRecord]) -> RequestBatch | None:
        """Records in log order into one batch; bad ones become dead letters."""
        self.counts["events"] += len(records)
        self.next_offset = records[-1].offset + 1
        decoded: Sequence[Decoded]
        requests = decode_events(records)
        content = content_columns(requests) if requests is not None else None
        if requests is None or content is None:
            records, decoded = self._decode_each(records)
            requests = requests_of(decoded)
        else:
            decoded = requests
        times = parse_times([event.time for event in decoded])
        keep = self._judge_times(records, times)
        if content is None or not keep.all():
            decoded = [event for event, good in zip(decoded, keep.tolist(), strict=True) if good]
            times, requests = times[keep], requests_of(decoded)
            content = content_columns(requests)
        if content is None:
            raise AssertionError("content was checked record by record")
        if not decoded:
            return None
        watermark, effective = self._advance(times)
        return columns(decoded, requests, content, effective, watermark)

    def _decode_each(
        self, records: Sequence[SourceRecord]
    ) -> tuple[list[SourceRecord], list[Decoded]]:
        good: list[SourceRecord] = []
        decoded: list[Decoded] = []
        for record in records:
            try:
                event = _decode_one(record)
            except InputError as error:
                self._reject(record, error)
            else:
                good.append(record)
                decoded.append(event)
        return good, decoded

    def _reject(self, record: SourceRecord, error: InputError) -> None:
        self._letters.append(self._dead_letters.letter(record, error))
        self.counts[f"dead_letter:{error.reason.value}"] += 1

    def _judge_times(
        self, records: Sequence[SourceRecord], times: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which times can be folded in, bool[n]; the others become dead letters."""
        appended = np.array([record.timestamp for record in records], np.int64)
        unreadable = times < 0
        future = times > appended + FUTURE_MS
        sane = np.where(unreadable | future, 0, times)
        before = np.maximum.accumulate(np.concatenate(([self.watermark], sane)))[:-1]
        old = ~unreadable & (times < before - OLD_MS)
        bad = unreadable | future | old
        for i in np.flatnonzero(bad).tolist():
            if unreadable[i]:
                error = InputError(Reason.SCHEMA, "wrong type or value at $.time")
            else:
                error = InputError(Reason.FROM_FUTURE if future[i] else Reason.TOO_OLD)
            self._reject(records[i], error)
        return ~bad

    def _advance(self, times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Running watermark and effective time of each record.

        A late record moves into the first open tick.
        """
        running = np.maximum.accumulate(np.concatenate(([self.watermark], times)))
        open_tick = np.maximum(0, (running[:-1] - self.lateness_ms) // self.tick_ms)
        floor = open_tick * self.tick_ms
        self.counts["late"] += int((times < floor).sum())
        self.watermark = int(running[-1])
        return running[1:], np.maximum(times, floor)


def _decode_one(record: SourceRecord) -> Decoded:
    """One record, its packed fields checked as well. Raises ``InputError``."""
    event = decode(record)
    if content_columns(requests_of([event])) is None:
        raise InputError(Reason.SCHEMA, "content fields do not unpack")
    return event
