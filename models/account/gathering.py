"""Bringing a batch together by account, with copies of the state rows it may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.account.batch import RecordKind, RequestBatch
from models.account.duplicates import accept
from models.account.layout import HELD, VERSION
from models.account.wheel import Wheel, distinct
from models.account.windows import WINDOW_MS, Requests
from models.stage import Records
from models.store import RowStore


_INDEX_BITS = 32


@dataclass(frozen=True, slots=True)
class Gathered:
    """The accounts with requests in a batch, and those whose window is due by its end."""

    found: NDArray[np.int64]
    """State rows of all requests, duplicates too, in log order"""
    rows: NDArray[np.int64]
    """[m] state rows, rising"""
    work: Records
    """[m] copies of them"""
    requests: Requests
    due: bool
    """Whether any window is."""
    duplicates: int


def gather(batch: RequestBatch, store: RowStore, wheel: Wheel) -> Gathered:
    """Find or make the accounts' rows, drop duplicates and sort the rest by account."""
    index = np.flatnonzero(batch.kind == RecordKind.REQUEST)
    names = batch.account
    if len(index) < len(batch):
        names = [names[position] for position in index.tolist()]
    found, new = store.rows_of(names)
    store.rows["version"][new] = VERSION
    due = _due(store, wheel, int(batch.watermark[-1]))
    # One sort of plain integers is three times faster than a stable argsort by row.
    key = np.sort((found << _INDEX_BITS) | index)
    owner, index = key >> _INDEX_BITS, key & ((1 << _INDEX_BITS) - 1)
    rows = distinct(owner if not len(due) else np.sort(np.concatenate([owner, due])))
    local = np.searchsorted(rows, owner)
    # Indexing would copy a structured record field by field, ten times slower.
    work = store.rows.take(rows)
    accepted = accept(work, local, batch.event_hash[index])
    local, index = local[accepted], index[accepted]
    count = np.bincount(local, minlength=len(rows))
    stop = np.cumsum(count)
    requests = Requests(index, local, batch.time[index], stop - count, stop, batch.watermark)
    return Gathered(found, rows, work, requests, len(due) > 0, len(accepted) - len(index))


def put_back(store: RowStore, gathered: Gathered, changed: NDArray[np.int64]) -> None:
    """Write the copies of the accounts ``changed``, which may be named twice, to the store."""
    once = np.zeros(len(gathered.rows), bool)
    once[changed] = True
    touched = np.flatnonzero(once)
    rows = gathered.rows[touched]
    raw = np.dtype((np.void, store.rows.itemsize))
    store.rows.view(raw)[rows] = gathered.work.take(touched).view(raw)
    store.touch(rows)


def _due(store: RowStore, wheel: Wheel, watermark: int) -> NDArray[np.int64]:
    rows = wheel.due(watermark)
    still_open = store.rows["held"][rows, HELD] > 0
    due: NDArray[np.int64] = rows[
        still_open & (store.rows["opened"][rows] + WINDOW_MS <= watermark)
    ]
    return due
