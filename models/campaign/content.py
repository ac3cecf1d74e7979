"""Content: several instructions that rotate, and what they ask for."""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from models.campaign.groups import Credit, Rule
from models.campaign.scale import Findings, Scale, divergence
from models.campaign.templates import Template
from models.campaign.view import View


_NO_PAIRS = 4
"""Pairs of members that count as seen before any is: with as many real ones, they are half."""
_MANY_TEMPLATES = 8
"""Templates of a member that are compared for their order: 28 pairs."""


def content(scale: Scale, findings: Findings) -> None:
    """Rotation and elicitation."""
    group, weights = scale.group, scale.weights
    if group.rule is Rule.ROTATING:
        _rotation(scale, findings)
    counted = group.templates[1:] if group.rule is Rule.ROTATING else group.templates
    shares = [_elicited(scale.view, template) for template in counted]
    if shares:
        share, usual = sum(shares) / len(shares), scale.view.usual.elicited
        # Whether a text elicits is one fact, however many accounts use it.
        nats = min(len(shares), weights.templates) * divergence(share, usual)
        findings.add(
            "content",
            "elicitation",
            share,
            usual,
            min(nats, weights.elicitation),
            f"accounts that ask for reasoning, grading or tasks through {len(shares)} of the "
            "instructions",
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
