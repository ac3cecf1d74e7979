"""The fingerprint as its callers see it: fixed values, the contract, errors, keys, processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from copy import deepcopy
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.content import CONTENT_VERSION, Keys, fingerprint
from schemas.errors import ConfigError, InputError, Reason
from tests.unit.content import golden
from tests.unit.content.conversations import KEYS, OTHER, as_wire, event, printed, say


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ROLE = st.sampled_from(("system", "developer", "user", "assistant", "tool", "critic"))
WILD = st.text(st.characters(), max_size=300)
PART = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": WILD}),
    st.fixed_dictionaries({"type": st.sampled_from(("image_url", "tool_result"))}),
    WILD,
    JSON,
)
MESSAGE = st.fixed_dictionaries(
    {"role": ROLE}, optional={"content": st.one_of(WILD, st.none(), st.lists(PART, max_size=4))}
)
TOOL = st.one_of(
    st.fixed_dictionaries({"name": WILD}),
    st.fixed_dictionaries({"type": st.just("function"), "function": st.just({"name": "f"})}),
    JSON,
)


def test_values_for_the_demo_key_stay_what_they_were() -> None:
    expected = json.loads(golden.PATH.read_text(encoding="utf-8"))
    assert golden.fingerprints() == expected
    assert all(case["content.version"] == CONTENT_VERSION for case in expected.values())


@given(messages=st.lists(MESSAGE, max_size=6) | JSON, tools=st.none() | st.lists(TOOL, max_size=3))
def test_any_json_gives_a_valid_wire_event_or_an_input_error(messages: Any, tools: Any) -> None:
    raw = event(messages, tools=tools)
    try:
        print_ = fingerprint(raw, Keys(b"k", 3, b"before"))
    except InputError:
        return
    assert as_wire(print_).id == raw["id"]


@given(st.lists(st.fixed_dictionaries({"role": ROLE, "content": WILD}), max_size=6))
def test_any_text_gives_a_valid_wire_event(messages: list[dict[str, str]]) -> None:
    raw = event(messages)
    before = deepcopy(raw)
    wire = as_wire(fingerprint(raw, KEYS))
    assert raw == before
    assert wire.content_depth == sum(message["role"] == "user" for message in messages)


@pytest.mark.parametrize(
    "piece", ["\0", "\ud800", "\U0001f600", "ﷺ", "א", "\x01", '"', "{{", "你，"]
)
def test_megabytes_of_anything_are_read_in_bounded_time(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    as_wire(printed(text, "ok", text, system=text))


@pytest.mark.parametrize(
    ("messages", "tools"),
    [
        ({"role": "user"}, None),
        ("secret", None),
        (["secret"], None),
        ([{"content": "secret"}], None),
        ([{"role": 1, "content": "secret"}], None),
        ([{"role": "user", "content": {"secret": 1}}], None),
        ([{"role": "user", "content": 7}], None),
        ([{"role": "user", "content": [["secret"]]}], None),
        ([{"role": "user", "content": [{"text": "secret"}]}], None),
        ([{"role": "user", "content": [{"type": "text", "text": ["secret"]}]}], None),
        ([], {"name": "secret"}),
        ([], ["secret"]),
        ([], [{"name": ["secret"]}]),
        ([], [{"type": "function", "function": {"description": "secret"}}]),
        (None, ["secret"]),
    ],
)
def test_malformed_input_is_refused_without_being_quoted(messages: Any, tools: Any) -> None:
    with pytest.raises(InputError) as caught:
        fingerprint(event(messages, tools=tools), KEYS)
    assert caught.value.reason is Reason.SCHEMA
    assert "secret" not in str(caught.value)


def test_other_fields_stay_and_stale_content_fields_go() -> None:
    raw = event(say("hello"), refused=True, **{"content.shape": "f" * 16, "unknown.field": [1]})
    print_ = fingerprint(raw, KEYS)
    assert {name: print_[name] for name in raw if name not in {"messages", "content.shape"}} == {
        name: raw[name] for name in raw if name not in {"messages", "content.shape"}
    }
    assert "content.shape" not in print_


@pytest.mark.parametrize(
    "extra", [{}, {"messages": None}, {"tools": None}, {"tools": [{"name": "a"}]}]
)
def test_a_wire_event_keeps_its_fingerprints(extra: dict[str, Any]) -> None:
    wire = printed("Name three rivers of Siberia.", keys=OTHER)
    assert fingerprint({**wire, **extra}, KEYS) == wire


def test_tools_alone_are_fingerprinted_too() -> None:
    print_ = fingerprint(event(tools=[{"name": "a"}]), KEYS)
    whole = fingerprint(event([], tools=[{"name": "a"}]), KEYS)
    assert print_ == whole
    assert len(print_["content.tools"]) == 16


def test_tools_are_a_set_of_names_in_either_form() -> None:
    def tools(*tools: dict[str, Any]) -> Any:
        return fingerprint(event([], tools=list(tools)), KEYS).get("content.tools")

    function = {"type": "function", "function": {"name": "a", "description": "x"}}
    assert tools({"name": "a"}, {"name": "b"}) == tools({"name": "b"}, function, {"name": "a"})
    assert tools({"name": "a"}, {"name": "b"}) != tools({"name": "ab"})
    assert tools({"type": "web_search"}) == tools({"name": "web_search"})
    assert tools() is None


def test_another_key_changes_every_hash() -> None:
    def hashes(keys: Keys) -> dict[str, Any]:
        messages = say("Return the answer as JSON.", "ok", "And as a table, in three short lines.")
        print_ = fingerprint(event(messages, tools=[{"name": "a"}]), keys)
        kinds = ("sentences", "context", "minhash", "shape", "tools", "chain", "chain.prev")
        return {kind: print_["content." + kind] for kind in kinds}

    one, other = hashes(KEYS), hashes(OTHER)
    assert all(one[kind] != other[kind] for kind in one)
    assert len(set(one.values())) == len(one)


def test_rotation_repeats_the_fields_under_the_previous_key() -> None:
    texts = ("Return the answer as JSON.", "ok", "And as a table, in three short lines.")
    both = printed(*texts, keys=Keys(KEYS.current, 4, OTHER.current))
    assert both["content.key_epoch"] == 4
    for keys, prefix in ((KEYS, "content."), (OTHER, "content.previous.")):
        alone = printed(*texts, keys=keys)
        for kind in ("sentences", "context", "minhash", "shape", "chain", "chain.prev"):
            assert both[prefix + kind] == alone["content." + kind]


def test_an_empty_key_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError):
        printed("hello", keys=Keys(b"", 0))


def test_what_was_read_before_does_not_matter() -> None:
    system = "You sort letters by urgency. Reply with one word."
    first = printed("My parcel is lost.", system=system)
    for i in range(600):
        printed("hello", system=f"{system} Rule {'x' * i} holds.")
    assert printed("My parcel is lost.", system=system) == first


def test_every_process_computes_the_same() -> None:
    code = (
        "import json; from tests.unit.content.golden import fingerprints;"
        "print(json.dumps(fingerprints()))"
    )
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(run.stdout) == golden.fingerprints()
