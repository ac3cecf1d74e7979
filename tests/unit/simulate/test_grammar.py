from __future__ import annotations

from random import Random

import pytest

from hypothesis import given
from hypothesis import strategies as st

from streams.simulate.grammar import SLOT, Grammar
from streams.simulate.language import GRAMMAR


@given(st.integers(0, 1 << 32), st.sampled_from(["ask", "bug", "payload", "demand", "ticket"]))
def test_no_slot_survives_and_equal_seeds_agree(seed: int, symbol: str) -> None:
    text = GRAMMAR.expand(symbol, Random(seed))
    assert not SLOT.search(text)
    assert text == GRAMMAR.expand(symbol, Random(seed))


@given(st.integers(0, 99), st.integers(0, 99), st.integers())
def test_number_lies_in_its_range(first: int, second: int, seed: int) -> None:
    least, most = sorted((first, second))
    text = Grammar({"n": [f"{{{least}-{most}}}"]}).expand("n", Random(seed))
    assert least <= int(text) <= most


def test_slot_without_a_rule_is_found_before_anything_is_said() -> None:
    with pytest.raises(ValueError, match="ask needs kind"):
        Grammar({"ask": ["what {kind} is it?"]})


def test_people_hardly_ever_say_the_same() -> None:
    rng = Random(1)
    said = [GRAMMAR.expand("ask", rng) for _ in range(5000)]
    assert len(set(said)) > 4900
