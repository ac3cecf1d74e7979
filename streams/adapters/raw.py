"""Raw events (request fields plus ``messages`` and ``tools``) into wire events without text.

Every entrance uses this one function: ``probewatch fingerprint``, replay, the simulator, adapters.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import orjson

from aiokafka.partitioner import murmur2

from models.content import Keys, fingerprint
from schemas.errors import InputError, Reason
from schemas.request import MESSAGE_FIELDS
from streams.node.decode import WIRE_FIELDS, decode
from streams.node.records import Record


MAX_LINE_BYTES = 64 << 20
"""A million tokens of conversation are 4 MB; what is longer is no request."""


class Wire(NamedTuple):
    """One record for the request topic."""

    account: str
    """Its key, "" for a broadcast control record."""
    value: bytes
    control: str = ""
    """The ``type`` of a control record, "" for a request."""
    error: InputError | None = None
    """Why there is no record; ``value`` is empty then."""


def to_wire(line: bytes, keys: Keys) -> Wire:
    """One JSON line as a wire record, or the reason why it cannot be one.

    Text is dropped here, and what does not validate is stopped here: a field of the wrong type may
    be a prompt in the wrong place, and no prompt may reach the topic.
    """
    try:
        event = _parse(line)
        if "type" in event:
            control = decode(Record(0, None, line, (), 0))
            return Wire(_account(event), msgspec.json.encode(control), str(event["type"]))
        known = fingerprint(event, keys) if event.keys() & set(MESSAGE_FIELDS) else event
        if known is not event or not event.keys() <= WIRE_FIELDS:
            known = {name: value for name, value in known.items() if name in WIRE_FIELDS}
            line = orjson.dumps(known)
        decode(Record(0, _account(known).encode(), line, (), 0))
    except InputError as error:
        return Wire("", b"", error=error)
    return Wire(_account(known), line)


def _parse(line: bytes) -> dict[str, Any]:
    if not line:
        raise InputError(Reason.EMPTY)
    if len(line) > MAX_LINE_BYTES:
        raise InputError(Reason.TOO_LARGE, f"{len(line)} bytes, at most {MAX_LINE_BYTES}")
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InputError(Reason.MALFORMED, "not a JSON object in UTF-8") from error
    if not isinstance(event, dict):
        raise InputError(Reason.MALFORMED, "not a JSON object in UTF-8")
    return event


def _account(event: dict[str, Any]) -> str:
    account = event.get("account.id")
    return account if isinstance(account, str) else ""


@lru_cache(maxsize=1 << 20)  # about 200 MB at the worst; murmur2 in Python costs 5 us a key
def partition_for(account: str, count: int) -> int:
    """The partition Kafka's default partitioner gives an account's records."""
    return int((murmur2(account.encode()) & 0x7FFFFFFF) % count)
