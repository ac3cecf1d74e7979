"""What a raw request says: its messages and tools, checked and reduced to text.

How much is looked at is bounded, since a request may hold megabytes and is met on the hot path:

- a text of more than ``CLIP`` characters counts as its two ends: templates wrap payload at the
  start and at the end, and what is in the middle is payload;
- the first ``SYSTEM_MESSAGES`` system messages; later ones are notes between turns;
- the last user message and, if sentences are still wanted, the ``EARLIER`` before it, each of which
  was the last one in a request of its own;
- a conversation of more than ``CHAIN_MESSAGES`` messages has no chain: to hash it anew with each
  turn is quadratic in its length, and a hand-off shows long before.
"""

from __future__ import annotations

import re
import unicodedata

from collections.abc import Mapping
from typing import NamedTuple

from schemas.errors import InputError, Reason


CLIP = 4096
SYSTEM_MESSAGES = 4
EARLIER = 2
CHAIN_MESSAGES = 256

_SURROGATES = re.compile("[\ud800-\udfff]")
_TEXT_PARTS = frozenset(("text", "input_text", "output_text"))
_ROLES = {
    "system": "s",
    "developer": "s",
    "user": "u",
    "human": "u",
    "assistant": "a",
    "model": "a",
    "tool": "t",
    "function": "t",
}


class Turn(NamedTuple):
    """One message: role ``s`` system, ``u`` user, ``a`` assistant, ``t`` tool, ``o`` other."""

    role: str
    text: str


class Conversation(NamedTuple):
    """The messages of a request, oldest first."""

    turns: list[Turn]
    images: bool

    @property
    def system(self) -> str:
        """The system text, clipped and clean."""
        texts = [turn.text for turn in self.turns if turn.role == "s"][:SYSTEM_MESSAGES]
        return clean("\n".join(map(clip, texts)))

    @property
    def users(self) -> list[str]:
        """The raw text of each user turn."""
        return [turn.text for turn in self.turns if turn.role == "u"]


def parse_messages(messages: object) -> Conversation:
    """Check ``messages`` and flatten their contents.

    A user message that only carries tool results back is no user turn. Raises
    ``InputError(Reason.SCHEMA)`` unless it is a list of objects with a role and, if any, a content
    that is a string or a list of parts.
    """
    if not isinstance(messages, list):
        raise InputError(Reason.SCHEMA, "messages is not a list")
    turns = []
    images = False
    for message in messages:
        if not isinstance(message, Mapping):
            raise InputError(Reason.SCHEMA, "a message is not an object")
        name = message.get("role")
        if not isinstance(name, str):
            raise InputError(Reason.SCHEMA, "a message has no role")
        role = _ROLES.get(name, "o")
        content = message.get("content")
        if content is None or isinstance(content, str):
            turns.append(Turn(role, content or ""))
            continue
        text, kinds = _flatten(content)
        if role == "u":
            images = images or any("image" in kind for kind in kinds)
            if not text and "tool_result" in kinds:
                role = "t"
        turns.append(Turn(role, text))
    return Conversation(turns, images)


def tool_names(tools: object) -> list[str]:
    """The sorted distinct names of ``tools``, in either common form.

    A built-in tool has no name but a type. Raises ``InputError(Reason.SCHEMA)`` for anything else.
    """
    if not isinstance(tools, list):
        raise InputError(Reason.SCHEMA, "tools is not a list")
    return sorted({_tool_name(tool) for tool in tools})


def clip(text: str) -> str:
    """``text``, or its two ends if it is longer than ``CLIP`` characters."""
    if len(text) <= CLIP:
        return text
    return text[: CLIP // 2] + "\n" + text[-(CLIP // 2) :]


def clean(text: str) -> str:
    """``text`` clipped, in NFKC and without lone surrogates, which no codec takes.

    Clipped once more at the end, since one character may become eighteen.
    """
    text = clip(text)
    if text.isascii():
        return text
    return clip(unicodedata.normalize("NFKC", _SURROGATES.sub("", text)))


def _flatten(content: object) -> tuple[str, set[str]]:
    """The text of a list of parts, and the kinds of parts that hold no text."""
    if not isinstance(content, list):
        raise InputError(Reason.SCHEMA, "the content of a message is neither text nor parts")
    texts = []
    kinds = set()
    for part in content:
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(kind, str):
            raise InputError(Reason.SCHEMA, "a part of a message has no type")
        if kind not in _TEXT_PARTS:
            kinds.add(kind)
            continue
        text = part.get("text")
        if not isinstance(text, str):
            raise InputError(Reason.SCHEMA, "a text part has no text")
        texts.append(text)
    return "\n".join(texts), kinds


def _tool_name(tool: object) -> str:
    if not isinstance(tool, Mapping):
        raise InputError(Reason.SCHEMA, "a tool is not an object")
    inner = tool.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else tool.get("name", tool.get("type"))
    if not isinstance(name, str):
        raise InputError(Reason.SCHEMA, "a tool has no name")
    return name
