"""Text goes in anywhere; nothing that could be turned back into it comes out."""

from __future__ import annotations

import base64
import json

from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.content import Keys, fingerprint
from models.content.script import SCRIPTS
from tests.unit.content.conversations import as_wire, event


CANARY = "xylograph quenched vortices"
VOCABULARIES = ("content.category", "content.script", "content.elicitation")
WORDS = ("xylograph", "quenched", "vortices")


def traces(text: str) -> set[str]:
    """What ``text`` would look like in an output: plain, hex, base64 at each alignment."""
    data = text.encode()
    encoded = {data.hex(), data[::-1].hex()}
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data).decode()
        encoded.add(whole[4:-4])  # the first and the last group depend on the neighbours
    return {text, text.upper(), text.capitalize(), *encoded}


TRACES = set().union(*map(traces, (CANARY, *WORDS)))


def places(text: str) -> list[tuple[str, dict[str, Any]]]:
    """A raw event for each place where text may stand."""
    user = {"role": "user", "content": f"Say {text} twice. Then: `{text}`, '{text}' and {text}!"}
    parts = [
        {"type": "text", "text": text, "note": text},
        {"type": "image_url", "image_url": {"url": text}},
        {"type": text},
        text,
    ]
    return [
        ("user", event([user])),
        ("name", event([{**user, "name": text, text: text}])),
        ("system", event([{"role": "system", "content": f"Only {text}."}, user])),
        ("role", event([{"role": text, "content": text}, user])),
        ("assistant", event([user, {"role": "assistant", "content": text}, user])),
        ("parts", event([{"role": "user", "content": parts}])),
        ("calls", event([{"role": "assistant", "content": None, "tool_calls": [{text: text}]}])),
        ("tool name", event([user], tools=[{"name": text, "description": text}])),
        ("function", event([user], tools=[{"function": {"name": text, "parameters": {text: 1}}}])),
        ("tool type", event([user], tools=[{"type": text}])),
        ("tools alone", event(tools=[{"name": text}])),
        ("key", event([{"role": "user", "content": f'JSON with "{text}": and <{text}>'}])),
    ]


def everything_in(print_: dict[str, Any]) -> str:
    """The output as text, and whatever its base64 hides."""
    hidden = [
        base64.b64decode(value).decode("latin-1")
        for name, value in print_.items()
        if name.rsplit(".", 1)[-1] in {"sentences", "context", "minhash"}
    ]
    return json.dumps(print_) + "\n" + "\n".join(hidden)


@pytest.mark.parametrize(
    ("place", "raw"), places(CANARY), ids=lambda it: it if isinstance(it, str) else ""
)
def test_a_canary_is_gone_from_the_output(place: str, raw: dict[str, Any]) -> None:
    assert CANARY in json.dumps(raw)
    output = everything_in(fingerprint(raw, Keys(b"k", 1, b"before")))
    assert not [trace for trace in TRACES if trace in output]


def test_the_search_would_find_a_canary() -> None:
    for leak in (CANARY, CANARY.encode().hex(), base64.b64encode(CANARY.encode()).decode()):
        assert any(trace in everything_in({"content.shape": leak}) for trace in TRACES)
    assert any(
        trace in everything_in({"content.minhash": base64.b64encode(CANARY.encode()).decode()})
        for trace in TRACES
    )


@given(st.text(st.characters(codec="utf-8", categories=["L"]), min_size=8, max_size=40))
def test_no_run_of_letters_survives(text: str) -> None:
    for _, raw in places(text):
        print_ = fingerprint(raw, Keys(b"k", 1, b"before"))
        as_wire(print_)  # holds category and flags to their enums
        assert print_["content.script"] in {"", *SCRIPTS}
        hashes = [value for name, value in print_.items() if name not in {*raw, *VOCABULARIES}]
        output = json.dumps(hashes, ensure_ascii=False)
        assert text not in output
        assert text.encode().hex() not in output
