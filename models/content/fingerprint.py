"""One raw request event in, the same event with fingerprints in place of its text out."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from models.content.category import categorise
from models.content.chain import chain, links
from models.content.elicitation import elicitation, ordered
from models.content.keyed import Keys, Secrets, digest, secrets
from models.content.masking import Masked, mask
from models.content.messages import EARLIER, Conversation, clean, parse_messages, tool_names
from models.content.minhash import minhash
from models.content.script import dominant_script
from models.content.sentences import (
    SENTENCES,
    SYSTEM_SHARE,
    Chosen,
    choose,
    pick,
    sentence_keys,
)
from models.content.shape import requested_shape, shape_hash
from schemas.request import MESSAGE_FIELDS


CONTENT_VERSION = 1
"""Rises whenever the same text would give other hashes: keys of two versions never compare."""

SYSTEM_CACHE = 512
"""System texts kept analysed: they repeat by the thousand, user messages mostly do not. Full of
real prompts at ``CLIP`` characters each it measured 7 MB, 45 MB of the most wasteful text."""

_MAX_DEPTH = 1 << 20
"""The bound of ``content.depth`` in the contract."""


class Reading(NamedTuple):
    """All of one text that does not depend on a key."""

    masked: Masked
    flags: frozenset[str]
    shape: frozenset[str]


class Unkeyed(NamedTuple):
    """What one request's hashes are made from."""

    chosen: Chosen
    normal: str
    shape: frozenset[str]
    tools: bytes
    links: list[bytes]


def fingerprint(raw: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """``raw`` with ``content.*`` fields in place of ``messages`` and ``tools``.

    An event without messages is a wire event already if it has content fields, and keeps them.
    Raises ``InputError(Reason.SCHEMA)`` if messages or tools are malformed, never quoting them.
    """
    messages = raw.get("messages")
    tools = raw.get("tools")
    names = [] if tools is None else tool_names(tools)
    if messages is None and (tools is None or "content.version" in raw):
        return {name: value for name, value in raw.items() if name not in MESSAGE_FIELDS}
    conversation = parse_messages([] if messages is None else messages)
    event = {
        name: value
        for name, value in raw.items()
        if name not in MESSAGE_FIELDS and not name.startswith("content.")
    }
    event["content.version"] = CONTENT_VERSION
    event["content.key_epoch"] = keys.epoch
    unkeyed = _describe(conversation, names, event)
    _hash(event, "content.", unkeyed, secrets(keys.current))
    if keys.previous is not None:
        _hash(event, "content.previous.", unkeyed, secrets(keys.previous))
    return event


def read(text: str) -> Reading:
    """Analyse clean ``text``."""
    masked = mask(text)
    return Reading(masked, elicitation(masked), requested_shape(text, masked))


@lru_cache(SYSTEM_CACHE)
def read_system(text: str) -> Reading:
    """The same for a system text, of which only sentences, flags and shape are needed."""
    reading = read(text)
    slim = reading.masked._replace(lines=[], said=[], words=set(), normal="", values=[])
    return reading._replace(masked=slim)


def _describe(conversation: Conversation, tools: list[str], event: dict[str, Any]) -> Unkeyed:
    """Write the fields that need no key; return what the others are hashed from."""
    users = conversation.users
    last = clean(users[-1]) if users else ""
    system = read_system(conversation.system)
    user = read(last)
    flags = system.flags | user.flags
    event["content.depth"] = min(len(users), _MAX_DEPTH)
    event["content.elicitation"] = ordered(flags)
    event["content.category"] = categorise(
        user.masked, flags, tools=bool(tools), images=conversation.images
    )
    event["content.script"] = dominant_script(last)
    return Unkeyed(
        chosen=_choose(system.masked, users, user.masked),
        normal=user.masked.normal,
        shape=system.shape | user.shape,
        tools="\x00".join(tools).encode("utf-8", "surrogatepass"),
        links=links(conversation.turns),
    )


def _choose(system: Masked, users: list[str], last: Masked) -> Chosen:
    """System text first, then the last user message, then earlier ones while there is room."""
    first = pick(system, max(SYSTEM_SHARE, SENTENCES - len(set(last.sentences))))
    final = pick(last, SENTENCES - len(first), first)
    middle: list[str] = []
    looked_at = [system, last]
    for text in users[-2 : -2 - EARLIER : -1]:
        taken = first + middle + final
        if len(taken) >= SENTENCES:
            break
        masked = mask(clean(text))
        middle = pick(masked, SENTENCES - len(taken), taken) + middle
        looked_at.append(masked)
    return choose(first + middle + final, looked_at)


def _hash(event: dict[str, Any], prefix: str, unkeyed: Unkeyed, secret: Secrets) -> None:
    """Write the keyed fields; those with nothing to say stay out."""
    sentences, contexts = sentence_keys(unkeyed.chosen, secret)
    chained = chain(unkeyed.links, secret)
    fields = (
        ("sentences", _base64(sentences)),
        ("context", _base64(contexts)),
        ("minhash", _base64(minhash(unkeyed.normal, secret))),
        ("shape", shape_hash(unkeyed.shape, secret)),
        ("tools", digest(secret.tools, unkeyed.tools).hex() if unkeyed.tools else ""),
        ("chain", chained.current),
        ("chain.prev", chained.previous),
    )
    event.update((prefix + name, value) for name, value in fields if value)


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()
