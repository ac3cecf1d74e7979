"""What an organisation's closed window says, in words and numbers for an analyst.

No severity here pages. A page that is wrong about an organisation hits a customer with all its
accounts; the organisation's share of the budget buys tickets, and the campaign stage, which sees
who moves together, does the paging.
"""

from __future__ import annotations

import math

from models.alerting import Policy, Report
from models.organization.closing import ADWIN_DRIFT, COVERAGE_DRIFT, SHARE_DRIFT, Verdict
from models.organization.sketches import distinct
from models.organization.state import OrganizationState
from schemas.alert import Evidence, Severity
from schemas.edge import Explanation


NETWORKS = 32
"""Networks of one API key in a week: a team and its build machines stay below, a pooled key does
not."""
_MOST = 2.0
"""A key on more than twice as many says no more."""

_DRIFTS = (
    (SHARE_DRIFT, "PageHinkley on the collecting share"),
    (COVERAGE_DRIFT, "PageHinkley on category coverage"),
    (ADWIN_DRIFT, "ADWIN on the collecting share"),
)


def report_of(
    state: OrganizationState, verdict: Verdict, null: float, time: int, policy: Policy
) -> Report:
    """What the window that closed at ``time`` says; ``null`` is the tolerated share."""
    networks = _most_networks(state)
    # The rule about keys has no e-value: it is put on the same scale, 1 at its limit.
    pooled_key = policy.open_at * min(networks / NETWORKS, _MOST)
    collecting = verdict.evidence >= policy.open_at
    explanation = Explanation(state.explanation)
    # One application or a reseller explains likeness; only a harness explains collecting.
    ticket = collecting and explanation is not Explanation.EVALUATION_HARNESS
    return Report(
        time=time,
        score=max(verdict.evidence, pooled_key),
        severity=Severity.MEDIUM if ticket else Severity.LOW,
        summary=_summary(verdict, null, networks, explanation, collecting=collecting),
        first_seen=state.risen if 0 <= state.risen < time else time,
        last_seen=time,
        evidence=_evidence(verdict, null, networks),
    )


def _most_networks(state: OrganizationState) -> float:
    """Networks of the API key that was on most of them this week."""
    bitmaps = state.now.credentials.values()
    widest = max(bitmaps, key=lambda bitmap: int.from_bytes(bitmap).bit_count(), default=None)
    return distinct(widest) if widest is not None else 0.0


def _summary(
    verdict: Verdict,
    null: float,
    networks: float,
    explanation: Explanation,
    *,
    collecting: bool,
) -> str:
    if not collecting:
        return f"One API key was used from about {networks:.0f} networks this week."
    known = "" if explanation is Explanation.NONE else f" Known as {explanation.name.lower()}."
    return (
        f"{verdict.share:.0%} of the organisation's last window, no account counting for more than "
        f"a quarter, elicits reasoning, grades or generates tasks; {null:.0%} is tolerated. "
        f"Evidence stands against {verdict.standing} of its accounts.{known}"
    )


def _evidence(verdict: Verdict, null: float, networks: float) -> list[Evidence]:
    evidence = [
        Evidence(
            family="behaviour",
            signal="collecting",
            value=verdict.share,
            expected=null,
            weight=math.log(max(verdict.pooled, 1.0)),
            note="share of the last window, accounts capped",
        ),
        Evidence(
            family="behaviour",
            signal="members",
            value=float(verdict.standing),
            weight=math.log(max(verdict.members, 1.0)),
            note="accounts against which evidence stands",
        ),
        Evidence(
            family="behaviour",
            signal="credential_networks",
            value=networks,
            expected=float(NETWORKS),
            note="networks of the most travelled API key this week",
        ),
    ]
    drifts = [
        Evidence(family="behaviour", signal="drift", value=1.0, note=note)
        for bit, note in _DRIFTS
        if verdict.drift & bit
    ]
    return [*evidence, *drifts]
