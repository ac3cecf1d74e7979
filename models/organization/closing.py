"""Closing an organisation's window: baseline, River's detectors, evidence."""

from __future__ import annotations

import math

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.drift import adwin_drift
from models.evidence import CAP, accumulate, mixture
from models.moments import Moments
from models.organization.sketches import distinct
from models.organization.state import (
    COVERAGE,
    DETECTED,
    GRADING,
    SHARE,
    SIGNALS,
    SPREAD,
    Organization,
    OrganizationState,
    Window,
)
from models.organization.windows import EPOCH_MS, INFLUENCE, capped_share, count_categories
from schemas.request import CATEGORIES


ALPHA = 1 / 16
"""Of the baseline: about the last 16 windows, 4000 requests."""
BASELINE_WINDOWS = 8
PROTECTED = 3.0
"""Windows above this z-score stay out of the baseline."""
_PROTECTED = np.array([signal in DETECTED for signal in range(SIGNALS)])
"""Grading and spread describe the organisation whatever it does; only the detectors' baselines are
protected from what the detectors look for."""
_LOWEST_Z, _HIGHEST_Z = -4.0, 8.0
_SMALLEST_SD = np.array([0.02, 0.05, 0.02, 0.1])
"""Of the signals: sampling error of 256 requests, one category of 16, and a tenth of a doubling."""
RISEN = 1000.0
"""Evidence from which ADWIN is asked."""
SCORES = 64
_STEPS = 15
"""Scores are kept as whole fifteenths."""

SHARE_DRIFT, COVERAGE_DRIFT, ADWIN_DRIFT = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a closed window said."""

    share: float
    pooled: float
    """e-value of the organisation's own process"""
    members: float
    """average of its accounts' e-values, each capped at a quarter of the threshold"""
    standing: int
    """accounts whose evidence stands"""
    drift: int
    """bits"""

    @property
    def evidence(self) -> float:
        """nats; the average of two e-values is one, however they depend on each other."""
        return math.log(max((self.pooled + self.members) / 2, 1.0))


def close(organization: Organization, time: int, null: float, threshold: float) -> Verdict:
    """Close the open window at ``time``, ms.

    ``null`` is the tolerated share of collecting requests, ``threshold`` the A of the alert.
    """
    state = organization.state
    share = capped_share(state)
    signals = _signals(state.window, share)
    count_categories(state)
    state.window, opened = Window(), state.window.opened
    state.closed += 1
    process = accumulate(np.array([state.evidence]), np.array([share]), np.array([null]))
    state.evidence = process[0].tolist()
    pooled = float(mixture(process)[0])
    members = _members(state, time, threshold)
    risen = max(pooled, members) >= RISEN
    state.risen = -1 if not risen else opened if state.risen < 0 else state.risen
    drift = _drift(organization, signals)
    return Verdict(share, pooled, members, len(state.members), drift)


def _signals(window: Window, share: float) -> NDArray[np.float64]:
    mean = window.size / window.parts
    signals = np.zeros(SIGNALS)
    signals[SHARE] = share
    seen = 0
    for mask in window.categories:
        seen |= mask
    signals[COVERAGE] = seen.bit_count() / len(CATEGORIES)
    signals[GRADING] = window.graded / window.requests
    signals[SPREAD] = max(window.size_square / window.parts - mean * mean, 0.0)
    return signals


def _members(state: OrganizationState, time: int, threshold: float) -> float:
    """The average e-value of the accounts; those that stayed away for a week no longer count."""
    state.members = {
        account: member
        for account, member in state.members.items()
        if member.time > time - EPOCH_MS
    }
    accounts = distinct(state.now.accounts, state.before.accounts)
    count = max(accounts, len(state.members), 1.0)
    largest = threshold / INFLUENCE
    values = [min(math.exp(member.evidence) / count, largest) for member in state.members.values()]
    return min(math.fsum(values), CAP)


def _drift(organization: Organization, signals: NDArray[np.float64]) -> int:
    state = organization.state
    moments = Moments(
        np.array(state.counts, np.uint32), np.array(state.means), np.array(state.squares)
    )
    sd = np.maximum(np.sqrt(moments.variance()), _SMALLEST_SD)
    z = np.clip((signals - moments.mean) / sd, _LOWEST_Z, _HIGHEST_Z)
    ready = moments.count >= BASELINE_WINDOWS
    moments.update(signals, ALPHA, ~_PROTECTED | ~ready | (z < PROTECTED))
    state.counts = moments.count.tolist()
    state.means, state.squares = moments.mean.tolist(), moments.square.tolist()
    drift = 0
    for bit, signal, detector in zip(
        (SHARE_DRIFT, COVERAGE_DRIFT), DETECTED, organization.detectors, strict=True
    ):
        score = float(z[signal])
        if ready[signal] and math.isfinite(score):
            detector.update(score)
            drift |= bit * detector.drift_detected
    if ready[SHARE]:
        state.scores = [*state.scores, round(float(z[SHARE]) * _STEPS)][-SCORES:]
    if state.risen >= 0 and adwin_drift([score / _STEPS for score in state.scores]):
        drift |= ADWIN_DRIFT
    return drift
