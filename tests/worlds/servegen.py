"""API clients as ServeGen measured them: ten-minute windows with rate and shape, token counts.

Y. Xiang et al., ServeGen: Workload Characterization and Generation of Large Language Model Serving
in Production (2025).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numpy.typing import NDArray

from tests.worlds.shared_data import rows


POOLS = ("m-large", "m-small", "deepseek-r1")
WINDOW_S = 600
DAY_S = 86_400
SHORTEST_SHAPE = 0.05
"""Below, a Gamma of this shape puts all requests on one instant."""
QUANTILES = np.linspace(0, 1, 21)
USUAL_OUTPUT = np.full(21, 200.0)
"""For the twenty clients whose token counts were not published: about the median of the others."""


@dataclass(frozen=True)
class Profile:
    """One API client of a production model.

    ``starts`` float64[w] seconds, ``rates`` float64[w] requests/s, ``period_s`` what it repeats
    after, ``gamma`` the shape of its gaps, ``output`` float64[21] quantiles of its output tokens.
    """

    name: str
    starts: NDArray[np.float64]
    rates: NDArray[np.float64]
    period_s: float
    gamma: float
    output: NDArray[np.float64]

    @property
    def volume(self) -> float:
        """Requests a day, as measured."""
        return float(self.rates.sum()) * WINDOW_S * DAY_S / self.period_s

    def arrivals(self, count: int, span_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """``count`` arrival times in [0, span_s), float64[count], rising.

        The gaps keep the fitted shape in operational time, which is then bent by the measured
        rates: the client's bursts and quiet hours survive though its rate is thinned.
        """
        offset = int(rng.integers(int(self.period_s / DAY_S))) * DAY_S
        edges, load = self._load(offset, span_s)
        gaps = rng.gamma(self.gamma, 1.0, count + 1)
        done = np.cumsum(gaps)
        at: NDArray[np.float64] = np.interp(done[:-1] / done[-1] * load[-1], load, edges)
        latest = np.nextafter(span_s, 0)
        return np.minimum(at, latest, out=at)

    def _load(
        self, offset: float, span_s: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Window borders and cumulated load from ``offset`` on; flat for a client at rest."""
        repeats = np.arange(int((offset + span_s) // self.period_s) + 1) * self.period_s
        starts = (repeats[:, None] + self.starts).ravel() - offset
        rates = np.tile(self.rates, len(repeats))
        inside = (starts >= 0) & (starts + WINDOW_S <= span_s)
        if not inside.any():
            return np.array([0.0, span_s]), np.array([0.0, 1.0])
        starts, rates = starts[inside], rates[inside]
        edges = np.column_stack((starts, starts + WINDOW_S)).ravel()
        steps = np.column_stack((np.zeros_like(rates), rates)).ravel()
        return edges, np.cumsum(steps)

    def outputs(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Output tokens of ``count`` requests, int64[count]."""
        return np.interp(rng.random(count), QUANTILES, self.output).astype(np.int64)


def read_profiles(folder: Path) -> list[Profile]:
    """All 278 published clients."""
    return [_profile(row) for pool in POOLS for row in rows(folder, f"profile_servegen_{pool}")]


def shares(profiles: list[Profile], total: int) -> Iterator[int]:
    """How many of ``total`` requests each client sends: the square root of its volume, at least 10.

    The square root keeps the order and a heavy tail: a factor of 100 of volumes that span 10,000.
    """
    roots = np.sqrt([profile.volume for profile in profiles])
    least = min(10, total // len(profiles))
    spare = total - least * len(profiles)
    counts = least + np.floor(roots / roots.sum() * spare).astype(int)
    counts[int(roots.argmax())] += total - counts.sum()
    return map(int, counts)


def _profile(row: dict[str, Any]) -> Profile:
    windows = row["windows"]
    weight = np.array([window[1] for window in windows])
    shape = np.array(
        [window[4] if window[3] in ("Gamma", "Weibull") else 1.0 for window in windows]
    )
    order = np.argsort(shape)
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    output = [
        (tokens["output_tokens"]["n"], tokens["output_tokens"]["q"])
        for tokens in (row["tokens"] or {}).values()
        if tokens.get("output_tokens")
    ]
    return Profile(
        name=row["client"],
        starts=np.array([window[0] for window in windows], dtype=float),
        rates=weight,
        period_s=(1 if row["client"].startswith("deepseek") else 14) * DAY_S,
        gamma=max(SHORTEST_SHAPE, float(shape[order[middle]])),
        output=np.array(max(output)[1], dtype=float) if output else USUAL_OUTPUT,
    )
