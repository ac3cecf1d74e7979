"""A run of observations between two looks at the bounds, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.eventtime import DAY_MS, SECOND_MS
from models.links.front import Columns
from models.stage import Records
from schemas.link import LinkKind


_SALTS = np.array(
    [0, 0x8EBC6AF09C88C6E3, 0x589965CC75374CC3, 0x1D8E4E27C47D124F, 0xE7037ED1A0B428DB], np.uint64
)
"""By kind: the same value as two kinds of thing is two keys. Sentences, 90 % of all, stay as they
are; the others are arbitrary odd numbers (wyhash's, xxh3's)."""


@dataclass(frozen=True, slots=True)
class Block:
    """n observations of one day, of known kinds."""

    rows: Records
    account: NDArray[np.int32]
    """[n] number in the account table"""
    key: NDArray[np.uint64]
    """[n] as looked up, never 0"""
    kind: NDArray[np.uint8]
    known: NDArray[np.int64]
    """[n] accounts in the table as of this observation"""
    day: int

    def first_senders(self, at: NDArray[np.int64]) -> Columns:
        """Journal entries of the observations ``at``."""
        return {
            "key": self.key[at],
            "account": self.account[at],
            "second": self.rows["time"][at] // SECOND_MS,
            "context": self.rows["context"][at],
            "elicitation": self.rows["elicitation"][at],
        }


def looked_up(rows: Records) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Keys uint64[n] with their kind mixed in, and which observations can be used at all."""
    kinds = rows["kind"]
    known = kinds <= LinkKind.CLIENT
    keys = salted(rows["key"], np.where(known, kinds, 0))
    return keys, known & (keys != 0)


def salted(keys: NDArray[np.uint64], kinds: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Keys with their kind mixed in, or out again."""
    salts: NDArray[np.uint64] = _SALTS[kinds]
    return keys ^ salts


def day_of(time: int) -> int:
    """Days since the epoch, from 1: in the records 0 says never."""
    return time // DAY_MS + 1


def first_of_each(slots: NDArray[np.int64], scratch: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Which entries of ``slots`` [n] occur there for the first time; ruins ``scratch`` at them."""
    here = np.arange(len(slots), dtype=np.int32)
    # Of several assignments to one place the last one stays, so write the first one last.
    scratch[slots[::-1]] = here[::-1]
    first: NDArray[np.bool_] = scratch[slots] == here
    return first
