"""The packed records of the links stage."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


CONTEXTS = 4
"""Surroundings kept of one member: of its 1st, 2nd, 4th and 8th request through the key."""
CONTEXT_SPACE = 65_536
"""Contexts are 2 bytes, so that large keys have chance repetitions to be discounted."""


class KeyState(IntEnum):
    """What a shared key is allowed to do."""

    WATCHED = 0
    """Counted, but it links nobody."""
    RETIRED = 1
    """Too common, for as long as it is in use; its members are no longer known."""
    LINKING = 2
    """Its members are edges of the campaign graph."""


FIRST_SENDER = np.dtype(
    [
        ("key", "<u8"),  # as looked up, that is with the kind mixed in
        ("account", "<u4"),
        ("second", "<u4"),  # of event time
        ("context", "<u2"),
        ("elicitation", "<u2"),
    ]
)

SHARED_KEY = np.dtype(
    [
        ("key", "<u8"),  # as looked up; 0 = unused record
        ("first", "<u4"),  # second of event time
        ("day", "<u4"),  # of last use
        ("requests", "<u4"),
        ("accounts", "<u4"),
        ("organizations", "<u4"),
        ("young", "<u4"),
        ("elicited", "<u4"),
        ("repeated", "<u4"),
        ("contexts", "<u4"),  # recorded over all members
        ("newest", "<i4"),  # member that joined last, -1 = none
        ("kind", "u1"),
        ("state", "u1"),
        ("unused", "<u2"),
    ]
)

MEMBER = np.dtype(
    [
        ("requests", "<u4"),  # through the key; 0 = unused record
        ("shared", "<i4"),  # record number of the key
        ("account", "<i4"),
        ("older", "<i4"),  # member of the same key that joined before, -1 = none
        ("day", "<u4"),  # of last use
        ("contexts", "<u2", (CONTEXTS,)),
        ("elicited", "u1"),
        ("repeated", "u1"),
        ("unused", "<u2"),
    ]
)

ACCOUNT = np.dtype(
    [
        ("organization", "<u8"),  # hash; 0 = unused record
        ("created", "<i8"),  # ms, 0 = not known
        ("day", "<u4"),  # last seen
        ("requests", "<u4"),  # this and the following as of the last edge-worthy observation
        ("elicited", "<u4"),
        ("graded", "<u4"),
        ("foreign", "<u4"),
        ("sentences", "<u4"),
    ]
)
COUNTERS = ("requests", "elicited", "graded", "foreign", "sentences")
"""The fields that an account record has in common with an observation."""
