"""The edge: what the campaign stage learns from the other three."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

from schemas.fields import U1, U2, U4, U8, Millis, layout


class EdgeKind(IntEnum):
    """What the record says.

    The first five are those of :class:`schemas.link.LinkKind`: an account joined a key.
    """

    SENTENCE = 0
    CONVERSATION = 1
    PAYMENT = 2
    NETWORK = 3
    CLIENT = 4
    RETIRED = 16
    """The key turned out to be common; links through it no longer count."""
    EXPLANATION = 32
    """An organisation explains itself; ``code`` is :class:`Explanation`."""
    ENFORCEMENT = 33
    """The provider acted against the account; ``code`` is the action."""
    RELEASE = 34
    """A model was released; ``key`` is its hash."""


class Explanation(IntEnum):
    """Why an organisation's accounts may look alike."""

    NONE = 0
    EVALUATION_HARNESS = 1
    RESELLER = 2
    ONE_APPLICATION = 3


ACTIONS = ("throttled", "suspended", "banned")


class Edge(Struct, frozen=True, array_like=True):
    """One record; fields that a kind does not use are 0. ``account`` indexes the frame's table."""

    account: U2
    time: Millis
    kind: U1
    code: U1
    key: U8
    requests: U4
    """The account's requests through this key."""
    total_requests: U4
    elicited: U4
    graded: U4
    foreign: U4
    sentences: U4
    key_first: Millis
    """When the key was first seen by anyone."""
    key_requests: U4
    key_accounts: U4
    key_organizations: U4
    key_young: U4
    """Accounts younger than 14 days when they joined."""
    key_elicited: U4
    """Accounts that elicited through the key."""
    key_repeated: U4
    """Accounts that share the key's surroundings with another account."""


EDGE = layout(Edge)
