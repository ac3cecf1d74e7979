"""What a stage is: plain arithmetic over the ordered records of one partition.

A stage is handed batches and returns what they cause. Its results are a function of the records and
of the :class:`Deployment` alone: not of where the input was cut into batches, of the worker, or of
the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from numpy.typing import NDArray

from schemas.alert import Alert
from schemas.frame import AccountFacts, StageName
from schemas.topics import EDGES, LINKS, WINDOWS, Partitions


Records = NDArray[np.void]
"""A structured array in one of the packed layouts of ``schemas``."""


def concatenate(parts: Sequence[Records]) -> Records:
    """Records of one layout, one part after the other; at least one part.

    numpy's own works out the common type of structured arrays in Python, pair by pair: for the
    small frames of a tick it costs more than the copy.
    """
    return np.frombuffer(b"".join(part.tobytes() for part in parts), parts[0].dtype)


Row = tuple[bytes, bytes | None]
"""A state row: key and payload; ``None`` deletes."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is fixed for the life of a deployment: other values give other results."""

    partitions: Partitions = field(default_factory=Partitions)
    tick_ms: int = 1000
    lateness_ms: int = 2000

    def sources(self, topic: str) -> list[tuple[StageName, int]]:
        """The (stage, partition) pairs that write to ``topic``, in folding order."""
        account = _nodes("account", self.partitions.requests)
        if topic in (WINDOWS, LINKS):
            return account
        if topic == EDGES:
            organization = _nodes("organization", self.partitions.windows)
            return [*account, *organization, *_nodes("links", self.partitions.links)]
        raise ValueError(f"{topic} carries no frames")

    def targets(self, topic: str) -> int:
        """How many partitions ``topic`` has."""
        return {
            WINDOWS: self.partitions.windows,
            LINKS: self.partitions.links,
            EDGES: self.partitions.edges,
        }[topic]


def _nodes(stage: StageName, count: int) -> list[tuple[StageName, int]]:
    return [(stage, partition) for partition in range(count)]


@dataclass(frozen=True, slots=True)
class Emission:
    """Records for the next stage, in the order they were caused.

    ``rows`` n records of the topic's layout (their ``account`` field is filled in by the frame);
    ``account`` int32[n] index into ``accounts``.
    """

    accounts: Sequence[AccountFacts]
    account: NDArray[np.int32]
    rows: Records


@dataclass(slots=True)
class Effects:
    """What one batch caused."""

    alerts: list[Alert] = field(default_factory=list)
    emitted: list[tuple[str, Emission]] = field(default_factory=list)
    """(topic, records) in order."""
    counts: Counter[str] = field(default_factory=Counter)
    """Names from the metric catalogue; not part of the results."""


@dataclass(frozen=True, slots=True)
class ChannelBatch:
    """Records from upstream, sorted by (time, source, position in the channel).

    ``rows`` n records with time < ``upto`` (ms) and not below the previous batch's ``upto``;
    ``account`` int32[n] index into ``accounts``. Every tick below ``upto`` is complete.
    """

    accounts: Sequence[AccountFacts]
    account: NDArray[np.int32]
    rows: Records
    upto: int


class State(Protocol):
    """State rows that a barrier writes and a restart reads."""

    def changed(self) -> Iterator[Row]:
        """Rows changed since the last call, each once."""

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the rows of an earlier life; called once, before anything is folded.

        Raises ``StateError`` for a row that cannot be read.
        """

    def snapshot(self) -> dict[bytes, bytes]:
        """Every live row: equal states give equal bytes."""


class ChannelStage(State, Protocol):
    """A stage that reads frames: organisation, links, campaign."""

    def fold(self, batch: ChannelBatch) -> Effects:
        """Apply the batch to the state and return what it causes.

        Emitted records carry times below ``batch.upto`` and not below the previous one.
        """
