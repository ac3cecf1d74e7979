"""Relations: what moves between organisations, is paid together, or comes from elsewhere."""

from __future__ import annotations

from itertools import combinations

from models.campaign.graph import HANDOFF, PAYMENT
from models.campaign.groups import Rule
from models.campaign.scale import Findings, Scale


_SMALL_NETWORK = 16
"""Accounts of a network that is no office: beyond, it explains rather than accuses."""


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
        findings.mention(
            "relational",
            "support",
            share,
            0.0,
            scale.weights.support * share,
            "members that share a small network or a client with another member",
        )
