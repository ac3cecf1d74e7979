"""Rows in numpy: one fixed record per key, in a growable array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from numpy.typing import NDArray

from models.stage import Records
from schemas.errors import StateError


class RowStore:
    """``key -> record`` with the records in one structured array.

    ``rows`` is the live array (capacity >= len); callers index it with the row numbers from
    :meth:`rows_of`. A row number is local to this life of the process and never leaves it.
    """

    def __init__(self, dtype: np.dtype[np.void], capacity: int = 1024) -> None:
        self.rows: Records = np.zeros(capacity, dtype)
        self.keys: list[str] = []
        self._index: dict[str, int] = {}
        self._dirty = np.zeros(capacity, bool)

    def __len__(self) -> int:
        return len(self.keys)

    def rows_of(self, keys: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row numbers of ``keys``, int64[n], and the new ones among them, each once, in order."""
        index = self._index
        found = list(map(index.get, keys))
        if None not in found:
            return np.array(found, np.int64), np.empty(0, np.int64)
        first_new = len(self.keys)
        for key in keys:
            if key not in index:
                index[key] = len(self.keys)
                self.keys.append(key)
        self._grow(len(self.keys))
        rows = np.fromiter(map(index.__getitem__, keys), np.int64, len(keys))
        return rows, np.arange(first_new, len(self.keys))

    def find(self, key: str) -> int | None:
        """Row number of ``key``, if it has one."""
        return self._index.get(key)

    def touch(self, rows: NDArray[np.int64] | int) -> None:
        """Mark rows as changed."""
        self._dirty[rows] = True

    def changed(self) -> Iterator[tuple[str, bytes]]:
        """Key and record bytes of the rows touched since the last call, in row order."""
        touched = np.flatnonzero(self._dirty[: len(self)])
        self._dirty[touched] = False
        return self._packed(touched)

    def snapshot(self) -> Iterator[tuple[str, bytes]]:
        """Key and record bytes of every row."""
        return self._packed(np.arange(len(self)))

    def restore(self, key: str, payload: bytes) -> int:
        """Set one record from its bytes and return its row number.

        Raises ``StateError`` on a wrong length.
        """
        if len(payload) != self.rows.dtype.itemsize:
            raise StateError(
                f"a row of {len(payload)} bytes where {self.rows.dtype.itemsize} belong"
            )
        row = int(self.rows_of([key])[0][0])
        self.rows[row] = np.frombuffer(payload, self.rows.dtype)[0]
        return row

    def _packed(self, which: NDArray[np.int64]) -> Iterator[tuple[str, bytes]]:
        size = self.rows.dtype.itemsize
        packed = self.rows.take(which).tobytes()  # ten times faster than indexing records
        for position, row in enumerate(which.tolist()):
            yield self.keys[row], packed[position * size : (position + 1) * size]

    def _grow(self, needed: int) -> None:
        if needed <= len(self.rows):
            return
        # Doubling keeps the copies below one per row over the store's life.
        capacity = max(needed, 2 * len(self.rows))
        rows = np.zeros(capacity, self.rows.dtype)
        rows[: len(self.rows)] = self.rows
        dirty = np.zeros(capacity, bool)
        dirty[: len(self._dirty)] = self._dirty
        self.rows, self._dirty = rows, dirty
