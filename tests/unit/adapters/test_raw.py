"""The edge: text goes in, no text comes out, and what cannot be judged is stopped."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.content import Keys
from schemas.errors import Reason
from schemas.request import RequestEvent
from streams.adapters.raw import partition_for, to_wire


KEYS = Keys(current=b"key of the tests", epoch=3, previous=None)
CANARY = "xylocanary"


def raw(**changes: Any) -> dict[str, Any]:
    event = {
        "id": "r1",
        "time": "2026-11-01T12:00:00.000Z",
        "account.id": "a1",
        "organization.id": "o1",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "messages": [{"role": "user", "content": f"Please count to ten for {CANARY}."}],
    }
    return event | {key.replace("__", "."): value for key, value in changes.items()}


def test_text_becomes_fingerprints() -> None:
    wire = to_wire(orjson.dumps(raw(tools=[{"name": CANARY}])), KEYS)
    assert wire.error is None
    assert wire.account == "a1"
    event = msgspec.json.decode(wire.value, type=RequestEvent)
    assert event.content_sentences
    assert event.content_key_epoch == 3
    assert CANARY.encode() not in wire.value


def test_a_field_that_is_not_ours_does_not_pass() -> None:
    event = raw(prompt=CANARY)
    del event["messages"]
    wire = to_wire(orjson.dumps(event), KEYS)
    assert wire.error is None
    assert CANARY.encode() not in wire.value


def test_an_event_that_is_on_the_wire_already_passes_unchanged() -> None:
    once = to_wire(orjson.dumps(raw()), KEYS)
    assert to_wire(once.value, KEYS) == once


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", Reason.EMPTY),
        (CANARY.encode(), Reason.MALFORMED),
        (orjson.dumps([CANARY]), Reason.MALFORMED),
        (orjson.dumps(raw(messages=CANARY)), Reason.SCHEMA),
        (orjson.dumps(raw(id=[CANARY])), Reason.MISSING_IDENTITY),
        (orjson.dumps(raw(gen_ai__usage__input_tokens=CANARY)), Reason.SCHEMA),
        (orjson.dumps({"type": CANARY}), Reason.UNKNOWN_TYPE),
        (orjson.dumps({"type": "heartbeat", "time": 5}), Reason.SCHEMA),
    ],
)
def test_what_does_not_validate_is_stopped_with_its_reason(line: bytes, reason: Reason) -> None:
    wire = to_wire(line, KEYS)
    assert wire.value == b""
    assert wire.error is not None
    assert wire.error.reason is reason
    assert CANARY not in str(wire.error)


def test_a_control_record_keeps_only_its_own_fields() -> None:
    line = orjson.dumps(
        {"type": "enforcement", "time": "2026-11-01T12:00:00.000Z", "account.id": "a1"}
        | {"action": "banned", "note": CANARY}
    )
    wire = to_wire(line, KEYS)
    assert (wire.account, wire.control, wire.error) == ("a1", "enforcement", None)
    assert CANARY.encode() not in wire.value


@given(st.dictionaries(st.text(max_size=20), st.text(min_size=12, max_size=40), max_size=5))
def test_no_unknown_field_passes(fields: dict[str, str]) -> None:
    wire = to_wire(orjson.dumps(fields | raw()), KEYS)
    assert wire.error is None
    assert orjson.loads(wire.value).keys() <= set(RequestEvent.__struct_encode_fields__)


def test_partitions_are_those_of_kafkas_default_partitioner() -> None:
    # murmur2 values published with Kafka's own UtilsTest.
    published = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}
    for key, value in published.items():
        assert partition_for(key, 1 << 31) == value & 0x7FFFFFFF
