"""Time: young members, who joined at once, with even loads."""

from __future__ import annotations

import math

from models.campaign.graph import NETWORK
from models.campaign.groups import Rule
from models.campaign.population import is_young
from models.campaign.scale import Findings, Scale, divergence
from models.eventtime import DAY_MS, HOUR_MS


_RELEASE_MS = 3 * DAY_MS
"""After a release everybody tries new things; a burst then is worth half."""
_SHORTEST_MS = 6 * HOUR_MS
_LONGEST_MS = 14 * DAY_MS
_USES = 4
"""Mean requests of an owner from which their evenness can be told from counting."""


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


def _youth(scale: Scale, findings: Findings) -> None:
    view, weights = scale.view, scale.weights
    share, owners = scale.mean(lambda account: _age(scale, account))
    if 2 * owners < scale.owners:
        return
    if scale.group.rule is Rule.ROTATING:
        share = min(share, _youth_throughout(scale))
    nats = scale.effective(owners) * divergence(share, view.usual.young)
    findings.add(
        "temporal",
        "youth",
        share,
        view.usual.young,
        min(max(nats, 0.0), weights.youth),
        "members younger than 14 days when they first took part",
    )


def _youth_throughout(scale: Scale) -> float:
    """The share of young members that three templates in four reach.

    Where groups were taken for one, the young ones use the texts of some of them.
    """
    ages: list[dict[str, list[float]]] = [{} for _ in scale.group.templates]
    for account, mine in scale.group.credits.items():
        age = _age(scale, account)
        if age is not None:
            for template in mine.templates:
                ages[template].setdefault(scale.group.owner[account], []).append(age)
    shares = sorted(scale.share(owners) for owners in ages)
    return shares[(len(shares) - 1) // 4]


def _age(scale: Scale, account: int) -> float | None:
    """1 for a young account, 0 for an old one, None where nobody knows."""
    young = is_young(scale.view.accounts[account])
    return None if young is None else float(young)


def _burst(scale: Scale, findings: Findings) -> None:
    view, weights = scale.view, scale.weights
    joined = sorted(
        min(scale.activity[account].first for account in accounts)
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
    loads = [
        sum(scale.activity[account].requests for account in accounts)
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
        min(nats, scale.weights.evenness),
        "how unequal the organisations' loads are, as standard deviation over mean",
    )
