from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from models.campaign import CampaignStage
from models.eventtime import DAY_MS
from models.stage import ChannelBatch
from schemas.alert import Alert
from schemas.errors import StateError
from tests.unit.models.campaign.random_edges import START, batches, edges, new_stage, people, run


CASES = st.tuples(
    st.integers(0, 1 << 32),
    st.integers(1, 250),
    st.integers(2, 16),
    st.lists(st.integers(0, 250), max_size=8),
    st.sampled_from([0, DAY_MS // 3, 40 * DAY_MS]),
)
Case = tuple[int, int, int, list[int], int]


def cut(case: Case, cuts: list[int]) -> list[ChannelBatch]:
    seed, n, accounts, _, silence = case
    account, rows = edges(np.random.default_rng(seed), n, accounts)
    end = int(rows["time"][-1]) + 1 + silence
    return batches(people(accounts), account, rows, [min(place, n) for place in cuts], end)


@given(CASES)
@settings(max_examples=40)
def test_alerts_and_state_do_not_depend_on_where_input_is_cut(case: Case) -> None:
    one, other, single = new_stage(), new_stage(), new_stage()
    alerts = run(one, cut(case, case[3]))
    assert run(other, cut(case, [])) == alerts
    assert other.snapshot() == one.snapshot()
    assert run(single, cut(case, list(range(1, case[1])))) == alerts
    assert single.snapshot() == one.snapshot()


@given(CASES)
@settings(max_examples=40)
def test_a_restart_in_the_middle_changes_nothing(case: Case) -> None:
    pieces = cut(case, case[3])
    half = len(pieces) // 2
    steady, before, after = new_stage(), new_stage(), new_stage()
    alerts = run(before, pieces[:half])
    after.restore(reversed(before.snapshot().items()))
    assert alerts + run(after, pieces[half:]) == run(steady, pieces)
    assert after.snapshot() == steady.snapshot()


@given(CASES)
@settings(max_examples=40)
def test_changed_rows_add_up_to_the_snapshot(case: Case) -> None:
    stage = new_stage()
    rows: dict[bytes, bytes] = {}
    for piece in cut(case, case[3]):
        stage.fold(piece)
        for key, payload in stage.changed():
            if payload is None:
                rows.pop(key, None)
            else:
                rows[key] = payload
        assert rows == stage.snapshot()


@given(CASES)
@settings(max_examples=40)
def test_each_case_is_opened_once_revised_in_order_and_closed_once(case: Case) -> None:
    lives: dict[str, list[Alert]] = {}
    for line in run(new_stage(), cut(case, case[3])):
        alert = msgspec.json.decode(line, type=Alert)
        lives.setdefault(alert.id, []).append(alert)
    for life in lives.values():
        assert [alert.revision for alert in life] == list(range(1, len(life) + 1))
        assert [alert.time for alert in life] == sorted(alert.time for alert in life)
        states = [alert.state.value for alert in life]
        assert states[0] == "opened"
        assert set(states[1:-1]) <= {"updated"}
        for earlier, later in pairwise(life):
            assert set(earlier.members) <= set(later.members)
        updates = [alert.time for alert in life if alert.state.value == "updated"]
        assert len(updates) == len(set(updates))


def test_the_random_edges_open_merge_close_and_come_back() -> None:
    """Without this, the tests above could pass on edges in which nothing happens."""
    reasons: set[str] = set()
    signals: set[str] = set()
    for seed in range(30):
        for line in run(new_stage(), cut((seed, 250, 12, [], 40 * DAY_MS), [])):
            alert = msgspec.json.decode(line, type=Alert)
            reasons.add(alert.close_reason or alert.state.value)
            signals |= {piece.signal for piece in alert.evidence}
    assert {"opened", "updated", "inactive", "merged"} <= reasons
    assert {"rotation", "elicitation", "youth", "burst", "handoff", "payment"} <= signals
    assert {"foreign_reference", "support", "explained", "dormant", "cold_start"} <= signals


def test_silence_of_years_costs_nothing_and_closes_what_is_due() -> None:
    stage = new_stage()
    alerts = run(stage, cut((7, 250, 12, [], 0), []))
    assert alerts
    counts = stage.fold(
        ChannelBatch([], np.empty(0, np.int32), _none(), START + 4000 * DAY_MS)
    ).counts
    assert counts["campaign_steps"] <= 1
    assert len(stage.cases) == 0


def test_heartbeats_in_silence_close_a_case_at_the_same_time_as_a_jump() -> None:
    jump, beats = new_stage(), new_stage()
    run(jump, cut((7, 250, 12, [], 0), []))
    run(beats, cut((7, 250, 12, [], 0), []))
    end = START + 900 * DAY_MS
    none = np.empty(0, np.int32)
    one = run(jump, [ChannelBatch([], none, _none(), end)])
    upto = [*range(START + 60 * DAY_MS, end, DAY_MS // 5), end]
    assert run(beats, [ChannelBatch([], none, _none(), time) for time in upto]) == one
    assert one
    assert beats.snapshot() == jump.snapshot()


@pytest.mark.parametrize("damage", ["foreign", "cut", "orphan", "progress"])
def test_rows_that_do_not_fit_together_are_refused(damage: str) -> None:
    stage = new_stage()
    run(stage, cut((7, 120, 12, [], 0), []))
    state = stage.snapshot()
    account = next(key for key in state if key[:1] == b"a")
    key = next(key for key in state if key[:1] == b"k")
    broken = {
        "foreign": state | {b"?": b""},
        "cut": state | {account: state[account][:3]},
        "orphan": {name: payload for name, payload in state.items() if name != key},
        "progress": state | {b"s": b"\xc1"},
    }[damage]
    with pytest.raises(StateError):
        CampaignStage(stage.deployment).restore(broken.items())


def _none() -> np.ndarray:
    return edges(np.random.default_rng(0), 1, 1)[1][:0]
