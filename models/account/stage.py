"""The account stage: what one partition's accounts do, request by request.

Its state rows: ``a`` + account id, the numbers; ``i`` + account id, who it is, written when that
changes; ``e`` + account id, an open episode and the organisation it opened with; ``r``, the name of
the reference in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import log

import numpy as np

from models.account.batch import RecordKind, RequestBatch
from models.account.closing import close
from models.account.controls import edges
from models.account.episodes import Episodes
from models.account.gathering import Gathered, gather, put_back
from models.account.identities import Identities, decode_identity, facts_of
from models.account.layout import ACCOUNT, HELD, VERSION
from models.account.links import follow, observe
from models.account.measures import measure, tally
from models.account.pieces import pieces
from models.account.reports import Closings
from models.account.summaries import carriers, closed, in_order, summarise
from models.account.wheel import Wheel
from models.account.windows import WINDOW_MS, Slots, assign
from models.alerting import Policy
from models.evidence import Budget
from models.reference.reference import Reference
from models.stage import Deployment, Effects, Emission, Row
from models.store import RowStore
from schemas.errors import StateError
from schemas.frame import AccountFacts
from schemas.topics import EDGES, LINKS, WINDOWS


RULES = 2
"""Collecting and probing share the account's part of the budget."""

_NUMBERS, _IDENTITY, _EPISODE, _REFERENCE = b"a", b"i", b"e", b"r"


class AccountStage:
    """Folds the request topic of one partition.

    ``references`` are those, by hash, that a control record may switch to. The thresholds follow
    from ``budget`` and the reference in force.
    """

    def __init__(
        self,
        deployment: Deployment,
        reference: Reference,
        references: Mapping[str, Reference] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.deployment = deployment
        self.reference = reference
        self.references = {reference.sha256: reference, **(references or {})}
        self.budget = budget or Budget()
        self._store = RowStore(ACCOUNT)
        self._identities = Identities()
        self._episodes = Episodes(self.policy())
        self._wheel = Wheel()
        self._reference_changed = True

    def policy(self) -> Policy:
        """When an account's alert opens, under the reference in force."""
        volume = self.reference.document.windows_per_account_day
        return Policy(log(self.budget.threshold(self.budget.account / RULES, volume)))

    def fold(self, batch: RequestBatch) -> Effects:
        """Apply the records to the state and return what they cause."""
        effects = Effects()
        for piece in pieces(batch) if len(batch) else ():
            self._fold(piece, effects)
            if piece.kind[-1] == RecordKind.REFERENCE:
                self._switch(int(piece.subject[-1]), effects)
        return effects

    def _fold(self, batch: RequestBatch, effects: Effects) -> None:
        controls = edges(batch, self._facts)
        if len(controls.rows):
            effects.emitted.append((EDGES, controls))
        gathered = gather(batch, self._store, self._wheel)
        effects.counts["duplicate"] += gathered.duplicates
        closings = None
        if gathered.due or len(gathered.requests.index):
            closings = self._requests(batch, gathered, effects)
        if closings is not None:
            windows = closings.closed.windows
            emission = Emission(closings.table, closings.entry.astype(np.int32), windows)
            effects.emitted.append((WINDOWS, emission))
            effects.counts["windows"] += len(windows)
        effects.alerts.extend(self._episodes.fold(closings, batch.watermark))

    def _requests(
        self, batch: RequestBatch, gathered: Gathered, effects: Effects
    ) -> Closings | None:
        """Fold the requests and close windows: what closed, if any did."""
        requests, work = gathered.requests, gathered.work
        self._identities.make_room(len(self._store))
        table, carrier = self._identities.fold(batch, gathered)
        slots = assign(requests, work["held"][:, HELD].astype(np.int64), work["opened"])
        measures = measure(batch, requests, work, self.reference.ratio)
        followed = follow(batch, requests, slots, work)
        links = observe(batch, requests, measures, followed.sent, table, carrier)
        effects.emitted.append((LINKS, links))
        effects.counts["links"] += len(links.rows)
        contents = tally(measures, slots, work)
        closings = None
        order = in_order(slots, table)
        if len(order):
            done, held = slots.take(order), contents.take(order)
            windows = summarise(requests, done, held, measures, followed)
            entry = carriers(requests, done, carrier)
            taken = closed(windows, done, held, table, entry)
            judgement = close(work, taken, self.reference)
            closings = Closings(taken, judgement, table, entry, done.cause, done.full)
        self._remember(gathered, slots)
        return closings

    def _remember(self, gathered: Gathered, slots: Slots) -> None:
        put_back(self._store, gathered, slots.local)
        begun = ~slots.closed & ~slots.carried
        self._wheel.add(gathered.rows[slots.local[begun]], slots.opened[begun] + WINDOW_MS)

    def _switch(self, name: int, effects: Effects) -> None:
        """Put the reference whose hash begins with ``name`` in force, if it is known."""
        for sha256, reference in sorted(self.references.items()):
            if int.from_bytes(bytes.fromhex(sha256)[:8], "little") == name:
                self._use(reference)
                return
        effects.counts["reference_unknown"] += 1

    def _use(self, reference: Reference) -> None:
        self.reference = reference
        self._reference_changed = True
        self._episodes.policy = self.policy()

    def _facts(self, account: str) -> AccountFacts | None:
        row = self._store.find(account)
        return None if row is None else self._identities.facts[row]

    def changed(self) -> Iterator[Row]:
        """Rows changed since the last call, each once."""
        keys = self._store.keys
        for key, payload in self._store.changed():
            yield _NUMBERS + key.encode(), payload
        for row, payload in self._identities.changed():
            yield _IDENTITY + keys[row].encode(), payload
        for name, episode in self._episodes.changed():
            yield _EPISODE + name, episode
        if self._reference_changed:
            self._reference_changed = False
            yield _REFERENCE, self.reference.sha256.encode()

    def snapshot(self) -> dict[bytes, bytes]:
        """Every live row: equal states give equal bytes."""
        keys = self._store.keys
        rows = {_NUMBERS + key.encode(): payload for key, payload in self._store.snapshot()}
        for row, payload in self._identities.payloads(range(len(keys))):
            rows[_IDENTITY + keys[row].encode()] = payload
        for name, payload in self._episodes.snapshot():
            rows[_EPISODE + name] = payload
        rows[_REFERENCE] = self.reference.sha256.encode()
        return rows

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the rows of an earlier life, before anything is folded.

        Raises ``StateError`` for a row that cannot be read and for a reference that is not at hand:
        going on with another would give other results.
        """
        for key, payload in rows:
            self._restore(key[:1], key[1:].decode(), payload)
        count = len(self._store)
        self._identities.make_room(count)
        states = self._store.rows[:count]
        if None in self._identities.known or (states["version"] != VERSION).any():
            raise StateError("an account whose rows are incomplete or of another version")
        held = np.flatnonzero(states["held"][:, HELD] > 0)
        self._wheel.add(held, states["opened"][held] + WINDOW_MS)

    def _restore(self, prefix: bytes, name: str, payload: bytes) -> None:
        if prefix == _NUMBERS:
            self._store.restore(name, payload)
        elif prefix == _IDENTITY:
            row = int(self._store.rows_of([name])[0][0])
            self._identities.make_room(row + 1)
            identity = decode_identity(payload)
            self._identities.put(row, identity, facts_of(name, identity))
        elif prefix == _EPISODE:
            self._episodes.restore(name, payload)
        elif prefix == _REFERENCE and payload.decode() in self.references:
            self._use(self.references[payload.decode()])
            self._reference_changed = False
        else:
            raise StateError(f"no row of this stage, or an unknown reference: {prefix!r}")
