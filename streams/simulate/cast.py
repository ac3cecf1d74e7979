"""What actors are made from: the world's size, its chance and its people."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from streams.simulate.chance import generator, stream
from streams.simulate.people import DAY_MS, Population


@dataclass(frozen=True, kw_only=True)
class WorldSpec:
    """A world: equal specifications give equal events.

    ``start_ms`` (since 1970) and ``span_ms`` say when it happens, ``accounts`` how many benign ones
    there are about, ``campaign_accounts`` how many collect (0 for none).
    """

    start_ms: int
    span_ms: int = 3 * DAY_MS
    seed: int = 1
    accounts: int = 900
    campaign_accounts: int = 150

    def __post_init__(self) -> None:
        if self.span_ms < DAY_MS:
            raise ValueError("a world shorter than a day has no rhythm")
        if self.accounts < 1 or self.campaign_accounts < 0:
            raise ValueError("a world needs accounts")

    @property
    def days(self) -> float:
        """Length in days."""
        return self.span_ms / DAY_MS

    @property
    def released_ms(self) -> int:
        """When the new model comes out, ms since the world began."""
        return self.span_ms * 2 // 3


class Cast:
    """A world's people, and the streams of chance of its actors."""

    def __init__(self, spec: WorldSpec) -> None:
        self.spec = spec
        self.population = Population(spec.seed)

    def stream(self, *names: object) -> Random:
        """A seeded stream of choices."""
        return stream(self.spec.seed, *names)

    def generator(self, *names: object) -> np.random.Generator:
        """A seeded stream of arrays."""
        return generator(self.spec.seed, *names)

    def some(self, share: float) -> int:
        """``share`` of the benign accounts, at least one."""
        return max(1, round(share * self.spec.accounts))
