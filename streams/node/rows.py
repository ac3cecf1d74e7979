"""The envelope of a state row: format version, length, crc32, source offset, payload."""

from __future__ import annotations

import struct
import zlib

from schemas.errors import StateError


ROW_VERSION = 1
PROGRESS_KEY = b"\0next"
"""The row that says where the partition stands; its key sorts before, and can be no, stage key."""

_HEADER = struct.Struct("<BxxxIIq")


def pack_row(payload: bytes, offset: int) -> bytes:
    """``payload`` in its envelope; ``offset`` is the source position the row belongs to."""
    return _HEADER.pack(ROW_VERSION, len(payload), zlib.crc32(payload), offset) + payload


def unpack_row(row: bytes) -> bytes:
    """The payload of an enveloped row.

    Raises ``StateError`` when the row is foreign, cut off or damaged.
    """
    if len(row) < _HEADER.size:
        raise StateError(f"a state row of {len(row)} bytes is shorter than its header")
    version, length, crc, _ = _HEADER.unpack_from(row)
    if version != ROW_VERSION:
        raise StateError(f"state row format {version}; this worker reads format {ROW_VERSION}")
    payload = row[_HEADER.size :]
    if len(payload) != length or zlib.crc32(payload) != crc:
        raise StateError("a state row is damaged: its length or checksum does not match")
    return payload
