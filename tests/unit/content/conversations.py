"""What the tests of fingerprints say to each other: events, keys, and how to read a fingerprint."""

from __future__ import annotations

import base64

from collections.abc import Iterable
from typing import Any

import msgspec

from models.content import Keys, fingerprint
from schemas.request import RequestEvent


KEYS = Keys(b"probewatch-demo", 0)
OTHER = Keys(b"another key", 0)
IDENTITY = {
    "id": "r-1",
    "time": "2026-03-01T12:00:00.000Z",
    "account.id": "acct-1",
    "organization.id": "org-1",
    "gen_ai.request.model": "m-1",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 20,
}


def say(*texts: str, system: str | None = None) -> list[dict[str, str]]:
    """A conversation: user and assistant in turn, the user first."""
    roles = ("user", "assistant")
    messages = [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]
    return messages if system is None else [{"role": "system", "content": system}, *messages]


def event(messages: Any = None, **fields: Any) -> dict[str, Any]:
    """A raw request event; without ``messages`` it has a null there."""
    return {**IDENTITY, "messages": messages, **fields}


def printed(*texts: str, system: str | None = None, keys: Keys = KEYS) -> dict[str, Any]:
    """The fingerprint of a conversation."""
    return fingerprint(event(say(*texts, system=system)), keys)


def surroundings(print_: dict[str, Any]) -> dict[bytes, bytes]:
    """Sentence key -> context."""
    sentences = base64.b64decode(print_.get("content.sentences", ""))
    contexts = base64.b64decode(print_.get("content.context", ""))
    assert len(sentences) == 4 * len(contexts)
    keys = [sentences[i : i + 8] for i in range(0, len(sentences), 8)]
    assert len(set(keys)) == len(keys) <= 16
    return {key: contexts[2 * i : 2 * i + 2] for i, key in enumerate(keys)}


def key_of(sentence: str) -> bytes:
    """The key of a sentence that is all of a request."""
    (key,) = surroundings(printed(sentence))
    return key


def as_wire(print_: dict[str, Any]) -> RequestEvent:
    """Raises if the fingerprint breaks the contract."""
    return msgspec.convert(print_, RequestEvent)


def lines(count: int) -> Iterable[str]:
    """Payload: distinct sentences without an instruction's vocabulary."""
    animals = ("otter", "heron", "badger", "lynx", "newt")
    places = ("river", "meadow", "forest", "harbour", "valley", "orchard", "quarry")
    for i in range(count):
        yield (
            f"The {animals[i % 5]} crossed the {places[i % 7]} {'very ' * (i // 35)}slowly at dusk"
        )
