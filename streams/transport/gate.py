"""Which partitions may speak: shut until recovered, held while too far ahead.

A partition that is shut or held is left out of the set that aiokafka is asked for, so its fetched
records stay buffered there and nothing is lost. Faust's own pause drops them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from faust.types import TP


class Gate:
    """Shut by default: nothing is delivered before somebody knows from where."""

    def __init__(self) -> None:
        self._open: set[TP] = set()
        self._held: frozenset[TP] = frozenset()

    def open(self, tps: Iterable[TP]) -> None:
        """Their state is recovered and their fetch position is set."""
        self._open.update(tps)

    def shut(self, tps: Iterable[TP]) -> None:
        """They are no longer ours, or not ours yet."""
        self._open.difference_update(tps)

    def hold(self, tps: Iterable[TP]) -> None:
        """Exactly these are too far ahead of the others."""
        self._held = frozenset(tps)

    def is_open(self, tp: TP) -> bool:
        """Whether the partition is recovered; held or not."""
        return tp in self._open

    @property
    def opened(self) -> frozenset[TP]:
        """Every recovered partition."""
        return frozenset(self._open)

    def passing(self, tps: Collection[TP]) -> set[TP]:
        """Those of ``tps`` that may be delivered now."""
        return {tp for tp in tps if tp in self._open and tp not in self._held}
