"""What a run of an engine is told, what it measures, and how it says so."""

from __future__ import annotations

import resource
import sys
import time

import msgspec


class Run(msgspec.Struct, frozen=True):
    """One run: read the request topic from its beginning."""

    bootstrap: str
    events: int
    """How many lie on the topic."""
    limit: int
    """Stop after so many."""
    warmup: int
    """So many of them do not count in an engine that cannot tell when it begins to read."""
    number: int
    """Of the run: a consumer group of its own each time."""


class Measured(msgspec.Struct, frozen=True):
    """CPU time of a process, all its threads, while it took in ``events`` events."""

    events: int
    cpu_s: float
    wall_s: float
    peak_bytes: int

    @property
    def us_per_event(self) -> float:
        """CPU microseconds an event."""
        return 1e6 * self.cpu_s / self.events


def told() -> Run:
    """The run that was passed on the command line."""
    return msgspec.json.decode(sys.argv[1], type=Run)


class Meter:
    """Reads the process's CPU clock when the engine is ready, or warm, and at the end."""

    def __init__(self, run: Run) -> None:
        self._warmup = run.warmup
        self._limit = run.limit
        self._seen = 0
        self._first: tuple[int, float, float] | None = None

    @property
    def done(self) -> bool:
        """Whether the run's last event has been counted."""
        return self._seen >= self._limit

    def begin(self) -> None:
        """Everything from here on counts: connected, and nothing read yet."""
        self._first = (self._seen, time.process_time(), time.monotonic())

    def count(self, events: int) -> None:
        """So many more have been worked on."""
        self._seen += events
        if self._first is None and self._seen >= self._warmup:
            self.begin()

    def report(self) -> None:
        """Print the measurement as the last line of stdout. Call it once all output is sent."""
        if self._first is None:
            raise RuntimeError("the run ended during the warm-up")
        seen, cpu_s, wall_s = self._first
        measured = Measured(
            events=self._seen - seen,
            cpu_s=time.process_time() - cpu_s,
            wall_s=time.monotonic() - wall_s,
            peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT,
        )
        # On a line of its own: Faust has moved the cursor.
        sys.stdout.write("\n" + msgspec.json.encode(measured).decode() + "\n")
        sys.stdout.flush()


_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""getrusage counts in bytes on macOS and in KiB on Linux."""
