"""What kinds of group a community of keys can be."""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from models.campaign.graph import HANDOFF, PAYMENT, TEXT
from models.campaign.population import is_young
from models.campaign.rules import Rules, Weights
from models.campaign.templates import Template
from models.campaign.view import View


class Rule(StrEnum):
    """Why a group may page."""

    ROTATING = "rotating"
    """Several instructions rotate over the same unrelated accounts."""
    FIXED = "fixed"
    """One instruction, and more against it."""
    RELATED = "related"
    """Conversations, payments or references tie the accounts."""


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts that may be one campaign, by number in the view."""

    rule: Rule
    templates: list[Template]
    """The largest first"""
    core: list[int]
    around: list[int]
    """Accounts with a weaker tie to the core"""
    owner: dict[int, str]
    """Of each core account"""
    credits: dict[int, Credit] = field(default_factory=dict)
    """By core account, with positions in ``templates``; of a rotation only"""
    relations: list[bytes] = field(default_factory=list)
    """Conversations and payments of two core accounts or more"""

    @property
    def keys(self) -> list[bytes]:
        """All keys, those of the largest template first."""
        return [key for template in self.templates for key in template.keys] + self.relations

    @property
    def owners(self) -> list[str]:
        """Distinct owners, in the order of their accounts."""
        return list(dict.fromkeys(self.owner.values()))


@dataclass(frozen=True, slots=True)
class Credit:
    """What an account's requests count for in a group."""

    holds: dict[int, None]
    """Positions of the templates that the account has used"""
    templates: dict[int, int]
    """Those that are counted -> when the account first used it, ms"""
    dated: dict[int, int]
    """Those of them whose first use was seen: who was there when a key opened came before"""
    surprise: float
    """Nats that each of them is worth"""


def credit(view: View, account: int, position: dict[bytes, int], weights: Weights) -> Credit:
    """Each request counts for one template, in nats by what else the account shares.

    Sentences of one request are linked at one moment, so each moment counts once, for the rarest
    template that has not been counted. An account that shares many other texts meets these by
    chance: the degree-corrected null, with the account's degree outside of the group, since inside
    it is what is to be explained.
    """
    moments: dict[int, list[int]] = {}
    outside: dict[int, None] = {}
    undated: dict[int, None] = {}
    for key, link in view.accounts[account].links.items():
        if key in position:
            moments.setdefault(link.first, []).append(position[key])
            if link.first == view.opened[key]:
                undated[position[key]] = None
        elif key[0] == TEXT:
            outside[link.first] = None
    credited: dict[int, int] = {}
    for moment in sorted(moments):
        uncounted = [template for template in moments[moment] if template not in credited]
        if uncounted:
            credited[max(uncounted)] = moment
    dated = {template: when for template, when in credited.items() if template not in undated}
    holds = dict.fromkeys(template for used in moments.values() for template in used)
    surprise = max(0.0, weights.wording - math.log(1 + len(outside)))
    return Credit(holds, credited, dated, surprise)


def rotating(
    view: View, templates: list[Template], rules: Rules, weights: Weights, least: int
) -> Group | None:
    """The part of a community where accounts have two templates, and templates three owners.

    The (2, 3)-core: the largest part of which this is true. ``least`` owners are needed.
    """
    position = {key: i for i, template in enumerate(templates) for key in template.keys}
    everybody = sorted({a for template in templates for a in template.accounts})
    credited = {a: credit(view, a, position, weights) for a in everybody}
    owner = view.owners(everybody, paying=True)
    attached, kept = _peel(credited, owner, len(templates), rules, weights)
    core = without_outliers(attached, owner, rules.outlier)
    if len(kept) <= rules.others or len({owner[a] for a in core}) < least:
        return None
    held = Counter(t for a in core for t in credited[a].holds)
    kept.sort(key=lambda t: (-held[t], t))
    if held[kept[0]] >= rules.covered * len(core):
        # Where nearly all have one text, those without it share payloads with them.
        core = [a for a in core if kept[0] in credited[a].holds]
    place = {t: i for i, t in enumerate(kept)}
    inside = dict.fromkeys(core)
    left_out = {owner[a] for a in attached} - {owner[a] for a in core}
    outer = (
        a
        for a in everybody
        if a not in inside
        and owner[a] not in left_out
        and credited[a].templates.keys() & place.keys()
    )
    return Group(
        Rule.ROTATING,
        [templates[t] for t in kept],
        core,
        _young(view, outer),
        {a: owner[a] for a in core},
        {a: _renumbered(credited[a], place) for a in core},
        _tied(view, inside),
    )


def fixed(view: View, template: Template, rules: Rules, least: int) -> Group | None:
    """Everybody with one template."""
    owner = view.owners(template.accounts, paying=True)
    core = without_outliers(template.accounts, owner, rules.outlier)
    owner = {a: owner[a] for a in core}
    if len(set(owner.values())) < least:
        return None
    return Group(
        Rule.FIXED,
        [template],
        core,
        [],
        owner,
        {},
        _tied(view, dict.fromkeys(core)),
    )


def related(
    view: View, relations: list[bytes], templates: list[Template], rules: Rules
) -> Group | None:
    """Everybody who shares a conversation or a payment of the community."""
    shared = [view.relations[key] for key in relations if len(view.relations[key]) > 1]
    core = sorted({account for holders in shared for account in holders})
    owner = view.owners(core, paying=False)
    if len(set(owner.values())) < rules.related_owners:
        return None
    inside = dict.fromkeys(core)
    texts = [
        template
        for template in templates
        if sum(a in inside for a in template.accounts) >= rules.template_owners
    ]
    around = sorted({a for template in texts for a in template.accounts if a not in inside})
    return Group(
        Rule.RELATED,
        texts,
        core,
        _young(view, around),
        owner,
        {},
        _tied(view, inside),
    )


def without_outliers(accounts: list[int], owner: dict[int, str], outlier: float) -> list[int]:
    """Accounts but those of an owner with ``outlier`` times as many as the median owner.

    A firm that uses the same texts is one owner among many, and its staff would be named.
    """
    counts = Counter(owner[a] for a in accounts)
    ranked = sorted(counts.values())
    if not ranked:
        return accounts
    most = outlier * ranked[(len(ranked) - 1) // 2]
    return [a for a in accounts if counts[owner[a]] < max(most, outlier)]


def _peel(
    credited: dict[int, Credit],
    owner: dict[int, str],
    templates: int,
    rules: Rules,
    weights: Weights,
) -> tuple[list[int], list[int]]:
    """Accounts and positions of templates that hold each other up."""
    core = list(credited)
    kept = list(range(templates))
    while True:
        owners: dict[int, dict[str, None]] = {}
        for account in core:
            for template in credited[account].templates:
                owners.setdefault(template, {})[owner[account]] = None
        left = [t for t in kept if len(owners.get(t, ())) >= rules.template_owners]
        allowed = dict.fromkeys(left)
        staying = [a for a in core if _attached(credited[a], allowed, weights)]
        if len(left) == len(kept) and len(staying) == len(core):
            return core, kept
        core, kept = staying, left


def _attached(mine: Credit, allowed: dict[int, None], weights: Weights) -> bool:
    """Two templates, together worth at least what one is to an account that has no other."""
    count = len(mine.templates.keys() & allowed.keys())
    return count > 1 and count * mine.surprise >= weights.wording


def _renumbered(mine: Credit, place: dict[int, int]) -> Credit:
    templates, dated = (
        {place[t]: when for t, when in times.items() if t in place}
        for times in (mine.templates, mine.dated)
    )
    holds = {place[t]: None for t in mine.holds if t in place}
    return Credit(holds, templates, dated, mine.surprise)


def _young(view: View, accounts: Iterable[int]) -> list[int]:
    """The young among accounts with one tie to a group: membership needs two signs."""
    return [a for a in accounts if is_young(view.accounts[a])]


def _tied(view: View, inside: dict[int, None]) -> list[bytes]:
    """Conversations and payments of two accounts or more."""
    held = Counter(
        key
        for account in inside
        for key in view.accounts[account].links
        if key[0] in {HANDOFF, PAYMENT}
    )
    return sorted(key for key, count in held.items() if count > 1)
