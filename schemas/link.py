"""The link observation: an account used a thing that others could share."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.fields import U1, U2, U4, U8, Millis, layout


class LinkKind(IntEnum):
    """What is shared."""

    SENTENCE = 0
    """A masked sentence."""
    CONVERSATION = 1
    """A conversation, at least two user turns deep."""
    PAYMENT = 2
    NETWORK = 3
    CLIENT = 4


class LinkObservation(Struct, frozen=True, array_like=True):
    """One (account, key), with the account's facts as of this request.

    ``account`` indexes the frame's table.
    """

    account: U2
    time: Millis
    kind: U1
    key: U8
    context: U2
    """Keyed hash of the rest of the request (sentences), else 0."""
    elicitation: U2
    """Bits of ELICITATIONS of this request."""
    requests: U4
    """The account's requests so far, this one included."""
    elicited: U4
    graded: U4
    foreign: U4
    sentences: U4
    """Sentence keys the account has sent so far."""


LINK = layout(LinkObservation)
