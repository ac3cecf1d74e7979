"""Counting distinct things in a fixed number of bits.

Source: Whang, Vander-Zanden and Taylor, A linear-time probabilistic counting algorithm (1990).
"""

from __future__ import annotations

import math


def mark(bitmap: bytearray, value: int) -> None:
    """Note a hashed value, uint64."""
    bit = value % (8 * len(bitmap))
    bitmap[bit >> 3] |= 1 << (bit & 7)


def distinct(*bitmaps: bytearray) -> float:
    """About how many distinct values were noted in any of ``bitmaps``, all of one length.

    A full bitmap says as many as its bits tell apart, bits * ln(bits).
    """
    joined = 0
    for bitmap in bitmaps:
        joined |= int.from_bytes(bitmap, "little")
    bits = 8 * len(bitmaps[0])
    return bits * math.log(bits / max(bits - joined.bit_count(), 1))
