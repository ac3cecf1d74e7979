from __future__ import annotations

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.links.paged import Paged
from schemas.errors import StateError


LAYOUT = np.dtype([("mark", "<u4"), ("value", "<i8")])


def make() -> Paged:
    return Paged(b"x", LAYOUT, "mark", 4)


def fill(table: Paged, count: int) -> list[int]:
    numbers = table.allocate(count)
    table.records["mark"][numbers] = numbers + 1
    table.records["value"][numbers] = -numbers
    table.touch(numbers)
    return [int(number) for number in numbers]


@given(st.lists(st.integers(0, 9) | st.lists(st.integers(0, 40), max_size=6), max_size=20))
def test_the_smallest_unused_numbers_are_taken_and_rows_follow(
    steps: list[int | list[int]],
) -> None:
    table = make()
    used: set[int] = set()
    rows: dict[bytes, bytes] = {}
    for step in steps:
        if isinstance(step, int):
            unused = [number for number in range(400) if number not in used][:step]
            assert fill(table, step) == unused
            used |= set(unused)
        else:
            gone = sorted(used & set(step))
            table.release(np.array(gone, np.int64))
            used -= set(gone)
        for key, payload in table.changed():
            if payload is None:
                rows.pop(key, None)
            else:
                rows[key] = payload
        assert rows == dict(table.snapshot())
        assert table.numbers.tolist() == sorted(used)
        assert len(table) == len(used)


@given(st.integers(0, 30), st.lists(st.integers(0, 29), max_size=10), st.integers(0, 5))
def test_a_restored_table_goes_on_with_the_same_numbers(
    count: int, gone: list[int], more: int
) -> None:
    table, restored = make(), make()
    fill(table, count)
    table.release(np.array(sorted({number for number in gone if number < count}), np.int64))
    fill(table, more)
    for key, payload in sorted(table.snapshot(), reverse=True):
        restored.restore(key, payload)
    restored.restored()
    assert dict(restored.snapshot()) == dict(table.snapshot())
    assert fill(restored, 7) == fill(table, 7)


def test_a_page_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(StateError):
        make().restore(b"x\0\0\0\0", b"short")
