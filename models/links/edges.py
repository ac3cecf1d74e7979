"""Edges for the campaign stage: which account joined which key, with the key's counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.eventtime import SECOND_MS
from models.links.accounts import Accounts
from models.links.block import Block, salted
from models.links.gate import Outcome, Verdict, repeated_accounts
from models.links.layouts import COUNTERS
from models.links.sharing import Sharing, Tally
from models.links.uses import ends
from models.stage import Emission, Records
from schemas.edge import EDGE, EdgeKind
from schemas.errors import StateError
from schemas.frame import AccountFacts


@dataclass(frozen=True, slots=True)
class _Lines:
    """Edges before they are records: ``use`` int64[n] causes the edge of ``account`` int64[n]."""

    use: NDArray[np.int64]
    account: NDArray[np.int64]
    requests: NDArray[np.int64]


class Edges:
    """Writes the edges of a block; knows each account's counters as of each of its events."""

    def __init__(self, block: Block, tally: Tally, sharing: Sharing, accounts: Accounts) -> None:
        self._block = block
        self._tally = tally
        self._sharing = sharing
        self._accounts = accounts
        uses = tally.uses
        events = np.flatnonzero(tally.event & (uses.source >= 0))
        when = (uses.account[events].astype(np.int64) << 32) | uses.sequence[events]
        order = np.argsort(when)
        self._events = events[order]
        self._when = when[order]

    def emission(self, verdict: Verdict) -> Emission | None:
        """All edges in the order of time, before the records take the block's counts."""
        caused = np.flatnonzero(verdict.outcome)
        if not len(caused):
            return None
        caused = caused[np.argsort(self._tally.uses.sequence[caused])]
        lines = self._lines(caused, verdict.outcome)
        rows = self._rows(lines, verdict.outcome)
        numbers, account = np.unique(lines.account, return_inverse=True)
        table = [self._facts(number) for number in numbers.tolist()]
        return Emission(table, account.astype(np.int32), rows)

    def count_accounts(self) -> None:
        """Bring the account table up to each account's last event."""
        last = ends(self._when >> 32)
        events = self._events[last]
        uses = self._tally.uses
        self._accounts.count(uses.account[events], self._block.rows[uses.source[events]])

    def _lines(self, caused: NDArray[np.int64], outcome: NDArray[np.uint8]) -> _Lines:
        tally = self._tally
        opens = np.flatnonzero(outcome[caused] == Outcome.OPENING)
        if not len(opens):
            return _Lines(caused, tally.uses.account[caused].astype(np.int64), tally.count[caused])
        pieces = []
        done = 0
        for place in opens.tolist():
            single = caused[done:place]
            pieces.append((single, tally.uses.account[single], tally.count[single]))
            pieces.append(self._opening(int(caused[place])))
            done = place + 1
        single = caused[done:]
        pieces.append((single, tally.uses.account[single], tally.count[single]))
        use, account, requests = (np.concatenate(column) for column in zip(*pieces, strict=True))
        return _Lines(use, account.astype(np.int64), requests)

    def _opening(self, use: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
        """Every member as of ``use``, in the order of joining, with its requests so far."""
        tally = self._tally
        begin = int(tally.first[use])
        joined = np.flatnonzero(tally.joins[begin : use + 1])
        shared = int(tally.uses.shared[use])
        newest = (
            tally.member[begin + joined[-1]]
            if len(joined)
            else self._sharing.keys.records["newest"][shared]
        )
        members = self._sharing.members_of(int(newest))
        inside = Counter(tally.member[begin : use + 1].tolist())
        records = self._sharing.members.records[members]
        stored = np.where(records["day"] == 0, 0, records["requests"])
        requests = stored + np.array([inside[member] for member in members.tolist()], np.int64)
        return np.full(len(members), use), records["account"], requests

    def _rows(self, lines: _Lines, outcome: NDArray[np.uint8]) -> Records:
        uses = self._tally.uses
        use = lines.use
        rows = np.zeros(len(use), EDGE)
        rows["time"] = uses.time[use]
        rows["kind"] = np.where(
            outcome[use] == Outcome.RETIREMENT, EdgeKind.RETIRED, uses.kind[use]
        )
        keys = self._sharing.keys.records.take(uses.shared[use])
        # A retired key's row says what kind it was, since nothing else does.
        rows["code"] = np.where(rows["kind"] == EdgeKind.RETIRED, uses.kind[use], 0)
        rows["key"] = salted(keys["key"], uses.kind[use])
        rows["key_first"] = keys["first"].astype(np.int64) * SECOND_MS
        rows["requests"] = lines.requests
        totals = self._tally.totals
        for name in ("requests", "accounts", "organizations", "young", "elicited"):
            rows["key_" + name] = totals[name][use]
        rows["key_repeated"] = np.rint(
            repeated_accounts(
                totals["accounts"][use], totals["repeated"][use], totals["contexts"][use]
            )
        )
        self._fill_counters(rows, lines)
        return rows

    def _fill_counters(self, rows: Records, lines: _Lines) -> None:
        """Each account's counters as of its last event up to the use that causes the edge."""
        sequence = self._tally.uses.sequence[lines.use]
        place = np.searchsorted(self._when, (lines.account << 32) | sequence, side="right") - 1
        inside = (place >= 0) & (self._when[np.maximum(place, 0)] >> 32 == lines.account)
        source = self._tally.uses.source[self._events[place[inside]]]
        for name in COUNTERS:
            column = "total_requests" if name == "requests" else name
            rows[column] = self._accounts.records[name][lines.account]
            rows[column][inside] = self._block.rows[name][source]

    def _facts(self, number: int) -> AccountFacts:
        facts = self._accounts.facts[number]
        if facts is None:
            raise StateError("a member whose account was forgotten")
        return facts
