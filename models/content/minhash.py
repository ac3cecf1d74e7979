"""MinHash bands of a whole message: near-duplicates collide in at least one of four.

Rows are linear hashes of the shingles with secret odd factors modulo 2^64. With two rows a band, a
pair with resemblance J collides with probability 1 - (1 - J^2)^4: 0.98 at J = 0.8, 0.04 at J = 0.1
(Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, 3.4).
"""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from models.content.keyed import BANDS, ROWS, Secrets, digest


SHINGLE_BYTES = 16
"""About three English words or five Chinese characters, from where a word (or such a character)
starts."""

_PAD = bytes(SHINGLE_BYTES)
_WORD = 8
_CUTS = [slice(band * ROWS * _WORD, (band + 1) * ROWS * _WORD) for band in range(BANDS)]
_HALF = np.uint64(32)
_SPACE = np.uint8(ord(" "))
_WIDE_LEAD = np.uint8(0xE0)
"""First byte of a three-byte UTF-8 character: most scripts that put no spaces between words."""


def minhash(text: str, secrets: Secrets) -> bytes:
    """``BANDS`` keyed hashes of 8 bytes over the shingles of normalised ``text``; none for none."""
    if not text:
        return b""
    rows = secrets.minhash @ _shingles(text)
    minima = np.minimum.reduce(rows, axis=1).tobytes()
    return b"".join(
        [digest(band, minima[cut]) for band, cut in zip(secrets.bands, _CUTS, strict=True)]
    )


def _shingles(text: str) -> NDArray[np.uint64]:
    """The bytes of each shingle as two scrambled words: uint64 of shape (2, starts)."""
    data = b" " + text.encode() + _PAD
    raw = np.frombuffer(data, np.uint8, len(data) - len(_PAD))
    before = raw <= _SPACE
    if not text.isascii():
        before[:-1] |= raw[1:] >= _WIDE_LEAD
    windows: NDArray[np.uint64] = np.ndarray((2, len(raw)), "<u8", data, 1, (_WORD, 1))
    words = windows[:, before.nonzero()[0]]
    words ^= words >> _HALF
    return words
