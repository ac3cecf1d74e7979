"""The progress row: where a partition stands, written in the same transaction as its state."""

from __future__ import annotations

import msgspec

from models.stage import Deployment
from schemas.errors import StateError


class SourceProgress(msgspec.Struct, array_like=True):
    """How far one upstream channel has been read, as of the row's next offset."""

    sequence: int = 0
    complete: int = 0
    watermark: int = 0


class Progress(msgspec.Struct, array_like=True):
    """Next offset, numbering of the outgoing channels, and event-time progress."""

    next_offset: int
    deployment: Deployment
    sequences: dict[str, list[int]]
    """Topic -> next frame number per target partition."""
    complete: int
    """Ticks below this are complete (source stage) or folded (channel stage)."""
    watermark: int
    sources: list[SourceProgress]
    """Channel stages: one per upstream partition, in folding order."""


def encode_progress(progress: Progress) -> bytes:
    """The row's payload."""
    return msgspec.msgpack.encode(progress)


def decode_progress(payload: bytes, deployment: Deployment) -> Progress:
    """Read the row back.

    Raises ``StateError`` when it cannot be read or was written under another deployment: ticks and
    partition counts decide the results, so changing them is a migration, not a restart.
    """
    try:
        progress = msgspec.msgpack.decode(payload, type=Progress)
    except msgspec.DecodeError as error:
        raise StateError("the progress row cannot be read") from error
    if progress.deployment != deployment:
        raise StateError(
            f"the state was written under {progress.deployment}, the settings say {deployment}: "
            "partition counts, tick and lateness are fixed for the life of a deployment"
        )
    return progress
