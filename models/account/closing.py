"""Closing windows: signals, baselines, drift and evidence; the only place where floats change.

Everything that needs no memory is computed for all closed windows at once. What does goes in
rounds, one window of an account after the other: it does not matter which of them share a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.account.layout import COLLECTING, SCORES
from models.drift import PageHinkley, PageHinkleySetting, adwin_drift
from models.eventtime import DAY_MS, SECOND_MS
from models.evidence import accumulate, mixture, nats
from models.moments import Moments
from models.reference.features import collecting, coverage, vectors
from models.reference.fit import SMALLEST_FULL
from models.reference.reference import RATIO_FIXED_POINT, Reference
from models.stage import Records


ALPHA = 1 / 16
"""Of the baseline: it forgets in about 16 windows, 500 requests, slower than a probing phase."""
BASELINE_WINDOWS = 8
"""Windows before a z-score means something."""
PROTECTED = 3.0
"""A window above this z-score does not enter the baseline, or a slow ramp would become normal."""
_LOWEST_Z, _HIGHEST_Z = -4.0, 8.0
"""Beyond these a score says no more, and one window must not raise an alarm by itself."""
_SMALLEST_SD = 0.25
"""Of the population's: an account that always does the same would turn any change into infinity."""
RISEN = 1000.0
"""Evidence from which ADWIN is asked; an account at its null passes it once in 1000 windows."""
_STEPS = 15
"""Scores are kept as whole fifteenths: -4..8 then fits a signed byte."""
_HINKLEY = PageHinkleySetting()

COVERAGE_DRIFT, RATIO_DRIFT, ADWIN_DRIFT = 1, 2, 4
"""Bits of ``WindowSummary.drift``."""


@dataclass(frozen=True, slots=True)
class Closed:
    """c closed windows."""

    windows: Records
    """[c] summaries; ``evidence``, ``rarity`` and ``drift`` are filled in here"""
    local: NDArray[np.int64]
    """[c] account"""
    rank: NDArray[np.int64]
    """[c] how many of these windows are the account's and come before"""
    cohort: NDArray[np.int64]
    """[c] plan"""
    probing: NDArray[np.int64]
    """[c] refused requests that elicit"""
    ratio: NDArray[np.int64]
    """[c] sum of likelihood ratios, fixed point"""
    refused_techniques: NDArray[np.uint16]
    """[c] bits"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the account's memory says after each of c windows."""

    values: NDArray[np.float64]
    """[c, 2] e-values of the collecting and the probing process"""
    shares: NDArray[np.float64]
    """[c, 2] what was observed"""
    nulls: NDArray[np.float64]
    """[c, 2] what is tolerated"""
    techniques: NDArray[np.int64]
    """[c] distinct techniques among refused requests of the last 24 h"""
    risen: NDArray[np.int64]
    """[c] since when evidence stands, s; 0 = it does not"""


def close(work: Records, closed: Closed, reference: Reference) -> Judgement:
    """Take the windows into the accounts' memory ``work`` and fill in their summaries."""
    windows = closed.windows
    judgement = Judgement(
        values=np.empty((len(windows), 2)),
        shares=np.stack([collecting(windows), closed.probing / windows["requests"]], axis=1),
        nulls=np.stack(
            [reference.collecting[closed.cohort], reference.probing[closed.cohort]], axis=1
        ),
        techniques=np.empty(len(windows), np.int64),
        risen=np.empty(len(windows), np.int64),
    )
    signals = np.stack(
        [coverage(windows), closed.ratio / (windows["requests"] * float(RATIO_FIXED_POINT))], axis=1
    )
    document = reference.document
    smallest = np.array([document.coverage_sd, document.ratio_sd]) * _SMALLEST_SD
    for rank in range(int(closed.rank.max(initial=-1)) + 1):
        chosen = np.flatnonzero(closed.rank == rank)
        local = closed.local[chosen]
        _techniques(work, closed, judgement, chosen)
        _evidence(work, windows, judgement, chosen, local)
        drift = _drift(work, local, signals[chosen], smallest, windows["requests"][chosen])
        windows["drift"][chosen] = drift
    windows["rarity"] = reference.rarity(vectors(windows))
    windows["evidence"] = nats(judgement.values[:, COLLECTING])
    return judgement


def _techniques(
    work: Records, closed: Closed, judgement: Judgement, chosen: NDArray[np.int64]
) -> None:
    local = closed.local[chosen]
    now = closed.windows["time"][chosen, None] // SECOND_MS
    times = work["technique_time"][local]
    bits = closed.refused_techniques[chosen, None] >> np.arange(times.shape[1]) & 1
    times = np.where(bits, now, times)
    work["technique_time"][local] = times
    recent = (times > 0) & (times >= now - DAY_MS // SECOND_MS)
    judgement.techniques[chosen] = recent.sum(axis=1)


def _evidence(
    work: Records,
    windows: Records,
    judgement: Judgement,
    chosen: NDArray[np.int64],
    local: NDArray[np.int64],
) -> None:
    state = accumulate(work["evidence"][local], judgement.shares[chosen], judgement.nulls[chosen])
    work["evidence"][local] = state
    values = mixture(state)
    judgement.values[chosen] = values
    risen = (values >= RISEN).any(axis=1)
    since = work["risen"][local].astype(np.int64)
    since = np.where(since > 0, since, windows["opened"][chosen] // SECOND_MS)
    since = np.where(risen, since, 0)
    work["risen"][local] = since
    judgement.risen[chosen] = since


def _drift(
    work: Records,
    local: NDArray[np.int64],
    signals: NDArray[np.float64],
    smallest: NDArray[np.float64],
    requests: NDArray[np.uint16],
) -> NDArray[np.uint8]:
    """Bits uint8[k] of the detectors that rose; ``signals`` float64[k, 2]."""
    moments = Moments(work["count"][local], work["mean"][local], work["square"][local])
    sd = np.maximum(np.sqrt(moments.variance()), smallest)
    z = np.clip((signals - moments.mean) / sd, _LOWEST_Z, _HIGHEST_Z)
    full = np.repeat(requests[:, None] >= SMALLEST_FULL, 2, axis=1)
    ready = full & (moments.count >= BASELINE_WINDOWS)
    moments.update(signals, ALPHA, full & (~ready | (z < PROTECTED)))
    for name, values in zip(
        ("count", "mean", "square"), (moments.count, moments.mean, moments.square), strict=True
    ):
        work[name][local] = values
    alarms = _hinkley(work, local, z, ready)
    adwin = _adwin(work, local, z[:, 1], ready[:, 1])
    bits = alarms[:, 0] * COVERAGE_DRIFT + alarms[:, 1] * RATIO_DRIFT + adwin * ADWIN_DRIFT
    drift: NDArray[np.uint8] = bits.astype(np.uint8)
    return drift


_HINKLEY_FIELDS = ("count", "mean", "total", "low", "drift")


def _hinkley(
    work: Records,
    local: NDArray[np.int64],
    z: NDArray[np.float64],
    ready: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    detectors = PageHinkley(*(work["hinkley_" + name][local] for name in _HINKLEY_FIELDS))
    alarms = detectors.update(z, ready, _HINKLEY)
    for name in _HINKLEY_FIELDS:
        work["hinkley_" + name][local] = getattr(detectors, name)
    return alarms


def _adwin(
    work: Records,
    local: NDArray[np.int64],
    z: NDArray[np.float64],
    ready: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Put the score into the ring, and ask ADWIN for the accounts whose evidence has risen."""
    kept = local[ready]
    place = work["scores_next"][kept]
    work["scores"][kept, place] = np.rint(z[ready] * _STEPS)
    work["scores_next"][kept] = (place + 1) % SCORES
    work["scores_held"][kept] = np.minimum(work["scores_held"][kept] + 1, SCORES)
    rose = ready & (work["risen"][local] > 0)
    for position in np.flatnonzero(rose).tolist():
        row = work[int(local[position])]
        first = int(row["scores_next"]) if row["scores_held"] == SCORES else 0
        ring = np.roll(row["scores"][: int(row["scores_held"])], -first) / _STEPS
        rose[position] = adwin_drift(ring.tolist())
    return rose
