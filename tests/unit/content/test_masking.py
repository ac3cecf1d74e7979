"""One template is one sentence key, whatever it was filled with and wherever it stands."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.content.masking import PLACEHOLDER, mask
from models.content.messages import clean
from tests.unit.content.conversations import key_of, printed, surroundings


NUMBERS = st.from_regex(r"[0-9]{1,6}([.,:/-][0-9]{1,4}){0,2}%?", fullmatch=True)
NAMES = st.from_regex(r"[A-Z][a-z]{1,9}( [A-Z][a-z]{1,9})?", fullmatch=True)
QUOTES = st.from_regex(r'"[a-z ,.?!]{1,60}"|`[a-z()=.]{1,40}`|“[a-z ]{1,40}”', fullmatch=True)
CODE = st.from_regex(r"```[a-z]{0,6}\n[a-z =;.\n]{0,80}```", fullmatch=True)
FILLERS = st.from_regex(r"\{\{ ?[a-z_]{1,12} ?\}\}|\{[a-z_]{1,12}\}|<[a-z_]{1,12}>", fullmatch=True)
ADDRESSES = st.from_regex(
    r"https?://[a-z]{1,9}\.org/[a-z0-9/?=&]{0,20}|[a-z.]{1,8}[a-z]@[a-z]{2,8}\.com", fullmatch=True
)
FILLING = st.one_of(NUMBERS, NAMES, QUOTES, CODE, FILLERS, ADDRESSES)
OPENING = frozenset("\"'`{<“«「『《")
ANY_TEXT = st.text(
    st.one_of(st.characters(), st.sampled_from(".?!,;:\n\"'`{}<>[]() 0aA你好，。")), max_size=200
).map(clean)


@given(FILLING, FILLING)
def test_a_template_keeps_its_key_whatever_fills_it(one: str, other: str) -> None:
    template = "Decide whether the claim about {} is likely to hold today"
    assert key_of(template.replace("{}", one)) == key_of(template.replace("{}", other))


@given(NUMBERS, NUMBERS, NAMES)
def test_numbers_and_names_run_together(number: str, other: str, name: str) -> None:
    filled = key_of(f"please book a table for {number} {name} {other} near the old harbour")
    assert filled == key_of("please book a table for 2 near the old harbour")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("Explain your reasoning, then answer.", "explain   your reasoning then ANSWER"),
        ("Let's go on with the list", "Let’s go on with the list"),
        ("Ｆｕｌｌ ｗｉｄｔｈ letters count", "Full width letters count"),
        ("- Keep the answers short!", "Keep the answers short."),
        ("1. Keep the answers short", "Keep the answers short"),
        ("Keep the ans\u200bwers short", "Keep the answers short"),
        ("请用中文回答下面的问题。", "请用中文 回答下面的问题！"),
    ],
)
def test_spelling_that_means_nothing_is_ignored(one: str, same: str) -> None:
    assert key_of(one) == key_of(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Name the longest river", "Name the longest road"),
        ("Do not answer in verse", "Do answer in verse"),
        ("Write it in JSON format", "Write it in YAML format"),
        ("请用中文回答下面的问题", "请用英文回答下面的问题"),
    ],
)
def test_wording_that_means_something_is_kept(one: str, other: str) -> None:
    assert key_of(one) != key_of(other)


@given(ANY_TEXT.filter(lambda text: set(text).isdisjoint(OPENING)))
def test_a_sentence_has_the_same_key_in_any_company(company: str) -> None:
    sentence = "Answer in exactly two short sentences"
    text = clean(f"{company}\n\n{sentence}.\n\n你好 naïve café")
    assert sentence.lower() in mask(text).sentences


@given(ANY_TEXT)
def test_every_value_stands_for_one_placeholder_and_is_kept_for_the_context(text: str) -> None:
    masked = mask(text)
    kept = "\x02".join([*masked.parameters, masked.residue])
    assert all(value in kept for value in masked.values)
    assert len(masked.sentences) == len(masked.parameters)
    assert masked.normal == "\n".join(" ".join(words) for words in masked.said)
    assert not any(PLACEHOLDER in sentence[:1] + sentence[-1:] for sentence in masked.sentences)


@pytest.mark.parametrize(
    "text", ["ok", "Thank you!", "3 4 5 6", "`a` `b` `c` `d`", "Yes, 7 Anna.", "你好"]
)
def test_small_talk_and_bare_values_get_no_key(text: str) -> None:
    assert surroundings(printed(text)) == {}


@pytest.mark.parametrize("text", ["Answer concisely.", "Think first!", "Be brief.", "请简短回答"])
def test_short_imperatives_get_a_key(text: str) -> None:
    assert len(surroundings(printed(text))) == 1


def test_a_long_sentence_is_cut_at_its_commas() -> None:
    wrapper = "after reading the whole report twice"
    payload = "the committee that met on the hill found no reason to close the bridge"
    keys = surroundings(printed(f"{wrapper}, {payload}, tell me who is right"))
    assert key_of(wrapper) in keys
    assert key_of("tell me who is right") in keys


def test_a_long_clause_is_cut_into_runs_of_words() -> None:
    words = [f"{chr(97 + i % 26)}{chr(97 + i // 26)}word" for i in range(60)]
    changed = [*words[:-1], "otherword"]
    one, other = (set(surroundings(printed(" ".join(it)))) for it in (words, changed))
    assert len(one) == len(other) == 3
    assert len(one & other) == 2
