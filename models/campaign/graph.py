"""Accounts and the keys they share: the bipartite graph that groups grow on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from models.campaign.book import Book
from models.campaign.rules import Bounds
from models.stage import Row
from schemas.edge import EdgeKind
from schemas.errors import StateError
from schemas.frame import AccountFacts


TEXT = int(EdgeKind.SENTENCE)
HANDOFF = int(EdgeKind.CONVERSATION)
PAYMENT = int(EdgeKind.PAYMENT)
NETWORK = int(EdgeKind.NETWORK)
CLIENT = int(EdgeKind.CLIENT)


class EdgeRow(NamedTuple):
    """One record of the edges topic but for its account, in the order of its layout."""

    time: int
    kind: int
    code: int
    key: int
    requests: int
    total_requests: int
    elicited: int
    graded: int
    foreign: int
    sentences: int
    key_first: int
    key_requests: int
    key_accounts: int
    key_organizations: int
    key_young: int
    key_elicited: int
    key_repeated: int


class Link(msgspec.Struct, array_like=True):
    """An account's use of a key; times in ms."""

    first: int
    last: int
    requests: int


class Account(msgspec.Struct, array_like=True):
    """What is known of a linked account; counters as of its latest edge."""

    organization: str
    created: int
    first: int
    """When it was first linked, ms."""
    requests: int = 0
    elicited: int = 0
    graded: int = 0
    foreign: int = 0
    enforced: int = 0
    """When the provider last acted against it, ms; 0 = never."""
    links: dict[bytes, Link] = msgspec.field(default_factory=dict)


class Key(msgspec.Struct, array_like=True):
    """A gated key's statistics, as of its latest edge; times in ms."""

    first: int
    """When anyone first used it."""
    requests: int
    accounts: int
    young: int
    elicited: int
    repeated: int


def key_id(kind: int, key: int) -> bytes:
    """The name of a key: its kind, so that two kinds of thing never share one, and its hash."""
    return bytes((kind,)) + key.to_bytes(8, "big")


class Graph:
    """The living links. A key has at least one account, an account at least one key."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.accounts: Book[Account] = Book(b"a", Account)
        self.keys: Book[Key] = Book(b"k", Key)
        self.holders: dict[bytes, dict[bytes, None]] = {}
        """The accounts of each key; follows from the accounts' links."""
        self.links = 0

    def join(self, facts: AccountFacts, row: EdgeRow) -> bool:
        """Take an edge of the links stage; returns whether the link is new."""
        name = facts.account_id.encode()
        account = self.accounts.items.get(name)
        if account is None:
            account = Account(facts.organization_id, facts.created, row.time)
        self.accounts.put(name, account)
        if row.total_requests >= account.requests:
            account.requests = row.total_requests
            account.elicited, account.graded = row.elicited, row.graded
            account.foreign = row.foreign
        key = key_id(row.kind, row.key)
        self.keys.put(
            key,
            Key(
                row.key_first,
                row.key_requests,
                row.key_accounts,
                row.key_young,
                row.key_elicited,
                row.key_repeated,
            ),
        )
        link = account.links.get(key)
        if link is not None:
            link.last, link.requests = row.time, row.requests
            return False
        account.links[key] = Link(row.time, row.time, row.requests)
        self.holders.setdefault(key, {})[name] = None
        self.links += 1
        if len(account.links) > self._bounds.links_per_account:
            self._unlink(name, min(account.links, key=lambda k: (account.links[k].last, k)))
        return True

    def enforce(self, name: bytes, time: int) -> None:
        """The provider acted against an account; one without links is of no interest."""
        account = self.accounts.items.get(name)
        if account is not None:
            account.enforced = time
            self.accounts.touch(name)

    def retire(self, kind: int, key: int) -> None:
        """Links through the key no longer count."""
        number = key_id(kind, key)
        for name in list(self.holders.get(number, ())):
            self._unlink(name, number)

    def expire(self, before: int) -> None:
        """Drop links last used before ``before``, ms."""
        old = [
            (name, key)
            for name, account in self.accounts.items.items()
            for key, link in account.links.items()
            if link.last < before
        ]
        for name, key in old:
            self._unlink(name, key)

    def trim(self) -> None:
        """Hold the bounds: accounts and keys whose links were used least lately go first."""
        bounds = self._bounds
        if len(self.accounts) > bounds.accounts:
            accounts = self.accounts.items
            surplus = sorted(
                accounts, key=lambda a: (max(k.last for k in accounts[a].links.values()), a)
            )[: len(accounts) - bounds.accounts]
            for name in surplus:
                for key in list(accounts[name].links):
                    self._unlink(name, key)
        if len(self.keys) > bounds.keys:
            surplus = sorted(self.holders, key=lambda k: (self._last_use(k), k))
            for key in surplus[: len(self.keys) - bounds.keys]:
                for name in list(self.holders[key]):
                    self._unlink(name, key)

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self.accounts.changed()
        yield from self.keys.changed()

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        yield from self.accounts.snapshot()
        yield from self.keys.snapshot()

    def restore(self, key: bytes, payload: bytes) -> bool:
        """Take one state row if it is one of these; :meth:`restored` ends it."""
        return self.accounts.restore(key, payload) or self.keys.restore(key, payload)

    def restored(self) -> None:
        """All rows are there. Raises ``StateError`` if accounts and keys do not match."""
        for name, account in self.accounts.items.items():
            for key in account.links:
                self.holders.setdefault(key, {})[name] = None
            self.links += len(account.links)
        if self.holders.keys() != self.keys.items.keys():
            raise StateError("keys of the campaign stage without accounts, or without statistics")

    def _last_use(self, key: bytes) -> int:
        accounts = self.accounts.items
        return max(accounts[name].links[key].last for name in self.holders[key])

    def _unlink(self, name: bytes, key: bytes) -> None:
        account = self.accounts.items[name]
        del account.links[key]
        self.links -= 1
        holders = self.holders[key]
        del holders[name]
        if account.links:
            self.accounts.touch(name)
        else:
            self.accounts.drop(name)
        if not holders:
            del self.holders[key]
            self.keys.drop(key)
