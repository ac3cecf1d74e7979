"""The accounts a links partition knows, by number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
import xxhash

from numpy.typing import NDArray

from models.links.layouts import ACCOUNT, COUNTERS
from models.links.paged import Paged
from models.stage import Records, Row
from schemas.errors import StateError
from schemas.frame import AccountFacts


_IDENTITY = b"i"
_PAGE = 8
_decode = msgspec.msgpack.Decoder(AccountFacts).decode


class Accounts:
    """Account number -> what is said about the account, as of when it was first seen.

    An account that changes its organisation keeps the first one here, until it is forgotten.
    """

    def __init__(self) -> None:
        self.table = Paged(b"a", ACCOUNT, "organization", _PAGE)
        self.facts: list[AccountFacts | None] = []
        self._numbers: dict[str, int] = {}
        self._renamed: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self.table)

    @property
    def records(self) -> Records:
        """The ACCOUNT records."""
        return self.table.records

    def numbers_of(
        self, accounts: Sequence[AccountFacts], used: NDArray[np.int64], rows: Records, day: int
    ) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Numbers int32[k] of ``accounts[used]``, and which of them are new, in order.

        ``rows`` holds the first observation of each, from which a new account's counters come.
        """
        known = self._numbers
        indices = used.tolist()
        found = [known.get(accounts[index].account_id, -1) for index in indices]
        numbers = np.array(found, np.int32)
        new = numbers < 0
        for position in np.flatnonzero(new).tolist():
            facts = accounts[indices[position]]
            number = known.get(facts.account_id)
            new[position] = number is None
            numbers[position] = self._admit(facts) if number is None else number
        self._count(numbers[new], rows[new])
        stale = numbers[self.records["day"][numbers] != day]
        self.records["day"][stale] = day
        self.table.touch(stale)
        return numbers, new

    def count(self, numbers: NDArray[np.int32], rows: Records) -> None:
        """Set the counters of accounts, each at most once, to those of ``rows``."""
        self._count(numbers, rows)
        self.table.touch(numbers)

    def forget(self, idle_since: int, referenced: NDArray[np.int32]) -> None:
        """Drop accounts last seen before day ``idle_since``, except those ``referenced``."""
        held = np.zeros(len(self.records), bool)
        held[referenced] = True
        numbers = self.table.numbers
        idle = numbers[(self.records["day"][numbers] < idle_since) & ~held[numbers]]
        if not len(idle):
            return
        for number in idle.tolist():
            facts = self.facts[number]
            if facts is not None:
                del self._numbers[facts.account_id]
            self.facts[number] = None
            self._renamed[number] = None
        self.table.release(idle)

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self.table.changed()
        for number in self._renamed:
            facts = self.facts[number]
            yield _key(number), None if facts is None else msgspec.msgpack.encode(facts)
        self._renamed.clear()

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        yield from self.table.snapshot()
        for number, facts in enumerate(self.facts):
            if facts is not None:
                yield _key(number), msgspec.msgpack.encode(facts)

    def restore(self, key: bytes, payload: bytes) -> bool:
        """Take one state row if it is one of these; :meth:`restored` ends it."""
        if key.startswith(self.table.prefix):
            self.table.restore(key, payload)
            return True
        if not key.startswith(_IDENTITY):
            return False
        try:
            facts = _decode(payload)
        except msgspec.DecodeError as error:
            raise StateError("an account of the links stage cannot be read") from error
        self._name(int.from_bytes(key[len(_IDENTITY) :], "big"), facts)
        return True

    def restored(self) -> None:
        """All rows are there. Raises ``StateError`` if names and records do not match."""
        self.table.restored()
        named = np.array([facts is not None for facts in self.facts], bool)
        if not np.array_equal(np.flatnonzero(named), self.table.numbers):
            raise StateError("accounts of the links stage without a name, or without a record")

    def _admit(self, facts: AccountFacts) -> int:
        number = int(self.table.allocate(1)[0])
        # 0 marks an unused record; two organisations with one hash would only look like one.
        self.records["organization"][number] = (
            xxhash.xxh3_64_intdigest(facts.organization_id.encode()) or 1
        )
        self.records["created"][number] = facts.created
        self._name(number, facts)
        self._renamed[number] = None
        return number

    def _name(self, number: int, facts: AccountFacts) -> None:
        if number >= len(self.facts):
            self.facts.extend([None] * (number + 1 - len(self.facts)))
        self.facts[number] = facts
        self._numbers[facts.account_id] = number

    def _count(self, numbers: NDArray[np.int32], rows: Records) -> None:
        for name in COUNTERS:
            self.records[name][numbers] = rows[name]


def _key(number: int) -> bytes:
    return _IDENTITY + number.to_bytes(4, "big")
