"""Every error probewatch raises on purpose.

ProbewatchError
├── ConfigError                     settings, command line, a topic that does not fit (exit 2)
├── InputError(reason)              one bad record: becomes a dead letter, never stops the process
├── StateError                      a state row or a frame that cannot be right (exit 70)
└── DeliveryError(retryable)        an alert that could not be handed on

Anything else that is raised is a bug or a broken machine and stops the process loudly.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a record of the request topic is not folded in (``dlq.reason``, and a metric label)."""

    EMPTY = "empty"
    """No value at all."""
    TOO_LARGE = "too_large"
    """The value is longer than 1 MiB."""
    CONTENT_TYPE = "unknown_content_type"
    """The ``content-type`` header names something other than JSON."""
    MALFORMED = "malformed_json"
    """Not UTF-8, not JSON, cut off, nested too deeply, or not an object."""
    SCHEMA = "schema"
    """JSON, but a field has the wrong type or lies outside its bounds."""
    MISSING_IDENTITY = "missing_identity"
    """No usable ``id``, ``account.id`` or ``organization.id``."""
    UNKNOWN_TYPE = "unknown_type"
    """A ``type`` that is no control record we know."""
    FROM_FUTURE = "from_future"
    """``time`` lies more than five minutes after the record was appended."""
    TOO_OLD = "too_old"
    """``time`` lies more than seven days behind the partition's watermark."""
    CARRIES_TEXT = "carries_text"
    """A wire event with ``messages`` or ``tools``: text never belongs on the topic."""
    MISPLACED = "misplaced"
    """The record's key is not its ``account.id``, so its partition is not the account's."""


class ProbewatchError(Exception):
    """The root of the tree."""


class ConfigError(ProbewatchError):
    """The settings or the command line cannot be worked with."""


class InputError(ProbewatchError):
    """One record that cannot be folded in.

    ``reason`` is the closed vocabulary for metrics and headers; ``detail`` never quotes the record.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


class StateError(ProbewatchError):
    """A state row or a frame that contradicts the protocol; going on would give wrong results."""


class DeliveryError(ProbewatchError):
    """An alert could not be handed on; ``retryable`` says whether trying again can help."""

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
