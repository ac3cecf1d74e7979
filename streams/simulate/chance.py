"""Chance by name: each actor has its own seeded stream, so adding one changes no other."""

from __future__ import annotations

import hashlib

from collections.abc import Sequence
from random import Random

import numpy as np


def token(seed: int, *names: object) -> str:
    """16 hex digits that look like any other identifier, the same for the same names."""
    return _digest(seed, names).hex()


def stream(seed: int, *names: object) -> Random:
    """A stream for choices one at a time; numpy takes ten times as long for one."""
    return Random(int.from_bytes(_digest(seed, names)))  # noqa: S311 - traffic is no secret


def generator(seed: int, *names: object) -> np.random.Generator:
    """A stream for arrays."""
    return np.random.default_rng(int.from_bytes(_digest(seed, names)))


def weighted(rng: Random, options: Sequence[tuple[str, int]]) -> str:
    """One of ``options`` (name, weight)."""
    names, weights = zip(*options, strict=True)
    return str(rng.choices(names, weights)[0])


def _digest(seed: int, names: tuple[object, ...]) -> bytes:
    text = "\x1f".join(map(str, (seed, *names)))
    return hashlib.blake2b(text.encode(), digest_size=8).digest()
