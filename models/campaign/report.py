"""What a case says of itself: members, evidence, and a sentence with numbers."""

from __future__ import annotations

from models.alerting import Report
from models.campaign.decide import Candidate
from models.campaign.groups import Rule
from models.campaign.rules import Bounds, Rules
from schemas.alert import Evidence, Severity


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
        "burst": "four fifths joined within {value:.1f} days",
        "handoff": "{value:.0f} conversations moved between organisations",
        "payment": "{value:.0f} payment instruments are shared",
    }
    return [
        (name, phrase.format(value=signals[name].value, expected=signals[name].expected))
        for name, phrase in phrases.items()
        if name in signals
    ]
