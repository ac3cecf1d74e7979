"""How large a world is, and how its requests are shared out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np

from streams.simulate.chance import generator, stream
from streams.simulate.people import DAY_MS, Population
from tests.worlds.actors import Habits
from tests.worlds.servegen import Profile
from tests.worlds.shared_data import Prompts


FULL = 200_000
"""Requests of a world of full size; a smaller one has fewer accounts, not idler ones."""


@dataclass(frozen=True)
class Spec:
    """What the command line says."""

    seed: int = 1
    requests: int = FULL
    days: float = 7.0

    @property
    def span_ms(self) -> int:
        """Length of the world."""
        return int(self.days * DAY_MS)

    def scaled(self, full: int) -> int:
        """``full`` of something in a world of 200,000 requests, in this one."""
        return max(1, round(full * min(1.0, self.requests / FULL)))


@dataclass(frozen=True)
class World:
    """What actors are made from."""

    spec: Spec
    prompts: Prompts
    habits: Habits
    profiles: Sequence[Profile]
    released: int
    """When the new model comes out, ms since the world began."""
    population: Population = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "population", Population(self.spec.seed))

    def stream(self, *names: object) -> Random:
        """A seeded stream of choices."""
        return stream(self.spec.seed, *names)

    def generator(self, *names: object) -> np.random.Generator:
        """A seeded stream of arrays."""
        return generator(self.spec.seed, *names)


def split(total: int, parts: int, sigma: float, rng: np.random.Generator) -> list[int]:
    """``total`` in ``parts`` numbers of at least 1 with a log-normal tail, in no order."""
    if total < parts:
        raise ValueError("a part must have at least one")
    weights = rng.lognormal(0.0, sigma, parts)
    counts = 1 + np.floor(weights / weights.sum() * (total - parts)).astype(int)
    counts[int(weights.argmax())] += total - counts.sum()
    return [int(count) for count in counts]
