"""Who sent a key first: two ageing generations of an append-only journal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from numpy.typing import NDArray

from models.links.layouts import FIRST_SENDER
from models.stage import Records, Row
from schemas.errors import StateError


_PREFIX = b"f"
_CHUNK = 512
"""Entries in a state row of 10 kB: a barrier rewrites at most one chunk that it does not fill."""

Columns = dict[str, NDArray[np.generic]]
"""Equally long arrays by field of FIRST_SENDER; field by field is three times faster to append."""


class _Generation:
    """Entries in the order they came; ``number`` rises by one from each generation to the next."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0
        self.columns: Columns = {
            name: np.zeros(_CHUNK, FIRST_SENDER[name]) for name in FIRST_SENDER.names or ()
        }
        self.written = 0
        """Entries below this are in a complete state row."""

    @property
    def capacity(self) -> int:
        return len(self.columns["key"])

    def append(self, entries: Columns) -> None:
        end = self.count + len(entries["key"])
        if end > self.capacity:
            self._grow(end)
        for name, column in self.columns.items():
            column[self.count : end] = entries[name]
        self.count = end

    def key(self, chunk: int) -> bytes:
        return _PREFIX + self.number.to_bytes(4, "big") + chunk.to_bytes(4, "big")

    def rows(self, first: int) -> Iterator[tuple[bytes, bytes]]:
        start = first * _CHUNK
        packed = np.empty(max(0, self.count - start), FIRST_SENDER)
        for name, column in self.columns.items():
            packed[name] = column[start : self.count]
        for place in range(0, len(packed), _CHUNK):
            yield self.key(first + place // _CHUNK), packed[place : place + _CHUNK].tobytes()

    def _grow(self, needed: int) -> None:
        # Doubling keeps the copies below one per entry.
        size = max(needed, 2 * self.capacity)
        for name, column in self.columns.items():
            grown = np.zeros(size, column.dtype)
            grown[: self.count] = column[: self.count]
            self.columns[name] = grown


class Front:
    """First senders of keys that only one organisation has sent so far.

    A *code* int32 stands for an entry where a map needs a number: it is below -1, and names entry
    and generation, of which at most two are kept. ``span`` is more than a generation ever holds.
    """

    def __init__(self, span: int) -> None:
        self._span = span
        self._generations = [_Generation(0), _Generation(1)]
        """By parity of their number; the younger one takes what comes."""
        self._young = 1
        self._dropped: list[bytes] = []

    def __len__(self) -> int:
        return sum(generation.count for generation in self._generations)

    @property
    def number(self) -> int:
        """Number of the younger generation."""
        return self._generations[self._young].number

    @property
    def nbytes(self) -> int:
        """Memory of the journal."""
        return sum(g.capacity for g in self._generations) * FIRST_SENDER.itemsize

    @property
    def filled(self) -> int:
        """Entries of the younger generation."""
        return self._generations[self._young].count

    def append(self, entries: Columns) -> NDArray[np.int32]:
        """Codes int32[n] of new entries."""
        generation = self._generations[self._young]
        first = generation.count
        generation.append(entries)
        return _codes(first, generation.count, self._young, self._span)

    def living(
        self, codes: NDArray[np.int32], keys: NDArray[np.uint64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of ``codes`` [n] still are entries of ``keys``, and which of those are aged.

        Aged entries are in the older generation and will be gone when it goes.
        """
        living = np.zeros(len(codes), bool)
        aged = np.zeros(len(codes), bool)
        maybe = np.flatnonzero(codes < -1)
        parity, index = self._places(codes[maybe])
        for which, generation in enumerate(self._generations):
            mine = np.flatnonzero((parity == which) & (index < generation.count))
            at = maybe[mine]
            living[at] = generation.columns["key"][index[mine]] == keys[at]
            aged[at] = which != self._young
        return living, aged

    def field(self, name: str, codes: NDArray[np.int32]) -> NDArray[np.generic]:
        """One field [n] of living entries."""
        parity, index = self._places(codes)
        young = self._generations[self._young].columns[name]
        if (parity == self._young).all():
            return young[index]
        values = np.empty(len(codes), young.dtype)
        for which, generation in enumerate(self._generations):
            mine = parity == which
            values[mine] = generation.columns[name][index[mine]]
        return values

    def entries(self, codes: NDArray[np.int32]) -> Records:
        """Living entries [n]."""
        entries = np.empty(len(codes), FIRST_SENDER)
        for name in FIRST_SENDER.names or ():
            entries[name] = self.field(name, codes)
        return entries

    def rotate(self) -> None:
        """Begin a generation and let the older one go."""
        old = self._generations[1 - self._young]
        self._dropped.extend(old.key(chunk) for chunk in range(-(-old.count // _CHUNK)))
        number = self.number + 1
        self._young = number % 2
        self._generations[self._young] = _Generation(number)

    def items(self) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.int32]]]:
        """Keys and codes, the older generation first."""
        for parity in (1 - self._young, self._young):
            generation = self._generations[parity]
            keys = generation.columns["key"][: generation.count].astype(np.uint64)
            yield keys, _codes(0, generation.count, parity, self._span)

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        for key in self._dropped:
            yield key, None
        self._dropped.clear()
        for generation in self._generations:
            if generation.count > generation.written:
                yield from generation.rows(generation.written // _CHUNK)
                generation.written = generation.count

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        for generation in self._generations:
            yield from generation.rows(0)

    def begin(self, number: int) -> None:
        """Restore into generation ``number`` and the one before it."""
        self._young = number % 2
        self._generations[self._young] = _Generation(number)
        self._generations[1 - self._young] = _Generation(number - 1)

    def restore(self, rows: list[tuple[bytes, bytes]]) -> None:
        """Take all state rows of the front. Raises ``StateError`` if one is missing or foreign."""
        for key, payload in sorted(rows):
            number = int.from_bytes(key[1:5], "big")
            generation = self._generations[number % 2]
            if generation.number != number or generation.key(generation.count // _CHUNK) != key:
                raise StateError("a piece of the front of first senders is missing or out of place")
            if generation.count % _CHUNK or len(payload) % FIRST_SENDER.itemsize:
                raise StateError("a piece of the front of first senders is cut off")
            entries = np.frombuffer(payload, FIRST_SENDER)
            generation.append({name: entries[name] for name in generation.columns})
            generation.written = generation.count

    def _places(self, codes: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Parity and index of the entries behind codes."""
        index = -2 - codes
        parity = (index >= self._span).astype(np.int32)
        return parity, index - parity * np.int32(self._span)


def is_front_row(key: bytes) -> bool:
    """Whether a state row belongs to the front."""
    return key.startswith(_PREFIX)


def _codes(first: int, end: int, parity: int, span: int) -> NDArray[np.int32]:
    return np.arange(-2 - parity * span - first, -2 - parity * span - end, -1, dtype=np.int32)
