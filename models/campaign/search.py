"""One step's search: from the view to weighed groups."""

from __future__ import annotations

import math

from collections.abc import Mapping

from models.campaign.communities import communities
from models.campaign.decide import Candidate, weigh
from models.campaign.graph import HANDOFF
from models.campaign.groups import Group, fixed, related, rotating
from models.campaign.rules import Rules, Weights
from models.campaign.templates import Template, merge
from models.campaign.view import View
from models.evidence import Budget


_BACKGROUND = 2_000.0
"""Weight of benign links that a small or quiet deployment does not show: the gated links of a
labelled world of 5,500 accounts weighed as much."""
_RARITY = 5.0
"""FRAUDAR's c: a text of four accounts weighs 2.6 times one of three hundred, 1 / ln(n + c)."""
_LARGEST = 3
"""Templates of a community that may be a campaign by themselves: it may have a benign one too."""
_RELATION = 2.0
"""A conversation or a payment weighs as two texts of its size."""


def search(
    view: View,
    rules: Rules,
    weights: Weights,
    budget: Budget,
    dormant: Mapping[bytes, bytes],
) -> list[Candidate]:
    """The best group of each community that has one, communities in order."""
    templates = merge(view.text, rules.together)
    relations = sorted(view.relations)
    label = communities(*_links(view, templates, relations), _BACKGROUND)
    texts: dict[int, list[Template]] = {}
    ties: dict[int, list[bytes]] = {}
    for position, template in enumerate(templates):
        texts.setdefault(label[position], []).append(template)
    for position, key in enumerate(relations, len(templates)):
        ties.setdefault(label[position], []).append(key)
    candidates = []
    since = view.now - rules.quiet_ms
    for community in sorted(texts.keys() | ties.keys()):
        groups = _groups(
            view, texts.get(community, []), ties.get(community, []), rules, weights, dormant
        )
        weighed = [weigh(view, group, rules, weights, budget, dormant) for group in groups]
        weighed = [candidate for candidate in weighed if candidate.scale.last > since]
        if weighed:
            # The first of equals, in the order of the rules.
            candidates.append(max(weighed, key=lambda c: (c.sound, c.score - c.threshold)))
    return candidates


def _links(
    view: View, templates: list[Template], relations: list[bytes]
) -> tuple[list[list[tuple[int, float]]], int]:
    """(key, weight) pairs of each account, and how many keys there are."""
    links: list[list[tuple[int, float]]] = [[] for _ in view.accounts]
    holders = [template.accounts for template in templates]
    holders += [view.relations[key] for key in relations]
    for number, accounts in enumerate(holders):
        weight = 1.0 / math.log(len(accounts) + _RARITY)
        if number >= len(templates):
            weight *= _RELATION
        for account in accounts:
            links[account].append((number, weight))
    return links, len(holders)


def _groups(
    view: View,
    templates: list[Template],
    relations: list[bytes],
    rules: Rules,
    weights: Weights,
    dormant: Mapping[bytes, bytes],
) -> list[Group]:
    """What a community can be, by each rule."""
    known = any(key in dormant for template in templates for key in template.keys)
    least = rules.dormant_owners if known else rules.owners
    found: list[Group | None] = []
    if len(templates) > rules.others:
        found.append(rotating(view, templates, rules, weights, least))
    alone = least if known else rules.fixed_owners
    found += [fixed(view, template, rules, alone) for template in templates[:_LARGEST]]
    if any(key[0] == HANDOFF for key in relations) or len(relations) > 1:
        found.append(related(view, relations, templates, rules))
    return [group for group in found if group is not None]
