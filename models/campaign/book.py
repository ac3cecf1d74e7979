"""State rows as small structs, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from models.stage import Row
from schemas.errors import StateError


T = TypeVar("T", bound=msgspec.Struct)


class Book(Generic[T]):
    """``id -> struct``, written as msgpack under ``prefix`` and the id.

    Structs are changed in place; whoever does calls :meth:`touch`.
    """

    def __init__(self, prefix: bytes, kind: type[T]) -> None:
        self.prefix = prefix
        self.items: dict[bytes, T] = {}
        self._decoder = msgspec.msgpack.Decoder(kind)
        self._encode = msgspec.msgpack.Encoder().encode
        self._dirty: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self.items)

    def put(self, name: bytes, item: T) -> None:
        """Add or replace."""
        self.items[name] = item
        self._dirty[name] = None

    def touch(self, name: bytes) -> None:
        """Say that an item was changed in place."""
        self._dirty[name] = None

    def drop(self, name: bytes) -> None:
        """Delete."""
        del self.items[name]
        self._dirty[name] = None

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        for name in self._dirty:
            item = self.items.get(name)
            yield self.prefix + name, None if item is None else self._encode(item)
        self._dirty.clear()

    def snapshot(self) -> Iterator[tuple[bytes, bytes]]:
        """Every state row."""
        for name, item in self.items.items():
            yield self.prefix + name, self._encode(item)

    def restore(self, key: bytes, payload: bytes) -> bool:
        """Take one state row if it is one of these. Raises ``StateError`` if it cannot be read."""
        if not key.startswith(self.prefix):
            return False
        try:
            self.items[key[len(self.prefix) :]] = self._decoder.decode(payload)
        except msgspec.MsgspecError as error:
            raise StateError(f"a row {self.prefix!r} of the campaign stage is damaged") from error
        return True
