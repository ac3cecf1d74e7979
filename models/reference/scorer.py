"""The global window scorer: River's ``StandardScaler | LODA``, scored from plain tables.

River learns and this file reads what it learnt. ``score_one`` takes 125 us a window; the tables
give the same number (within 1e-9 on the windows it learnt) in about one.

Source: Pevný, LODA (2016), as ``river.anomaly.LODA`` implements it.
"""

from __future__ import annotations

import math

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from numpy.typing import NDArray
from river.anomaly import LODA
from river.preprocessing import StandardScaler

from models.reference.features import FEATURES


CUTS = 64
"""Random projections. River's default is 100; at 25 the AUC falls from 0.99 to 0.96."""
BINS = 10
"""Per projection, River's default."""
_USED = math.isqrt(len(FEATURES))
"""Features a projection uses: as many as River's LODA draws."""
FIXED_POINT = 1 << 32
"""Bin scores are whole numbers of 2^-32 nats: their sum does not depend on its order."""

_NO_DENSITY = -math.log(1e-12)
"""What River says of a value outside every bin, nats."""
_EDGE = 1e-9
"""Bin edges are windows that were learnt; the last bit of a projection must not put one outside."""
_PADDING = 1e300
_FIRST_BINS = np.arange(0, BINS * CUTS, BINS)[:, None]


@dataclass(frozen=True)
class Scorer:
    """``mean``, ``sd`` [features]; ``projections`` [CUTS, features]; bins [CUTS, BINS]."""

    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    projections: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    nats: NDArray[np.int64]
    """-ln density of each bin in fixed point; unused bins lie at :data:`_PADDING`."""

    def scores(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """River's ``score_one`` of each of ``vectors`` float64[n, features], as float64[n]."""
        z = self._projected(vectors)
        left, right = self._edges
        passed = np.zeros(z.shape, np.uint8)
        for edge in right:
            passed += z > edge
        bins = np.minimum(passed, BINS - 1) + _FIRST_BINS
        inside = (passed < BINS) & (z >= left[bins])
        nats = np.where(inside, self.nats.ravel()[bins], round(_NO_DENSITY * FIXED_POINT))
        mean: NDArray[np.float64] = nats.sum(axis=0) / (FIXED_POINT * CUTS)
        return mean

    def _projected(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """[CUTS, n]; a projection uses few of the features, and these are added one by one."""
        safe = np.where(self.sd > 0, self.sd, 1.0)
        scaled = np.where(self.sd > 0, (vectors - self.mean) / safe, 0.0).T.copy()
        z = np.zeros((CUTS, len(vectors)))
        # Not a matrix product: BLAS adds in an order that depends on the number of rows.
        for feature, weight in self._terms:
            z += scaled[feature] * weight
        return z

    @cached_property
    def _terms(self) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Per place in a projection, the feature [CUTS] and its weight [CUTS, 1]."""
        used = np.argsort(self.projections == 0, axis=1, kind="stable")[:, :_USED]
        weights = np.take_along_axis(self.projections, used, axis=1)
        return [(used[:, place], weights[:, place, None]) for place in range(_USED)]

    @cached_property
    def _edges(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Left edges of all bins [CUTS * BINS], and right edges [BINS, CUTS, 1]."""
        left = self.left - _margin(self.left)
        right = self.right + _margin(self.right)
        return left.ravel(), right.T[:, :, None].copy()


def learn(vectors: NDArray[np.float64], seed: int) -> tuple[Any, Any]:
    """River's scaler and LODA after ``vectors`` float64[n, features], n >= 1.

    The scaler sees everything before LODA sees anything: its first guesses at a scale would
    otherwise stay in the histograms.
    """
    scaler: Any = StandardScaler()
    loda: Any = LODA(n_bins=BINS, n_random_cuts=CUTS, seed=seed)
    samples = [dict(zip(FEATURES, row, strict=True)) for row in vectors.tolist()]
    for sample in samples:
        scaler.learn_one(sample)
    for sample in samples:
        loda.learn_one(scaler.transform_one(sample))
    return scaler, loda


def export(scaler: Any, loda: Any) -> Scorer:
    """The tables of a River scaler and LODA that have learnt."""
    projections = np.zeros((CUTS, len(FEATURES)))
    left, right = np.full((CUTS, BINS), _PADDING), np.full((CUTS, BINS), _PADDING)
    nats = np.full((CUTS, BINS), round(_NO_DENSITY * FIXED_POINT), np.int64)
    for cut, (projection, histogram) in enumerate(
        zip(loda.projections_, loda.histograms_, strict=True)
    ):
        for feature, weight in projection.items():
            projections[cut, FEATURES.index(feature)] = weight
        for position, piece in enumerate(histogram):
            left[cut, position], right[cut, position] = piece.left, piece.right
            # A value on the right edge belongs to the bin, so River itself says its density.
            density = max(loda._density(histogram, piece.right), 1e-12)  # noqa: SLF001
            nats[cut, position] = round(-math.log(density) * FIXED_POINT)
    mean = np.array([scaler.means[feature] for feature in FEATURES])
    sd = np.array([math.sqrt(scaler.vars[feature]) for feature in FEATURES])
    return Scorer(mean, sd, projections, left, right, nats)


def _margin(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return _EDGE * np.maximum(np.abs(edges), 1.0)
