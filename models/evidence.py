"""Evidence that accumulates over time without ever needing to be reset: bounded e-detectors.

The Shiryaev-Roberts mixture of one subject, for x in [0, 1] and the null E[x | past] <= mu0::

    M_j = (M_j + 1) * (1 + lambda_j * (x - mu0)),   lambda_j = FRACTIONS[j] / mu0
    M = mean of the M_j

M minus the number of steps is a supermartingale under the null, so the mean number of steps before
M reaches A is at least A, whatever the dependence between steps. Each factor is positive because
lambda_j < 1 / mu0. Source: Shin, Ramdas and Rinaldo, E-detectors (2022).
"""

from __future__ import annotations

import math

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray


FRACTIONS = (0.05, 0.2, 0.5, 0.9)
"""Bets as shares of the largest valid one: small ones find a 5 % admixture, large ones a switch."""
BETS = len(FRACTIONS)

_BETS = np.array(FRACTIONS)

CAP = math.exp(40.0)
"""Far above any threshold; a subject that went quiet comes back below it in bounded time."""


def accumulate(
    state: NDArray[np.float64], x: NDArray[np.float64], mu0: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The state float64[..., BETS] after one step with ``x`` and ``mu0`` float64[...].

    ``x`` must lie in [0, 1] and ``mu0`` in (0, 1). Rows whose ``x`` is not finite stay as they are.
    """
    finite = np.isfinite(x)
    surplus = np.where(finite, x, 0.0) - mu0
    factor = 1.0 + (_BETS / mu0[..., None]) * surplus[..., None]
    stepped = np.minimum((state + 1.0) * factor, CAP)
    return np.where(finite[..., None], stepped, state)


def mixture(state: NDArray[np.float64]) -> NDArray[np.float64]:
    """M float64[...] of a state float64[..., BETS]."""
    # Added in a fixed order: a reduction may pair its terms by the shape of the array.
    total = state[..., 0]
    for bet in range(1, BETS):
        total = total + state[..., bet]
    return total / BETS


def nats(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithms of positive values float64[n], 0 for 0 (a subject not yet observed)."""
    # One by one: numpy's vectorised logarithm may differ in the last bit between machines.
    return np.array([math.log(value) if value > 0 else 0.0 for value in values.tolist()])


@dataclass(frozen=True, slots=True)
class Budget:
    """The one setting: how many false pages are tolerable, and who may spend them."""

    false_pages_per_1000_accounts_per_day: float = 0.05
    account: float = 0.10
    organization: float = 0.20
    campaign: float = 0.70
    """The campaign stage pages, and gets most; the others mostly write tickets."""

    def threshold(self, share: float, windows_per_account_day: float) -> float:
        """A for a detector that may spend ``share`` of the budget.

        ``windows_per_account_day`` steps of the detector per account and day, over the population;
        an ARL of A steps then gives at most ``share`` of the tolerated pages.
        """
        pages_per_account_day = share * self.false_pages_per_1000_accounts_per_day / 1000.0
        return windows_per_account_day / pages_per_account_day
