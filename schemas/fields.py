"""Scalar types of the wire, and the numpy layout that belongs to each.

A frame packs its records as one little-endian numpy array. The msgspec struct is the contract; its
layout is derived from it here, so the two cannot disagree.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import numpy as np

from msgspec import Meta, Struct


U1 = Annotated[int, Meta(ge=0, le=0xFF, extra={"dtype": "<u1"})]
U2 = Annotated[int, Meta(ge=0, le=0xFFFF, extra={"dtype": "<u2"})]
U4 = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF, extra={"dtype": "<u4"})]
U8 = Annotated[int, Meta(ge=0, extra={"dtype": "<u8"})]
F4 = Annotated[float, Meta(extra={"dtype": "<f4"})]
Millis = Annotated[
    int, Meta(ge=0, description="milliseconds since 1970-01-01 UTC", extra={"dtype": "<i8"})
]

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
Hex16 = Annotated[
    str,
    # Length only: a pattern would run a Python regex on every event (0.3 us each); the reader
    # parses the digits.
    Meta(min_length=16, max_length=16, extra_json_schema={"pattern": "^[0-9a-f]{16}$"}),
]
"""A keyed 64-bit hash."""
Hash = Annotated[
    str, Meta(min_length=1, max_length=128, description="a keyed hash, never the value")
]
Base64 = Annotated[str, Meta(max_length=512, description="standard base64")]


def layout(record: type[Struct]) -> np.dtype[np.void]:
    """The packed numpy dtype of a record struct: one field per struct field, no padding.

    Raises ``TypeError`` for a field whose type is not one of the scalar types above.
    """
    hints = get_type_hints(record, include_extras=True)
    return np.dtype(
        [(field.name, _dtype(hints[field.name])) for field in msgspec.structs.fields(record)]
    )


def _dtype(hint: Any) -> str:
    for meta in get_args(hint)[1:]:
        if isinstance(meta, Meta) and meta.extra and "dtype" in meta.extra:
            return str(meta.extra["dtype"])
    raise TypeError(f"no packed layout for {hint!r}")
