"""An alert's life: opened once, revised sparingly, closed after a day of quiet.

    (none) --score reaches open_at--> opened --severity, score or size grows--> updated
       ^                                                                          |
       +------ closed: a day below half of open_at, or a day without activity ----+

One subject has at most one episode at a time. Everything here is a pure function of event time.
"""

from __future__ import annotations

import base64
import hashlib
import math

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from msgspec import UNSET, UnsetType, structs

from models.eventtime import DAY_MS, format_time
from models.stage import Records
from schemas.alert import Alert, Benign, Evidence, Kind, Severity, State


SEVERITIES = tuple(Severity)
"""Rising; the position is the code in a state row."""

_ID_CHARACTERS = 26
"""130 bits of SHA-256: two episodes never share an id, and it still fits a pager's dedup key."""


def episode_id(kind: Kind, subject: str, episode_start_ms: int) -> str:
    """The alert id of an episode, a function of what it is about and when it began."""
    # Neither kind nor start holds a colon and the subject comes last, so no two triples collide.
    text = f"{kind.value}:{episode_start_ms}:{subject}"
    digest = hashlib.sha256(text.encode()).digest()
    return "alrt_" + base64.b32encode(digest).decode().lower()[:_ID_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Subject:
    """What an episode is about: an account's or organisation's id, or a campaign's subject hash."""

    kind: Kind
    name: str
    organization: str = ""
    """An account's organisation, for the reader of the alert."""


@dataclass(frozen=True, slots=True)
class Policy:
    """When an episode opens, is revised and ends. Scores in nats, times in ms of event time."""

    open_at: float
    """Log of the e-process threshold A."""
    patience_ms: int = DAY_MS
    """How long the quiet must last: shorter, and a campaign that rests at night pages every day."""
    growth: float = 1.5
    """A revision needs this factor on the score, so a capped score gives a handful of revisions."""
    spread: float = 2.0
    """A revision needs this factor on the number of members: at most 15 up to 24,000 accounts."""

    @property
    def close_below(self) -> float:
        """Hysteresis: evidence counts as quiet below half of the opening score."""
        return 0.5 * self.open_at


@dataclass(frozen=True, slots=True)
class Report:
    """What a stage says about a subject at one moment; times in ms of event time."""

    time: int
    score: float
    """Evidence in nats."""
    severity: Severity
    summary: str
    first_seen: int
    last_seen: int
    evidence: Sequence[Evidence] = ()
    members: Sequence[str] = ()
    example_events: Sequence[str] = ()
    benign: Sequence[Benign] = ()
    counterfactuals: Sequence[str] = ()
    projected_requests: float | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Episode:
    """An open episode; the fields are those of :data:`EPISODE`."""

    opened: int
    first_seen: int
    last_seen: int
    quiet_since: int
    """When the score fell below ``close_below``, -1 while it is not below."""
    peak: float
    """The score at the last revision, nats."""
    size: int
    """The number of members at the last revision."""
    revision: int
    severity: int
    """Index into :data:`SEVERITIES`; it never falls during an episode."""


EPISODE = np.dtype(
    [
        ("opened", "<i8"),
        ("first_seen", "<i8"),
        ("last_seen", "<i8"),
        ("quiet_since", "<i8"),
        ("peak", "<f8"),
        ("size", "<u4"),
        ("revision", "<u4"),
        ("severity", "u1"),
    ]
)
"""The state row of an open episode; ``revision`` 0 is the zeroed row: no episode."""


def pack(episode: Episode) -> Records:
    """The episode as an array of one :data:`EPISODE` record, exact."""
    fields = tuple(getattr(episode, name) for name in EPISODE.names or ())
    return np.array([fields], EPISODE)


def unpack(row: np.void) -> Episode | None:
    """The episode of one :data:`EPISODE` record, ``None`` for a zeroed one."""
    return Episode(*row.item()) if row["revision"] else None


def advance(
    episode: Episode | None, subject: Subject, report: Report, policy: Policy
) -> tuple[Episode | None, Alert | None]:
    """Tell the episode what is known now: the new state, and the revision this calls for, if any.

    Opens at ``policy.open_at``. Closing is left to :func:`due` and :func:`close`, so that an
    episode ends at its deadline and not at whatever comes next. Raises ``ValueError`` if the score
    is not finite.
    """
    if not math.isfinite(report.score):
        raise ValueError("an alert's score must be finite")
    if episode is None:
        return _open(subject, report) if report.score >= policy.open_at else (None, None)
    seen = replace(
        episode,
        last_seen=max(episode.last_seen, report.last_seen),
        quiet_since=_quiet_since(episode, report, policy),
    )
    if not _grew(episode, report, policy):
        return seen, None
    revised = replace(
        seen,
        peak=max(episode.peak, report.score),
        size=max(episode.size, len(report.members)),
        revision=episode.revision + 1,
        severity=max(episode.severity, SEVERITIES.index(report.severity)),
    )
    return revised, _alert(revised, subject, report, State.UPDATED)


def due(episode: Episode, policy: Policy) -> int:
    """Event time, ms, at which the episode closes if nothing else happens."""
    quiet = episode.last_seen if episode.quiet_since < 0 else episode.quiet_since
    return min(quiet, episode.last_seen) + policy.patience_ms


def close_reason(episode: Episode) -> str:
    """Why an episode that reached :func:`due` closes."""
    return "quiet" if episode.quiet_since >= 0 else "inactive"


def close(
    episode: Episode,
    subject: Subject,
    report: Report,
    reason: str,
    merged_into: str | UnsetType = UNSET,
) -> Alert:
    """The last revision; ``report.time`` is when it closes, ``merged_into`` the id of the elder."""
    last = replace(episode, revision=episode.revision + 1)
    alert = _alert(last, subject, report, State.CLOSED)
    return structs.replace(alert, close_reason=reason, merged_into=merged_into)


def _open(subject: Subject, report: Report) -> tuple[Episode, Alert]:
    episode = Episode(
        opened=report.time,
        first_seen=report.first_seen,
        last_seen=report.last_seen,
        quiet_since=-1,
        peak=report.score,
        size=len(report.members),
        revision=1,
        severity=SEVERITIES.index(report.severity),
    )
    return episode, _alert(episode, subject, report, State.OPENED)


def _grew(episode: Episode, report: Report, policy: Policy) -> bool:
    return (
        SEVERITIES.index(report.severity) > episode.severity
        or report.score >= policy.growth * episode.peak
        or (len(report.members) > 0 and len(report.members) >= policy.spread * episode.size)
    )


def _quiet_since(episode: Episode, report: Report, policy: Policy) -> int:
    if report.score >= policy.close_below:
        return -1
    return report.time if episode.quiet_since < 0 else episode.quiet_since


def _alert(episode: Episode, subject: Subject, report: Report, state: State) -> Alert:
    account = subject.kind is Kind.ACCOUNT
    organization = subject.name if subject.kind is Kind.ORGANIZATION else subject.organization
    return Alert(
        id=episode_id(subject.kind, subject.name, episode.opened),
        revision=episode.revision,
        state=state,
        time=format_time(report.time),
        kind=subject.kind,
        severity=SEVERITIES[episode.severity],
        score=report.score,
        summary=report.summary,
        first_seen=format_time(episode.first_seen),
        last_seen=format_time(max(episode.last_seen, report.last_seen)),
        account_id=subject.name if account else UNSET,
        organization_id=organization or UNSET,
        members=list(report.members),
        evidence=list(report.evidence),
        example_events=list(report.example_events),
        benign=list(report.benign),
        counterfactuals=list(report.counterfactuals),
        projected_requests=report.projected_requests,
    )
