"""Times on the wire and inside."""

from __future__ import annotations

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.eventtime import format_time, parse_time, parse_times


MILLIS = st.integers(min_value=0, max_value=4_102_444_800_000)  # to the year 2100


@given(MILLIS)
def test_a_formatted_time_parses_back(millis: int) -> None:
    assert parse_time(format_time(millis)) == millis


@given(st.lists(MILLIS, min_size=1))
def test_many_canonical_times_parse_as_one_array(millis: list[int]) -> None:
    assert parse_times([format_time(m) for m in millis]).tolist() == millis


NEARLY = st.one_of(
    MILLIS.map(format_time),
    st.text(max_size=30),
    st.sampled_from(
        [
            "2026-02-30T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01 00:00:00.000Z",
            "2026-01-01T00:00:00,000Z",
            "2026-01-01T00:00:00.00+Z",
            "1969-12-31T23:59:59.000Z",
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000+02:00",
            "2026-01-01T00:00:00.123456Z",
            "2026-01-01T00:00:00.000",
            "0000-01-01T00000000.000Z",
            "NaT",
            "",
        ]
    ),
)


@given(st.lists(NEARLY))
def test_the_array_path_agrees_with_the_single_one(texts: list[str]) -> None:
    def single(text: str) -> int:
        try:
            return parse_time(text)
        except ValueError:
            return -1

    assert np.array_equal(parse_times(texts), [single(text) for text in texts])


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00.000", "1969-12-31T00:00:00Z", "soon"])
def test_a_time_without_offset_or_before_the_epoch_or_in_words_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
