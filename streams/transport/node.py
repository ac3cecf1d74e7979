"""What the runtime asks of a node; it knows nothing else about stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from schemas.frame import StageName
from streams.node.records import Cut, SourceRecord


class StageNode(Protocol):
    """One stage on one partition; ``streams.node.Node`` is one."""

    counts: Counter[str]

    @property
    def position(self) -> int:
        """The next offset to offer."""
        ...

    @property
    def complete(self) -> int:
        """Ticks below this are complete here."""
        ...

    @property
    def watermark(self) -> int:
        """Greatest event time seen, ms."""
        ...

    @property
    def lag_ticks(self) -> int:
        """How far the furthest source is ahead of what is folded."""
        ...

    @property
    def urgent(self) -> bool:
        """Whether a barrier should come early."""
        ...

    @property
    def dirty(self) -> bool:
        """Whether a barrier has anything to write."""
        ...

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Take over the live rows of the changelog partition. Raises ``StateError``."""
        ...

    def offer(self, records: Sequence[SourceRecord]) -> None:
        """Fold records at offsets >= ``position``, in order. Raises ``StateError``."""
        ...

    def cut(self) -> Cut:
        """What this barrier writes; afterwards the node is clean."""
        ...


MakeNode = Callable[[StageName, int], StageNode]
"""(stage, partition) -> an empty node."""
