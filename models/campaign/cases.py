"""Open cases and those that rest: which group is which campaign, and what is told of it."""

from __future__ import annotations

import hashlib

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from models.alerting import (
    SEVERITIES,
    Episode,
    Policy,
    Report,
    Subject,
    advance,
    close,
    close_reason,
    due,
    episode_id,
)
from models.campaign.book import Book
from models.campaign.decide import Candidate
from models.campaign.report import core, report
from models.campaign.rules import Bounds, Rules
from models.campaign.view import View
from models.eventtime import DAY_MS
from models.stage import Row
from schemas.alert import Alert, Evidence, Kind


class Case(msgspec.Struct, array_like=True):
    """An open episode, with what the next revision needs; times in ms."""

    episode: Episode
    threshold: float
    score: float
    core: list[str]
    """As of the last step that found it"""
    members: list[str]
    """Everybody ever named"""
    keys: list[bytes]
    summary: str
    evidence: list[Evidence]


class Dormant(msgspec.Struct, array_like=True):
    """A closed case's fingerprint."""

    closed: int
    alert: str
    keys: list[bytes]


@dataclass(frozen=True, slots=True)
class _Likeness:
    """A case and a candidate that may be one campaign."""

    value: float
    opened: int
    name: bytes
    candidate: int


class Cases:
    """Cases by subject: the hash of the tick and the core of their first opening."""

    def __init__(self, rules: Rules, bounds: Bounds, tick_ms: int) -> None:
        self._rules = rules
        self._bounds = bounds
        self._tick_ms = tick_ms
        self._open: Book[Case] = Book(b"c", Case)
        self._dormant: Book[Dormant] = Book(b"d", Dormant)

    def __len__(self) -> int:
        return len(self._open)

    @property
    def members(self) -> dict[bytes, None]:
        """Everybody named in an open case."""
        return {name.encode(): None for case in self._open.items.values() for name in case.members}

    @property
    def fingerprints(self) -> Mapping[bytes, bytes]:
        """Key -> the dormant case that had it, the one closed last."""
        order = sorted(self._dormant.items.items(), key=lambda item: (item[1].closed, item[0]))
        return {key: name for name, dormant in order for key in dormant.keys}

    @property
    def next_close(self) -> int | None:
        """When the first case closes if nothing else happens, ms."""
        policy = self._policy(0.0)
        return min((due(case.episode, policy) for case in self._open.items.values()), default=None)

    def fold(
        self, view: View, candidates: Sequence[Candidate], pages: Sequence[bool]
    ) -> list[Alert]:
        """Continue the cases that the candidates are, and open those that page and are none."""
        chosen, absorbed = self._lineage(view, candidates)
        alerts = [self._merge(name, into, view.now) for name, into in absorbed]
        for number, candidate in enumerate(candidates):
            name = chosen.get(number)
            if name is None and not pages[number]:
                continue
            alert = self._advance(view, candidate, name)
            if alert is not None:
                alerts.append(alert)
        return alerts

    def close(self, now: int) -> list[Alert]:
        """Close what is due by ``now``."""
        policy = self._policy(0.0)
        ended = sorted(
            (case.episode.opened, name)
            for name, case in self._open.items.items()
            if due(case.episode, policy) <= now
        )
        return [
            self._end(name, now, close_reason(self._open.items[name].episode)) for _, name in ended
        ]

    def forget(self, now: int) -> None:
        """Drop fingerprints that are too old, or too many."""
        oldest = now - self._bounds.dormant_days * DAY_MS
        order = sorted(
            self._dormant.items, key=lambda name: (self._dormant.items[name].closed, name)
        )
        surplus = order[: max(0, len(order) - self._bounds.dormants)]
        old = [name for name in order if self._dormant.items[name].closed < oldest]
        for name in dict.fromkeys(surplus + old):
            self._dormant.drop(name)

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self._open.changed()
        yield from self._dormant.changed()

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        yield from self._open.snapshot()
        yield from self._dormant.snapshot()

    def restore(self, key: bytes, payload: bytes) -> bool:
        """Take one state row if it is one of these."""
        return self._open.restore(key, payload) or self._dormant.restore(key, payload)

    def _lineage(
        self, view: View, candidates: Sequence[Candidate]
    ) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
        """The case of each candidate that has one, and (case, elder) where two are one.

        The most alike come together first; a candidate that is left over is no case yet.
        """
        cores = [
            {view.names[account].decode() for account in candidate.group.core}
            for candidate in candidates
        ]
        chosen: dict[int, bytes] = {}
        pairs: list[tuple[bytes, int]] = []
        taken: dict[bytes, None] = {}
        alike = sorted(
            self._alike(cores, candidates), key=lambda x: (-x.value, x.opened, x.name, x.candidate)
        )
        for like in alike:
            if like.name not in taken:
                taken[like.name] = None
                if chosen.setdefault(like.candidate, like.name) != like.name:
                    pairs.append((like.name, like.candidate))
        for name in sorted(self._open.items):
            if name not in taken:
                pairs.extend((name, number) for number in self._swallower(name, chosen, cores))
        absorbed = []
        for name, number in pairs:
            elder, younger = sorted(
                (chosen[number], name),
                key=lambda name: (self._open.items[name].episode.opened, name),
            )
            chosen[number] = elder
            absorbed.append((younger, elder))
        return chosen, absorbed

    def _swallower(
        self, name: bytes, chosen: Mapping[int, bytes], cores: Sequence[set[str]]
    ) -> list[int]:
        """The first case's candidate that has nearly all of a case that has no candidate."""
        core = set(self._open.items[name].core)
        least = self._rules.swallowed * len(core)
        return [number for number in sorted(chosen) if len(core & cores[number]) >= least][:1]

    def _alike(
        self, cores: Sequence[set[str]], candidates: Sequence[Candidate]
    ) -> Iterator[_Likeness]:
        keys = [set(candidate.group.keys) for candidate in candidates]
        for name in sorted(self._open.items):
            case = self._open.items[name]
            mine, mine_keys = set(case.core), set(case.keys)
            for number in range(len(candidates)):
                value = max(jaccard(mine, cores[number]), jaccard(mine_keys, keys[number]))
                if value >= self._rules.lineage:
                    yield _Likeness(value, case.episode.opened, name, number)

    def _advance(self, view: View, candidate: Candidate, name: bytes | None) -> Alert | None:
        case = None if name is None else self._open.items[name]
        known = [] if case is None else case.members
        told = report(candidate, known, self._rules, self._bounds)
        names = core(candidate)
        if name is None:
            returns = candidate.dormant in self._dormant.items
            name = candidate.dormant if returns else self._subject(view.now, names)
        policy = self._policy(candidate.threshold)
        before = None if case is None else case.episode
        episode, alert = advance(before, _subject(name), told, policy)
        if episode is None:
            return None
        if candidate.dormant in self._dormant.items:
            self._dormant.drop(candidate.dormant)
        self._open.put(
            name,
            Case(
                episode,
                candidate.threshold,
                told.score,
                names,
                list(told.members),
                candidate.group.keys[: self._bounds.fingerprint],
                told.summary,
                list(told.evidence),
            ),
        )
        return alert

    def _merge(self, name: bytes, into: bytes, now: int) -> Alert:
        """Close a case that turned out to be part of an elder one."""
        elder = self._open.items[into]
        case = self._open.items[name]
        elder.members = list(dict.fromkeys(elder.members + case.members))[: self._bounds.members]
        self._open.touch(into)
        alert_id = episode_id(Kind.CAMPAIGN, into.decode(), elder.episode.opened)
        alert = close(case.episode, _subject(name), _last_words(case, now), "merged", alert_id)
        self._open.drop(name)
        return alert

    def _end(self, name: bytes, now: int, reason: str) -> Alert:
        case = self._open.items[name]
        alert = close(case.episode, _subject(name), _last_words(case, now), reason)
        self._open.drop(name)
        self._dormant.put(name, Dormant(now, alert.id, case.keys))
        return alert

    def _subject(self, now: int, names: Sequence[str]) -> bytes:
        text = "\0".join((str(now // self._tick_ms), *sorted(names)))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest().encode()

    def _policy(self, threshold: float) -> Policy:
        rules = self._rules
        return Policy(threshold, rules.quiet_ms, rules.growth, rules.spread)


def jaccard(one: set[str] | set[bytes], other: set[str] | set[bytes]) -> float:
    """The common share of two sets, 0 if both are empty."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if one or other else 0.0


def _subject(name: bytes) -> Subject:
    return Subject(Kind.CAMPAIGN, name.decode())


def _last_words(case: Case, now: int) -> Report:
    return Report(
        time=now,
        score=case.score,
        severity=SEVERITIES[case.episode.severity],
        summary=case.summary,
        first_seen=case.episode.first_seen,
        last_seen=case.episode.last_seen,
        evidence=case.evidence,
        members=case.members,
    )
