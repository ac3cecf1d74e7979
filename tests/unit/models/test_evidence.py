from __future__ import annotations

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.evidence import BETS, CAP, FRACTIONS, Budget, accumulate, mixture, nats


MU0 = 0.04


def run_lengths(rate: float, threshold: float, runs: int, longest: int) -> np.ndarray:
    """Steps until each of ``runs`` Bernoulli streams crosses, ``longest`` if it never does."""
    generator = np.random.default_rng(29)
    state, mu0 = np.zeros((runs, BETS)), np.full(runs, MU0)
    length = np.full(runs, longest)
    for step in range(longest):
        state = accumulate(state, (generator.random(runs) < rate).astype(float), mu0)
        crossed = (mixture(state) >= threshold) & (length == longest)
        length[crossed] = step + 1
        if (length < longest).all():
            break
    return length


@pytest.mark.parametrize("threshold", [30.0, 100.0])
def test_average_run_length_on_the_edge_of_the_null_is_at_least_the_threshold(
    threshold: float,
) -> None:
    longest = int(100 * threshold)
    lengths = run_lengths(MU0, threshold, runs=600, longest=longest)
    crossed = (lengths < longest).mean()
    # Censoring at 100 A and the sampling error only lower the measured mean.
    assert crossed > 0.9, "nearly all must cross, or the bound is not put to the test"
    assert lengths.mean() >= threshold


@pytest.mark.parametrize(
    ("mix", "published"),
    # Median delays in events of the prototype at A = 1e5, benign rate 2 %.
    [(0.05, 879), (0.10, 162), (0.25, 37), (0.50, 14), (1.0, 5)],
)
def test_an_admixture_is_found_in_about_the_published_number_of_events(
    mix: float, published: int
) -> None:
    rate = mix + (1 - mix) * 0.02
    lengths = run_lengths(rate, 1e5, runs=60, longest=20_000)
    assert np.median(lengths) <= 1.5 * published + 2
    assert (lengths < 20_000).all()


def test_a_thirty_percent_admixture_is_found_within_fifty_events() -> None:
    assert np.median(run_lengths(0.3 + 0.7 * 0.02, 1e5, runs=100, longest=2000)) <= 50


def test_benign_traffic_below_the_null_raises_no_alarm() -> None:
    assert (run_lengths(0.02, 1e5, runs=50, longest=4000) == 4000).all()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=300),
    st.floats(0.005, 0.9),
    st.lists(st.integers(0, 300), max_size=5),
)
def test_evidence_equals_the_recursion_stays_bounded_and_ignores_where_batches_end(
    xs: list[float], mu0: float, cuts: list[int]
) -> None:
    expected = [0.0] * BETS
    state = np.zeros((1, BETS))
    for x in xs:
        lambdas = [fraction / mu0 for fraction in FRACTIONS]
        expected = [
            min((m + 1.0) * (1.0 + bet * (x - mu0)), CAP)
            for m, bet in zip(expected, lambdas, strict=True)
        ]
        state = accumulate(state, np.array([x]), np.array([mu0]))
    assert state[0].tolist() == expected
    assert np.isfinite(state).all()
    assert (state >= 0).all()
    assert (state <= CAP).all()
    wide = accumulate(np.repeat(state, 9, axis=0), np.full(9, xs[0]), np.full(9, mu0))
    alone = accumulate(state, np.array([xs[0]]), np.array([mu0]))
    assert (mixture(wide) == mixture(alone)).all(), "a row's value depends on its neighbours"


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_a_share_that_is_not_finite_leaves_the_evidence_alone(poison: float) -> None:
    state = accumulate(np.zeros((1, BETS)), np.array([0.5]), np.array([0.1]))
    assert (accumulate(state, np.array([poison]), np.array([0.1])) == state).all()


def test_capped_evidence_comes_down_again_in_bounded_time() -> None:
    state = np.full((1, BETS), CAP)
    for _ in range(5000):
        state = accumulate(state, np.zeros(1), np.full(1, MU0))
    assert nats(mixture(state))[0] < 5


def test_nats_of_nothing_observed_is_zero() -> None:
    assert nats(np.array([0.0, 1.0, np.e])).tolist() == [0.0, 0.0, 1.0]


def test_budget_splits_the_false_pages_and_gives_each_share_its_run_length() -> None:
    budget = Budget()
    assert budget.account + budget.organization + budget.campaign == pytest.approx(1.0)
    # 1000 accounts closing 20 windows a day at A: 20000 / A pages a day.
    threshold = budget.threshold(budget.account, 20.0)
    assert 20_000 / threshold == pytest.approx(0.1 * 0.05)
    assert budget.threshold(budget.organization, 20.0) == pytest.approx(threshold / 2)
