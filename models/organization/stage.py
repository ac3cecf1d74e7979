"""The organisation stage: what the accounts of one organisation do together.

Its state rows: ``o`` + organisation id. Everything happens in order of event time: a window whose
six hours are up closes before the first record at or after that time.
"""

from __future__ import annotations

import heapq

from collections.abc import Iterable, Iterator
from math import log

import numpy as np
import xxhash

from models.alerting import Policy, Report, Subject, advance, close_reason, due
from models.alerting import close as close_episode
from models.evidence import Budget
from models.organization.closing import close
from models.organization.explanations import explain
from models.organization.reports import report_of
from models.organization.state import Organization, OrganizationState, unpack
from models.organization.windows import WINDOW_MS, WINDOW_REQUESTS, Part, take
from models.reference.reference import Reference
from models.stage import ChannelBatch, Deployment, Effects, Emission, Row
from schemas.alert import Kind, Severity
from schemas.edge import EDGE, EdgeKind, Explanation
from schemas.errors import StateError
from schemas.frame import AccountFacts
from schemas.request import CATEGORIES
from schemas.topics import EDGES


_PREFIX = b"o"
_KNOWN = (1 << len(CATEGORIES)) - 1
_WINDOW, _EPISODE = 0, 1
"""What may be due; of one organisation and time, its window first."""


class OrganizationStage:
    """Folds the windows topic of one partition; thresholds follow from budget and reference."""

    def __init__(
        self, deployment: Deployment, reference: Reference, budget: Budget | None = None
    ) -> None:
        budget = budget or Budget()
        volume = reference.document.organization_windows_per_account_day
        self.deployment = deployment
        self.reference = reference
        self.threshold = budget.threshold(budget.organization, volume)
        self.policy = Policy(log(self.threshold))
        self._null = reference.document.organization_collecting
        self._organizations: dict[str, Organization] = {}
        self._changed: dict[str, None] = {}
        self._due: list[tuple[int, str, int]] = []
        self._edges: list[tuple[int, str, Explanation]] = []

    def fold(self, batch: ChannelBatch) -> Effects:
        """Apply the batch to the state and return what it causes."""
        effects = Effects()
        for name, part in _parts(batch):
            time = part[1]
            if self._due and self._due[0][0] <= time:
                self._pass(time, effects)
            self._take(name, part, time, effects)
        self._pass(batch.upto - 1, effects)
        if self._edges:
            effects.emitted.append((EDGES, self._emission()))
        return effects

    def _take(self, name: str, part: Part, time: int, effects: Effects) -> None:
        organization = self._organizations.get(name)
        if organization is None:
            organization = Organization(name, OrganizationState(time))
            self._organizations[name] = organization
        state = organization.state
        if state.window.opened < 0:
            heapq.heappush(self._due, (time + WINDOW_MS, name, _WINDOW))
        take(state, part)
        self._changed[name] = None
        if state.window.requests >= WINDOW_REQUESTS:
            self._close(organization, time, effects)

    def _pass(self, time: int, effects: Effects) -> None:
        """Do what is due at or before ``time``."""
        while self._due and self._due[0][0] <= time:
            at, name, what = heapq.heappop(self._due)
            organization = self._organizations[name]
            opened, episode = organization.state.window.opened, organization.state.episode
            if what == _WINDOW and opened >= 0 and opened + WINDOW_MS == at:
                self._close(organization, at, effects)
            elif what == _EPISODE and episode and due(episode, self.policy) == at:
                self._end(organization, at, effects)

    def _close(self, organization: Organization, time: int, effects: Effects) -> None:
        state = organization.state
        verdict = close(organization, time, self._null, self.threshold)
        effects.counts["organization_windows"] += 1
        self._changed[organization.name] = None
        explanation = explain(state, time)
        if explanation is not None:
            self._edges.append((time, organization.name, explanation))
        report = report_of(state, verdict, self._null, time, self.policy)
        subject = Subject(Kind.ORGANIZATION, organization.name)
        state.episode, alert = advance(state.episode, subject, report, self.policy)
        if state.episode is not None:
            end = due(state.episode, self.policy)
            heapq.heappush(self._due, (end, organization.name, _EPISODE))
        if alert is not None:
            effects.alerts.append(alert)

    def _end(self, organization: Organization, time: int, effects: Effects) -> None:
        episode = organization.state.episode
        if episode is None:
            return
        report = Report(
            time=time,
            score=episode.peak,
            severity=Severity.INFO,
            summary="No further evidence against this organisation for 24 hours.",
            first_seen=episode.first_seen,
            last_seen=episode.last_seen,
        )
        subject = Subject(Kind.ORGANIZATION, organization.name)
        alert = close_episode(episode, subject, report, close_reason(episode))
        effects.alerts.append(alert)
        organization.state.episode = None
        self._changed[organization.name] = None

    def _emission(self) -> Emission:
        """The explanations that changed; the facts name the organisation and no account."""
        edges, self._edges = self._edges, []
        rows = np.zeros(len(edges), EDGE)
        rows["time"] = [time for time, _, _ in edges]
        rows["kind"] = EdgeKind.EXPLANATION
        rows["code"] = [explanation for _, _, explanation in edges]
        table = [AccountFacts("-", name) for _, name, _ in edges]
        return Emission(table, np.arange(len(edges), dtype=np.int32), rows)

    def changed(self) -> Iterator[Row]:
        """Rows changed since the last call, each once."""
        names, self._changed = self._changed, {}
        return ((_PREFIX + name.encode(), self._organizations[name].pack()) for name in names)

    def snapshot(self) -> dict[bytes, bytes]:
        """Every live row: equal states give equal bytes."""
        return {
            _PREFIX + name.encode(): organization.pack()
            for name, organization in self._organizations.items()
        }

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the rows of an earlier life. Raises ``StateError`` for one that is none."""
        for key, payload in rows:
            if key[:1] != _PREFIX:
                raise StateError(f"no row of this stage: {key[:1]!r}")
            name = key[1:].decode()
            organization = self._organizations[name] = unpack(name, payload)
            state = organization.state
            if state.window.opened >= 0:
                heapq.heappush(self._due, (state.window.opened + WINDOW_MS, name, _WINDOW))
            if state.episode is not None:
                heapq.heappush(self._due, (due(state.episode, self.policy), name, _EPISODE))


def _parts(batch: ChannelBatch) -> Iterator[tuple[str, Part]]:
    """The organisation of each record, and what is read of it."""
    rows, accounts = batch.rows, batch.accounts
    if (rows["requests"] == 0).any():
        raise StateError("a window without requests")
    owners = batch.account.tolist()
    used = dict.fromkeys(owners)
    names = {owner: accounts[owner].organization_id for owner in used}
    hashes = {
        owner: xxhash.xxh3_64_intdigest(accounts[owner].account_id.encode()) for owner in used
    }
    columns = (
        rows["time"],
        rows["requests"],
        np.maximum(rows["elicited"], rows["graded"]),
        rows["graded"],
        rows["categories"] & _KNOWN,
        rows["input_tokens"],
        rows["credential"],
        rows["network"],
        # A number that is not finite would stay in an organisation's evidence for good.
        np.nan_to_num(rows["evidence"].astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0),
    )
    account = map(hashes.__getitem__, owners)
    parts = zip(account, *(column.tolist() for column in columns), strict=True)
    return zip(map(names.__getitem__, owners), parts, strict=True)
