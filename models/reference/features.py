"""A closed window as numbers: the vector that the global scorer sees, and the shares of evidence.

Arithmetic here is exact or correctly rounded in IEEE 754 (no ``log``, no sums over an axis), so a
window has the same vector on every machine and in every batch.
"""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from models.stage import Records
from schemas.request import CATEGORIES, ELICITATIONS


FEATURES = (
    "requests",
    "refused",
    "failed",
    "elicited",
    "graded",
    "techniques",
    "coverage",
    "input_tokens",
    "output_tokens",
)
"""Columns of :func:`vectors`: counts and tokens as binary logarithms, the rest as shares."""


def vectors(windows: Records) -> NDArray[np.float64]:
    """Vectors float64[n, len(FEATURES)] of window summaries with ``requests`` > 0."""
    requests = windows["requests"].astype(np.float64)
    columns = [
        binary_log(requests),
        windows["refused"] / requests,
        windows["failed"] / requests,
        windows["elicited"] / requests,
        windows["graded"] / requests,
        np.bitwise_count(windows["techniques"]) / float(len(ELICITATIONS)),
        coverage(windows),
        binary_log(windows["input_tokens"] / requests),
        binary_log(windows["output_tokens"] / requests),
    ]
    return np.stack(columns, axis=1)


def coverage(windows: Records) -> NDArray[np.float64]:
    """Distinct categories float64[n], as a share of how many the window could hold."""
    possible = np.minimum(windows["requests"], len(CATEGORIES))
    distinct: NDArray[np.float64] = np.bitwise_count(windows["categories"]) / possible
    return distinct


def collecting(windows: Records) -> NDArray[np.float64]:
    """Share float64[n] of requests that elicit reasoning, or grade or generate tasks."""
    # A request that does both counts once; the summary only tells the larger of the two counts.
    share: NDArray[np.float64] = (
        np.maximum(windows["elicited"], windows["graded"]) / windows["requests"]
    )
    return share


def probing(windows: Records) -> NDArray[np.float64]:
    """Upper bound float64[n] on the share of requests that elicit and are refused."""
    share: NDArray[np.float64] = (
        np.minimum(windows["elicited"], windows["refused"]) / windows["requests"]
    )
    return share


def binary_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log2(1 + x) of x >= 0 with straight lines between the powers of two; exact arithmetic."""
    mantissa, exponent = np.frexp(values + 1.0)
    lines: NDArray[np.float64] = exponent + 2.0 * mantissa - 2.0
    return lines
