"""Duplicates, windows and link observations against the rules applied one record at a time."""

from __future__ import annotations

import numpy as np
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from models.account.layout import ACCOUNT
from models.account.stage import AccountStage
from models.account.wheel import Wheel, distinct
from models.eventtime import MINUTE_MS
from models.stage import Deployment
from schemas.link import LINK
from schemas.topics import LINKS, WINDOWS
from schemas.window import WINDOW
from tests.unit.models.account.oracle import Oracle
from tests.unit.models.account.traffic import START, Record, World, batch_of, requests, run
from tests.unit.models.benign_windows import shipped


def stage() -> AccountStage:
    return AccountStage(Deployment(), shipped())


@settings(max_examples=60)
@given(
    st.builds(
        World,
        seed=st.integers(0, 2**32),
        count=st.integers(1, 400),
        accounts=st.sampled_from([1, 2, 8]),
        gap_ms=st.sampled_from([50, 10_000, 200_000]),
        jump=st.sampled_from([0.0, 0.05]),
        duplicates=st.sampled_from([0.0, 0.1, 0.9]),
    ),
    st.sampled_from([1, 10, 1000]),
)
def test_windows_links_and_duplicates_follow_the_rules(world: World, size: int) -> None:
    records = world.records()
    oracle, folded = Oracle(), stage()
    oracle.fold(records)
    seen = run(folded, records, list(range(size, len(records), size)))
    assert stage().fold(batch_of(records)).counts["duplicate"] == oracle.duplicates
    windows = [
        (facts, {name: int(np.frombuffer(row, WINDOW)[0][name]) for name in summary})
        for (facts, row), (_, summary) in zip(
            seen.records.get(WINDOWS, []), oracle.windows, strict=True
        )
    ]
    assert windows == oracle.windows
    links = [(facts, *unpacked(row)) for facts, row in seen.records.get(LINKS, [])]
    assert links == oracle.links


def unpacked(row: bytes) -> tuple[int, int, int, int, int, tuple[int, ...]]:
    link = np.frombuffer(row, LINK)[0]
    totals = tuple(
        int(link[name]) for name in ("requests", "elicited", "graded", "foreign", "sentences")
    )
    fields = (int(link[name]) for name in ("time", "kind", "key", "context", "elicitation"))
    time, kind, key, context, elicitation = fields
    return time, kind, key, context, elicitation, totals


def windows_of(folded: AccountStage, records: list[Record]) -> list[np.void]:
    seen = run(folded, records, [])
    return [np.frombuffer(row, WINDOW)[0] for _, row in seen.records.get(WINDOWS, [])]


def test_a_window_closes_with_its_32nd_request() -> None:
    closed = windows_of(stage(), requests(65, 1000))
    assert [(row["requests"], row["opened"], row["time"]) for row in closed] == [
        (32, START, START + 31_000),
        (32, START + 32_000, START + 63_000),
    ]


def test_a_window_closes_at_its_deadline_before_the_record_that_moved_the_watermark() -> None:
    deadline = START + 15 * MINUTE_MS
    records = [*requests(3, 1000), *requests(1, start=deadline)]
    (closed,) = windows_of(stage(), records)
    assert (closed["requests"], closed["time"]) == (3, deadline)
    assert windows_of(stage(), [*requests(3, 1000), *requests(1, start=deadline - 1)]) == []


def test_windows_that_are_due_at_once_close_in_the_order_of_account_ids() -> None:
    names = ["acct_b", "acct_ä", "acct_a", "acct_c", "acct_10", "acct_9"]
    records = [Record(START + n // 4, account=name, event=name) for n, name in enumerate(names)]
    late = Record(START + 16 * MINUTE_MS, event="late")
    seen = run(stage(), [*records, late], [])
    assert [facts.account_id for facts, _ in seen.records[WINDOWS]] == [
        *sorted(names[:4]),
        *sorted(names[4:]),
    ]


def test_a_request_repeated_after_sixteen_others_is_no_duplicate() -> None:
    records = requests(17)
    again = Record(START + 20_000, event=records[0].event)
    assert stage().fold(batch_of([*records, again])).counts["duplicate"] == 0
    assert stage().fold(batch_of([*records[:16], again])).counts["duplicate"] == 1


def test_the_same_id_on_two_accounts_is_no_duplicate() -> None:
    records = [Record(START, account=f"acct_{n}", event="same") for n in range(50)]
    assert stage().fold(batch_of(records)).counts["duplicate"] == 0


def test_a_state_row_has_no_holes_and_its_fields_are_aligned() -> None:
    assert ACCOUNT.fields is not None
    spans = sorted((offset, dtype.itemsize) for dtype, offset, *_ in ACCOUNT.fields.values())
    ends = [offset + size for offset, size in spans]
    assert [0, *ends] == [*(offset for offset, _ in spans), ACCOUNT.itemsize]
    for dtype, offset, *_ in ACCOUNT.fields.values():
        assert offset % dtype.base.itemsize == 0
    assert ACCOUNT.itemsize % 8 == 0


@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 50)), max_size=60),
    st.lists(st.integers(0, 20_000), min_size=1, max_size=10),
)
def test_the_wheel_gives_each_row_back_once_its_deadline_has_passed(
    entries: list[tuple[int, int]], marks: list[int]
) -> None:
    wheel = Wheel()
    wheel.add(np.array([row for _, row in entries], np.int64),
              np.array([at for at, _ in entries], np.int64))  # fmt: skip
    waiting = list(entries)
    for mark in sorted(marks):
        expected = sorted({row for at, row in waiting if at <= mark})
        assert wheel.due(mark).tolist() == expected
        waiting = [(at, row) for at, row in waiting if at > mark]


@pytest.mark.parametrize("values", [[], [1], [1, 1, 2, 5, 5]])
def test_distinct_keeps_each_value_once(values: list[int]) -> None:
    assert distinct(np.array(values, np.int64)).tolist() == sorted(set(values))
