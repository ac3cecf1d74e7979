"""What a closed window says about its account, in words and numbers for an analyst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.account.closing import ADWIN_DRIFT, COVERAGE_DRIFT, RATIO_DRIFT, Closed, Judgement
from models.account.layout import COLLECTING, PROBING
from models.alerting import Policy, Report
from models.eventtime import SECOND_MS
from models.evidence import nats
from schemas.alert import Evidence, Severity
from schemas.frame import AccountFacts
from schemas.request import PLANS


TECHNIQUES = 4
"""Half of the known ones; an odd jailbreak found on the web uses one or two."""

_DRIFTS = (
    (COVERAGE_DRIFT, "PageHinkley on category coverage"),
    (RATIO_DRIFT, "PageHinkley on the likelihood ratio of probing"),
    (ADWIN_DRIFT, "ADWIN on the likelihood ratio of probing"),
)


@dataclass(frozen=True, slots=True)
class Closings:
    """Closed windows of a batch with what was made of them; columns [c] in the log's order."""

    closed: Closed
    judgement: Judgement
    table: Sequence[AccountFacts]
    entry: NDArray[np.int64]
    """[c] whose window it is, in ``table``"""
    cause: NDArray[np.int64]
    """[c] position in the batch of the record that closed the window"""
    full: NDArray[np.bool_]

    def moment(self, position: int) -> tuple[int, bool, int, str]:
        """When in the log's order the window closed."""
        return (
            int(self.cause[position]),
            bool(self.full[position]),
            int(self.closed.windows["time"][position]),
            self.facts(position).account_id,
        )

    def facts(self, position: int) -> AccountFacts:
        """Whose window it is."""
        return self.table[int(self.entry[position])]


def report_of(closings: Closings, position: int, policy: Policy) -> Report:
    """What one closed window says about its account."""
    judgement = closings.judgement
    window = closings.closed.windows[position]
    collecting, probing = nats(judgement.values[position]).tolist()
    techniques = int(judgement.techniques[position])
    tried = probing if techniques >= TECHNIQUES else 0.0
    pages = tried >= policy.open_at
    time = int(window["time"])
    risen = int(judgement.risen[position]) * SECOND_MS
    return Report(
        time=time,
        score=max(collecting, tried),
        severity=Severity.HIGH if pages else Severity.MEDIUM,
        summary=_summary(closings, position, probing=pages),
        first_seen=min(risen, time) or time,
        last_seen=time,
        evidence=_evidence(closings, position),
    )


def _summary(closings: Closings, position: int, *, probing: bool) -> str:
    judgement = closings.judgement
    if probing:
        return (
            f"Systematic probing: {judgement.shares[position, PROBING]:.0%} of the last window was "
            f"refused while eliciting; {judgement.techniques[position]} techniques in 24 hours."
        )
    plan = closings.facts(position).plan
    cohort = f"plan {PLANS[plan]}" if plan < len(PLANS) else "an unknown plan"
    return (
        f"{judgement.shares[position, COLLECTING]:.0%} of the last window elicits reasoning, "
        f"grades or generates tasks; accounts of {cohort} stay below "
        f"{judgement.nulls[position, COLLECTING]:.0%} on average."
    )


def _evidence(closings: Closings, position: int) -> list[Evidence]:
    judgement = closings.judgement
    window = closings.closed.windows[position]
    techniques = int(judgement.techniques[position])
    weights = nats(judgement.values[position]).tolist()
    evidence = [
        Evidence(
            family="behaviour",
            signal=signal,
            value=float(judgement.shares[position, process]),
            expected=float(judgement.nulls[position, process]),
            weight=weights[process],
            note=note,
        )
        for process, signal, note in (
            (COLLECTING, "collecting", "share of the last window"),
            (PROBING, "probing", f"share of the last window; {techniques} techniques in 24 hours"),
        )
    ]
    rarity = Evidence(
        family="behaviour",
        signal="rarity",
        value=float(window["rarity"]),
        note="-ln of the share of benign windows that are as odd",
    )
    drift = int(window["drift"])
    drifts = [
        Evidence(family="behaviour", signal="drift", value=1.0, note=note)
        for bit, note in _DRIFTS
        if drift & bit
    ]
    return [*evidence, rarity, *drifts]
