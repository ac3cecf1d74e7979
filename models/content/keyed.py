"""Keyed hashes: everything that leaves the fingerprint is one of these.

Every use gets its own sub-key, so that a value can never be compared across uses.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from numpy.typing import NDArray

from schemas.errors import ConfigError


BANDS, ROWS = 4, 2
"""Of MinHash, see there."""


class Keys(NamedTuple):
    """The secrets in force; ``previous`` is set only while a rotation runs."""

    current: bytes
    epoch: int
    previous: bytes | None = None


class Secrets(NamedTuple):
    """What is derived once from one key.

    ``sentence``, ``bands``, ``shape``, ``tools`` and ``chain`` are keyed BLAKE2b-64 states (RFC
    7693) to be copied, which costs half of keying a new one. ``context`` is an odd factor;
    ``minhash`` has two for each row, uint64 of shape (``BANDS * ROWS``, 2).
    """

    sentence: blake2b
    bands: tuple[blake2b, ...]
    shape: blake2b
    tools: blake2b
    chain: blake2b
    context: int
    minhash: NDArray[np.uint64]


@lru_cache(maxsize=8)
def secrets(key: bytes) -> Secrets:
    """The sub-keys of ``key``, of any length but zero. Raises ``ConfigError`` for an empty key."""
    if not key:
        raise ConfigError("the fingerprint key is empty")
    root = blake2b(key, person=b"root").digest()
    factors = b"".join(_subkey(root, b"minhash", row) for row in range(BANDS * ROWS))
    return Secrets(
        sentence=_state(root, b"sentence"),
        bands=tuple(_state(root, b"band %d" % band) for band in range(BANDS)),
        shape=_state(root, b"shape"),
        tools=_state(root, b"tools"),
        chain=_state(root, b"chain"),
        context=int.from_bytes(_subkey(root, b"context", 0)[:8], "little") | 1,
        minhash=np.frombuffer(factors, "<u8").reshape(BANDS * ROWS, 2) | np.uint64(1),
    )


def digest(state: blake2b, data: bytes) -> bytes:
    """The 8-byte keyed hash of ``data``; ``state`` is left as it was."""
    copy = state.copy()
    copy.update(data)
    return copy.digest()


def _state(root: bytes, purpose: bytes) -> blake2b:
    return blake2b(key=root, digest_size=8, person=purpose)


def _subkey(root: bytes, purpose: bytes, counter: int) -> bytes:
    """16 bytes."""
    return blake2b(bytes((counter,)), key=root, digest_size=16, person=purpose).digest()
