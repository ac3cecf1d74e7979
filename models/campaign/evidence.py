"""Evidence of a group, in nats, by signal; each signal belongs to one family.

Nothing here depends on the size of a group beyond what :attr:`Weights.owners` allows: one cause
brings all members of a group, so that they are no independent observations of it.
"""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from models.campaign.graph import HANDOFF, NETWORK, PAYMENT
from models.campaign.groups import Credit, Group, Rule
from models.campaign.population import is_young
from models.campaign.rules import Rules, Weights
from models.campaign.templates import Template
from models.campaign.view import View
from models.eventtime import DAY_MS, HOUR_MS
from schemas.alert import Evidence, Family
from schemas.edge import Explanation


_NO_PAIRS = 4
"""Pairs of members that count as seen before any is: with as many real ones, they are half."""
_MANY_TEMPLATES = 8
"""Templates of a member that are compared for their order: 28 pairs."""
_SETTLED_MS = DAY_MS
_RELEASE_MS = 3 * DAY_MS
"""After a release everybody tries new things; a burst then is worth half."""
_SHORTEST_MS = 6 * HOUR_MS
_LONGEST_MS = 14 * DAY_MS
_USES = 4
"""Mean requests of an owner from which their evenness can be told from counting."""


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
        """Count ``weight`` nats."""
        self.nats[family] = self.nats.get(family, 0.0) + weight
        self.signals[signal] = weight
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
        self.evidence.append(
            Evidence(
                family=family,
                signal=signal,
                value=round(value, 4),
                expected=round(expected, 4),
                weight=round(weight, 3),
                note=note,
            )
        )

    def of(self, family: Family) -> float:
        """Nats of a family."""
        return self.nats.get(family, 0.0)


class Scale:
    """Weighs the members of one group: owners count once, and less if they explain themselves."""

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

    @property
    def explained(self) -> int:
        """Core accounts whose organisation explains itself."""
        return sum(self._worth(account) < 1 for account in self.group.core)

    def mean(self, value: Callable[[int], float | None]) -> tuple[float, float]:
        """Mean over owners of the mean over their accounts, and the owners that counted.

        Accounts for which ``value`` is None do not count.
        """
        total = count = 0.0
        for owner, accounts in self.members.items():
            known = [x for account in accounts if (x := value(account)) is not None]
            if known:
                total += self.worth[owner] * sum(known) / len(known)
                count += self.worth[owner]
        return (total / count if count else 0.0), count

    def effective(self, owners: float) -> float:
        """Independent observations in so many owners."""
        return min(owners, self.weights.owners)

    def _worth(self, account: int) -> float:
        explanation = self.view.explained.get(self.view.accounts[account].organization)
        return self.weights.explained if explanation else 1.0


def divergence(share: float, usual: float) -> float:
    """Kullback-Leibler divergence of two coins, nats; negative where ``share`` is the smaller."""
    usual = min(max(usual, 0.005), 0.995)
    nats = 0.0
    if share > 0:
        nats += share * math.log(share / usual)
    if share < 1:
        nats += (1 - share) * math.log((1 - share) / (1 - usual))
    return nats if share >= usual else -nats


def content(scale: Scale, findings: Findings) -> None:
    """Rotation and elicitation."""
    group, weights = scale.group, scale.weights
    if group.rule is Rule.ROTATING:
        _rotation(scale, findings)
    counted = group.templates[1:] if group.rule is Rule.ROTATING else group.templates
    counted = counted[: weights.templates]
    shares = [_elicited(scale.view, template) for template in counted]
    if shares:
        share, usual = sum(shares) / len(shares), scale.view.usual.elicited
        # Whether a text elicits is one fact, however many accounts use it.
        nats = len(shares) * divergence(share, usual)
        findings.add(
            "content",
            "elicitation",
            share,
            usual,
            min(nats, weights.elicitation),
            f"accounts that ask for reasoning, grading or tasks through {len(shares)} of the "
            "instructions",
        )


def temporal(scale: Scale, findings: Findings) -> None:
    """Youth, burst and evenness; a class behind one network explains the first two."""
    classroom = one_network(scale)
    if classroom >= scale.rules.one_network:
        findings.mention(
            "temporal",
            "one_network",
            classroom,
            scale.rules.one_network,
            0.0,
            "most members share a network, as a class does: youth and burst do not count",
        )
    else:
        _youth(scale, findings)
        _burst(scale, findings)
    _evenness(scale, findings)


def relational(scale: Scale, findings: Findings) -> None:
    """Hand-offs, payments, foreign references and the provider's actions."""
    view, group, weights = scale.view, scale.group, scale.weights
    pairs, handoffs = _pairs(scale, HANDOFF)
    if pairs:
        findings.add(
            "relational",
            "handoff",
            min(pairs, handoffs),
            0.0,
            weights.handoff * min(pairs, handoffs, weights.handoffs),
            f"conversations that one organisation began and another went on with, {pairs} pairs",
        )
    pairs, payments = _pairs(scale, PAYMENT)
    if payments:
        findings.add(
            "relational",
            "payment",
            payments,
            0.0,
            weights.payment * min(payments, weights.payments),
            f"payment instruments of several organisations, {pairs} pairs",
        )
    share, _ = scale.mean(lambda account: float(view.accounts[account].foreign > 0))
    owners = share * len(scale.members)
    if owners > 0 and share > view.usual.foreign:
        findings.add(
            "relational",
            "foreign_reference",
            share,
            view.usual.foreign,
            weights.foreign * min(owners, weights.foreigns),
            "members that present reasoning references of other accounts",
        )
    share, _ = scale.mean(lambda account: float(view.accounts[account].enforced > 0))
    owners = share * len(scale.members)
    if owners > 1:
        findings.add(
            "relational",
            "enforced",
            share,
            0.0,
            weights.enforced * min(owners, weights.enforceds),
            "members that the provider has acted against",
        )
    if group.rule is Rule.RELATED:
        _support(scale, findings)


def one_network(scale: Scale) -> float:
    """The greatest share of core accounts behind one network."""
    core = dict.fromkeys(scale.group.core)
    return max(
        (
            sum(account in core for account in holders) / len(core)
            for key, holders in scale.view.support.items()
            if key[0] == NETWORK and len(holders) > 1
        ),
        default=0.0,
    )


def concordance(orders: Sequence[Sequence[int]]) -> float:
    """How far members agree on which of two templates comes first, 0.5 to 1.

    Of all pairs of members that have two templates in common, the share that has them in the same
    order: 1 for a script that everybody goes through, such as an application's prompts or a
    course's exercises, 0.5 for a draw by lot. With few pairs it is between the two.
    """
    before: Counter[tuple[int, int]] = Counter()
    for order in orders:
        before.update(combinations(order[:_MANY_TEMPLATES], 2))
    agree = _NO_PAIRS * 0.75
    total = float(_NO_PAIRS)
    for (one, other), count in before.items():
        back = before.get((other, one), 0)
        if one < other or not back:
            agree += math.comb(count, 2) + math.comb(back, 2)
            total += math.comb(count + back, 2)
    return agree / total


def _order(mine: Credit) -> list[int]:
    """Templates in the order of first use, as far as it is known."""
    return sorted(mine.dated, key=mine.dated.__getitem__)


def _rotation(scale: Scale, findings: Findings) -> None:
    group, weights = scale.group, scale.weights
    agreement = concordance([_order(mine) for mine in group.credits.values()])
    disorder = min(1.0, 2.0 * (1.0 - agreement))

    def nats(account: int) -> float:
        mine = group.credits[account]
        others = len(mine.templates) - (0 in mine.templates)
        return min(others, weights.wordings) * mine.surprise

    mean, _ = scale.mean(nats)
    others, _ = scale.mean(
        lambda account: float(
            len(group.credits[account].templates) - (0 in group.credits[account].templates)
        )
    )
    findings.add(
        "content",
        "rotation",
        others,
        0.0,
        mean * disorder,
        f"of {len(group.templates)} recurring instructions around changing payloads, those that a "
        "member uses beside the most common one; members agree on their order to "
        f"{agreement:.0%}",
    )


def _elicited(view: View, template: Template) -> float:
    """Share of a template's accounts that elicited through its key with the most accounts."""
    key = max(
        (view.keys[key] for key in template.keys), key=lambda key: (key.accounts, key.elicited)
    )
    return key.elicited / key.accounts


def _youth(scale: Scale, findings: Findings) -> None:
    view, weights = scale.view, scale.weights
    share, owners = scale.mean(
        lambda account: (
            None if (young := is_young(view.accounts[account])) is None else float(young)
        )
    )
    if 2 * owners < sum(scale.worth.values()):
        return
    nats = scale.effective(owners) * divergence(share, view.usual.young)
    findings.add(
        "temporal",
        "youth",
        share,
        view.usual.young,
        min(max(nats, 0.0), weights.youth),
        "members younger than 14 days when they first took part",
    )


def _burst(scale: Scale, findings: Findings) -> None:
    view, group, weights = scale.view, scale.group, scale.weights
    keys = dict.fromkeys(group.keys)
    joined = sorted(
        min(
            min(link.first for key, link in view.accounts[a].links.items() if key in keys)
            for a in accounts
        )
        for accounts in scale.members.values()
    )
    most = math.ceil(0.8 * len(joined))
    window = min(joined[i + most - 1] - joined[i] for i in range(len(joined) - most + 1))
    observed = min(_LONGEST_MS, view.now - view.started)
    nats = max(0.0, math.log(observed / max(window, _SHORTEST_MS)))
    note = "days within which four fifths of the organisations joined"
    if 0 <= joined[0] - view.released < _RELEASE_MS:
        nats /= 2
        note += "; a model was released just before, so it counts half"
    findings.add(
        "temporal", "burst", window / DAY_MS, observed / DAY_MS, min(nats, weights.burst), note
    )


def _evenness(scale: Scale, findings: Findings) -> None:
    view, group, weights = scale.view, scale.group, scale.weights
    loads = [
        sum(requests(view, group.templates, account) for account in accounts)
        for accounts in scale.members.values()
    ]
    mean = sum(loads) / len(loads)
    if mean < _USES or len(loads) < scale.rules.owners:
        return
    spread = math.sqrt(sum((load - mean) ** 2 for load in loads) / len(loads)) / mean
    # Counts arrive when they double, so that equal loads differ by a quarter.
    nats = scale.effective(len(loads)) / 4 * max(0.0, -math.log(max(spread, 0.25)))
    findings.add(
        "temporal",
        "evenness",
        spread,
        1.0,
        min(nats, weights.evenness),
        "how unequal the organisations' loads are, as standard deviation over mean",
    )


def requests(view: View, templates: Sequence[Template], account: int) -> int:
    """An account's requests through templates, each credited to one key of each template."""
    links = view.accounts[account].links
    return sum(
        max((links[key].requests for key in template.keys if key in links), default=0)
        for template in templates
    )


def _pairs(scale: Scale, kind: int) -> tuple[int, int]:
    """Distinct pairs of organisations that keys of a kind tie, and how many keys do."""
    view, group = scale.view, scale.group
    core = dict.fromkeys(group.core)
    pairs: dict[tuple[str, str], None] = {}
    keys = 0
    for key in group.relations:
        if key[0] != kind:
            continue
        names = sorted({view.accounts[a].organization for a in view.relations[key] if a in core})
        names = [name for name in names if not view.explained.get(name)]
        keys += len(names) > 1
        pairs.update(dict.fromkeys(combinations(names, 2)))
    return len(pairs), keys


def _support(scale: Scale, findings: Findings) -> None:
    core = dict.fromkeys(scale.group.core)
    tied: dict[int, None] = {}
    for holders in scale.view.support.values():
        inside = [account for account in holders if account in core]
        if len(inside) > 1 and len(holders) <= _SMALL_NETWORK:
            tied.update(dict.fromkeys(inside))
    if tied:
        share = len(tied) / len(core)
        findings.signals["support"] = scale.weights.support * share
        findings.mention(
            "relational",
            "support",
            share,
            0.0,
            scale.weights.support * share,
            "members that share a small network or a client with another member",
        )


_SMALL_NETWORK = 16
"""Accounts of a network that is no office: beyond, it explains rather than accuses."""


def explained_note(scale: Scale) -> Evidence | None:
    """Says whose accounts count less, if any."""
    if not scale.explained:
        return None
    names = sorted(
        {
            Explanation(scale.view.explained[organization]).name.lower()
            for account in scale.group.core
            if (organization := scale.view.accounts[account].organization) in scale.view.explained
        }
    )
    return Evidence(
        family="behaviour",
        signal="explained",
        value=float(scale.explained),
        note=f"members of organisations that explain themselves ({', '.join(names)}) count a fifth",
    )


def cold_start_note(scale: Scale) -> Evidence | None:
    """Says so if the instructions were there when observation began."""
    view, group = scale.view, scale.group
    early = sum(
        view.keys[key].first < view.started + _SETTLED_MS
        for template in group.templates
        for key in template.keys
    )
    total = sum(len(template.keys) for template in group.templates)
    if not early:
        return None
    return Evidence(
        family="temporal",
        signal="cold_start",
        value=early / total,
        expected=0.0,
        note="share of the instructions seen within the first day of observation: that they are "
        "new rests on the youth of their users",
    )
