"""Logs: one line per event on stderr, as JSON or for a console, never the content of a record."""

from __future__ import annotations

import logging
import sys

from typing import Literal

import structlog

from structlog.typing import EventDict, Processor, WrappedLogger


LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]

FORBIDDEN = frozenset({"body", "key", "messages", "payload", "record", "records", "rows", "value"})
"""Field names under which the content of a record could slip into a log line."""
NOISY = (
    "faust",
    "mode",
    "aiokafka",
    "asyncio",
    "streams.transport.feed",
    "streams.transport.thread",
)
"""Libraries whose debug lines quote keys and values of records, and our subclasses for which Faust
speaks: below a warning they are silent."""


def configure(log_format: LogFormat = "json", level: LogLevel = "info") -> None:
    """Send every log line of this process, also those of libraries, to stderr in one format."""
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        drop_payloads,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module; fields are bound to it or given with each line."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def drop_payloads(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Remove fields that could hold what a record says, and say that they were removed."""
    for name in FORBIDDEN & event.keys():
        event[name] = "(not logged)"
    return event


def flush() -> None:
    """Write out what handlers hold back: the last words before a hard exit."""
    for handler in logging.getLogger().handlers:
        handler.flush()
    sys.stderr.flush()


def _renderers(log_format: LogFormat) -> list[Processor]:
    if log_format == "console":
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # The pretty ones print local variables, and those hold records.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
