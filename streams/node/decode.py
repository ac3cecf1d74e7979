"""Records of the request topic into checked objects; all that is wrong gets its reason here."""

from __future__ import annotations

import re

from collections.abc import Sequence
from typing import Any

import msgspec

from msgspec import UNSET, UnsetType

from schemas.control import Control
from schemas.errors import InputError, Reason
from schemas.request import MESSAGE_FIELDS, RequestEvent
from streams.node.records import SourceRecord


MAX_VALUE_BYTES = 1 << 20
"""A wire event is below 2 kB; 1 MiB is Kafka's own default for what a producer may send."""

WIRE_FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(RequestEvent))
"""Every field a request event may have; what else a gateway sends is not for us."""
IDENTITY_FIELDS = ("id", "account.id", "organization.id")


class WireEvent(RequestEvent, gc=False, kw_only=True):
    """A request event, with the fields that must not be there visible."""

    type: Any = UNSET
    messages: msgspec.Raw | UnsetType = UNSET
    tools: msgspec.Raw | UnsetType = UNSET


_decode_event = msgspec.json.Decoder(WireEvent).decode
_decode_control = msgspec.json.Decoder(Control).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_PATH = re.compile(r"at `(\$[\w.\[\]]*)`")

Decoded = WireEvent | Control


def decode_events(records: Sequence[SourceRecord]) -> list[WireEvent] | None:
    """All records as requests, or ``None`` if any of them needs a closer look (:func:`decode`)."""
    values = [record.value or b"" for record in records]
    if max(map(len, values)) > MAX_VALUE_BYTES or any(record.headers for record in records):
        return None
    try:
        events = list(map(_decode_event, values))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    keys = [event.account_id.encode() for event in events]
    absent = (
        [e.type for e in events] + [e.messages for e in events] + [e.tools for e in events]
    ).count(UNSET)
    plain = absent == 3 * len(events) and keys == [record.key for record in records]
    return events if plain else None


def decode(record: SourceRecord) -> Decoded:
    """One record. Raises ``InputError`` with the reason it cannot be folded in."""
    value = record.value
    if not value:
        raise InputError(Reason.EMPTY)
    if len(value) > MAX_VALUE_BYTES:
        raise InputError(Reason.TOO_LARGE, f"{len(value)} bytes, at most {MAX_VALUE_BYTES}")
    _check_content_type(record)
    try:
        event = _decode_event(value)
    except RecursionError as error:
        raise InputError(Reason.MALFORMED, "nested too deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _decode_otherwise(value, error)
    if event.type is not UNSET:
        raise InputError(Reason.UNKNOWN_TYPE)
    for name in MESSAGE_FIELDS:
        if getattr(event, name) is not UNSET:
            raise InputError(Reason.CARRIES_TEXT, f"field {name}")
    if record.key != event.account_id.encode():
        raise InputError(Reason.MISPLACED, "the record's key is not its account.id")
    return event


def _check_content_type(record: SourceRecord) -> None:
    for name, content in record.headers:
        if name.lower() == "content-type" and not content.startswith(b"application/json"):
            raise InputError(Reason.CONTENT_TYPE)


def _decode_otherwise(value: bytes, error: Exception) -> Control:
    """A control record, or the reason why it is neither that nor a request."""
    try:
        plain = _decode_object(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        raise InputError(Reason.MALFORMED, "not a JSON object in UTF-8") from broken
    if "type" in plain:
        return _decode_control_record(value)
    if any(not isinstance(plain.get(name), str) or not plain[name] for name in IDENTITY_FIELDS):
        missing = [n for n in IDENTITY_FIELDS if not isinstance(plain.get(n), str) or not plain[n]]
        raise InputError(Reason.MISSING_IDENTITY, ", ".join(missing)) from error
    raise InputError(Reason.SCHEMA, where(error)) from error


def _decode_control_record(value: bytes) -> Control:
    try:
        control: Control = _decode_control(value)
    except msgspec.ValidationError as error:
        if "at `$.type`" in str(error):
            raise InputError(Reason.UNKNOWN_TYPE) from error
        raise InputError(Reason.SCHEMA, where(error)) from error
    return control


def where(error: Exception) -> str:
    """The path msgspec names, without the rest of its message: that may quote the value."""
    match = _PATH.search(str(error))
    return f"wrong type or value at {match[1]}" if match else "a required field is missing"


def is_free_of_text(value: bytes) -> bool:
    """Whether a rejected value may be kept: a valid request, and no field we do not know."""
    try:
        _decode_event(value)
        names = _decode_object(value).keys()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return names <= WIRE_FIELDS
