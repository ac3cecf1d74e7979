"""The observations of a block that go through shared keys, ordered by key and time."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from numpy.typing import NDArray

from models.eventtime import SECOND_MS
from models.links.block import Block
from models.links.directory import Found


@dataclass(frozen=True, slots=True)
class Uses:
    """k uses in the order of (shared, sequence): one key is one segment.

    The first sender of a key that is promoted in this block joins it just before the observation
    that promotes it, with ``source`` -1.
    """

    shared: NDArray[np.int64]
    sequence: NDArray[np.int64]
    source: NDArray[np.int64]
    """[k] position in the block"""
    account: NDArray[np.int32]
    time: NDArray[np.int64]
    context: NDArray[np.uint16]
    elicited: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    known: NDArray[np.int64]
    """[k] accounts in the table as of this use"""

    def __len__(self) -> int:
        return len(self.shared)

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Uses:
        """Those uses, in the same order."""
        columns = {column.name: getattr(self, column.name)[which] for column in fields(self)}
        return replace(self, **columns)


def segment_starts(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of n values in runs, the position int64[n] where its run begins."""
    begins = np.empty(len(values), bool)
    begins[:1] = True
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return np.maximum.accumulate(np.where(begins, np.arange(len(values)), 0))


def ends(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions int64[runs] of the last value of each run."""
    closes = np.empty(len(values), bool)
    closes[-1:] = True
    np.not_equal(values[1:], values[:-1], out=closes[:-1])
    return np.flatnonzero(closes)


def running(values: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of ``values`` [k] are true in the segment so far, this one included."""
    total = np.cumsum(values)
    before: NDArray[np.int64] = (total - values)[first]
    return total - before


def uses_of(block: Block, found: Found, retired: NDArray[np.bool_]) -> Uses:
    """The uses of a block; ``retired`` bool[n] observations are of keys that no longer count."""
    at = np.flatnonzero((found.shared >= 0) & ~retired)
    rows = block.rows.take(at)
    origins = found.origins
    made_at = found.promoted_at
    both = Uses(
        shared=np.concatenate((found.promoted, found.shared[at])),
        sequence=np.concatenate((2 * made_at, 2 * at + 1)),
        source=np.concatenate((np.full(len(made_at), -1), at)),
        account=np.concatenate((origins["account"].astype(np.int32), block.account[at])),
        time=np.concatenate((origins["second"].astype(np.int64) * SECOND_MS, rows["time"])),
        context=np.concatenate((origins["context"], rows["context"])),
        elicited=np.concatenate((origins["elicitation"], rows["elicitation"])) != 0,
        kind=np.concatenate((block.kind[made_at], block.kind[at])),
        known=np.concatenate((block.known[made_at], block.known[at])),
    )
    return both.only(np.argsort((both.shared << 32) | both.sequence))
