"""Contexts tell wrapper from payload, and wrappers keep their place among the sixteen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.content.conversations import KEYS, OTHER, key_of, lines, printed, surroundings


SENTENCE = "Decide which of the two animals moved first"
POOL = list(lines(40))
RESTS = st.lists(st.sampled_from(POOL), max_size=12, unique=True)


def contexts(text: str, **say: str) -> list[bytes]:
    """Those of ``SENTENCE`` under two keys: one alone agrees by chance once in 65,536 cases."""
    places = {keys: surroundings(printed(SENTENCE, keys=keys)) for keys in (KEYS, OTHER)}
    return [
        surroundings(printed(text, keys=keys, **say))[next(iter(places[keys]))] for keys in places
    ]


@given(RESTS, RESTS)
def test_context_differs_exactly_if_the_rest_differs(one: list[str], other: list[str]) -> None:
    first, second = (contexts(". ".join([SENTENCE, *rest])) for rest in (one, other))
    assert (first == second) == (set(one) == set(other))


@given(RESTS)
def test_context_does_not_depend_on_where_the_sentence_stands(rest: list[str]) -> None:
    assert contexts(". ".join([SENTENCE, *rest])) == contexts(". ".join([*rest, SENTENCE]))


def test_system_text_and_earlier_messages_are_part_of_the_rest() -> None:
    alone = contexts(SENTENCE)
    assert contexts(SENTENCE, system=POOL[0]) != alone
    later = surroundings(printed(POOL[0], "ok", SENTENCE))
    assert later[key_of(SENTENCE)] != alone[0]


def test_values_elsewhere_are_part_of_the_rest() -> None:
    assert contexts(f"{SENTENCE}. The lynx ran 3 miles.") != contexts(
        f"{SENTENCE}. The lynx ran 4 miles."
    )
    assert contexts(f"{SENTENCE}. `x = 1`") != contexts(f"{SENTENCE}. `x = 2`")


def test_a_sentence_own_parameters_are_not_but_payload_quoted_in_it_is() -> None:
    def context(sentence: str) -> bytes:
        return next(iter(surroundings(printed(sentence)).values()))

    assert context("Name 3 rivers of Peru") == context("Name 4 rivers of Chad")
    wrapped = "Is this sentence polite: {}, or is it not?"
    payload = ('"you might want to try again later"', '"go away and do not come back here"')
    assert context(wrapped.format(payload[0])) != context(wrapped.format(payload[1]))


def test_a_repeated_sentence_has_one_key_and_counts_as_one() -> None:
    once, twice = f"{SENTENCE}. {POOL[0]}.", f"{SENTENCE}. {POOL[0]}. {SENTENCE}."
    assert contexts(once) == contexts(twice)
    assert len(surroundings(printed(twice))) == 2


HEAD = ["Read the following story carefully", "The story is told in the past tense"]
FOOT = ["Now answer the question about the story", "The moon was made of cheese they said"]


def test_a_wrapper_is_kept_however_long_its_payload_is() -> None:
    wrapper = {key_of(sentence) for sentence in HEAD + FOOT}
    for length in (0, 5, 20, 100):
        keys = surroundings(printed(". ".join([*HEAD, *lines(length), *FOOT])))
        assert wrapper <= set(keys)


def test_instructions_in_the_middle_of_a_template_beat_payload() -> None:
    rule = "Your answer must be only one word"
    payload = list(lines(60))
    text = ". ".join([*payload[:9], rule, *payload[9:]])
    assert key_of(rule) in surroundings(printed(text))


def test_system_text_keeps_a_share_and_leaves_the_rest() -> None:
    system, user = list(lines(35)), [f"{line} again" for line in lines(35)]
    keys = list(surroundings(printed(". ".join(user), system=". ".join(system))))
    from_system = {key_of(sentence) for sentence in system}
    assert [key in from_system for key in keys] == [True] * 6 + [False] * 10


def test_earlier_user_messages_fill_what_is_left_in_message_order() -> None:
    said = list(lines(8))
    print_ = printed(said[0], "yes", said[1], "yes", said[2], "yes", said[3], system=said[4])
    order = [said[4], said[1], said[2], said[3]]
    assert list(surroundings(print_)) == [key_of(sentence) for sentence in order]


def test_what_the_assistant_said_gets_no_key() -> None:
    assert set(surroundings(printed("ok", SENTENCE, "ok"))) == set()
