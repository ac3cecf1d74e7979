"""Who the accounts are: organisation, creation and plan, which may change in mid-stream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from numpy.typing import NDArray

from models.account.batch import Identity, RequestBatch
from models.account.gathering import Gathered
from models.eventtime import parse_time
from schemas.errors import StateError
from schemas.frame import AccountFacts


NO_ACCOUNT = AccountFacts("-", "-")
"""Stands in an account table where there is no account: for a model release, or a row to be."""


class Identities:
    """Facts by state row; a row that has none yet is known as ``None``."""

    def __init__(self) -> None:
        self.known: list[Identity | None] = []
        self.facts: list[AccountFacts] = []
        self._changed: dict[int, None] = {}

    def make_room(self, rows: int) -> None:
        """Have a place for each of ``rows`` state rows."""
        missing = rows - len(self.known)
        self.known.extend([None] * missing)
        self.facts.extend([NO_ACCOUNT] * missing)

    def fold(
        self, batch: RequestBatch, gathered: Gathered
    ) -> tuple[list[AccountFacts], NDArray[np.int64]]:
        """Facts as of each request.

        Returns a table whose first m entries are the accounts' facts before the batch (their first
        ones, if new), and int64[k], the entry for each request.
        """
        requests = gathered.requests
        carrier = requests.local
        table = list(map(self.facts.__getitem__, gathered.rows.tolist()))
        asked = batch.identity
        if len(gathered.found) < len(batch):
            asked = [identity for identity in asked if identity is not None]
        known = list(map(self.known.__getitem__, gathered.found.tolist()))
        # Nearly always all are equal, and then this one comparison is all there is to do.
        if asked != known:
            carrier = carrier.copy()
            different = [new != old for new, old in zip(asked, known, strict=True)]
            rows = np.unique(gathered.found[different])
            for local in np.searchsorted(gathered.rows, rows).tolist():
                start, stop = int(requests.start[local]), int(requests.stop[local])
                index = requests.index[start:stop].tolist()
                carrier[start:stop] = self._walk(batch, index, gathered.rows[local], local, table)
        return table, carrier

    def _walk(
        self, batch: RequestBatch, index: list[int], row: int, local: int, table: list[AccountFacts]
    ) -> list[int]:
        """The entries of one account's requests; new facts go to the end of the table."""
        entry, entries = local, []
        for position in index:
            identity = batch.identity[position]
            if identity is not None and identity != self.known[row]:
                facts = facts_of(batch.account[position], identity)
                if self.known[row] is None:
                    table[local] = facts
                else:
                    entry = len(table)
                    table.append(facts)
                self.put(row, identity, facts)
                self._changed[row] = None
            entries.append(entry)
        return entries

    def put(self, row: int, identity: Identity, facts: AccountFacts) -> None:
        """Set what is known of a state row."""
        self.known[row] = identity
        self.facts[row] = facts

    def changed(self) -> Iterator[tuple[int, bytes]]:
        """State rows whose identity changed since the last call, with the payloads."""
        rows, self._changed = self._changed, {}
        return self.payloads(rows)

    def payloads(
        self, rows: Sequence[int] | dict[int, None] | range
    ) -> Iterator[tuple[int, bytes]]:
        """The payloads of some state rows."""
        return ((row, msgspec.msgpack.encode(self.known[row])) for row in rows)


def facts_of(account: str, identity: Identity) -> AccountFacts:
    """What frames say of an account; a creation time that cannot be read is 0."""
    organization, created, plan = identity
    try:
        millis = parse_time(created) if created else 0
    except ValueError:
        millis = 0
    return AccountFacts(account, organization, millis, plan)


def decode_identity(payload: bytes) -> Identity:
    """The identity of a state row. Raises ``StateError`` if it is none."""
    try:
        return msgspec.msgpack.decode(payload, type=tuple[str, str, int])
    except msgspec.MsgspecError as error:
        raise StateError(f"an identity row that cannot be read: {error}") from error
