"""Account alerts: one episode an account, whichever of its two rules opened it.

*Collecting*: the share of requests that elicit reasoning, grade or generate tasks stays above what
the cohort is known to do. A lawful evaluation looks the same, so this is a ticket, never a page.
*Probing*: requests that elicit are refused, again and again, with at least four techniques in a
day. Nobody who uses the model does that, so it pages. Drift and rarity are told, and never alert.
"""

from __future__ import annotations

import heapq

from collections.abc import Iterator
from math import exp

import numpy as np

from numpy.typing import NDArray

from models.account.reports import Closings, report_of
from models.alerting import (
    EPISODE,
    Episode,
    Policy,
    Report,
    Subject,
    advance,
    close,
    close_reason,
    due,
    pack,
    unpack,
)
from models.stage import Row
from schemas.alert import Alert, Kind, Severity
from schemas.errors import StateError


class Episodes:
    """The open episodes of a partition's accounts."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._open: dict[str, tuple[Episode, str]] = {}
        self._ends: list[tuple[int, str]] = []
        self._changed: dict[str, None] = {}

    def fold(self, closings: Closings | None, watermark: NDArray[np.int64]) -> list[Alert]:
        """The alerts that closed windows and passing time cause, in order.

        ``closings`` are in order already; ``watermark`` int64[n] of the batch, ms.
        """
        alerts: list[Alert] = []
        if closings is not None:
            for position in self._notable(closings):
                alerts.extend(self._expire(watermark, closings.moment(position)))
                alerts.extend(self._advance(closings, position))
        alerts.extend(self._expire(watermark, None))
        return alerts

    def _notable(self, closings: Closings) -> list[int]:
        """Windows of accounts that have an episode, or may open one in this batch."""
        # A logarithm that was rounded up must not be missed.
        enough = closings.judgement.values >= (1 - 1e-9) * exp(self.policy.open_at)
        if not self._open and not enough.any():
            return []
        names = [closings.facts(position).account_id for position in range(len(enough))]
        rising = {names[position] for position in np.flatnonzero(enough.any(axis=1)).tolist()}
        concerned = rising | self._open.keys()
        return [position for position, name in enumerate(names) if name in concerned]

    def _advance(self, closings: Closings, position: int) -> Iterator[Alert]:
        facts = closings.facts(position)
        name = facts.account_id
        episode, organization = self._open.get(name, (None, facts.organization_id))
        subject = Subject(Kind.ACCOUNT, name, organization)
        report = report_of(closings, position, self.policy)
        after, alert = advance(episode, subject, report, self.policy)
        if after is not None and after != episode:
            self._open[name] = (after, organization)
            self._changed[name] = None
            heapq.heappush(self._ends, (due(after, self.policy), name))
        if alert is not None:
            yield alert

    def _expire(
        self, watermark: NDArray[np.int64], before: tuple[int, bool, int, str] | None
    ) -> Iterator[Alert]:
        """Close what ends at or before the last watermark, and, if given, before that moment."""
        while self._ends and self._ends[0][0] <= watermark[-1]:
            end, name = self._ends[0]
            cause = int(np.searchsorted(watermark, end))
            if before is not None and (cause, False, end, name) >= before:
                return
            heapq.heappop(self._ends)
            episode, organization = self._open.get(name, (None, ""))
            if episode is not None and due(episode, self.policy) == end:
                yield self._close(name, episode, organization, end)

    def _close(self, name: str, episode: Episode, organization: str, end: int) -> Alert:
        del self._open[name]
        self._changed[name] = None
        report = Report(
            time=end,
            score=episode.peak,
            severity=Severity.INFO,
            summary="No further evidence against this account for 24 hours.",
            first_seen=episode.first_seen,
            last_seen=episode.last_seen,
        )
        subject = Subject(Kind.ACCOUNT, name, organization)
        return close(episode, subject, report, close_reason(episode))

    def restore(self, name: str, payload: bytes) -> None:
        """Take over an open episode. Raises ``StateError`` if the row is none."""
        packed, organization = payload[: EPISODE.itemsize], payload[EPISODE.itemsize :]
        episode = (
            unpack(np.frombuffer(packed, EPISODE)[0]) if len(packed) == EPISODE.itemsize else None
        )
        if episode is None:
            raise StateError("an episode row that cannot be read")
        self._open[name] = (episode, organization.decode())
        heapq.heappush(self._ends, (due(episode, self.policy), name))

    def changed(self) -> Iterator[Row]:
        """Rows of the episodes that opened, moved or closed since the last call, by account."""
        names, self._changed = self._changed, {}
        return ((name.encode(), self._payload(name)) for name in names)

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Rows of every open episode."""
        return ((name.encode(), _packed(*entry)) for name, entry in self._open.items())

    def _payload(self, name: str) -> bytes | None:
        entry = self._open.get(name)
        return None if entry is None else _packed(*entry)


def _packed(episode: Episode, organization: str) -> bytes:
    return pack(episode).tobytes() + organization.encode()
