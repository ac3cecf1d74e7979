"""Who shares a key: counts over all its uses, and its members."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.keymap import KeyMap
from models.links.accounts import Accounts
from models.links.block import first_of_each
from models.links.layouts import CONTEXTS, MEMBER, SHARED_KEY, KeyState
from models.links.paged import Paged
from models.links.rules import LinkRules
from models.links.uses import Uses, ends, running, segment_starts
from models.stage import Records, Row
from schemas.link import LinkKind


_ROW_BITS = 44
_TAG_BITS = 42
_MEMBER, _ORGANIZATION, _CONTEXT = (np.int64(tag << _TAG_BITS) for tag in (1, 2, 3))
_ORGANIZATION_SHIFT = np.uint64(64 - _TAG_BITS)
"""42 bits of an organisation's hash: 10,000 in one key collide with probability 1e-5."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What each of k uses adds, and the key's counts as of it."""

    uses: Uses
    first: NDArray[np.int64]
    """[k] where the segment of each use's key begins"""
    member: NDArray[np.int64]
    count: NDArray[np.int64]
    """[k] the member's requests through the key"""
    joins: NDArray[np.bool_]
    dies: NDArray[np.bool_]
    """[k] the member with whom the key becomes too common"""
    event: NDArray[np.bool_]
    """[k] the member joins, its count reaches a power of two, or it comes back on a later day"""
    totals: dict[str, NDArray[np.int64]]
    """[k] by name of the counters of SHARED_KEY"""


class Sharing:
    """Shared keys and their members.

    Equal to the recursion, for each use of a key that is not retired: count the request; an account
    that is no member joins, and if the key then has too many it is retired, for good. A member's
    context is compared with those of the others at its 1st, 2nd, 4th and 8th request; both sides
    of the first match become repeated.
    """

    def __init__(self, rules: LinkRules, accounts: Accounts) -> None:
        self.keys = Paged(b"k", SHARED_KEY, "key", 8)
        self.members = Paged(b"m", MEMBER, "requests", 16)
        self._rules = rules
        self._accounts = accounts
        self._pairs = KeyMap()
        self._most = np.array([gate.most for gate in rules.gates])
        self._share = np.array([gate.share for gate in rules.gates])

    @property
    def nbytes(self) -> int:
        """Memory of the records and the map."""
        return self.keys.records.nbytes + self.members.records.nbytes + self._pairs.nbytes

    def tally(self, uses: Uses, day: int) -> Tally:
        """Enter new members, and count; :meth:`store` makes the counts the records'."""
        account = _pair(uses.shared, _MEMBER, uses.account.astype(np.int64))
        slots = self._pairs.claim(account)
        joins = self._joining(slots)
        first = segment_starts(uses.shared)
        accounts = self.keys.records["accounts"][uses.shared] + running(joins, first)
        cap = np.maximum(self._most[uses.kind], self._share[uses.kind] * uses.known)
        over = joins & (accounts > cap)
        crowd = running(over, first)
        keep = (crowd == 0) | (over & (crowd == 1))
        if not keep.all():
            uses, slots, joins, over = uses.only(keep), slots[keep], joins[keep], over[keep]
            first = segment_starts(uses.shared)
        member = self._enter(uses, joins, slots)
        count, back = self._member_counts(member, day)
        event = back | ((count & (count - 1)) == 0)
        totals = self._totals(uses, first, joins, member, count)
        return Tally(uses, first, member, count, joins, over, event, totals)

    def store(self, tally: Tally, state: NDArray[np.uint8], day: int) -> None:
        """Write the counts into the records; ``state`` uint8[k] is the key's as of each use."""
        uses = tally.uses
        last = ends(uses.shared)
        numbers = uses.shared[last]
        for name, values in tally.totals.items():
            self.keys.records[name][numbers] = values[last]
        self.keys.records["state"][numbers] = state[last]
        joined = np.flatnonzero(tally.joins)
        if len(joined):
            newest = joined[ends(uses.shared[joined])]
            self.keys.records["newest"][uses.shared[newest]] = tally.member[newest]
        self.keys.touch(numbers)
        # Counts rise within a member, so that the last value written is the greatest.
        self.members.records["requests"][tally.member] = tally.count
        self.members.records["day"][tally.member] = day
        self.members.touch(tally.member)

    def seen(self, numbers: NDArray[np.int64], day: int) -> None:
        """Note the day of use of keys, retired or not."""
        stale = numbers[self.keys.records["day"][numbers] != day]
        self.keys.records["day"][stale] = day
        self.keys.touch(stale)

    def members_of(self, newest: int) -> NDArray[np.int64]:
        """Members in the order they joined, up to ``newest``."""
        older = self.members.records["older"]
        chain = []
        while newest >= 0:
            chain.append(newest)
            newest = int(older[newest])
        return np.array(chain[::-1], np.int64)

    def drop(self, numbers: NDArray[np.int64]) -> None:
        """Forget keys, and the members of those and of all retired ones."""
        if len(numbers):
            self.keys.release(numbers)
        records = self.members.records
        members = self.members.numbers
        shared = records["shared"][members]
        keys = self.keys.records
        # A member outlives its key by no more than a look at the bounds, before its key's number
        # is given to another.
        gone = (keys["key"][shared] == 0) | (keys["state"][shared] == KeyState.RETIRED)
        if gone.any():
            self.members.release(members[gone])
            crowded = self.keys.numbers
            crowded = crowded[keys["state"][crowded] == KeyState.RETIRED]
            crowded = crowded[keys["newest"][crowded] >= 0]
            keys["newest"][crowded] = -1
            self.keys.touch(crowded)
        self.rebuild()

    def rebuild(self) -> None:
        """Make the map from the records."""
        records = self.members.records
        members = self.members.numbers
        shared = records["shared"][members].astype(np.int64)
        accounts = records["account"][members].astype(np.int64)
        organizations = self._organizations(accounts)
        self._pairs.rebuild(np.empty(0, np.uint64), np.empty(0, np.int32), 4 * len(members))
        self._pairs.insert(_pair(shared, _MEMBER, accounts), members.astype(np.int32))
        self._pairs.insert(
            _pair(shared, _ORGANIZATION, organizations), np.zeros(len(members), np.int32)
        )
        sentence = self.keys.records["kind"][shared] == LinkKind.SENTENCE
        for place in range(CONTEXTS):
            has = sentence & (records["requests"][members] >= 1 << place)
            context = records["contexts"][members[has], place].astype(np.int64)
            self._pairs.insert(_pair(shared[has], _CONTEXT, context), members[has].astype(np.int32))

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self.keys.changed()
        yield from self.members.changed()

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        yield from self.keys.snapshot()
        yield from self.members.snapshot()

    def restore(self, key: bytes, payload: bytes) -> bool:
        """Take one state row if it is one of these; :meth:`restored` ends it."""
        for table in (self.keys, self.members):
            if key.startswith(table.prefix):
                table.restore(key, payload)
                return True
        return False

    def restored(self) -> None:
        """All rows are there."""
        self.keys.restored()
        self.members.restored()
        self.rebuild()

    def _joining(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        unknown = np.flatnonzero(self._pairs.values[slots] < 0)
        joins = np.zeros(len(slots), bool)
        joins[unknown] = first_of_each(slots[unknown], self._pairs.values)
        return joins

    def _enter(
        self, uses: Uses, joins: NDArray[np.bool_], slots: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Make records of new members, in the order of time; the member int64[k] of each use."""
        at = np.flatnonzero(joins)
        numbers = np.empty(len(at), np.int64)
        numbers[np.argsort(uses.sequence[at])] = self.members.allocate(len(at))
        values = self._pairs.values
        values[slots[at]] = numbers
        shared = uses.shared[at]
        made = np.zeros(len(at), MEMBER)
        made["requests"] = 1
        made["shared"] = shared
        made["account"] = uses.account[at]
        made["older"] = self.keys.records["newest"][shared]
        follows = np.flatnonzero(shared[1:] == shared[:-1]) + 1
        made["older"][follows] = numbers[follows - 1]
        self.members.records[numbers] = made
        return values[slots].astype(np.int64)

    def _member_counts(
        self, member: NDArray[np.int64], day: int
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The member's requests int64[k] as of each use, and whether it is back on a later day."""
        order = np.argsort(member, kind="stable")
        ordered = member[order]
        rank = np.arange(len(order)) - segment_starts(ordered)
        records = self.members.records
        new = records["day"][ordered] == 0
        count = np.empty(len(member), np.int64)
        count[order] = np.where(new, 0, records["requests"][ordered]) + rank + 1
        back = np.empty(len(member), bool)
        back[order] = (rank == 0) & (records["day"][ordered] != day)
        return count, back

    def _totals(
        self,
        uses: Uses,
        first: NDArray[np.int64],
        joins: NDArray[np.bool_],
        member: NDArray[np.int64],
        count: NDArray[np.int64],
    ) -> dict[str, NDArray[np.int64]]:
        """The key's counters as of each use."""
        created = self._accounts.records["created"][uses.account]
        youth = (created > 0) & (uses.time - created < self._rules.young_ms)
        context, repeats = self._contexts(uses, member, count)
        added = {
            "requests": np.ones(len(uses), bool),
            "accounts": joins,
            "organizations": self._new_organizations(uses, joins),
            "young": joins & youth,
            "elicited": self._first_elicited(uses, member),
            "contexts": context,
            "repeated": repeats,
        }
        # Indexing would copy a structured record field by field, ten times slower.
        records: Records = self.keys.records.take(uses.shared)
        return {
            name: records[name].astype(np.int64) + running(values, first)
            for name, values in added.items()
        }

    def _organizations(self, accounts: NDArray[np.int64]) -> NDArray[np.int64]:
        hashes = self._accounts.records["organization"][accounts]
        organizations: NDArray[np.int64] = (hashes >> _ORGANIZATION_SHIFT).view(np.int64)
        return organizations

    def _new_organizations(self, uses: Uses, joins: NDArray[np.bool_]) -> NDArray[np.bool_]:
        at = np.flatnonzero(joins)
        organizations = self._organizations(uses.account[at].astype(np.int64))
        slots = self._pairs.claim(_pair(uses.shared[at], _ORGANIZATION, organizations))
        values = self._pairs.values
        unknown = np.flatnonzero(values[slots] < 0)
        new = np.zeros(len(uses), bool)
        new[at[unknown]] = first_of_each(slots[unknown], values)
        values[slots] = 0
        return new

    def _first_elicited(self, uses: Uses, member: NDArray[np.int64]) -> NDArray[np.bool_]:
        flags = self.members.records["elicited"]
        at = np.flatnonzero(uses.elicited & (flags[member] == 0))
        _, where = np.unique(member[at], return_index=True)
        first = np.zeros(len(uses), bool)
        first[at[where]] = True
        flags[member[first]] = 1
        return first

    def _contexts(
        self, uses: Uses, member: NDArray[np.int64], count: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which uses bring a context, and how many members each makes repeated, 0 to 2."""
        brings = (uses.kind == LinkKind.SENTENCE) & (count < 1 << CONTEXTS)
        brings &= (count & (count - 1)) == 0
        at = np.flatnonzero(brings)
        mine = member[at]
        place = np.searchsorted(1 << np.arange(CONTEXTS), count[at])
        self.members.records["contexts"][mine, place] = uses.context[at]
        slots = self._pairs.claim(
            _pair(uses.shared[at], _CONTEXT, uses.context[at].astype(np.int64))
        )
        values = self._pairs.values
        new = np.flatnonzero(values[slots] < 0)
        # The first that brings it owns it: of several assignments the last one stays.
        values[slots[new[::-1]]] = mine[new[::-1]]
        owner = values[slots].astype(np.int64)
        clash = np.flatnonzero(owner != mine)
        return brings, self._repeats(
            np.concatenate((mine[clash], owner[clash])), np.tile(at[clash], 2), len(uses)
        )

    def _repeats(
        self, members: NDArray[np.int64], at: NDArray[np.int64], uses: int
    ) -> NDArray[np.int64]:
        """How many of ``members`` become repeated at each of k uses, having clashed ``at`` some."""
        flags = self.members.records["repeated"]
        unflagged = flags[members] == 0
        members, at = members[unflagged], at[unflagged]
        order = np.lexsort((at, members))
        _, where = np.unique(members[order], return_index=True)
        flags[members] = 1
        return np.bincount(at[order][where], minlength=uses)


def _pair(shared: NDArray[np.int64], tag: np.int64, other: NDArray[np.int64]) -> NDArray[np.uint64]:
    pair: NDArray[np.uint64] = ((shared << _ROW_BITS) | tag | other).view(np.uint64)
    return pair
