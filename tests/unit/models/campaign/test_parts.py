"""The pieces that a step is made of."""

from __future__ import annotations

import math

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.campaign.cases import jaccard
from models.campaign.communities import communities
from models.campaign.content import concordance
from models.campaign.decide import Candidate, select, threshold
from models.campaign.graph import Account, Graph, key_id
from models.campaign.groups import Rule, without_outliers
from models.campaign.population import Population, Share, popular, turn, usual
from models.campaign.rules import Bounds, Priors, Rules
from models.campaign.scale import divergence
from models.campaign.templates import merge
from models.evidence import Budget


def block(
    rng: np.random.Generator, accounts: range, keys: range, each: int
) -> dict[int, list[tuple[int, float]]]:
    """Accounts that each have some of the keys."""
    return {
        account: [(int(key), 1.0) for key in sorted(rng.choice(keys, each, replace=False))]
        for account in accounts
    }


def test_communities_find_planted_blocks_and_keep_a_sparse_one_whole() -> None:
    rng = np.random.default_rng(1)
    links = block(rng, range(60), range(10), 3)
    links |= block(rng, range(60, 160), range(10, 30), 2)
    links |= {account: [(30, 1.0)] for account in range(160, 300)}
    # One account in twenty has a key of another block as well.
    for account in range(0, 160, 20):
        links[account].append((30, 1.0))
    label = communities([links[account] for account in range(300)], 31, 500.0)
    assert len(dict.fromkeys(label[:10])) == 1
    assert len(dict.fromkeys(label[10:30])) == 1
    assert label[0] != label[10] != label[30] != label[0]


@given(st.lists(st.lists(st.integers(0, 8), max_size=4, unique=True), max_size=25))
def test_communities_number_keys_from_the_first_and_never_join_strangers(
    held: list[list[int]],
) -> None:
    label = communities([[(key, 1.0) for key in keys] for keys in held], 9, 10.0)
    assert len(label) == 9
    assert label == [sorted(dict.fromkeys(label), key=label.index).index(mark) for mark in label]
    root = list(range(9))
    for keys in held:
        joined = {root[key] for key in keys}
        root = [min(joined) if mark in joined else mark for mark in root]
    for one in range(9):
        for other in range(9):
            assert label[one] != label[other] or root[one] == root[other]


def test_sentences_of_one_request_are_one_template_and_rotating_ones_are_not() -> None:
    moments = {account: 1000 + account for account in range(10)}
    later = {account: 5000 + account for account in range(10)}
    uses = {b"a1": moments, b"a2": moments, b"a3": {**moments, 11: 7}, b"b": later}
    templates = merge(uses, 0.5)
    assert [template.keys for template in templates] == [[b"a3", b"a1", b"a2"], [b"b"]]
    assert templates[0].accounts == [*range(10), 11]


def test_templates_do_not_depend_on_the_order_of_keys() -> None:
    rng = np.random.default_rng(4)
    uses = {
        bytes([key]): {int(a): int(a) % 3 for a in sorted(rng.choice(20, 6, replace=False))}
        for key in range(30)
    }
    backwards = dict(reversed(uses.items()))
    assert merge(uses, 0.4) == merge(backwards, 0.4)


def test_concordance_tells_a_script_from_a_draw() -> None:
    rng = np.random.default_rng(2)
    script = [[0, 1, 2, 3]] * 40
    draw = [rng.permutation(4).tolist() for _ in range(200)]
    assert concordance(script) > 0.99
    assert abs(concordance(draw) - 0.5) < 0.03
    assert concordance([]) == 0.75
    assert concordance([[0, 1]]) == 0.75


@given(st.floats(0, 1), st.floats(0, 1))
def test_divergence_has_the_sign_of_the_difference(share: float, usual_share: float) -> None:
    nats = divergence(share, usual_share)
    assert math.isfinite(nats)
    clipped = min(max(usual_share, 0.005), 0.995)
    assert (nats >= 0) == (share >= clipped)


def candidate(excess: float) -> Candidate:
    return cast("Candidate", SimpleNamespace(excess=excess))


def test_more_candidates_raise_the_price_and_more_pages_lower_it() -> None:
    assert select([]) == []
    assert select([candidate(0.0)]) == [True]
    assert select([candidate(0.0), candidate(-1.0)]) == [False, False]
    assert select([candidate(0.7), candidate(-math.inf)]) == [True, False]
    assert select([candidate(3.0)] + [candidate(-1.0)] * 50) == [False] * 51
    assert select([candidate(4.0)] + [candidate(-1.0)] * 50) == [True] + [False] * 50
    assert select([candidate(0.0)] * 20) == [True] * 20


@pytest.mark.parametrize("rule", Rule)
def test_half_the_budget_costs_ln_two(rule: Rule) -> None:
    rules = Rules()
    full, half = Budget(), Budget(false_pages_per_1000_accounts_per_day=0.025)
    assert threshold(rule, rules, half) - threshold(rule, rules, full) == pytest.approx(math.log(2))


def test_an_owner_with_many_accounts_is_left_out_and_pairs_are_not() -> None:
    owner = {a: f"o{a // 2}" for a in range(20)} | dict.fromkeys(range(20, 60), "firm")
    assert without_outliers(list(owner), owner, 5.0) == list(range(20))
    assert without_outliers([], {}, 5.0) == []


def test_jaccard_of_nothing_is_no_likeness() -> None:
    assert jaccard(set(), set()) == 0.0
    assert jaccard({"a", "b"}, {"b", "c"}) == pytest.approx(1 / 3)


def test_the_population_waits_a_day_and_no_organisation_moves_it() -> None:
    priors = Priors()
    graph = Graph(Bounds())
    for number in range(300):
        organization = "big" if number < 200 else f"o{number}"
        graph.accounts.put(
            f"a{number}".encode(),
            Account(organization, created=1_000, first=2_000 if number < 200 else 1 << 50),
        )
    population = Population()
    before = usual(population, priors).young
    turn(population, 1, graph, {}, priors)
    assert usual(population, priors).young == before
    turn(population, 2, graph, {}, priors)
    # Three young accounts of the big one, a hundred old ones of the others.
    assert usual(population, priors).young == pytest.approx((3 + 5) / (103 + 50))


def test_popular_sentences_count_as_a_sample_of_bounded_size() -> None:
    priors = Priors()
    population = Population()
    popular(population, 600, 300, priors)
    popular(population, 0, 0, priors)
    assert population.popular == Share(15.0, 30.0)


def test_keys_of_two_kinds_never_share_a_name() -> None:
    assert key_id(0, 5) != key_id(2, 5)
    assert key_id(0, (1 << 64) - 1) == b"\0" + b"\xff" * 8
