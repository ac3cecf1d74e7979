from __future__ import annotations

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st
from river.stats import EWMean, EWVar

from models.moments import Moments, rounds


KEYS = 7
ALPHA = 0.07


def empty(keys: int) -> Moments:
    return Moments(np.zeros(keys, np.uint32), np.zeros(keys), np.zeros(keys))


def fold(moments: Moments, keys: np.ndarray, values: np.ndarray) -> None:
    for chosen in rounds(keys):
        x = np.zeros(KEYS)
        x[keys[chosen]] = values[chosen]
        where = np.zeros(KEYS, bool)
        where[keys[chosen]] = True
        moments.update(x, ALPHA, where)


streams = st.lists(
    st.tuples(st.integers(0, KEYS - 1), st.floats(-50, 50, allow_subnormal=False)), max_size=200
)


@given(streams)
def test_moments_equal_river_with_many_values_of_one_key_in_a_batch(
    stream: list[tuple[int, float]],
) -> None:
    moments = empty(KEYS)
    keys = np.array([key for key, _ in stream], np.int64)
    values = np.array([value for _, value in stream])
    fold(moments, keys, values)
    for key in range(KEYS):
        mean, variance = EWMean(ALPHA), EWVar(ALPHA)
        for value in values[keys == key].tolist():
            mean.update(value)
            variance.update(value)
        assert moments.count[key] == (keys == key).sum()
        if moments.count[key]:
            assert moments.mean[key] == pytest.approx(mean.get(), rel=1e-12, abs=1e-300)
            # River subtracts two numbers of the size of the square: the scale of its error.
            error = 1e-12 * moments.square[key] + 1e-300
            assert moments.variance()[key] == pytest.approx(variance.get(), rel=1e-12, abs=error)


@given(streams, st.lists(st.integers(0, 200), max_size=8))
def test_moments_are_bit_identical_under_any_cut(
    stream: list[tuple[int, float]], cuts: list[int]
) -> None:
    keys = np.array([key for key, _ in stream], np.int64)
    values = np.array([value for _, value in stream])
    whole, pieces = empty(KEYS), empty(KEYS)
    fold(whole, keys, values)
    for part, at in zip(np.split(keys, sorted(cuts)), np.split(values, sorted(cuts)), strict=True):
        fold(pieces, part, at)
    assert whole.mean.tobytes() == pieces.mean.tobytes()
    assert whole.square.tobytes() == pieces.square.tobytes()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_leaves_the_moments_alone(poison: float) -> None:
    moments = empty(2)
    moments.update(np.array([1.0, 2.0]), ALPHA, np.ones(2, bool))
    moments.update(np.array([poison, 4.0]), ALPHA, np.ones(2, bool))
    assert moments.count.tolist() == [1, 2]
    assert moments.mean[0] == 1.0
    assert np.isfinite(moments.variance()).all()


@given(st.lists(st.integers(0, 5), max_size=60))
def test_rounds_hold_each_key_once_and_keep_its_order(keys: list[int]) -> None:
    seen: dict[int, list[int]] = {}
    for chosen in rounds(np.array(keys, np.int64)):
        in_round = [keys[position] for position in chosen]
        assert len(set(in_round)) == len(in_round)
        for position in chosen.tolist():
            seen.setdefault(keys[position], []).append(position)
    assert seen == {key: [i for i, k in enumerate(keys) if k == key] for key in set(keys)}
