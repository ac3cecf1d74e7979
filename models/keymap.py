"""A map from 64-bit keys to small numbers that is asked for thousands of keys at once.

Open addressing with double hashing (Knuth, TAOCP 6.4, algorithm D) in two flat arrays, every step
done for all keys of a call together. A ``dict`` of numbers costs 100 ns and 100 bytes a key; this
costs half of the time and 22 to 44 bytes.
"""

from __future__ import annotations

import numpy as np

from numpy.typing import NDArray


ABSENT = -1
"""The value of a key that the map does not hold, and of one that was claimed and not set."""

_EMPTY = np.uint64(0)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio, odd: spreads keys that differ in few bits (Knuth, TAOCP 6.4)."""
_STRIDE_BITS = np.uint64(20)
"""Strides come from other bits of the product than slots do."""
_ONE = np.uint64(1)
_LOAD = 0.55
"""A probe round costs the same for one key as for a hundred, and 10,000 keys need as many rounds as
the unluckiest of them: ln(10,000) / -ln(load) = 15 at this load, 32 at 0.75."""
_SMALLEST = 10


class KeyMap:
    """``uint64 -> int32`` for keys other than 0.

    The order of insertion and the size of calls never show in what the map answers, only in where
    keys lie; ``values`` is indexed by the slots that :meth:`claim` returns, until the next call
    that inserts.
    """

    _keys: NDArray[np.uint64]
    values: NDArray[np.int32]

    def __init__(self, capacity: int = 0) -> None:
        self._allocate(_bits_for(capacity))

    def __len__(self) -> int:
        self._used = int(np.count_nonzero(self._keys))
        return self._used

    @property
    def nbytes(self) -> int:
        """Memory of the table."""
        return self._keys.nbytes + self.values.nbytes

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Values int32[n] of ``keys`` uint64[n], :data:`ABSENT` where there is none."""
        slots, missing = self._search(keys, self._home(keys))
        values = self.values[slots]
        values[missing] = ABSENT
        return values

    def insert(self, keys: NDArray[np.uint64], values: NDArray[np.int32]) -> None:
        """Set the values of ``keys``; of a key that occurs twice, the last one counts."""
        slots = self.claim(keys)
        self.values[slots] = values

    def claim(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The slots int64[n] of ``keys`` uint64[n]; keys not held yet get :data:`ABSENT` as value.

        Equal keys share a slot. Key 0 must not occur.
        """
        self.reserve(len(keys))
        slots, missing = self._search(keys, self._home(keys))
        self._used += len(missing)
        while len(missing):
            wanted = keys[missing]
            at = slots[missing]
            self._keys[at] = wanted
            # Where several keys wanted the same empty slot, the last one written has it.
            lost = np.flatnonzero(self._keys[at] != wanted)
            missing = missing[lost]
            slots[missing], still = self._search(keys[missing], at[lost])
            missing = missing[still]
        return slots

    def reserve(self, more: int) -> None:
        """Make room for ``more`` keys."""
        if self._used + more <= self._limit:
            return
        # ``_used`` counts a key once for each time it occurred in the call that brought it.
        if len(self) + more > self._limit:
            keys, values = self.items()
            self.rebuild(keys, values, more)

    def is_full(self, more: int) -> bool:
        """Whether ``more`` keys would make the table grow: the moment to drop what is stale."""
        return self._used + more > self._limit and len(self) + more > self._limit

    def items(self) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
        """All keys and their values, in no order that means anything."""
        held = np.flatnonzero(self._keys)
        return self._keys[held], self.values[held]

    def rebuild(self, keys: NDArray[np.uint64], values: NDArray[np.int32], more: int = 0) -> None:
        """Hold exactly ``keys`` (distinct), with room for ``more``: the only way to delete."""
        self._allocate(_bits_for(len(keys) + more))
        slots = self.claim(keys)
        self.values[slots] = values

    def _allocate(self, bits: int) -> None:
        size = 1 << bits
        self._shift = np.uint64(64 - bits)
        self._mask = size - 1
        self._limit = int(size * _LOAD)
        self._used = 0
        self._keys = np.zeros(size, np.uint64)
        self.values = np.full(size, ABSENT, np.int32)

    def _home(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Where the search for each key begins."""
        home: NDArray[np.int64] = ((keys * _MULTIPLIER) >> self._shift).view(np.int64)
        return home

    def _search(
        self, keys: NDArray[np.uint64], slots: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where each key is, or the empty slot where its search ends, and which keys ended so.

        Moves ``slots``, where the searches begin.
        """
        found = self._keys[slots]
        elsewhere = np.flatnonzero(found != keys)
        pending = elsewhere[found[elsewhere] != _EMPTY]
        while len(pending):
            wanted = keys[pending]
            stride = ((wanted * _MULTIPLIER) >> _STRIDE_BITS) | _ONE
            at = (slots[pending] + stride.view(np.int64)) & self._mask
            slots[pending] = at
            there = self._keys[at]
            found[pending] = there
            pending = pending[(there != wanted) & (there != _EMPTY)]
        return slots, elsewhere[found[elsewhere] == _EMPTY]


def _bits_for(keys: int) -> int:
    """Table size, as a power of two, that holds ``keys`` without growing."""
    return max(_SMALLEST, int(keys / _LOAD).bit_length())
