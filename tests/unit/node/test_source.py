"""Bad input: each kind ends as a dead letter with its reason, or is folded in correctly."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.account.batch import RecordKind, RequestBatch
from models.eventtime import DAY_MS, format_time, parse_time
from models.stage import Deployment
from schemas.errors import Reason
from schemas.topics import DEAD_LETTERS
from streams.node.deadletter import DeadLetters
from streams.node.records import Headers, Output, Record
from streams.node.source import SourceInlet


NOW = parse_time("2026-11-01T12:00:00.000Z")
CANARY = "the quick canary sings"
DEPLOYMENT = Deployment(tick_ms=1000, lateness_ms=2000)


def event(**changes: Any) -> dict[str, Any]:
    base = {
        "id": "r1",
        "time": format_time(NOW),
        "account.id": "a1",
        "organization.id": "o1",
        "gen_ai.request.model": "m",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    base |= {key.replace("__", "."): value for key, value in changes.items()}
    return {key: value for key, value in base.items() if value is not ...}


def record(
    value: Any, *, key: bytes | None = b"a1", headers: Headers = (), offset: int = 7
) -> Record:
    body = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    return Record(offset, key, body, headers, NOW)


def read(*records: Record) -> tuple[RequestBatch, list[Output]]:
    inlet = SourceInlet(DEPLOYMENT, DeadLetters(3, b"key"))
    batch = inlet.offer(records)
    assert batch is not None
    return batch, inlet.take_letters()


def reason(letter: Output) -> str:
    return dict(letter.headers)["dlq.reason"].decode()


BAD: dict[str, tuple[Record, Reason]] = {
    "no value": (record(None), Reason.EMPTY),
    "empty value": (record(b""), Reason.EMPTY),
    "five megabytes": (record(event(id=CANARY * 250_000)), Reason.TOO_LARGE),
    "truncated": (record(orjson.dumps(event(id=CANARY))[:-9]), Reason.MALFORMED),
    "not json": (record(CANARY.encode()), Reason.MALFORMED),
    "an array": (record([CANARY]), Reason.MALFORMED),
    "a string": (record(orjson.dumps(CANARY)), Reason.MALFORMED),
    "invalid utf-8": (record(b'{"id": "\xff\xfe"}'), Reason.MALFORMED),
    "deep nesting": (record(b'{"x":' * 100_000 + b"1" + b"}" * 100_000), Reason.MALFORMED),
    "NaN": (
        record(orjson.dumps(event()).replace(b":10", b":NaN")),
        Reason.MALFORMED,
    ),
    "infinity": (record(orjson.dumps(event()).replace(b":10", b":Infinity")), Reason.MALFORMED),
    "overflowing float": (
        record(orjson.dumps(event(gen_ai__request__temperature=1)).replace(b":1}", b":1e999}")),
        Reason.MALFORMED,
    ),
    "negative tokens": (record(event(gen_ai__usage__input_tokens=-1)), Reason.SCHEMA),
    "huge tokens": (
        record(orjson.dumps(event()).replace(b":10", b":1" + b"0" * 30)),
        Reason.SCHEMA,
    ),
    "tokens as text": (record(event(gen_ai__usage__input_tokens=CANARY)), Reason.SCHEMA),
    "unknown enum": (record(event(account__plan=CANARY)), Reason.SCHEMA),
    "object for a string": (record(event(id={"text": CANARY})), Reason.MISSING_IDENTITY),
    "no id": (record(event(id=...)), Reason.MISSING_IDENTITY),
    "empty account": (record(event(account__id="")), Reason.MISSING_IDENTITY),
    "null organisation": (record(event(organization__id=None)), Reason.MISSING_IDENTITY),
    "no time": (record(event(time=...)), Reason.SCHEMA),
    "time in words": (record(event(time=CANARY + "         ")), Reason.SCHEMA),
    "time without offset": (record(event(time="2026-11-01T12:00:00.000")), Reason.SCHEMA),
    "31st of February": (record(event(time="2026-02-31T12:00:00.000Z")), Reason.SCHEMA),
    "far future": (record(event(time=format_time(NOW + 10 * DAY_MS))), Reason.FROM_FUTURE),
    "unknown type": (record(event(type=CANARY)), Reason.UNKNOWN_TYPE),
    "unknown bare type": (record({"type": CANARY, "time": format_time(NOW)}), Reason.UNKNOWN_TYPE),
    "type as number": (record(event(type=5)), Reason.UNKNOWN_TYPE),
    "heartbeat without time": (record({"type": "heartbeat"}), Reason.SCHEMA),
    "text on the wire": (record(event(messages=[{"content": CANARY}])), Reason.CARRIES_TEXT),
    "tools on the wire": (record(event(tools=[])), Reason.CARRIES_TEXT),
    "another key": (record(event(), key=b"a2"), Reason.MISPLACED),
    "no key": (record(event(), key=None), Reason.MISPLACED),
    "protobuf": (
        record(event(), headers=[("content-type", b"application/x-protobuf")]),
        Reason.CONTENT_TYPE,
    ),
    "odd sentences": (record(event(content__sentences="AQID")), Reason.SCHEMA),
    "not base64": (record(event(content__sentences="!!!!")), Reason.SCHEMA),
    "no context": (record(event(content__sentences=b64encode(bytes(8)).decode())), Reason.SCHEMA),
    "chain of words": (record(event(content__chain="zzzzzzzzzzzzzzzz")), Reason.SCHEMA),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_record_becomes_a_dead_letter_and_its_neighbours_are_folded_in(name: str) -> None:
    bad, expected = BAD[name]
    batch, letters = read(
        record(event(id="before"), offset=6), bad, record(event(id="after"), offset=8)
    )
    assert [reason(letter) for letter in letters] == [expected]
    assert batch.event == ["before", "after"]


@pytest.mark.parametrize("name", BAD)
def test_dead_letter_carries_position_and_original_headers_but_no_text(name: str) -> None:
    bad, _ = BAD[name]
    bad = bad._replace(headers=[*bad.headers, ("traceparent", b"00-1")])
    _, (letter,) = read(record(event(), offset=6), bad)
    headers = dict(letter.headers)
    assert (letter.topic, letter.partition, letter.key) == (DEAD_LETTERS, 3, bad.key)
    assert headers["traceparent"] == b"00-1"
    assert headers["__streams.errors.offset"] == b"7"
    assert headers["dlq.length"] == str(len(bad.value or b"")).encode()
    spoken = letter.value + b"".join(value for _, value in letter.headers)
    assert CANARY.encode() not in spoken


def test_every_reason_that_one_record_can_have_is_shown_above() -> None:
    assert {expected for _, expected in BAD.values()} == set(Reason) - {Reason.TOO_OLD}


def test_a_valid_record_that_is_only_misplaced_in_time_keeps_its_value() -> None:
    late = record(event(time=format_time(NOW - 8 * DAY_MS)))
    _, (letter,) = read(record(event()), late)
    assert reason(letter) == Reason.TOO_OLD
    assert letter.value == late.value


def test_a_late_record_is_folded_into_the_first_open_tick() -> None:
    batch, letters = read(record(event()), record(event(time=format_time(NOW - 60_000))))
    assert not letters
    assert batch.time.tolist() == [NOW, NOW - 2000]
    assert batch.watermark.tolist() == [NOW, NOW]


def test_control_records_keep_their_place_among_requests() -> None:
    ban = {"type": "enforcement", "time": format_time(NOW), "account.id": "a1", "action": "banned"}
    release = {"type": "model.released", "time": format_time(NOW), "gen_ai.request.model": "x"}
    batch, letters = read(record(event()), record(ban), record(release, key=None), record(event()))
    assert not letters
    assert batch.kind.tolist() == [
        RecordKind.REQUEST,
        RecordKind.ENFORCEMENT,
        RecordKind.RELEASE,
        RecordKind.REQUEST,
    ]
    assert batch.code.tolist() == [0, 2, 0, 0]
    assert batch.subject[2] != 0


def test_a_heartbeat_moves_the_watermark() -> None:
    beat = {"type": "heartbeat", "time": format_time(NOW + 60_000)}
    batch, _ = read(record(event()), record(beat, key=None))
    assert batch.watermark.tolist() == [NOW, NOW + 60_000]


RECORDS = st.one_of(
    st.sampled_from([bad for bad, _ in BAD.values() if len(bad.value or b"") < 10_000]),
    st.binary(max_size=60).map(record),
    st.integers(-20_000, 20_000).map(
        lambda shift: record(event(id=str(shift), time=format_time(NOW + shift)))
    ),
)


def batches(*found: RequestBatch | None) -> list[RequestBatch]:
    return [batch for batch in found if batch is not None]


def values(column: str, *found: RequestBatch | None) -> list[int]:
    return [value for batch in batches(*found) for value in getattr(batch, column).tolist()]


@given(st.lists(RECORDS, min_size=1, max_size=12), st.data())
def test_nothing_is_lost_and_cuts_do_not_matter(records: list[Record], data: st.DataObject) -> None:
    log = [r._replace(offset=i) for i, r in enumerate(records)]
    whole = SourceInlet(DEPLOYMENT, DeadLetters(0, b"key"))
    batch = whole.offer(log)
    letters = whole.take_letters()
    assert sum(map(len, batches(batch))) + len(letters) == len(log)

    pieces = SourceInlet(DEPLOYMENT, DeadLetters(0, b"key"))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=4)))
    parts = [
        pieces.offer(log[a:b]) for a, b in zip([0, *cuts], [*cuts, len(log)], strict=True) if b > a
    ]
    for column in ("time", "watermark"):
        assert values(column, *parts) == values(column, batch)
    assert sorted(pieces.take_letters(), key=repr) == sorted(letters, key=repr)
    assert (pieces.watermark, pieces.complete) == (whole.watermark, whole.complete)
