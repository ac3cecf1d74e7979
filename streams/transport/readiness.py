"""Ready: every assigned partition is recovered and its records flow. Or else the process ends."""

from __future__ import annotations

import threading

from streams.log import get_logger
from streams.supervisor import report_ready
from streams.transport import failure


log = get_logger(__name__)


class Readiness:
    """A deadline that runs while the worker is not ready.

    In a thread: a worker whose event loop hangs must end too.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline_s = deadline_s
        self._timer: threading.Timer | None = None

    def wait(self) -> None:
        """The worker starts, or got other partitions: the deadline begins anew."""
        self.cancel()
        self._timer = threading.Timer(
            self._deadline_s, failure.die, [f"not ready within {self._deadline_s:g} s"]
        )
        self._timer.daemon = True
        self._timer.start()

    def reached(self) -> None:
        """The worker is ready; the first call after :meth:`wait` tells the supervisor."""
        if self._timer is not None:
            self.cancel()
            report_ready()
            log.info("ready")

    def cancel(self) -> None:
        """The worker stops: there is nothing to wait for."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
