from __future__ import annotations

import math

from pathlib import Path

import msgspec
import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.evidence import Budget
from models.reference import features
from models.reference.features import FEATURES, binary_log
from models.reference.fit import TARGETS, fit
from models.reference.reference import RATIO_FIXED_POINT, Reference
from models.reference.scorer import export, learn
from models.stage import Emission
from schemas.errors import ConfigError
from schemas.request import CATEGORIES
from schemas.window import WINDOW
from streams.reference import load, load_default
from tests.unit.models.benign_windows import benign


@pytest.fixture(scope="module")
def population() -> Emission:
    return benign(accounts=400, days=2, seed=5)


@pytest.fixture(scope="module")
def reference(population: Emission) -> Reference:
    return fit(population)


def test_exported_scores_equal_those_of_river_on_what_it_learnt(population: Emission) -> None:
    vectors = features.vectors(population.rows)[:1500]
    scaler, loda = learn(vectors, seed=11)
    samples = [dict(zip(FEATURES, vector, strict=True)) for vector in vectors.tolist()]
    expected = [(scaler | loda).score_one(sample) for sample in samples]
    scores = export(scaler, loda).scores(vectors)
    assert np.abs(scores - expected).max() < 1e-9
    assert len(set(expected)) > 500, "nearly all alike would show nothing"


def test_a_window_scores_the_same_alone_and_in_company(
    population: Emission, reference: Reference
) -> None:
    vectors = features.vectors(population.rows)[:200]
    together = reference.scorer.scores(vectors)
    alone = [reference.scorer.scores(vectors[i : i + 1])[0] for i in range(len(vectors))]
    assert together.tolist() == alone


def test_rarity_is_the_tail_probability_of_the_population(
    population: Emission, reference: Reference
) -> None:
    rarity = reference.rarity(features.vectors(population.rows))
    for nats in (0.5, 1.0, 2.0, 4.0):
        assert (rarity >= nats).mean() == pytest.approx(math.exp(-nats), rel=0.2)


def test_a_probing_window_is_rarer_than_nearly_all_benign_ones(
    population: Emission, reference: Reference
) -> None:
    window = np.zeros(1, WINDOW)
    window["requests"], window["refused"], window["elicited"], window["graded"] = 32, 20, 30, 16
    window["techniques"], window["categories"] = 0xFF, 0xFFFF
    window["input_tokens"] = window["output_tokens"] = 32 * 1000
    assert reference.rarity(features.vectors(window))[0] >= math.log(1000)


def test_the_file_survives_a_round_trip_under_its_name(reference: Reference) -> None:
    again = Reference.from_bytes(reference.to_bytes())
    assert again.sha256 == reference.sha256
    assert again.to_bytes() == reference.to_bytes()
    assert again.scorer.left.tobytes() == reference.scorer.left.tobytes()


def test_the_name_does_not_depend_on_the_spelling_of_the_file(reference: Reference) -> None:
    spaced = msgspec.json.format(reference.to_bytes(), indent=2)
    assert spaced != reference.to_bytes()
    assert Reference.from_bytes(spaced).sha256 == reference.sha256


def test_fitting_is_a_function_of_the_windows(population: Emission, reference: Reference) -> None:
    assert fit(population).to_bytes() == reference.to_bytes()
    assert fit(benign(accounts=400, days=2, seed=6)).sha256 != reference.sha256


def test_an_account_named_by_many_frames_is_still_one_account(
    population: Emission, reference: Reference
) -> None:
    tables = [facts for _ in range(3) for facts in population.accounts]
    shift = np.arange(len(population.rows)) % 3 * len(population.accounts)
    scattered = Emission(tables, (population.account + shift).astype(np.int32), population.rows)
    assert fit(scattered).to_bytes() == reference.to_bytes()


def test_categories_that_campaigns_sought_weigh_more_than_those_the_population_uses(
    reference: Reference,
) -> None:
    ratio = dict(zip(CATEGORIES, reference.ratio / RATIO_FIXED_POINT, strict=True))
    assert ratio["extraction"] < -1
    assert min(ratio[name] for name in TARGETS) > ratio["conversation"]


def test_nulls_are_above_what_nearly_all_accounts_of_the_cohort_do(
    population: Emission, reference: Reference
) -> None:
    plans = np.array([facts.plan for facts in population.accounts])
    requests = np.bincount(population.account, population.rows["requests"], len(plans))
    hits = np.bincount(
        population.account,
        features.collecting(population.rows) * population.rows["requests"],
        len(plans),
    )
    # A rate over fewer requests is shrunk before it counts.
    enough = requests >= 200
    above = hits / requests > reference.collecting[plans]
    assert enough.sum() > 100
    assert 0 < (above & enough).mean() <= 0.02


def test_the_shipped_reference_can_be_read_and_gives_finite_thresholds() -> None:
    shipped = load_default()
    document = shipped.document
    assert len(shipped.sha256) == 64
    budget = Budget()
    for share, volume in (
        (budget.account, document.windows_per_account_day),
        (budget.organization, document.organization_windows_per_account_day),
    ):
        assert 1e4 < budget.threshold(share, volume) < 1e9


def test_the_shipped_reference_knows_windows_it_was_not_fitted_on() -> None:
    rarity = load_default().rarity(features.vectors(benign(accounts=300, days=2, seed=77).rows))
    assert (rarity >= 4.0).mean() == pytest.approx(math.exp(-4.0), rel=0.6)


def broken(reference: Reference, **changes: object) -> bytes:
    document = msgspec.json.decode(reference.to_bytes())
    return msgspec.json.encode(document | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"windows_per_account_day": 0},
        {"collecting": [0.1]},
        {"collecting": [0.1, 0.1, 0.1, 0.1, 0.1, 1.0]},
        {"log_likelihood_ratio": [1 << 30] * 16},
        {"feature_sd": [1e400] * 9},
        {"tail": [2.0, 1.0]},
        {"tail": []},
        {"unheard_of": 1},
    ],
)
def test_a_document_out_of_bounds_is_refused(
    reference: Reference, changes: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="reference file"):
        Reference.from_bytes(broken(reference, **changes))


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a reference file"):
        Reference.from_bytes(data)


def test_a_bad_or_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "reference.json"
    with pytest.raises(ConfigError, match="cannot read"):
        load(path)
    path.write_bytes(b"{}")
    with pytest.raises(ConfigError, match="not a reference file"):
        load(path)
    path.write_bytes(load_default().to_bytes())
    assert load(path).sha256 == load_default().sha256


def test_no_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="windows"):
        fit(Emission([], np.empty(0, np.int32), np.empty(0, WINDOW)))


@given(st.integers(0, 40), st.integers(0, 2**20))
def test_binary_log_is_exact_at_powers_of_two_and_rises(power: int, other: int) -> None:
    values = np.array([2.0**power - 1, float(other), other + 1.0])
    logs = binary_log(values)
    assert logs[0] == power
    assert logs[1] < logs[2]
