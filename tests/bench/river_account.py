"""An account as one would write it with River: an object with detectors, event after event.

The windows (32 requests or 15 minutes), signals, baselines, drift detection, duplicates and link
observations of ``models/account``, with its settings. Left out, in the peers' favour: evidence
(e-processes), rarity, ADWIN, episodes and alerts, late events, control records, and windows that
would end without another request of their account.
"""

from __future__ import annotations

import math

from typing import Any

from msgspec import UNSET, UnsetType
from river.drift import PageHinkley
from river.stats import EWMean, EWVar

from models.account.closing import ALPHA, BASELINE_WINDOWS, COVERAGE_DRIFT, PROTECTED, RATIO_DRIFT
from models.account.layout import RECENT
from models.drift import PageHinkleySetting
from models.reference.fit import SMALLEST_FULL
from models.reference.reference import RATIO_FIXED_POINT
from schemas.frame import AccountFacts
from schemas.request import CATEGORIES


LOWEST_SD = 0.25
"""Of a baseline, as a share of the population's."""
LOWEST_Z, HIGHEST_Z = -4.0, 8.0

_HINKLEY = PageHinkleySetting()


class Baseline:
    """One signal of one account: its usual level, and whether it drifts."""

    __slots__ = ("count", "hinkley", "mean", "variance")

    def __init__(self) -> None:
        self.count = 0
        self.mean: Any = EWMean(fading_factor=ALPHA)
        self.variance: Any = EWVar(fading_factor=ALPHA)
        self.hinkley: Any = PageHinkley(
            min_instances=_HINKLEY.min_instances,
            delta=_HINKLEY.delta,
            threshold=_HINKLEY.threshold,
            alpha=_HINKLEY.alpha,
            mode="up",
        )

    def rises(self, x: float, lowest_sd: float) -> bool:
        """Take one window's signal; whether PageHinkley raises the alarm on its z-score."""
        if not math.isfinite(x):
            return False
        alarm = protected = False
        if self.count >= BASELINE_WINDOWS:
            sd = max(math.sqrt(max(self.variance.get(), 0.0)), lowest_sd)
            z = min(max((x - self.mean.get()) / sd, LOWEST_Z), HIGHEST_Z)
            self.hinkley.update(z)
            alarm, protected = self.hinkley.drift_detected, z >= PROTECTED
        if not protected:
            self.mean.update(x)
            self.variance.update(x)
            self.count += 1
        return alarm


class Account:
    """What is remembered of one account."""

    __slots__ = (
        "categories",
        "client",
        "coverage",
        "credential",
        "elicited",
        "facts",
        "failed",
        "foreign",
        "graded",
        "input_tokens",
        "likelihood",
        "network",
        "opened",
        "output_tokens",
        "payment",
        "ratio",
        "recent",
        "refused",
        "requests",
        "techniques",
        "total_elicited",
        "total_foreign",
        "total_graded",
        "total_requests",
        "total_sentences",
    )

    def __init__(self, facts: AccountFacts) -> None:
        self.facts = facts
        self.recent: dict[str, None] = {}
        # Most accounts never fill a window: River's objects are made when one does.
        self.coverage: Baseline | None = None
        self.likelihood: Baseline | None = None
        self.payment: str | UnsetType = UNSET
        self.network: str | UnsetType = UNSET
        self.client: str | UnsetType = UNSET
        self.credential: str | UnsetType = UNSET
        self.total_requests = self.total_elicited = self.total_graded = 0
        self.total_foreign = self.total_sentences = 0
        self.begin(0)

    def begin(self, opened: int) -> None:
        """Start a window at ``opened`` ms."""
        self.opened = opened
        self.requests = self.refused = self.failed = self.elicited = self.graded = 0
        self.foreign = self.techniques = self.categories = self.ratio = 0
        self.input_tokens = self.output_tokens = 0

    def has_seen(self, request: str) -> bool:
        """Whether the id is among the last 16; remembers it if not."""
        recent = self.recent
        if request in recent:
            return True
        recent[request] = None
        if len(recent) > RECENT:
            del recent[next(iter(recent))]
        return False

    def drift(self, coverage_sd: float, ratio_sd: float) -> int:
        """Judge the window that ends: the bits of the detectors that rose.

        ``coverage_sd`` and ``ratio_sd`` are the population's.
        """
        if self.requests < SMALLEST_FULL:
            return 0
        if self.coverage is None or self.likelihood is None:
            self.coverage, self.likelihood = Baseline(), Baseline()
        coverage = self.categories.bit_count() / min(self.requests, len(CATEGORIES))
        ratio = self.ratio / (self.requests * RATIO_FIXED_POINT)
        bits = 0
        if self.coverage.rises(coverage, coverage_sd * LOWEST_SD):
            bits |= COVERAGE_DRIFT
        if self.likelihood.rises(ratio, ratio_sd * LOWEST_SD):
            bits |= RATIO_DRIFT
        return bits
