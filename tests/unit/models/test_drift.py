from __future__ import annotations

import math

from typing import Any

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st
from river import drift as river

from models.drift import PageHinkley, PageHinkleySetting, adwin_drift


# River annotates its detectors only in part.
river_page_hinkley: Any = river.PageHinkley
river_adwin: Any = river.ADWIN
SETTING = PageHinkleySetting(min_instances=4, delta=0.5, threshold=3.0)


def detectors(shape: int) -> PageHinkley:
    return PageHinkley(
        np.zeros(shape, np.uint32),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape, bool),
    )


def twin(setting: PageHinkleySetting) -> Any:
    return river_page_hinkley(
        setting.min_instances, setting.delta, setting.threshold, setting.alpha, "up"
    )


def same_state(rows: PageHinkley, row: int, other: Any) -> bool:
    low = other._min_increase if other._x_mean.n else 0.0
    return bool(
        rows.count[row] == other._x_mean.n
        and rows.mean[row] == other._x_mean.get()
        and rows.total[row] == other._sum_increase
        and rows.low[row] == low
        and rows.drift[row] == other.drift_detected
    )


@given(st.lists(st.lists(st.floats(-4, 8), min_size=3, max_size=3), max_size=80))
def test_page_hinkley_equals_river_in_alarms_and_state(stream: list[list[float]]) -> None:
    rows, others = detectors(3), [twin(SETTING) for _ in range(3)]
    for values in stream:
        rows.update(np.array(values), np.ones(3, bool), SETTING)
        for row, (other, value) in enumerate(zip(others, values, strict=True)):
            other.update(value)
            assert same_state(rows, row, other)


def test_page_hinkley_equals_river_through_many_resets() -> None:
    generator = np.random.default_rng(7)
    rows, others, alarms = detectors(4), [twin(SETTING) for _ in range(4)], 0
    for step in range(2000):
        values = generator.normal(loc=3.0 * (step // 50 % 2), size=4)
        rows.update(values, np.ones(4, bool), SETTING)
        for row, (other, value) in enumerate(zip(others, values.tolist(), strict=True)):
            other.update(value)
            assert same_state(rows, row, other)
            alarms += other.drift_detected
    assert alarms > 40, "the stream must reset the detectors, or the test shows nothing"


def test_page_hinkley_leaves_detectors_outside_where_and_values_not_finite_alone() -> None:
    rows = detectors(3)
    for value in (0.0, 0.0, 0.0, 0.0, 9.0):
        rows.update(np.full(3, value), np.ones(3, bool), SETTING)
    assert rows.drift.all(), "the alarm must stand, to see that it waits for the next value"
    before = rows.total.copy()
    alarms = rows.update(np.array([np.nan, np.inf, 5.0]), np.array([True, True, False]), SETTING)
    assert not alarms.any()
    assert rows.count.tolist() == [5, 5, 5]
    assert (rows.total == before).all()
    assert rows.drift.all()


def test_adwin_sees_a_rise_and_neither_a_fall_nor_noise() -> None:
    noise = np.random.default_rng(3).normal(size=64).tolist()
    rise = noise[:40] + [score + 4 for score in noise[40:]]
    fall = noise[:40] + [score - 4 for score in noise[40:]]
    assert adwin_drift(rise)
    assert not adwin_drift(rise[:40])
    assert not adwin_drift(fall)
    assert not adwin_drift(noise)


def test_adwin_sees_a_rise_after_a_fall() -> None:
    noise = np.random.default_rng(3).normal(size=150).tolist()
    scores = [score - 8 * (20 <= n < 90) for n, score in enumerate(noise)]
    assert not adwin_drift(scores[:90])
    assert adwin_drift(scores)


def test_adwin_alarms_when_river_does_on_scores_that_only_rise() -> None:
    generator = np.random.default_rng(11)
    alarms = 0
    for _ in range(40):
        scores = generator.normal(size=64)
        scores[int(generator.integers(20, 60)) :] += 3.0
        for stop in (16, 32, 48, 64):
            other = river_adwin(delta=0.002, clock=1)
            raised = False
            for score in scores[:stop].tolist():
                other.update(score)
                raised |= other.drift_detected
            alarms += raised
            assert adwin_drift(scores[:stop].tolist()) == raised
    assert 20 < alarms < 140, "some must alarm and some must not, or the test shows nothing"


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_adwin_skips_what_is_not_finite(poison: float) -> None:
    scores = np.random.default_rng(5).normal(size=64)
    scores[40:] += 4
    poisoned = np.insert(scores, 20, poison).tolist()
    assert adwin_drift(poisoned)
    assert not adwin_drift(poisoned[:41])


def test_adwin_of_nothing_is_silent() -> None:
    assert not adwin_drift([])
