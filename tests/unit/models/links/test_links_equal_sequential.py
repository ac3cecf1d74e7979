from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from models.links.stage import LinksStage
from models.stage import ChannelBatch, Records
from schemas.edge import EdgeKind
from schemas.errors import StateError
from tests.unit.models.links.sequential import Sequential
from tests.unit.models.links.traffic import SMALL, batches, new_stage, people, run, traffic


CASES = st.tuples(
    st.integers(0, 1 << 32),
    st.integers(1, 300),
    st.integers(2, 12),
    st.integers(2, 14),
    st.lists(st.integers(0, 300), max_size=5),
)
Case = tuple[int, int, int, int, list[int]]


def cut(case: Case) -> tuple[list[ChannelBatch], list[ChannelBatch], list[tuple[Any, ...]]]:
    """The same traffic cut, uncut, and the edges it should cause."""
    seed, n, accounts, keys, cuts = case
    rng = np.random.default_rng(seed)
    everybody = people(accounts, int(rng.integers(1, accounts + 1)), rng)
    account, rows = traffic(rng, n, accounts, keys)
    expected = Sequential(SMALL)
    for index, row in zip(account.tolist(), rows, strict=True):
        expected.observe(everybody[index], row)
    cuts = [min(place, n) for place in cuts]
    return (
        batches(everybody, account, rows, cuts),
        batches(everybody, account, rows, []),
        expected.edges,
    )


@given(CASES)
@settings(max_examples=60)
def test_edges_are_those_of_one_observation_at_a_time(case: Case) -> None:
    pieces, _, expected = cut(case)
    assert run(new_stage(), pieces) == expected


@given(CASES)
@settings(max_examples=40)
def test_edges_and_state_do_not_depend_on_where_input_is_cut(case: Case) -> None:
    pieces, whole, _ = cut(case)
    one, other = new_stage(), new_stage()
    assert run(one, pieces) == run(other, whole)
    assert one.snapshot() == other.snapshot()


@given(CASES)
@settings(max_examples=40)
def test_a_restart_in_the_middle_changes_nothing(case: Case) -> None:
    pieces, _, _ = cut(case)
    half = len(pieces) // 2
    steady, before, after = new_stage(), new_stage(), new_stage()
    edges = run(before, pieces[:half])
    # The changelog brings rows in any order.
    after.restore(reversed(before.snapshot().items()))
    assert edges + run(after, pieces[half:]) == run(steady, pieces)
    assert after.snapshot() == steady.snapshot()


@given(CASES)
@settings(max_examples=40)
def test_changed_rows_add_up_to_the_snapshot(case: Case) -> None:
    pieces, _, _ = cut(case)
    stage = new_stage()
    rows: dict[bytes, bytes] = {}
    for piece in pieces:
        stage.fold(piece)
        for key, payload in stage.changed():
            if payload is None:
                rows.pop(key, None)
            else:
                rows[key] = payload
        assert rows == stage.snapshot()


def test_the_random_traffic_meets_every_rule() -> None:
    """Without this, the tests above could pass on traffic in which nothing happens."""
    kinds: set[int] = set()
    most = 0
    evicted = 0
    for seed in range(12):
        pieces, _, expected = cut((seed, 300, 10, 12, []))
        kinds |= {edge[2] for edge in expected}
        stage = new_stage()
        evicted += sum(stage.fold(piece).counts["links_evicted"] for piece in pieces)
        most = max(most, len(expected))
    assert kinds == {*range(5), int(EdgeKind.RETIRED)}
    assert most > 50
    assert evicted > 0


def test_a_large_batch_is_split_at_the_looks_at_the_bounds() -> None:
    rng = np.random.default_rng(5)
    everybody = people(6, 6, rng)
    account, rows = traffic(rng, 2000, 6, 9)
    whole, single = new_stage(), new_stage()
    assert run(whole, batches(everybody, account, rows, [])) == run(
        single, batches(everybody, account, rows, list(range(1, 2000)))
    )
    assert whole.snapshot() == single.snapshot()


@pytest.mark.parametrize("damage", ["cut", "foreign", "missing", "nameless"])
def test_rows_that_do_not_fit_together_are_refused(damage: str) -> None:
    rng = np.random.default_rng(5)
    everybody = people(6, 6, rng)
    account, rows = traffic(rng, 400, 6, 300)
    rows["time"] = rows["time"][0]
    stage = new_stage()
    run(stage, batches(everybody, account, rows, []))
    state = stage.snapshot()
    kept = {key: payload for key, payload in state.items() if key[:1] != b"f"}
    broken = {
        "cut": state | {b"k\0\0\0\0": b"short"},
        "foreign": state | {b"?": b""},
        "missing": kept | {b"f" + bytes(7) + b"\2": state[max(k for k in state if k[:1] == b"f")]},
        "nameless": {key: payload for key, payload in state.items() if key[:1] != b"i"},
    }[damage]
    with pytest.raises(StateError):
        LinksStage(stage.deployment, SMALL).restore(broken.items())


def edge_times(stage: LinksStage, rows: Records) -> list[int]:
    rng = np.random.default_rng(0)
    everybody = people(10, 10, rng)
    account = np.arange(len(rows)).astype(np.int32) % 10
    return [edge[1] for edge in run(stage, batches(everybody, account, rows, []))]


def test_edges_come_in_the_order_of_time() -> None:
    rng = np.random.default_rng(2)
    _, rows = traffic(rng, 500, 10, 6)
    times = edge_times(new_stage(), rows)
    assert len(times) > 20
    assert times == sorted(times)
