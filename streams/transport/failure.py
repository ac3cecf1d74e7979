"""The way out of trouble: stop the process at once, and let the supervisor start it again.

Whatever was not committed is done again from the progress rows, so stopping is always safe and
going on is not: a swallowed error is a record that is skipped.
"""

from __future__ import annotations

import os

from typing import NoReturn

from schemas.errors import ConfigError
from streams import log


EXIT_CONFIG = 2
"""A restart cannot help; the supervisor's backoff keeps it from hurting."""
EXIT_UNAVAILABLE = 69
"""``EX_UNAVAILABLE`` of sysexits.h: no broker."""
EXIT_FAILED = 70
"""``EX_SOFTWARE``: fenced, a barrier failed, broken state, or anything unforeseen."""

_log = log.get_logger(__name__)


def die(reason: str, error: BaseException | None = None) -> NoReturn:
    """Log why, and end the process without running anything else that could write."""
    code = EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FAILED
    _log.critical("worker_stops", reason=reason, error=repr(error), exit_code=code, exc_info=error)
    log.flush()
    os._exit(code)
