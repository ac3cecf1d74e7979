"""Which requests are new: a request is dropped if its id is among its account's last 16 accepted.

The sequential rule, one request after the other::

    if hash in ring: drop
    else: ring[next] = hash; next = (next + 1) % 16

An id that appears neither in the ring nor twice in the batch is new whatever the order, so only the
accounts of the others are walked through.
"""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray

from models.account.layout import RECENT
from models.stage import Records


_ODD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: keeps equal ids of different accounts apart."""


def accept(
    work: Records, local: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Which requests bool[n] are new; their hashes go into the rings of ``work``.

    ``local`` int64[n] is the row in ``work`` of each request, rising, and within a row in log
    order; ``hashes`` uint64[n] of their ids.
    """
    # A free place in the ring is 0.
    hashes = np.maximum(hashes, np.uint64(1))
    accepted = np.ones(len(hashes), bool)
    equal = (work["recent"][local] == hashes[:, None]).view(np.uint64)
    suspect = np.bitwise_or.reduce(equal, axis=1) != 0
    mixed = hashes ^ (local.astype(np.uint64) * _ODD)
    ordered = np.sort(mixed)
    repeated = ordered[1:] == ordered[:-1]
    if repeated.any():
        suspect |= np.isin(mixed, ordered[1:][repeated])
    for row in np.unique(local[suspect]).tolist():
        first, last = np.searchsorted(local, (row, row + 1)).tolist()
        accepted[first:last] = _walk(work[row], hashes[first:last].tolist())
    _remember(work, local[accepted], hashes[accepted])
    return accepted


def _walk(row: np.void, hashes: list[int]) -> list[bool]:
    ring: list[int] = row["recent"].tolist()
    place = int(row["recent_next"])
    accepted = []
    for value in hashes:
        new = value not in ring
        accepted.append(new)
        if new:
            ring[place] = value
            place = (place + 1) % RECENT
    return accepted


def _remember(work: Records, local: NDArray[np.int64], hashes: NDArray[np.uint64]) -> None:
    count = np.bincount(local, minlength=len(work))
    rank = np.arange(len(local)) - (np.cumsum(count) - count)[local]
    place = (work["recent_next"][local] + rank) % RECENT
    # Of more than 16 in one batch only the last 16 stay, each in a place of its own.
    stays = rank >= count[local] - RECENT
    work["recent"][local[stays], place[stays]] = hashes[stays]
    work["recent_next"] = (work["recent_next"] + count) % RECENT
