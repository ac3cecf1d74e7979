"""What is usual among linked accounts, as of yesterday.

The stage sees linked accounts only, and in a quiet deployment most of them may be a campaign. So
shares start from priors, leave out the members of cases, count few accounts of an organisation, and
take in popular text: a sentence that every tenth account uses says who uses sentences.
"""

from __future__ import annotations

from collections.abc import Container

import msgspec

from models.campaign.graph import TEXT, Account, Graph
from models.campaign.rules import Priors
from models.eventtime import DAY_MS


YOUNG_MS = 14 * DAY_MS
"""The alert schema's idea of a young account, at the time of its first link."""


class Share(msgspec.Struct, array_like=True):
    """``hits`` of ``trials``, either of which may be a fraction."""

    hits: float = 0.0
    trials: float = 0.0

    def add(self, hits: float, trials: float) -> None:
        """Count more."""
        self.hits += hits
        self.trials += trials

    def under(self, prior: float, weight: float) -> float:
        """The posterior mean with a Beta prior of ``weight`` observations."""
        return (self.hits + prior * weight) / (self.trials + weight)


class Sample(msgspec.Struct, array_like=True):
    """One day's counts."""

    young: Share = msgspec.field(default_factory=Share)
    elicited: Share = msgspec.field(default_factory=Share)
    foreign: Share = msgspec.field(default_factory=Share)


class Population(msgspec.Struct, array_like=True):
    """Two samples: the one in force, and the one of the day that is over, which waits a day."""

    day: int = 0
    active: Sample = msgspec.field(default_factory=Sample)
    waiting: Sample = msgspec.field(default_factory=Sample)
    popular: Share = msgspec.field(default_factory=Share)
    """Young accounts among the users of today's popular sentences."""


class Usual(msgspec.Struct, frozen=True):
    """The shares that evidence is measured against."""

    young: float
    elicited: float
    foreign: float


def usual(population: Population, priors: Priors) -> Usual:
    """The shares in force."""
    active = population.active
    return Usual(
        young=active.young.under(priors.young, priors.young_weight),
        elicited=active.elicited.under(priors.elicited, priors.elicited_weight),
        foreign=active.foreign.under(priors.foreign, priors.foreign_weight),
    )


def is_young(account: Account) -> bool | None:
    """Whether the account was young when it was first linked; None if nobody knows its age."""
    return None if account.created == 0 else account.first - account.created < YOUNG_MS


def turn(
    population: Population, day: int, graph: Graph, cases: Container[bytes], priors: Priors
) -> None:
    """Begin ``day``: yesterday's waiting sample comes into force, and a new one waits.

    ``cases`` are the accounts that a case or a candidate has; they say nothing about the others.
    """
    population.day = day
    population.active = population.waiting
    sample = Sample(young=population.popular)
    population.popular = Share()
    counted: dict[str, int] = {}
    for name in sorted(graph.accounts.items):
        account = graph.accounts.items[name]
        before = counted.get(account.organization, 0)
        if name in cases or before >= priors.organization_cap:
            continue
        counted[account.organization] = before + 1
        young = is_young(account)
        if young is not None:
            sample.young.add(young, 1)
        sample.foreign.add(account.foreign > 0, 1)
    for number in sorted(graph.holders):
        key = graph.keys.items[number]
        if number[0] == TEXT and not any(name in cases for name in graph.holders[number]):
            sample.elicited.add(key.elicited / key.accounts, 1)
    population.waiting = sample


def popular(population: Population, accounts: int, young: int, priors: Priors) -> None:
    """Count a sentence that turned out to be common."""
    if accounts:
        weight = min(accounts, priors.key_cap)
        population.popular.add(weight * young / accounts, weight)
