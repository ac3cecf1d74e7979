"""The conversation chain: two requests that continue the same conversation share a link.

h_k = MAC(key, h_{k-1} || role || text_k) over all messages but the system ones. Those are left out
because many clients put the date or the user's name there anew with each turn, which would cut
every chain, and because a relay may change them while it carries a conversation on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from models.content.keyed import Secrets, digest
from models.content.messages import CHAIN_MESSAGES, CLIP, Turn, clip


class Chain(NamedTuple):
    """16 hex digits each; empty where there is none."""

    current: str
    previous: str


def links(turns: Iterable[Turn]) -> list[bytes]:
    """What the chain is made of: all but system messages, to the last user message.

    None at all if there are too many or if nobody has spoken yet.
    """
    spoken = [turn for turn in turns if turn.role != "s"]
    while spoken and spoken[-1].role != "u":
        spoken.pop()
    return [_link(turn) for turn in spoken] if len(spoken) <= CHAIN_MESSAGES else []


def chain(messages: Iterable[bytes], secrets: Secrets) -> Chain:
    """Fold the ``links`` of a conversation, which end with a user message."""
    link = previous = current = b""
    for message in messages:
        link = digest(secrets.chain, link + message)
        if message.startswith(b"u"):
            previous, current = current, link
    return Chain(current.hex(), previous.hex())


def _link(turn: Turn) -> bytes:
    """The bytes that stand for a message: role and text, a long one by its length and its ends.

    Outer white space and the style of line ends do not count, since clients trim them.
    """
    text = turn.text
    length = ""
    if len(text) > CLIP:
        length = str(len(text))
        text = clip(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return f"{turn.role}{length}\n{text.strip()}".encode("utf-8", "surrogatepass")
