"""Why a case pages and what speaks for a harmless cause, for the person who must decide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

from models.campaign.decide import Candidate, without
from models.campaign.groups import Rule
from models.campaign.population import is_young
from models.campaign.rules import Rules
from models.campaign.scale import Scale
from models.campaign.temporal import one_network
from models.eventtime import DAY_MS
from schemas.alert import Benign


_DAY_ONE_MS = 3 * DAY_MS
"""Within this after a release, people try what they have always wanted to try."""
_MOST = 5
"""Counterfactuals told: a reader checks two or three."""
_WITHOUT = {
    "rotation": "used only one of the instructions each",
    "elicitation": "asked for reasoning, grading or tasks no more than others do",
    "youth": "were as old as accounts usually are",
    "burst": "had joined over weeks",
    "evenness": "had loads as unequal as others have",
    "handoff": "went on with no conversation of another organisation",
    "payment": "shared no payment instrument",
    "foreign_reference": "presented no reasoning references of others",
    "enforced": "had not been acted against",
    "support": "shared no small network or client",
    "dormant": "used other instructions than a campaign that was closed",
}


def counterfactuals(candidate: Candidate, rules: Rules) -> list[str]:
    """What would have to be untrue for the group not to page: the fewest findings that carry it."""
    weights = {
        piece.signal: piece.weight
        for piece in candidate.findings.evidence
        if piece.weight > 0 and piece.signal in _WITHOUT
    }
    strongest = sorted(weights, key=lambda signal: (-weights[signal], signal))
    told: list[str] = []
    for size in range(1, len(strongest) + 1):
        for dropped in combinations(strongest, size):
            left = without(candidate, dropped)
            if left.excess < 0:
                told.append(_told(dropped, left))
        if told:
            break
    return [*told[: _MOST - 1], _size(candidate, rules)]


def _told(dropped: Iterable[str], left: Candidate) -> str:
    reason = (
        f"the score would be {left.score:.1f} nats of the {left.threshold:.1f} needed"
        if left.score < left.threshold
        else "what its rule asks for would no longer be met"
    )
    return f"If the members {' and '.join(_WITHOUT[signal] for signal in dropped)}, {reason}."


def benign(candidate: Candidate) -> list[Benign]:
    """Harmless causes and the share of the group that each would cover, the best first."""
    scale = candidate.scale
    found = [
        Benign("one_application", _largest(scale), "share of members with the commonest text"),
        Benign("class", one_network(scale), "share of members behind one network"),
        Benign("agency", _merged(scale), "share of members whose organisations pay together"),
        Benign(
            "declared_organization",
            scale.explained / len(scale.group.core),
            "share of members whose organisation explains itself: harness, reseller, application",
        ),
        Benign("prompt_library", _established(scale), "share of members that are no new accounts"),
        Benign("day_one", _after_release(scale), "share of members that joined after a release"),
    ]
    rounded = [Benign(each.name, round(each.fit, 3), each.note) for each in found]
    return sorted(rounded, key=lambda each: (-each.fit, each.name))


def _size(candidate: Candidate, rules: Rules) -> str:
    group = candidate.group
    least = {
        Rule.ROTATING: rules.owners,
        Rule.FIXED: rules.fixed_owners,
        Rule.RELATED: rules.related_owners,
    }[group.rule]
    return (
        f"If fewer than {least} of its {len(group.owners)} organisations were unrelated, there "
        "would be no group."
    )


def _largest(scale: Scale) -> float:
    """Share of the core that the commonest template covers."""
    group = scale.group
    if not group.templates:
        return 0.0
    if not group.credits:
        held = dict.fromkeys(group.templates[0].accounts)
        return sum(account in held for account in group.core) / len(group.core)
    users = Counter(place for mine in group.credits.values() for place in mine.holds)
    return max(users.values(), default=0) / len(group.core)


def _merged(scale: Scale) -> float:
    """Share of the core whose owner is behind several organisations, payments considered."""
    owner = scale.view.owners(scale.group.core, paying=True)
    organizations: dict[str, dict[str, None]] = {}
    for account, name in owner.items():
        organization = scale.view.accounts[account].organization
        organizations.setdefault(name, {})[organization] = None
    shared = sum(len(organizations[name]) > 1 for name in owner.values())
    return shared / len(scale.group.core)


def _established(scale: Scale) -> float:
    """Share of the core known to be no new accounts."""
    return sum(is_young(scale.view.accounts[a]) is False for a in scale.group.core) / len(
        scale.group.core
    )


def _after_release(scale: Scale) -> float:
    """Share of the core that joined within three days of the last release."""
    released = scale.view.released
    if not released:
        return 0.0
    joined = (activity.first for activity in scale.activity.values())
    return sum(0 <= first - released < _DAY_ONE_MS for first in joined) / len(scale.group.core)
