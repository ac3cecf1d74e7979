"""When a barrier is due."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


PATIENCE = 5
"""Flush intervals that a partition with a backlog may wait to fill a barrier."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """Seconds between the begins of two barriers of one partition, usually and when urgent."""

    flush_s: float
    urgent_s: float

    def due(self, since_s: float, *, urgent: bool, full: bool, behind: Callable[[], bool]) -> bool:
        """Whether a partition with something to write should write it now.

        A partition that is ``behind`` is never in a hurry. A barrier costs some 10 ms of CPU
        whatever is in it: at 300 events each that is 30 us an event, more than the stage itself.
        So a backlog is worked off in barriers that are ``full``.
        """
        if since_s >= self.flush_s * PATIENCE:
            return True
        if since_s >= self.flush_s:
            return full or not behind()
        return urgent and since_s >= self.urgent_s and not behind()
