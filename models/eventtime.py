"""Event time: milliseconds since the epoch inside, RFC 3339 on the wire. There is no clock here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from numpy.typing import NDArray


SECOND_MS = 1000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = np.frombuffer(b"0000-00-00T00:00:00.000Z", np.uint8)
_CANONICAL = len(_FORM)
_IS_DIGIT = ord("0") == _FORM
_MARKS = _FORM[~_IS_DIGIT]
RADIX = 10


def parse_time(text: str) -> int:
    """Milliseconds of an RFC 3339 time with an offset; finer digits are cut off.

    Raises ``ValueError`` for anything else, also for a time before 1970 or without an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset, such as Z")
    millis = (moment - _EPOCH) // timedelta(milliseconds=1)
    if millis < 0:
        raise ValueError("a time before 1970")
    return millis


def format_time(millis: int) -> str:
    """RFC 3339 in UTC with milliseconds, the canonical form on the wire."""
    moment = _EPOCH + timedelta(milliseconds=int(millis))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def parse_times(texts: Sequence[str]) -> NDArray[np.int64]:
    """Milliseconds of many times, int64[n]; -1 where :func:`parse_time` would raise.

    Texts in the canonical form are parsed as one array: 0.07 us each against 0.4.
    """
    if set(map(len, texts)) == {_CANONICAL}:
        try:
            millis = _parse_canonical("".join(texts).encode())
        except ValueError:
            pass
        else:
            if millis.min() >= 0:
                return millis
    return np.array([_parse_or_minus_one(text) for text in texts], dtype=np.int64)


def _parse_canonical(joined: bytes) -> NDArray[np.int64]:
    """Raises ``ValueError`` unless every text is a calendar time in the canonical form."""
    letters = np.frombuffer(joined, np.uint8).reshape(-1, _CANONICAL)
    numbers = letters[:, _IS_DIGIT] - np.uint8(ord("0"))
    if (letters[:, ~_IS_DIGIT] != _MARKS).any() or (numbers >= RADIX).any():
        raise ValueError("not in the canonical form")
    # numpy reads no offset, so the Z is cut off; it checks the calendar itself.
    plain = np.frombuffer(joined, f"S{_CANONICAL}").astype(f"S{_CANONICAL - 1}")
    return plain.astype("datetime64[ms]").astype(np.int64)


def _parse_or_minus_one(text: str) -> int:
    try:
        return parse_time(text)
    except ValueError:
        return -1
