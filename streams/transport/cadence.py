"""When a barrier is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between the begins of two barriers of one partition, usually and when urgent."""

    flush_s: float
    urgent_s: float

    def due(self, since_s: float, *, urgent: bool, behind: Callable[[], bool]) -> bool:
        """Whether a partition with something to write should write it now.

        A partition that is ``behind`` is never in a hurry: while it works off a backlog ticks end
        with every chunk, and a transaction for each would cost more than the stage.
        """
        if since_s >= self.flush_s:
            return True
        return urgent and since_s >= self.urgent_s and not behind()
