"""From evidence to pages: three rules, two families, and the price of looking at many groups.

A group's score less its rule's threshold is treated as the logarithm of an e-value against "this
group has a benign cause", and groups are selected by e-BH (Wang and Ramdas 2022): the k largest
page if the k-th exceeds ln(m / k), where m groups were candidates. The alert budget shifts all
thresholds: half the budget costs ln 2. Scores are capped sums of log likelihood ratios against
estimated shares, not e-values by construction, so the bound is to be checked on benign replays.
"""

from __future__ import annotations

import math

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from models.campaign.content import content
from models.campaign.groups import Group, Rule
from models.campaign.notes import cold_start_note, explained_note
from models.campaign.relational import relational
from models.campaign.rules import Rules, Weights
from models.campaign.scale import Findings, Scale
from models.campaign.temporal import temporal
from models.campaign.view import View
from models.evidence import Budget


@dataclass(frozen=True, slots=True)
class Candidate:
    """A weighed group."""

    group: Group
    scale: Scale
    findings: Findings
    score: float
    """Nats by its own rule"""
    threshold: float
    sound: bool
    """Two families agree and nothing benign covers the group"""
    dormant: bytes
    """The closed case whose instructions these are, or nothing"""

    @property
    def excess(self) -> float:
        """Nats above the threshold, minus infinity for a group that must not page."""
        return self.score - self.threshold if self.sound else -math.inf


def threshold(rule: Rule, rules: Rules, budget: Budget) -> float:
    """What a group that is the only candidate must reach, nats."""
    base = {Rule.ROTATING: rules.rotating, Rule.FIXED: rules.fixed, Rule.RELATED: rules.related}
    usual = Budget()
    allowed = budget.campaign * budget.false_pages_per_1000_accounts_per_day
    return base[rule] + math.log(
        usual.campaign * usual.false_pages_per_1000_accounts_per_day / allowed
    )


def weigh(
    view: View,
    group: Group,
    rules: Rules,
    weights: Weights,
    budget: Budget,
    dormant: Mapping[bytes, bytes],
) -> Candidate:
    """All evidence of a group; ``dormant`` tells which closed case had a key."""
    scale = Scale(view, group, rules, weights)
    findings = Findings()
    content(scale, findings)
    temporal(scale, findings)
    told = Findings()
    relational(scale, told)
    if group.rule is Rule.RELATED:
        told.nats["temporal"] = findings.of("temporal")
        told.signals |= findings.signals
        told.evidence += [piece for piece in findings.evidence if piece.family == "temporal"]
        findings = told
    else:
        # Told, but not counted: one sum of both rules is where false pages came from.
        findings.nats["relational"] = told.of("relational")
        findings.evidence += [structs.replace(piece, weight=0.0) for piece in told.evidence]
    before = _known(group, dormant)
    score = _score(group, findings)
    if before:
        score += weights.dormant
        findings.mention(
            "relational",
            "dormant",
            1.0,
            0.0,
            weights.dormant,
            "most of these keys were a campaign's that has been closed",
        )
    findings.evidence += [
        note for note in (cold_start_note(scale), explained_note(scale)) if note is not None
    ]
    return Candidate(
        group,
        scale,
        findings,
        score,
        threshold(group.rule, rules, budget),
        _sound(scale, findings, known=bool(before)),
        before,
    )


def select(candidates: Sequence[Candidate]) -> list[bool]:
    """Which of m candidates page, by e-BH."""
    excess = sorted((candidate.excess for candidate in candidates), reverse=True)
    m = len(excess)
    chosen = max((k for k, value in enumerate(excess, 1) if value >= math.log(m / k)), default=0)
    least = excess[chosen - 1] if chosen else math.inf
    return [candidate.excess >= least for candidate in candidates]


def without(candidate: Candidate, signals: Iterable[str]) -> Candidate:
    """The group if ``signals`` had not been found: the same, but for score and soundness."""
    dropped = dict.fromkeys(signals)
    found, left = candidate.findings, Findings()
    left.evidence = [piece for piece in found.evidence if piece.signal not in dropped]
    left.signals = found.signals | dict.fromkeys(dropped, 0.0)
    left.nats = dict(found.nats)
    lost = 0.0
    for piece in found.evidence:
        if piece.signal in dropped:
            lost += piece.weight
            left.nats[piece.family] = left.nats.get(piece.family, 0.0) - piece.weight
    known = bool(candidate.dormant) and "dormant" not in dropped
    return replace(
        candidate,
        findings=left,
        score=candidate.score - lost,
        sound=_sound(candidate.scale, left, known=known),
    )


def _score(group: Group, findings: Findings) -> float:
    if group.rule is Rule.RELATED:
        support = findings.signals.get("support", 0.0)
        return findings.of("relational") + findings.of("temporal") + support
    return findings.of("content") + findings.of("temporal")


def _known(group: Group, dormant: Mapping[bytes, bytes]) -> bytes:
    """The closed case that had most of the group's keys."""
    hits: dict[bytes, int] = {}
    for key in group.keys:
        if key in dormant:
            hits[dormant[key]] = hits.get(dormant[key], 0) + 1
    name = min(hits, key=lambda name: (-hits[name], name), default=b"")
    return name if name and 2 * hits[name] >= len(group.keys) else b""


def _sound(scale: Scale, findings: Findings, *, known: bool) -> bool:
    """Whether the group's own rule is met, whatever its score."""
    group, rules = scale.group, scale.rules
    owners = scale.owners
    if group.rule is Rule.RELATED:
        return (
            owners >= rules.related_owners
            and findings.of("relational") >= rules.relations
            and findings.signals.get("youth", 0.0) >= rules.related_youth
            and findings.of("temporal") >= rules.related_temporal
        )
    if known:
        return _awake(scale) >= rules.dormant_owners
    agreeing = max(findings.of("temporal"), findings.of("relational"))
    least = rules.fixed_content if group.rule is Rule.FIXED else rules.family
    if agreeing < rules.family or findings.of("content") < least:
        return False
    if owners < rules.crowd and scale.last - scale.first < rules.lesson_ms:
        return False
    if group.rule is Rule.ROTATING:
        return _rotates(scale, findings, owners)
    return _is_one(scale, findings, owners)


def _awake(scale: Scale) -> int:
    """Owners that were active lately: one stray use wakes nobody."""
    since = scale.view.now - scale.rules.quiet_ms
    return sum(
        any(scale.activity[account].last > since for account in accounts)
        for accounts in scale.members.values()
    )


def _rotates(scale: Scale, findings: Findings, owners: float) -> bool:
    rules, signals = scale.rules, findings.signals
    covers = _covers(scale)
    others = len(scale.group.templates) - covers
    return (
        owners >= rules.owners
        and signals["rotation"] >= rules.rotates
        and (covers >= rules.covers or others >= rules.many)
        and (owners >= rules.crowd or signals["elicitation"] >= rules.elicits)
        and signals["elicitation"] + signals.get("youth", 0.0) >= rules.marked
    )


def _covers(scale: Scale) -> int:
    """How many templates it takes to cover the core, each time the one that covers most."""
    left = {a: mine.holds for a, mine in scale.group.credits.items()}
    allowed = (1 - scale.rules.covered) * len(left)
    count = 0
    while len(left) > allowed:
        users = Counter(template for templates in left.values() for template in templates)
        best = min(users, key=lambda template: (-users[template], template))
        left = {a: templates for a, templates in left.items() if best not in templates}
        count += 1
    return count


def _is_one(scale: Scale, findings: Findings, owners: float) -> bool:
    rules = scale.rules
    keys = [scale.view.keys[key] for key in scale.group.templates[0].keys]
    elicited = max(key.elicited / key.accounts for key in keys)
    repeated = min(key.repeated / key.accounts for key in keys)
    return (
        owners >= rules.fixed_owners
        and (owners >= rules.crowd or scale.requests >= rules.fixed_requests)
        and elicited >= rules.strong
        and repeated <= rules.repeated
        and findings.signals.get("youth", 0.0) >= rules.fixed_youth
    )
