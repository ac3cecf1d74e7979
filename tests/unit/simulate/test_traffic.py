from __future__ import annotations

import numpy as np

from hypothesis import given
from hypothesis import strategies as st

from models.eventtime import DAY_MS
from streams.simulate.chance import stream, token
from streams.simulate.people import Family, Population
from streams.simulate.traffic import Prompt, Sent, Wrapper, conversation, merge, moments


HOUR_MS = DAY_MS // 24
NOON_ONLY = tuple(float(hour == 12) for hour in range(24))


@given(
    st.integers(1, 200), st.integers(0, 4 * DAY_MS), st.integers(DAY_MS, 9 * DAY_MS), st.integers(0)
)
def test_moments_rise_and_keep_to_the_hours(count: int, begin: int, span: int, seed: int) -> None:
    times = moments(count, NOON_ONLY, begin, span, np.random.default_rng(seed))
    assert len(times) == count
    assert (np.diff(times) >= 0).all()
    assert ((times >= 0) & (times < span)).all()
    hours = (times + begin) // HOUR_MS % 24
    # A time on the border between two hours is rounded to either.
    assert np.isin(hours, (11, 12, 13)).all()


def test_conversation_holds_all_that_was_said_before() -> None:
    turns = [("user", "first"), ("user", "second")]
    first, second = conversation(turns, stream(1), ["word"], "system text")
    assert second.messages[: len(first.messages)] == first.messages
    assert [message["role"] for message in second.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert first.extra == second.extra


def test_wrapper_stands_around_the_payload() -> None:
    assert Wrapper("", "before", "after").around("payload") == [
        {"role": "user", "content": "before\n\npayload\n\nafter"}
    ]
    assert [message["role"] for message in Wrapper("s", "", "").around("p")] == ["system", "user"]


@given(st.lists(st.lists(st.integers(0, 1000)), max_size=5))
def test_merge_loses_nothing_and_keeps_the_order_of_time(plans: list[list[int]]) -> None:
    population = Population(1)
    account = population.account(
        Family(name="f", plans=(("api", 1),)), population.organization(), 0
    )
    actors = (iter([Sent(t, account, Prompt([]), 0) for t in sorted(plan)]) for plan in plans)
    assert [sent.time for sent in merge(actors)] == sorted(time for plan in plans for time in plan)


def test_chance_is_named_and_seeded() -> None:
    assert token(1, "a", 2) == token(1, "a", 2) != token(2, "a", 2)
    assert stream(1, "a").random() == stream(1, "a").random() != stream(1, "b").random()


def test_organisation_pays_by_itself_unless_told_otherwise() -> None:
    population = Population(1)
    own, card, free = (
        population.organization(),
        population.organization(payment="card"),
        population.organization(pays=False),
    )
    assert own.payment not in (None, "card")
    assert card.payment == "card"
    assert free.payment is None
