"""Ageing and bounds: what is let go, and when."""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from models.links.accounts import Accounts
from models.links.directory import Directory
from models.links.front import Front
from models.links.layouts import KeyState
from models.links.rules import LinkRules
from models.links.sharing import Sharing


class Upkeep:
    """Runs at days and at fixed counts of observations, so that it does not depend on batches."""

    def __init__(
        self,
        rules: LinkRules,
        accounts: Accounts,
        front: Front,
        sharing: Sharing,
        directory: Directory,
    ) -> None:
        self._rules = rules
        self._accounts = accounts
        self._front = front
        self._sharing = sharing
        self._directory = directory

    def new_day(self, before: int, day: int) -> None:
        """The first observation of ``day`` is next; the one before it was of day ``before``."""
        self._front.rotate()
        if day > before + 1:
            self._front.rotate()
        numbers = self._sharing.keys.numbers
        last_used = self._sharing.keys.records["day"][numbers]
        idle = numbers[last_used + self._rules.key_idle_days < day]
        self._sharing.drop(idle)
        self._accounts.forget(day - self._rules.account_idle_days, self._members())

    def look(self) -> int:
        """Hold the bounds; returns how many keys had to go for that."""
        if self._front.filled >= self._rules.front_keys:
            self._front.rotate()
        rules = self._rules
        keys = self._sharing.keys
        members = self._sharing.members
        if len(keys) <= rules.most_keys and len(members) <= rules.most_members:
            return 0
        evicted = self._surplus()
        self._sharing.drop(evicted)
        # The front may still know who sent an evicted key first, and a restart would find that.
        self._directory.rebuild()
        return len(evicted)

    def _surplus(self) -> NDArray[np.int64]:
        """Keys to evict: those that link nobody first, with the fewest accounts, longest unused."""
        rules = self._rules
        numbers = self._sharing.keys.numbers
        records = self._sharing.keys.records[numbers]
        crowded = records["state"] == KeyState.RETIRED
        order = np.lexsort(
            [records[name] for name in ("key", "first", "day", "accounts", "state")],
        )
        members = np.where(crowded, 0, records["accounts"]).astype(np.int64)[order]
        keys_left = len(order) - np.arange(1, len(order) + 1)
        members_left = members.sum() - np.cumsum(members)
        fits = (keys_left <= rules.evict_to * rules.most_keys) & (
            members_left <= rules.evict_to * rules.most_members
        )
        return np.sort(numbers[order[: int(np.argmax(fits)) + 1]])

    def _members(self) -> NDArray[np.int32]:
        members = self._sharing.members
        accounts: NDArray[np.int32] = members.records["account"][members.numbers]
        return accounts
