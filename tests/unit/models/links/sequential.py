"""The links stage one observation at a time, in dictionaries: what the arrays must equal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.links.block import day_of, salted
from models.links.rules import LinkRules
from schemas.edge import EdgeKind
from schemas.frame import AccountFacts
from schemas.link import LinkKind


COUNTERS = ("requests", "elicited", "graded", "foreign", "sentences")


@dataclass
class Known:
    organization: str
    created: int
    day: int
    counters: tuple[int, ...]


@dataclass
class First:
    account: str
    second: int
    context: int
    elicited: bool


@dataclass
class Member:
    requests: int = 0
    day: int = 0
    contexts: list[int] = field(default_factory=list)
    elicited: bool = False
    repeated: bool = False


@dataclass
class Shared:
    raw: int
    kind: int
    first: int
    day: int = 0
    requests: int = 0
    young: int = 0
    linking: bool = False
    retired: bool = False
    members: dict[str, Member] = field(default_factory=dict)
    organizations: dict[str, None] = field(default_factory=dict)
    owners: dict[int, str] = field(default_factory=dict)
    accounts: int = 0

    def count(self, name: str) -> int:
        return sum(getattr(member, name) for member in self.members.values())

    @property
    def contexts(self) -> int:
        return sum(len(member.contexts) for member in self.members.values())

    @property
    def meant(self) -> float:
        crowd = self.contexts / self.accounts * self.contexts / 65_536
        spared = 1 / (1 + crowd * (1 + crowd * (0.5 + crowd / 6)))
        share = (self.count("repeated") / self.accounts - (1 - spared)) / spared
        return max(share, 0.0) * self.accounts


class Sequential:
    def __init__(self, rules: LinkRules) -> None:
        self.rules = rules
        self.accounts: dict[str, Known] = {}
        self.facts: dict[str, AccountFacts] = {}
        self.young: dict[int, First] = {}
        self.old: dict[int, First] = {}
        self.shared: dict[int, Shared] = {}
        self.crowded_members = 0
        self.seen = 0
        self.started = 0
        self.day = 0
        self.edges: list[tuple[Any, ...]] = []

    def observe(self, facts: AccountFacts, row: Any) -> None:
        time = int(row["time"])
        day = day_of(time)
        if not self.seen:
            self.started = time
        elif day != self.day:
            self._new_day(day)
        self.day = day
        self.seen += 1
        if row["kind"] <= LinkKind.CLIENT:
            kind = np.array([row["kind"]], np.uint8)
            key = int(salted(np.array([row["key"]], np.uint64), kind)[0])
            if key:
                self._use(facts, row, key)
        if self.seen % self.rules.upkeep_every == 0:
            self._look()

    def _use(self, facts: AccountFacts, row: Any, key: int) -> None:
        account = facts.account_id
        counters = tuple(int(row[name]) for name in COUNTERS)
        if account not in self.accounts:
            self.facts[account] = facts
            self.accounts[account] = Known(facts.organization_id, facts.created, self.day, counters)
        self.accounts[account].day = self.day
        time = int(row["time"])
        first = First(account, time // 1000, int(row["context"]), bool(row["elicitation"]))
        shared = self.shared.get(key)
        if shared is None:
            shared = self._sent_first(key, first, row)
            if shared is None:
                return
        shared.day = self.day
        if not shared.retired:
            self._through(shared, first, time, counters)

    def _sent_first(self, key: int, first: First, row: Any) -> Shared | None:
        aged = key not in self.young
        entry = self.old.get(key) if aged else self.young[key]
        if entry is None:
            self.young[key] = first
            return None
        organizations = [self.accounts[a].organization for a in (entry.account, first.account)]
        if organizations[0] == organizations[1]:
            if aged:
                first.second = entry.second
                self.young[key] = first
            return None
        self.shared[key] = Shared(int(row["key"]), int(row["kind"]), entry.second)
        self._through(self.shared[key], entry, entry.second * 1000, None)
        return self.shared[key]

    def _through(
        self, shared: Shared, use: First, time: int, counters: tuple[int, ...] | None
    ) -> None:
        account = self.accounts[use.account]
        shared.requests += 1
        joins = use.account not in shared.members
        if joins:
            shared.members[use.account] = Member()
            shared.accounts += 1
            shared.organizations[account.organization] = None
            if account.created > 0 and time - account.created < self.rules.young_ms:
                shared.young += 1
        member = shared.members[use.account]
        member.requests += 1
        back = member.day != self.day
        member.day = self.day
        member.elicited |= use.elicited
        if shared.kind == LinkKind.SENTENCE and member.requests in {1, 2, 4, 8}:
            member.contexts.append(use.context)
            owner = shared.owners.setdefault(use.context, use.account)
            if owner != use.account:
                member.repeated = shared.members[owner].repeated = True
        if back or member.requests & (member.requests - 1) == 0:
            if counters is not None:
                account.counters = counters
            self._event(shared, use.account, time, joins)

    def _event(self, shared: Shared, account: str, time: int, joins: bool) -> None:
        gate = self.rules.gates[shared.kind]
        if joins and shared.accounts > max(gate.most, gate.share * len(self.accounts)):
            if shared.linking or shared.kind == LinkKind.SENTENCE:
                self._emit(shared, account, time, EdgeKind.RETIRED)
            shared.linking = False
            shared.retired = True
            self.crowded_members += len(shared.members)
            return
        was = shared.linking
        shared.linking = self._passes(shared, was)
        if was and not shared.linking:
            self._emit(shared, account, time, EdgeKind.RETIRED)
        elif was:
            self._emit(shared, account, time, EdgeKind(shared.kind))
        elif shared.linking:
            for member in shared.members:
                self._emit(shared, member, time, EdgeKind(shared.kind))

    def _passes(self, shared: Shared, kept: bool) -> bool:
        rules = self.rules
        gate = rules.gates[shared.kind]
        if min(shared.accounts, len(shared.organizations)) < gate.least:
            return False
        if not gate.tells_time:
            return True
        repeated = rules.repeated_kept if kept else rules.repeated
        young = rules.young_share_kept if kept else rules.young_share
        new = shared.first * 1000 >= self.started + rules.settled_ms
        return shared.meant <= repeated * shared.accounts and (
            new or shared.young >= young * shared.accounts
        )

    def _emit(self, shared: Shared, account: str, time: int, kind: EdgeKind) -> None:
        self.edges.append(
            (
                self.facts[account],
                time,
                int(kind),
                shared.kind if kind is EdgeKind.RETIRED else 0,
                shared.raw,
                shared.members[account].requests,
                *self.accounts[account].counters,
                shared.first * 1000,
                shared.requests,
                shared.accounts,
                len(shared.organizations),
                shared.young,
                shared.count("elicited"),
                round(shared.meant),
            )
        )

    def _new_day(self, day: int) -> None:
        self.old, self.young = self.young, {}
        if day > self.day + 1:
            self.old = {}
        idle = self.rules.key_idle_days
        self._drop([key for key, shared in self.shared.items() if shared.day + idle < day])
        members = {
            account
            for shared in self.shared.values()
            if not shared.retired
            for account in shared.members
        }
        for account, known in list(self.accounts.items()):
            if known.day < day - self.rules.account_idle_days and account not in members:
                del self.accounts[account]

    def _look(self) -> None:
        rules = self.rules
        if len(self.young) >= rules.front_keys:
            self.old, self.young = self.young, {}
        live = [shared for shared in self.shared.values() if not shared.retired]
        members = sum(len(shared.members) for shared in live)
        if (
            len(self.shared) <= rules.most_keys
            and members + self.crowded_members <= rules.most_members
        ):
            return
        order = sorted(
            self.shared,
            key=lambda k: (
                2 if self.shared[k].linking else int(self.shared[k].retired),
                self.shared[k].accounts,
                self.shared[k].day,
                self.shared[k].first,
                k,
            ),
        )
        evicted = []
        left = len(order)
        for key in order:
            evicted.append(key)
            left -= 1
            if not self.shared[key].retired:
                members -= len(self.shared[key].members)
            if (
                left <= rules.evict_to * rules.most_keys
                and members <= rules.evict_to * rules.most_members
            ):
                break
        self._drop(evicted)

    def _drop(self, keys: list[int]) -> None:
        for key in keys:
            del self.shared[key]
        self.crowded_members = 0
