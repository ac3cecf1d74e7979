"""Exponentially weighted moments of many keys, equal to ``river.stats.EWMean`` and ``EWVar``.

The sequential recursion of one key, alpha being River's ``fading_factor``::

    first x:   mean = x                                square = x * x
    later x:   mean = alpha * x + (1 - alpha) * mean   square = alpha * x * x + (1 - alpha) * square
    variance = square - mean * mean

Source: Finch, Incremental calculation of weighted mean and variance (2009), as River implements it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray


@dataclass(slots=True)
class Moments:
    """Arrays of one shape, one element a key; ``count`` values went into the two means."""

    count: NDArray[np.uint32]
    mean: NDArray[np.float64]
    square: NDArray[np.float64]

    def variance(self) -> NDArray[np.float64]:
        """The weighted variance, never below 0."""
        return np.maximum(self.square - self.mean * self.mean, 0.0)

    def update(self, x: NDArray[np.float64], alpha: float, where: NDArray[np.bool_]) -> None:
        """One step of the recursion in place for the elements of ``where``; no key may occur twice.

        Elements whose ``x`` is not finite are left alone: one NaN would blind them for good.
        """
        where = where & np.isfinite(x)
        x = np.where(where, x, 0.0)
        first = self.count == 0
        mean = np.where(first, x, alpha * x + (1.0 - alpha) * self.mean)
        square = np.where(first, x * x, alpha * (x * x) + (1.0 - alpha) * self.square)
        self.mean = np.where(where, mean, self.mean)
        self.square = np.where(where, square, self.square)
        self.count = self.count + where.astype(np.uint32)


def rounds(keys: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Positions of ``keys`` [n] in rounds: the k-th round holds the k-th occurrence of each key.

    A recursion that goes round by round sees the values of a key in their order and one at a time,
    so its result does not depend on how the input was cut. Positions within a round are increasing.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(keys) else order
    lengths = np.diff(np.r_[starts, len(keys)])
    rank = np.empty(len(keys), np.int64)
    rank[order] = np.arange(len(keys)) - np.repeat(starts, lengths)
    for k in range(int(lengths.max(initial=0))):
        yield np.flatnonzero(rank == k)
