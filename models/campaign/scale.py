"""A group's members on a scale where owners count once, and the evidence that is found on it."""

from __future__ import annotations

import math

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from models.campaign.groups import Group
from models.campaign.rules import Rules, Weights
from models.campaign.view import View
from schemas.alert import Evidence, Family


@dataclass(slots=True)
class Findings:
    """A group's evidence in the order it was found; ``nats`` by family, ``signals`` by name."""

    evidence: list[Evidence] = field(default_factory=list)
    nats: dict[Family, float] = field(default_factory=dict)
    signals: dict[str, float] = field(default_factory=dict)

    def add(
        self,
        family: Family,
        signal: str,
        value: float,
        expected: float,
        weight: float,
        note: str,
    ) -> None:
        """Count ``weight`` nats towards a family."""
        self.nats[family] = self.nats.get(family, 0.0) + weight
        self.mention(family, signal, value, expected, weight, note)

    def mention(
        self,
        family: Family,
        signal: str,
        value: float,
        expected: float,
        weight: float,
        note: str,
    ) -> None:
        """List without counting towards a family."""
        self.signals[signal] = weight
        self.evidence.append(
            Evidence(
                family=family,
                signal=signal,
                # A number that is read back from a state row is a float, whatever was written.
                value=round(float(value), 4),
                expected=round(float(expected), 4),
                weight=round(float(weight), 3),
                note=note,
            )
        )

    def of(self, family: Family) -> float:
        """Nats of a family."""
        return self.nats.get(family, 0.0)


@dataclass(frozen=True, slots=True)
class Activity:
    """What one core account did through the group's keys; times in ms."""

    first: int
    last: int
    requests: int
    """Through its instructions, each credited to one key of each"""


class Scale:
    """Weighs the members of one group: owners count once, and less if they explain themselves.

    One cause brings all members of a group, so they are no independent observations of it: no
    evidence grows with their number beyond :attr:`Weights.owners`.
    """

    def __init__(self, view: View, group: Group, rules: Rules, weights: Weights) -> None:
        self.view = view
        self.group = group
        self.rules = rules
        self.weights = weights
        self.members: dict[str, list[int]] = {}
        for account in group.core:
            self.members.setdefault(group.owner[account], []).append(account)
        self.worth = {
            owner: min(self._worth(account) for account in accounts)
            for owner, accounts in self.members.items()
        }
        place = {key: i for i, template in enumerate(group.templates) for key in template.keys}
        place.update(dict.fromkeys(group.relations, -1))
        self.activity = {account: self._activity(account, place) for account in group.core}

    @property
    def owners(self) -> float:
        """How many owners there are, those that explain themselves counting less."""
        return sum(self.worth.values())

    @property
    def explained(self) -> int:
        """Core accounts whose organisation explains itself."""
        return sum(self._worth(account) < 1 for account in self.group.core)

    @property
    def requests(self) -> int:
        """Requests through the group's instructions."""
        return sum(activity.requests for activity in self.activity.values())

    @property
    def first(self) -> int:
        """When the first core account joined, ms."""
        return min(activity.first for activity in self.activity.values())

    @property
    def last(self) -> int:
        """When a core account was last active, ms."""
        return max(activity.last for activity in self.activity.values())

    def mean(self, value: Callable[[int], float | None]) -> tuple[float, float]:
        """Mean over owners of the mean over their accounts, and the owners that counted.

        Accounts for which ``value`` is None do not count.
        """
        values = {
            owner: known
            for owner, accounts in self.members.items()
            if (known := [x for account in accounts if (x := value(account)) is not None])
        }
        return self.share(values), sum(self.worth[owner] for owner in values)

    def share(self, values: Mapping[str, Sequence[float]]) -> float:
        """Weighted mean over owners of the means of their values, 0 if there are none."""
        total = sum(self.worth[owner] * sum(mine) / len(mine) for owner, mine in values.items())
        return total / sum(self.worth[owner] for owner in values) if values else 0.0

    def effective(self, owners: float) -> float:
        """Independent observations in so many owners."""
        return min(owners, self.weights.owners)

    def _worth(self, account: int) -> float:
        explanation = self.view.explained.get(self.view.accounts[account].organization)
        return self.weights.explained if explanation else 1.0

    def _activity(self, account: int, place: dict[bytes, int]) -> Activity:
        uses = [
            (place[key], link)
            for key, link in self.view.accounts[account].links.items()
            if key in place
        ]
        most: dict[int, int] = {}
        for template, link in uses:
            if template >= 0:
                most[template] = max(most.get(template, 0), link.requests)
        return Activity(
            min(link.first for _, link in uses),
            max(link.last for _, link in uses),
            sum(most.values()),
        )


def divergence(share: float, usual: float) -> float:
    """Kullback-Leibler divergence of two coins, nats; negative where ``share`` is the smaller."""
    usual = min(max(usual, 0.005), 0.995)
    nats = 0.0
    if share > 0:
        nats += share * math.log(share / usual)
    if share < 1:
        nats += (1 - share) * math.log((1 - share) / (1 - usual))
    return nats if share >= usual else -nats
