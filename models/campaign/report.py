"""What a case says of itself: members, evidence, and a sentence with numbers."""

from __future__ import annotations

import math

from models.alerting import Report
from models.campaign.decide import Candidate
from models.campaign.groups import Rule
from models.campaign.rules import Bounds, Rules
from models.campaign.scale import Scale
from models.campaign.why import benign, counterfactuals
from models.eventtime import DAY_MS, HOUR_MS
from schemas.alert import Evidence, Severity


_SHORT_DAYS = 2.0
"""Below, a time is told in hours."""
_PROJECTED_DAYS = 30


def core(candidate: Candidate) -> list[str]:
    """Ids of the core, in the order of joining."""
    names = candidate.scale.view.names
    activity = candidate.scale.activity
    order = sorted((activity[account].first, names[account]) for account in candidate.group.core)
    return [name.decode() for _, name in order]


def members(candidate: Candidate, known: list[str], bounds: Bounds) -> list[str]:
    """The core, then those around it, then those that were members before."""
    names = candidate.scale.view.names
    everyone = dict.fromkeys(core(candidate))
    everyone.update(dict.fromkeys(names[account].decode() for account in candidate.group.around))
    everyone.update(dict.fromkeys(known))
    return list(everyone)[: bounds.members]


def report(candidate: Candidate, known: list[str], rules: Rules, bounds: Bounds) -> Report:
    """The case as of this step."""
    scale = candidate.scale
    large = (
        len(candidate.group.core) >= rules.critical_accounts
        or scale.requests >= rules.critical_requests
    )
    everyone = members(candidate, known, bounds)
    return Report(
        time=scale.view.now,
        score=round(candidate.score, 3),
        severity=Severity.CRITICAL if large else Severity.HIGH,
        summary=summary(candidate, len(everyone)),
        first_seen=scale.first,
        last_seen=scale.last,
        evidence=candidate.findings.evidence,
        members=everyone,
        benign=benign(candidate),
        counterfactuals=counterfactuals(candidate, rules),
        projected_requests=_projected(scale),
    )


def summary(candidate: Candidate, everyone: int) -> str:
    """One sentence for the person on call."""
    group = candidate.group
    signals = {piece.signal: piece for piece in candidate.findings.evidence}
    count = len(group.templates)
    what = {
        Rule.ROTATING: f"rotate {count} recurring instructions around changing payloads",
        Rule.FIXED: "send one recurring instruction around changing payloads",
        Rule.RELATED: "are tied by shared conversations, payments or reasoning references",
    }[group.rule]
    parts = [f"{len(group.core)} accounts of {len(group.owners)} unrelated organisations {what}"]
    if group.rule is not Rule.RELATED:
        parts.append(f"about {candidate.scale.requests:,} requests went through them")
    parts += [text for name, text in _said(signals) if name in signals]
    if everyone > len(group.core):
        parts.append(f"{everyone - len(group.core)} more accounts have a weaker tie")
    return "; ".join(parts) + "."


def _said(signals: dict[str, Evidence]) -> list[tuple[str, str]]:
    """Phrases for the signals that a reader understands without a definition."""
    phrases = {
        "youth": "{value:.0%} of the accounts are younger than 14 days (usually {expected:.0%})",
        "elicitation": "{value:.0%} ask for reasoning, grading or tasks (usually {expected:.0%})",
        "burst": "four fifths joined within {span}",
        "handoff": "{value:.0f} conversations moved between organisations",
        "payment": "{value:.0f} payment instruments are shared",
    }
    return [
        (
            name,
            phrase.format(
                value=signals[name].value,
                expected=signals[name].expected,
                span=_span(signals[name].value),
            ),
        )
        for name, phrase in phrases.items()
        if name in signals
    ]


def _span(days: float) -> str:
    """Days, or hours where that reads better."""
    hours = days * DAY_MS / HOUR_MS
    return f"{days:.1f} days" if days >= _SHORT_DAYS else f"{max(1, math.ceil(hours))} h"


def _projected(scale: Scale) -> float:
    """Requests through the instructions in the next 30 days, at the rate since the first."""
    lasted = max(scale.view.now - scale.first, HOUR_MS)
    return round(scale.requests * _PROJECTED_DAYS * DAY_MS / lasted)
