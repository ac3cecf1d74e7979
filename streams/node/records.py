"""What goes into a node and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


Headers = Sequence[tuple[str, bytes]]


class SourceRecord(Protocol):
    """A Kafka record as a node reads it; aiokafka's ``ConsumerRecord`` is one."""

    @property
    def offset(self) -> int:
        """Position in its partition."""

    @property
    def key(self) -> bytes | None:
        """As it lies on the topic."""

    @property
    def value(self) -> bytes | None:
        """As it lies on the topic."""

    @property
    def headers(self) -> Headers:
        """Name and value."""

    @property
    def timestamp(self) -> int:
        """When it was appended, ms since the epoch."""


class Record(NamedTuple):
    """A record that did not come from Kafka: a line of a file, or a frame in replay."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    """When it was appended, ms since the epoch."""


class Output(NamedTuple):
    """A record to be written."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes
    headers: Headers = ()


class Cut(NamedTuple):
    """Everything one barrier writes, in one transaction."""

    outputs: list[Output]
    rows: list[tuple[bytes, bytes | None]]
    """State rows for the changelog partition, the progress row last; ``None`` deletes."""
    next_offset: int
    """Where a restart begins to read."""
