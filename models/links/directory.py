"""From key to what is known of it: its shared record, its first sender, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.keymap import ABSENT, KeyMap
from models.links.accounts import Accounts
from models.links.block import Block, first_of_each
from models.links.front import Front
from models.links.layouts import FIRST_SENDER, SHARED_KEY
from models.links.paged import Paged
from models.stage import Records


_STALE = 1.25
"""Entries of the map for each living one from which a rebuild is worth its 0.1 µs an entry."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a block's keys are.

    ``shared`` int64[n] number of the key's shared record as of each observation, -1 if it has none
    yet. Of the m records that are new, ``promoted`` int64[m] are the numbers, ascending,
    ``promoted_at`` int64[m] the observations that made them, ``origins`` [m] their first senders.
    """

    shared: NDArray[np.int64]
    promoted: NDArray[np.int64]
    promoted_at: NDArray[np.int64]
    origins: Records


class Directory:
    """One map for both: a value is a shared record's number, or a code of the front.

    Equal to the recursion, for each observation: a key with a record has it. Else a key without a
    living entry gets one for this account. Else, if the entry's account is of this observation's
    organisation, an entry of the older generation is renewed: it goes on in the younger one for
    this account, with the time it had. Else the key gets a shared record.

    Entries of keys that went are found out when they are met, since a record holds its key, and
    are dropped when the map would grow.
    """

    def __init__(self, front: Front, keys: Paged, accounts: Accounts) -> None:
        self._front = front
        self._keys = keys
        self._accounts = accounts
        self._map = KeyMap()

    @property
    def nbytes(self) -> int:
        """Memory of the map."""
        return self._map.nbytes

    def resolve(self, block: Block) -> Found:
        """Look up a block's keys, and enter those that are new."""
        self._make_room(len(block.key))
        slots = self._map.claim(block.key)
        values = self._map.values
        held = values[slots]
        shared = self._shared(held, block.key)
        rest = np.flatnonzero(shared < 0)
        at = slots[rest]
        fresh = self._enter(block, rest, at, held[rest])
        # What is alone with its entry needs no comparing with it.
        maybe = np.flatnonzero(~fresh)
        senders = self._front.field("account", values[at[maybe]])
        foreign = maybe[self._differs(senders, block.account[rest[maybe]])]
        if not len(foreign):
            none = np.empty(0, np.int64)
            return Found(shared, none, none, np.empty(0, FIRST_SENDER))
        codes = values[at[foreign]]
        first = first_of_each(at[foreign], values)
        promoted_at = rest[foreign[first]]
        origins = self._front.entries(codes[first])
        promoted = self._promote(block, promoted_at, origins)
        values[slots[promoted_at]] = promoted
        # Values below 0 of keys without promotion are codes, which is as good as -1 here.
        now = values[at].astype(np.int64)
        has = np.flatnonzero(now >= 0)
        since = promoted_at[np.searchsorted(promoted, now[has])]
        has = has[rest[has] >= since]
        shared[rest[has]] = now[has]
        return Found(shared, promoted, promoted_at, origins)

    def rebuild(self) -> None:
        """Hold what the front and the shared records hold, and nothing else."""
        self._map.rebuild(np.empty(0, np.uint64), np.empty(0, np.int32), len(self._front))
        for keys, codes in self._front.items():
            self._map.insert(keys, codes)
        numbers = self._keys.numbers
        self._map.insert(self._keys.records["key"][numbers], numbers.astype(np.int32))

    def _make_room(self, more: int) -> None:
        """Drop what is stale before the map would grow for it."""
        if self._map.is_full(more):
            living = len(self._front) + len(self._keys)
            if len(self._map) > _STALE * living:
                self.rebuild()

    def _shared(self, values: NDArray[np.int32], keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Numbers of the keys' shared records int64[n], -1 where ``values`` name none."""
        shared = np.maximum(values, ABSENT).astype(np.int64)
        held = np.flatnonzero(shared >= 0)
        stale = held[self._keys.records["key"][shared[held]] != keys[held]]
        shared[stale] = ABSENT
        return shared

    def _enter(
        self,
        block: Block,
        rest: NDArray[np.int64],
        at: NDArray[np.int64],
        codes: NDArray[np.int32],
    ) -> NDArray[np.bool_]:
        """Give the keys of the observations ``rest`` [m] a young entry where the recursion does.

        ``at`` [m] are their slots, ``codes`` [m] what was there. Returns which of them brought a
        key that was not there.
        """
        values = self._map.values
        living, aged = self._front.living(codes, block.key[rest])
        fresh = np.zeros(len(rest), bool)
        unknown = np.flatnonzero(~living)
        fresh[unknown] = first_of_each(at[unknown], values)
        entered = fresh.copy()
        old = np.flatnonzero(living & aged)
        first = first_of_each(at[old], values)
        values[at[old]] = codes[old]
        senders = self._front.field("account", codes[old])
        again = old[first & ~self._differs(senders, block.account[rest[old]])]
        entered[again] = True
        places = np.flatnonzero(entered)
        journal = block.first_senders(rest[places])
        journal["second"][np.searchsorted(places, again)] = self._front.field(
            "second", codes[again]
        )
        values[at[places]] = self._front.append(journal)
        return fresh

    def _promote(self, block: Block, at: NDArray[np.int64], origins: Records) -> NDArray[np.int64]:
        """New shared records int64[m], without members yet."""
        numbers = self._keys.allocate(len(at))
        made = np.zeros(len(at), SHARED_KEY)
        made["key"] = block.key[at]
        made["first"] = origins["second"]
        made["kind"] = block.kind[at]
        made["newest"] = -1
        self._keys.records[numbers] = made
        return numbers

    def _differs(self, one: NDArray[np.generic], other: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Whether the accounts are of different organisations, bool[n]."""
        organization = self._accounts.records["organization"]
        differs: NDArray[np.bool_] = organization[one] != organization[other]
        return differs
