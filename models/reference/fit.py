"""Fitting a reference on window summaries of a population that is believed benign."""

from __future__ import annotations

import math

import numpy as np

from numpy.typing import NDArray

from models.eventtime import DAY_MS, HOUR_MS
from models.reference import features
from models.reference.document import COHORTS, ReferenceDocument
from models.reference.reference import RATIO_FIXED_POINT, TAIL_STEP, Reference
from models.reference.scorer import export, learn
from models.stage import Emission, Records
from schemas.frame import AccountFacts
from schemas.request import CATEGORIES


TARGETS = (
    "reasoning_math",
    "agentic_code",
    "tool_orchestration",
    "data_analysis",
    "computer_use",
    "grading",
    "task_generation",
    "safe_rewrite",
    "low_level_code",
    "vision",
)
"""What disclosed campaigns were after (threat reports of February and September 2026)."""
TARGETED = 0.5
"""Share of probing traffic on the targets; the other half is spread evenly, as cover is."""

SMALLEST_FULL = 8
"""Below 8 requests, coverage and mean ratio say more about their number than about them."""

_QUANTILE = 0.99
_PRIOR_REQUESTS = 32
"""One full window of the cohort's mean: an account seen once must not set the null."""
_ORGANIZATION_REQUESTS = 256
"""Requests of an organisation's window, and the prior of its rate."""
_ORGANIZATION_MS = 6 * HOUR_MS
_LOWEST, _HIGHEST = 0.02, 0.6
"""Bounds of a null: below, two odd requests would be evidence; above, no bet pays."""
_LOWEST_PROBING = 0.1
"""This rule pages; where most requests are refused, as in probing, it delays by five windows."""
_SMALLEST_COHORT = 200
"""Accounts; the 99th percentile of fewer is the maximum. Smaller cohorts take the population's."""
_LARGEST_RATIO = 4.0
"""Nats; one category nobody uses must not decide a window alone."""
_LEARNT = 6000
"""Windows that LODA learns, spread evenly: 0.1 ms each, and its histograms no longer change."""
_SEED = 20260223


def fit(windows: Emission) -> Reference:
    """The reference of closed windows and the accounts they belong to.

    ``windows.rows`` are :data:`schemas.window.WINDOW` records; its table may name an account more
    than once, as the tables of frames put together do. A function of its argument: the
    projections are seeded. Raises ``ValueError`` for no windows.
    """
    rows = windows.rows
    if not len(rows):
        raise ValueError("a reference needs windows to be fitted on")
    windows = _by_account(windows)
    plans = np.array([facts.plan for facts in windows.accounts])
    ratio = _ratio(rows)
    full = rows[rows["requests"] >= SMALLEST_FULL]
    vectors = features.vectors(rows)
    scaler, loda = learn(vectors[_spread(len(rows), _LEARNT)], _SEED)
    scorer = export(scaler, loda)
    account_days, organization_windows = _volumes(windows)
    return Reference.of(
        ReferenceDocument(
            version=1,
            windows=len(rows),
            windows_per_account_day=len(rows) / account_days,
            organization_windows_per_account_day=organization_windows / account_days,
            log_likelihood_ratio=ratio.tolist(),
            collecting=_nulls(windows, plans, features.collecting(rows)),
            probing=[
                max(null, _LOWEST_PROBING)
                for null in _nulls(windows, plans, features.probing(rows))
            ],
            organization_collecting=_organization_null(windows),
            coverage_sd=_spread_of(features.coverage(full)),
            ratio_sd=_spread_of(_mean_ratio(full, ratio)),
            feature_mean=scorer.mean.tolist(),
            feature_sd=scorer.sd.tolist(),
            projections=scorer.projections.tolist(),
            bin_left=scorer.left.tolist(),
            bin_right=scorer.right.tolist(),
            bin_nats=scorer.nats.tolist(),
            tail=_tail(scorer.scores(vectors)),
        )
    )


def _by_account(windows: Emission) -> Emission:
    """The same windows with each account once in the table, under the facts it had last."""
    entries: dict[str, int] = {}
    facts: dict[str, AccountFacts] = {}
    entry = np.empty(len(windows.accounts), np.int32)
    for position, each in enumerate(windows.accounts):
        entry[position] = entries.setdefault(each.account_id, len(entries))
        facts[each.account_id] = each
    return Emission(list(facts.values()), entry[windows.account], windows.rows)


def _ratio(rows: Records) -> NDArray[np.int64]:
    """Fixed-point log-likelihood ratio int64[categories] of a request, probing over population.

    A summary says which categories a window held, not how often; its requests are split evenly.
    """
    present = (rows["categories"][:, None] >> np.arange(len(CATEGORIES))) & 1
    weight = rows["requests"] / np.maximum(present.sum(axis=1), 1)
    population = (present * weight[:, None]).sum(axis=0) + 1.0
    population /= population.sum()
    targeted = np.isin(CATEGORIES, TARGETS)
    probing = TARGETED * targeted / targeted.sum() + (1.0 - TARGETED) / len(CATEGORIES)
    ratio = np.clip(np.log(probing / population), -_LARGEST_RATIO, _LARGEST_RATIO)
    fixed: NDArray[np.int64] = np.rint(ratio * RATIO_FIXED_POINT).astype(np.int64)
    return fixed


def _mean_ratio(rows: Records, ratio: NDArray[np.int64]) -> NDArray[np.float64]:
    present = (rows["categories"][:, None] >> np.arange(len(CATEGORIES))) & 1
    mean: NDArray[np.float64] = (present * ratio).sum(axis=1) / (
        np.maximum(present.sum(axis=1), 1) * RATIO_FIXED_POINT
    )
    return mean


def _nulls(windows: Emission, plans: NDArray[np.int64], share: NDArray[np.float64]) -> list[float]:
    """Per cohort the 99th percentile of its accounts' rates.

    Of accounts and not of windows: a window of one request has share 0 or 1, and the null is about
    what an account does on average.
    """
    hits, requests = _totals(windows.account, windows.rows, share, len(plans))
    everyone = _null(hits, requests, _PRIOR_REQUESTS)
    cohorts = [plans == cohort for cohort in range(COHORTS)]
    return [
        _null(hits[cohort], requests[cohort], _PRIOR_REQUESTS)
        if cohort.sum() >= _SMALLEST_COHORT
        else everyone
        for cohort in cohorts
    ]


def _organization_null(windows: Emission) -> float:
    names, organization = np.unique(
        [facts.organization_id for facts in windows.accounts], return_inverse=True
    )
    owner = organization[windows.account]
    share = features.collecting(windows.rows)
    hits, requests = _totals(owner, windows.rows, share, len(names))
    return _null(hits, requests, _ORGANIZATION_REQUESTS)


def _totals(
    owner: NDArray[np.integer], rows: Records, share: NDArray[np.float64], owners: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Hits and requests float64[owners]; ``owner`` int[n] of each window, ``share`` float64[n]."""
    requests = rows["requests"].astype(np.float64)
    return (
        np.bincount(owner, share * requests, owners).astype(np.float64),
        np.bincount(owner, requests, owners).astype(np.float64),
    )


def _null(hits: NDArray[np.float64], requests: NDArray[np.float64], prior: int) -> float:
    seen = requests > 0
    hits, requests = hits[seen], requests[seen]
    mean = hits.sum() / requests.sum()
    rates = (hits + prior * mean) / (requests + prior)
    return float(np.clip(np.quantile(rates, _QUANTILE), _LOWEST, _HIGHEST))


def _volumes(windows: Emission) -> tuple[int, float]:
    """Account-days with traffic, and how many windows organisations would have closed."""
    rows = windows.rows
    days = np.unique(np.stack([windows.account, rows["time"] // DAY_MS]), axis=1)
    names = [facts.organization_id for facts in windows.accounts]
    owner = np.unique(names, return_inverse=True)[1][windows.account]
    periods = np.stack([owner, rows["time"] // _ORGANIZATION_MS])
    _, period = np.unique(periods, axis=1, return_inverse=True)
    requests = np.bincount(period.ravel(), rows["requests"])
    return days.shape[1], float(np.ceil(requests / _ORGANIZATION_REQUESTS).sum())


def _spread(total: int, wanted: int) -> NDArray[np.int64]:
    """At most ``wanted`` positions below ``total``, evenly spaced."""
    return np.arange(min(total, wanted)) * total // min(total, wanted)


def _spread_of(values: NDArray[np.float64]) -> float:
    """Standard deviation; 1 where there is none to measure, so that a z-score stays small."""
    sd = float(values.std()) if len(values) else 0.0
    return sd or 1.0


def _tail(scores: NDArray[np.float64]) -> list[float]:
    levels = np.arange(0.0, math.log(len(scores) + 1), TAIL_STEP)
    thresholds = np.quantile(scores, 1.0 - np.exp(-levels), method="higher")
    return [float(threshold) for threshold in np.maximum.accumulate(thresholds)]
