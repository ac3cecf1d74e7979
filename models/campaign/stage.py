"""The campaign stage: groups of accounts that are one, from what the other stages saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from models.campaign.book import Book
from models.campaign.cases import Cases
from models.campaign.decide import Candidate, select
from models.campaign.graph import TEXT, EdgeRow, Graph
from models.campaign.population import Population, popular, turn, usual
from models.campaign.rules import Bounds, Priors, Rules, Weights
from models.campaign.search import search
from models.campaign.view import View, look
from models.eventtime import DAY_MS
from models.evidence import Budget
from models.stage import ChannelBatch, Deployment, Effects, Row
from schemas.alert import Alert
from schemas.edge import EdgeKind, Explanation
from schemas.errors import StateError
from schemas.frame import AccountFacts


_META = b"s"
_NEVER = 1 << 62


class Progress(msgspec.Struct, array_like=True):
    """Where the stage stands; times in ms."""

    started: int = -1
    """Time of the first record"""
    due: int = -1
    """The boundary at which a step is due, -1 = nothing happened since the last one"""
    news: int = 0
    """New links since the last step"""
    released: int = 0
    population: Population = msgspec.field(default_factory=Population)


class Explained(msgspec.Struct, array_like=True):
    """An organisation's explanation of itself."""

    code: int


class CampaignStage:
    """EDGE records in, campaign alerts out.

    A step at boundary B sees all records before B and none after. A boundary that no new record
    came before causes nothing, except that cases close when they are due, so silence costs nothing
    however long it is.
    """

    def __init__(
        self,
        deployment: Deployment,
        budget: Budget | None = None,
        *,
        rules: Rules | None = None,
        weights: Weights | None = None,
        priors: Priors | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.deployment = deployment
        self.budget = budget or Budget()
        self.rules = rules or Rules()
        self.weights = weights or Weights()
        self.priors = priors or Priors()
        self.bounds = bounds or Bounds()
        self.graph = Graph(self.bounds)
        self.cases = Cases(self.rules, self.bounds, deployment.tick_ms)
        self._explained: Book[Explained] = Book(b"o", Explained)
        self._progress = Progress()
        self._alarm = _NEVER
        """No step and no closing is due before this, ms; follows from the state"""
        self._encode = msgspec.msgpack.Encoder().encode
        self._told = self._encode(self._progress)

    def fold(self, batch: ChannelBatch) -> Effects:
        """Apply the records in order, with the steps that fall between them."""
        effects = Effects()
        accounts = batch.accounts
        for number, row in zip(batch.account.tolist(), batch.rows.tolist(), strict=True):
            edge = EdgeRow._make(row[1:])
            if edge.time >= self._alarm:
                self._run_until(edge.time, effects)
            self._apply(accounts[number], edge)
        self._run_until(batch.upto, effects)
        return effects

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self.graph.changed()
        yield from self.cases.changed()
        yield from self._explained.changed()
        told = self._encode(self._progress)
        if told != self._told:
            self._told = told
            yield _META, told

    def snapshot(self) -> dict[bytes, bytes]:
        """Every state row."""
        rows = [*self.graph.snapshot(), *self.cases.snapshot(), *self._explained.snapshot()]
        if self._progress.started >= 0:
            rows.append((_META, self._encode(self._progress)))
        return dict(rows)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Continue an earlier life. Raises ``StateError`` if its rows do not fit together."""
        books = (self.graph, self.cases, self._explained)
        for key, payload in rows:
            if key == _META:
                self._restore_progress(payload)
            elif not any(book.restore(key, payload) for book in books):
                raise StateError(f"a state row {key[:1]!r} that the campaign stage does not have")
        self.graph.restored()
        self._told = self._encode(self._progress)
        self._set_alarm()

    def _restore_progress(self, payload: bytes) -> None:
        try:
            self._progress = msgspec.msgpack.decode(payload, type=Progress)
        except msgspec.MsgspecError as error:
            raise StateError("the campaign stage's own row is damaged") from error

    def _apply(self, facts: AccountFacts, edge: EdgeRow) -> None:
        progress = self._progress
        if progress.started < 0:
            progress.started = edge.time
        if progress.due < 0:
            progress.due = edge.time - edge.time % self.bounds.step_ms + self.bounds.step_ms
            self._alarm = min(self._alarm, progress.due)
        if edge.kind <= EdgeKind.CLIENT:
            progress.news += self.graph.join(facts, edge)
        elif edge.kind == EdgeKind.RETIRED:
            self.graph.retire(edge.code, edge.key)
            if edge.code == TEXT:
                popular(progress.population, edge.key_accounts, edge.key_young, self.priors)
        elif edge.kind == EdgeKind.EXPLANATION:
            self._explain(facts.organization_id, edge.code)
        elif edge.kind == EdgeKind.ENFORCEMENT:
            self.graph.enforce(facts.account_id.encode(), edge.time)
        elif edge.kind == EdgeKind.RELEASE:
            progress.released = max(progress.released, edge.time)

    def _explain(self, organization: str, code: int) -> None:
        name = organization.encode()
        if code != Explanation.NONE:
            self._explained.put(name, Explained(code))
        elif name in self._explained.items:
            self._explained.drop(name)

    def _run_until(self, time: int, effects: Effects) -> None:
        """Steps and closings at boundaries up to and including ``time``."""
        progress = self._progress
        while self._alarm <= time:
            boundary = self._alarm
            if boundary == progress.due:
                if self._worth_it(boundary):
                    effects.alerts.extend(self._step(boundary, effects))
                    progress.due, progress.news = -1, 0
                else:
                    progress.due += self.bounds.step_ms
            effects.alerts.extend(self.cases.close(boundary))
            self._set_alarm()

    def _set_alarm(self) -> None:
        step = self.bounds.step_ms
        closing = self.cases.next_close
        due = _NEVER if self._progress.due < 0 else self._progress.due
        self._alarm = min(due, _NEVER if closing is None else -(-closing // step) * step)

    def _worth_it(self, boundary: int) -> bool:
        enough = self._progress.news >= self.bounds.news_share * self.graph.links
        return enough or boundary % self.bounds.hour_ms == 0

    def _step(self, now: int, effects: Effects) -> list[Alert]:
        progress = self._progress
        day = now // DAY_MS
        if day != progress.population.day:
            self.graph.expire(now - self.bounds.link_days * DAY_MS)
            self.cases.forget(now)
        self.graph.trim()
        view = self._view(now)
        candidates = search(view, self.rules, self.weights, self.budget, self.cases.fingerprints)
        pages = select(candidates)
        alerts = self.cases.fold(view, candidates, pages)
        if day != progress.population.day:
            turn(
                progress.population, day, self.graph, self._suspects(view, candidates), self.priors
            )
        effects.counts["campaign_steps"] += 1
        effects.counts["campaign_candidates"] += len(candidates)
        return alerts

    def _view(self, now: int) -> View:
        return look(
            self.graph,
            usual(self._progress.population, self.priors),
            {name.decode(): Explanation(item.code) for name, item in self._explained.items.items()},
            now=now,
            started=self._progress.started,
            released=self._progress.released,
        )

    def _suspects(self, view: View, candidates: list[Candidate]) -> dict[bytes, None]:
        """Accounts that must not become what is usual: those of cases, and of half a case."""
        suspects = self.cases.members
        for candidate in candidates:
            if 2 * candidate.score >= candidate.threshold:
                suspects.update(dict.fromkeys(view.names[a] for a in candidate.group.core))
        return suspects
