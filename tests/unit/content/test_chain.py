"""Who continues a conversation shows the link of who began it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from models.content import fingerprint
from models.content.messages import CHAIN_MESSAGES
from tests.unit.content.conversations import KEYS, event, printed, say


TEXT = st.text(st.characters(), max_size=40)


@given(st.lists(TEXT, min_size=3, max_size=11).filter(lambda texts: len(texts) % 2 == 1))
def test_prev_of_a_turn_is_the_chain_of_the_turn_before(texts: list[str]) -> None:
    before, after = printed(*texts[:-2]), printed(*texts)
    assert after["content.chain.prev"] == before["content.chain"]
    assert after["content.depth"] == before["content.depth"] + 1


@given(st.lists(TEXT, min_size=3, max_size=5), st.data())
def test_any_changed_message_changes_the_chain(texts: list[str], data: st.DataObject) -> None:
    if len(texts) % 2 == 0:
        texts.append("the last word")
    place = data.draw(st.integers(0, len(texts) - 1))
    changed = [*texts[:place], texts[place] + "!", *texts[place + 1 :]]
    assert printed(*changed)["content.chain"] != printed(*texts)["content.chain"]


def test_a_first_turn_has_no_prev_and_silence_has_no_chain() -> None:
    assert "content.chain.prev" not in printed("hello")
    assert "content.chain" not in printed(system="You are helpful.")


def test_system_text_may_change_between_turns() -> None:
    first = printed("Plan a trip.", system="Today is 1 May.")
    second = printed("Plan a trip.", "Where to?", "Rome.", system="Today is 2 May.")
    assert second["content.chain.prev"] == first["content.chain"]


def test_what_follows_the_last_user_message_does_not_count() -> None:
    messages = say("Plan a trip.", "Where to?", "Rome.")
    answered: list[dict[str, Any]] = [*messages, {"role": "assistant", "content": "Here it is."}]
    chains = [fingerprint(event(it), KEYS)["content.chain"] for it in (messages, answered)]
    assert chains[0] == chains[1]


def test_white_space_around_a_message_does_not_count_but_within_it_does() -> None:
    chain = printed("Plan\na trip.")["content.chain"]
    assert printed("\nPlan\r\na trip.  ")["content.chain"] == chain
    assert printed("Plana trip.")["content.chain"] != chain


def test_who_said_it_counts_and_so_does_where_messages_part() -> None:
    def chain(*roles: str) -> Any:
        messages = [{"role": role, "content": "Go on."} for role in roles]
        return fingerprint(event(messages), KEYS)["content.chain"]

    assert chain("user", "assistant", "user") != chain("user", "tool", "user")
    assert printed("a", "b", "c")["content.chain"] != printed("a", "bc", "")["content.chain"]


def test_a_long_message_counts_by_its_ends_and_length() -> None:
    long = "word " * 5000
    chain = printed(long)["content.chain"]
    assert printed("first " + long)["content.chain"] != chain
    assert printed(long + "last")["content.chain"] != chain
    assert printed(long[:10000] + "more " + long[10000:])["content.chain"] != chain


def test_tool_results_in_a_user_message_are_no_turn_of_the_user() -> None:
    messages: list[dict[str, Any]] = [
        *say("Look it up.", "Calling."),
        {"role": "user", "content": [{"type": "tool_result", "content": "found"}]},
    ]
    print_ = fingerprint(event(messages), KEYS)
    assert print_["content.depth"] == 1
    assert print_["content.chain"] == printed("Look it up.")["content.chain"]


def test_a_very_long_conversation_has_depth_but_no_chain() -> None:
    longest = ["hi"] * (CHAIN_MESSAGES - 1)
    assert "content.chain" in printed(*longest)
    beyond = printed(*longest, "hi", "hi")
    assert "content.chain" not in beyond
    assert beyond["content.depth"] == CHAIN_MESSAGES // 2 + 1
