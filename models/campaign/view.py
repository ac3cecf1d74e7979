"""The graph as one step sees it: accounts and keys by number, in an order of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.campaign.graph import (
    CLIENT,
    HANDOFF,
    NETWORK,
    PAYMENT,
    TEXT,
    Account,
    Graph,
    Key,
)
from models.campaign.population import Usual
from schemas.edge import Explanation


@dataclass(frozen=True, slots=True)
class View:
    """Accounts by number in the order of their ids; holders of keys are ascending numbers."""

    now: int
    started: int
    released: int
    """Last model release, ms; 0 = none seen"""
    names: list[bytes]
    accounts: list[Account]
    keys: Mapping[bytes, Key]
    text: dict[bytes, dict[int, int]]
    """Sentences: account -> first use, ms"""
    relations: dict[bytes, list[int]]
    """Conversations and payments"""
    support: dict[bytes, list[int]]
    """Networks and clients"""
    opened: dict[bytes, int]
    """When each sentence's links began, ms: what came before is not known"""
    usual: Usual
    explained: Mapping[str, Explanation]

    def owners(self, accounts: Iterable[int], *, paying: bool) -> dict[int, str]:
        """Who is behind each account: its organisation, or the first of those that pay together.

        ``paying`` tells whether a shared payment makes organisations one.
        """
        organization = {a: self.accounts[a].organization for a in accounts}
        if not paying:
            return organization
        root: dict[str, str] = {}

        def find(name: str) -> str:
            while (parent := root.get(name, name)) != name:
                name = parent
            return name

        for key in sorted(self.relations):
            if key[0] == PAYMENT:
                payers = sorted(
                    {find(organization[a]) for a in self.relations[key] if a in organization}
                )
                root.update(dict.fromkeys(payers[1:], payers[0]) if payers else {})
        return {a: find(name) for a, name in organization.items()}


def look(
    graph: Graph,
    usual: Usual,
    explained: Mapping[str, Explanation],
    *,
    now: int,
    started: int,
    released: int,
) -> View:
    """The view of a step at ``now``."""
    names = sorted(graph.accounts.items)
    accounts = [graph.accounts.items[name] for name in names]
    kinds: dict[int, dict[bytes, dict[int, int]]] = {
        kind: {} for kind in (TEXT, HANDOFF, PAYMENT, NETWORK, CLIENT)
    }
    for number, account in enumerate(accounts):
        for key, link in account.links.items():
            kinds[key[0]].setdefault(key, {})[number] = link.first
    return View(
        now=now,
        started=started,
        released=released,
        names=names,
        accounts=accounts,
        keys=graph.keys.items,
        text=kinds[TEXT],
        relations={key: list(uses) for key, uses in (kinds[HANDOFF] | kinds[PAYMENT]).items()},
        support={key: list(uses) for key, uses in (kinds[NETWORK] | kinds[CLIENT]).items()},
        opened={key: min(uses.values()) for key, uses in kinds[TEXT].items()},
        usual=usual,
        explained=explained,
    )
