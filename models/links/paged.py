"""Records in a growable array that reach the changelog a page at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numpy.typing import NDArray

from models.stage import Records, Row
from schemas.errors import StateError


class Paged:
    """Numbered records of one layout; ``mark`` names the field that is 0 in an unused record only.

    A state row is one page of ``page`` records, its key ``prefix`` and the page's number. New
    records take the smallest unused numbers, and numbers become unused in :meth:`release` alone, so
    that they are the same however the calls before were cut.
    """

    def __init__(self, prefix: bytes, layout: np.dtype[np.void], mark: str, page: int) -> None:
        self.prefix = prefix
        self.records: Records = np.zeros(16 * page, layout)
        self._mark = mark
        self._page = page
        self._dirty = np.zeros(16, bool)
        self._free = np.empty(0, np.int64)
        self._taken = 0
        """How many of ``_free`` are in use again."""
        self._top = 0

    def __len__(self) -> int:
        return self._top - (len(self._free) - self._taken)

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers int64[len] in use, ascending."""
        return np.flatnonzero(self.records[self._mark][: self._top])

    def allocate(self, count: int) -> NDArray[np.int64]:
        """Numbers int64[count] of new records, ascending, all zero; the caller sets the mark."""
        again = self._free[self._taken : self._taken + count]
        self._taken += len(again)
        fresh = np.arange(self._top, self._top + count - len(again))
        self._top += len(fresh)
        self._grow(self._top)
        return np.concatenate((again, fresh))

    def release(self, numbers: NDArray[np.int64]) -> None:
        """Give records back, zeroed."""
        self.records[numbers] = np.zeros(1, self.records.dtype)
        self.touch(numbers)
        self._collect()

    def touch(self, numbers: NDArray[np.int64] | NDArray[np.int32]) -> None:
        """Mark records as changed."""
        self._dirty[numbers // self._page] = True

    def changed(self) -> Iterator[Row]:
        """Pages touched since the last call, ``None`` for those without records."""
        touched = np.flatnonzero(self._dirty)
        self._dirty[touched] = False
        for page in touched.tolist():
            yield self._key(page), self._payload(page)

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every page that has records."""
        for page in range(-(-self._top // self._page)):
            payload = self._payload(page)
            if payload is not None:
                yield self._key(page), payload

    def restore(self, key: bytes, payload: bytes) -> None:
        """Take one page; :meth:`restored` ends it. Raises ``StateError`` on a wrong length."""
        if len(payload) != self._page * self.records.dtype.itemsize:
            raise StateError(f"a page of {len(payload)} bytes in {self.prefix!r}")
        first = int.from_bytes(key[len(self.prefix) :], "big") * self._page
        self._top = max(self._top, first + self._page)
        self._grow(self._top)
        self.records[first : first + self._page] = np.frombuffer(payload, self.records.dtype)

    def restored(self) -> None:
        """All pages are there: find out which numbers are free."""
        self._collect()

    def _collect(self) -> None:
        used = self.numbers
        self._top = int(used[-1]) + 1 if len(used) else 0
        self._free = np.flatnonzero(self.records[self._mark][: self._top] == 0)
        self._taken = 0

    def _key(self, page: int) -> bytes:
        return self.prefix + page.to_bytes(4, "big")

    def _payload(self, page: int) -> bytes | None:
        records = self.records[page * self._page : (page + 1) * self._page]
        return records.tobytes() if records[self._mark].any() else None

    def _grow(self, needed: int) -> None:
        if needed <= len(self.records):
            return
        pages = -(-max(needed, 2 * len(self.records)) // self._page)
        records = np.zeros(pages * self._page, self.records.dtype)
        records[: len(self.records)] = self.records
        dirty = np.zeros(pages, bool)
        dirty[: len(self._dirty)] = self._dirty
        self.records, self._dirty = records, dirty
