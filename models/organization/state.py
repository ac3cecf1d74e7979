"""The state of an organisation: a struct, because there are thousands of them and not millions.

Its row is the struct in MessagePack, with the version in front. Dicts keep the order in which the
records came, which is the same however they were cut into batches.
"""

from __future__ import annotations

import math

from dataclasses import dataclass, field

import msgspec

from msgspec import Struct

from models.alerting import Episode
from models.drift import (
    Detector,
    HinkleyState,
    PageHinkleySetting,
    export_page_hinkley,
    page_hinkley,
)
from models.evidence import BETS
from schemas.errors import StateError
from schemas.request import CATEGORIES


VERSION = 1
BITMAP_BITS = 1024
"""Linear counting is within 10 % up to 5,000 distinct things."""
HINKLEY = PageHinkleySetting()

SHARE, COVERAGE, GRADING, SPREAD = range(4)
"""The signals with a baseline: collecting, categories, grading, and how prompt lengths differ."""
SIGNALS = 4
DETECTED = (SHARE, COVERAGE)
"""Those with a detector."""


class Member(Struct, array_like=True):
    """An account whose evidence is among the organisation's largest."""

    evidence: float
    """nats"""
    time: int
    """Of its last window, ms."""


class Window(Struct, array_like=True):
    """The open window."""

    opened: int = -1
    """ms; -1 = none is open"""
    parts: int = 0
    """Account windows."""
    requests: int = 0
    graded: int = 0
    categories: dict[int, int] = msgspec.field(default_factory=dict)
    """How many account windows had which bits of categories."""
    size: int = 0
    size_square: int = 0
    """Over the account windows: bits that their mean prompt length takes, and its square."""
    accounts: dict[int, tuple[int, int]] = msgspec.field(default_factory=dict)
    """Hash of the account: its requests, and how many of them collect."""


def _bitmap() -> bytearray:
    return bytearray(BITMAP_BITS // 8)


class Epoch(Struct, array_like=True):
    """What was seen in one week."""

    number: int = -1
    accounts: bytearray = msgspec.field(default_factory=_bitmap)
    networks: bytearray = msgspec.field(default_factory=_bitmap)
    windows: int = 0
    """Account windows."""
    categories: list[int] = msgspec.field(default_factory=lambda: [0] * len(CATEGORIES))
    """In how many of them each category occurred."""
    credentials: dict[int, bytearray] = msgspec.field(default_factory=dict)
    """Networks of each API key, in the order of last use."""


class OrganizationState(Struct, array_like=True):
    """Everything that is kept of an organisation."""

    first_seen: int
    window: Window = msgspec.field(default_factory=Window)
    members: dict[int, Member] = msgspec.field(default_factory=dict)
    """By hash of the account; only those whose evidence stands."""
    now: Epoch = msgspec.field(default_factory=Epoch)
    before: Epoch = msgspec.field(default_factory=Epoch)
    closed: int = 0
    """Windows so far."""
    evidence: list[float] = msgspec.field(default_factory=lambda: [0.0] * BETS)
    means: list[float] = msgspec.field(default_factory=lambda: [0.0] * SIGNALS)
    squares: list[float] = msgspec.field(default_factory=lambda: [0.0] * SIGNALS)
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * SIGNALS)
    """Baselines."""
    hinkley: list[HinkleyState | None] = msgspec.field(
        default_factory=lambda: [None] * len(DETECTED)
    )
    scores: list[int] = msgspec.field(default_factory=list)
    """Last z-scores of the share, in fifteenths."""
    risen: int = -1
    """Since when evidence stands, ms; -1 = it does not."""
    explanation: int = 0
    pending: int = 0
    streak: int = 0
    """How many windows in a row spoke for ``pending``."""
    episode: Episode | None = None


@dataclass(slots=True)
class Organization:
    """The state, with its River detectors as objects."""

    name: str
    state: OrganizationState
    detectors: list[Detector] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.detectors = [page_hinkley(HINKLEY, kept) for kept in self.state.hinkley]

    def pack(self) -> bytes:
        """The state row."""
        self.state.hinkley = [export_page_hinkley(detector) for detector in self.detectors]
        return bytes([VERSION]) + msgspec.msgpack.encode(self.state)


def unpack(name: str, payload: bytes) -> Organization:
    """An organisation from its row. Raises ``StateError`` if it is none, or of another version."""
    if payload[:1] != bytes([VERSION]):
        raise StateError("an organisation row of another version")
    try:
        state = msgspec.msgpack.decode(payload[1:], type=OrganizationState)
    except msgspec.MsgspecError as error:
        raise StateError(f"an organisation row that cannot be read: {error}") from error
    if not all(map(math.isfinite, (*state.evidence, *state.means, *state.squares))):
        raise StateError("an organisation row with a number that is not finite")
    return Organization(name, state)
