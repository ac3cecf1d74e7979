"""What is counted of each request, and what it adds up to: integers only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from numpy.typing import NDArray

from models.account.batch import RequestBatch
from models.account.layout import COUNTS
from models.account.windows import Requests, Slots
from models.stage import Records
from schemas.request import CATEGORIES, ELICITATIONS


SUMS = (*COUNTS, "ratio", "input_tokens", "output_tokens")
"""What requests add to the open window."""

_GRADING_FLAGS = sum(
    1 << ELICITATIONS.index(name) for name in ("rubric_grading", "task_generation")
)
_GRADES = np.array([name in {"grading", "task_generation"} for name in CATEGORIES])
_LARGEST = np.iinfo(np.uint32).max
"""A running total stops there rather than start again."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Of k requests of m accounts, in the order of :class:`Requests`."""

    sums: NDArray[np.int64]
    """[len(SUMS) + 1, k + 1] of all requests before each; the last row counts sentence keys"""
    bits: NDArray[np.uint64]
    """[k] of one request, packed"""
    totals: NDArray[np.int64]
    """[5, k] the account's running totals as of the request, itself included"""
    before: NDArray[np.int64]
    """[5, m] the accounts' totals before the batch"""


def measure(
    batch: RequestBatch, requests: Requests, work: Records, ratio: NDArray[np.int64]
) -> Measures:
    """Count; ``ratio`` int64[categories] is the reference's. Totals in ``work`` move on."""
    index = requests.index
    flags = batch.elicitation[index]
    category = batch.category[index]
    refused = batch.refused[index]
    elicited = flags != 0
    probing = refused & elicited
    columns = (
        np.ones(len(index), np.int64),
        refused,
        batch.failed[index],
        elicited,
        ((flags & _GRADING_FLAGS) != 0) | _GRADES[category],
        batch.foreign[index],
        probing,
        ratio[category],
        batch.input_tokens[index],
        batch.output_tokens[index],
        batch.sentence_count[index],
    )
    sums = np.zeros((len(columns), len(index) + 1), np.int64)
    for row, column in zip(sums, columns, strict=True):
        np.cumsum(column, out=row[1:])
    bits = _pack(np.uint16(1) << category, flags, np.where(probing, flags, 0))
    before = work["total"].T.astype(np.int64)
    added = sums[_TOTALS]
    base = before - added[:, requests.start]
    totals: NDArray[np.int64] = np.minimum(added[:, 1:] + base[:, requests.local], _LARGEST)
    work["total"] = np.minimum(added[:, requests.stop] + base, _LARGEST).T
    return Measures(sums, bits, totals, before)


_TOTALS = [SUMS.index("requests"), SUMS.index("elicited"), SUMS.index("graded"),
           SUMS.index("foreign"), len(SUMS)]  # fmt: skip
"""Rows of the sums that have a running total, in the order of ``total``."""


def _pack(*bits: NDArray[Any]) -> NDArray[np.uint64]:
    """Three columns of 16 bits as one, so that one pass joins them."""
    packed = np.zeros(len(bits[0]), np.uint64)
    for place, column in enumerate(bits):
        packed |= column.astype(np.uint64) << np.uint64(16 * place)
    return packed


def _unpack(packed: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """The columns [3, n] of what was packed [n]."""
    return np.stack([(packed >> np.uint64(16 * place)).astype(np.uint16) for place in range(3)])


@dataclass(frozen=True, slots=True)
class Contents:
    """What s windows hold."""

    sums: NDArray[np.int64]
    """[len(SUMS), s]"""
    bits: NDArray[np.uint16]
    """[3, s]"""

    def take(self, chosen: NDArray[np.int64]) -> Contents:
        """Some of the windows."""
        return Contents(self.sums[:, chosen], self.bits[:, chosen])


def tally(measures: Measures, slots: Slots, work: Records) -> Contents:
    """What each window holds now.

    Windows that stay open are put back into ``work``, and the fields of closed ones are cleared.
    """
    local = slots.local
    sums = np.empty((len(SUMS), len(local)), np.int64)
    sums[: len(COUNTS)] = work["held"][local].T
    sums[_RATIO] = work["ratio"][local]
    sums[_TOKENS:] = work["tokens"][local].T
    bits = work["bits"][local].T.copy()
    sums[:, ~slots.carried] = 0
    bits[:, ~slots.carried] = 0
    sums += measures.sums[:-1, slots.stop] - measures.sums[:-1, slots.start]
    # The requests of the windows that have any here, put in order, cover all requests.
    nonempty = np.flatnonzero(slots.stop > slots.start)
    nonempty = nonempty[np.argsort(slots.start[nonempty])]
    if len(nonempty):
        joined = np.bitwise_or.reduceat(measures.bits, slots.start[nonempty])
        bits[:, nonempty] |= _unpack(joined)
    contents = Contents(sums, bits)
    _put_back(work, slots, contents)
    return contents


_RATIO, _TOKENS = len(COUNTS), len(COUNTS) + 1


def _put_back(work: Records, slots: Slots, contents: Contents) -> None:
    # An account's last window comes last, so what it leaves is what stays.
    kept = np.where(slots.closed, 0, contents.sums)
    work["opened"][slots.local] = np.where(slots.closed, 0, slots.opened)
    work["held"][slots.local] = kept[: len(COUNTS)].T
    work["ratio"][slots.local] = kept[_RATIO]
    work["tokens"][slots.local] = kept[_TOKENS:].T
    work["bits"][slots.local] = np.where(slots.closed, 0, contents.bits).T
