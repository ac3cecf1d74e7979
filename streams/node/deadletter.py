"""What becomes of a bad record: a dead letter that names the reason and never carries text."""

from __future__ import annotations

from hashlib import blake2b

from schemas.errors import InputError, Reason
from schemas.topics import DEAD_LETTERS, REQUESTS
from streams.node.decode import is_free_of_text
from streams.node.records import Output, SourceRecord


JUDGED_BY_PLACE = (Reason.FROM_FUTURE, Reason.TOO_OLD, Reason.MISPLACED)
"""Reasons that find nothing wrong with the fields themselves."""


class DeadLetters:
    """Makes dead letters for one source partition.

    The value is kept only if every field of it is valid and known, for then it holds no text;
    otherwise position, length and a keyed digest remain, and the record is re-read from its source.
    """

    def __init__(self, partition: int, digest_key: bytes) -> None:
        self.partition = partition
        self._digest_key = digest_key[:64]  # blake2b takes keys of up to 64 bytes

    def letter(self, record: SourceRecord, error: InputError) -> Output:
        """The dead letter for one record, original headers first."""
        value = record.value or b""
        headers = [
            *record.headers,
            ("dlq.reason", error.reason.value.encode()),
            ("dlq.detail", error.detail.encode()),
            ("dlq.length", str(len(value)).encode()),
            (
                "dlq.digest",
                blake2b(value, digest_size=16, key=self._digest_key).hexdigest().encode(),
            ),
            # Kafka Streams' names (KIP-1034), so that existing tools find the position.
            ("__streams.errors.topic", REQUESTS.encode()),
            ("__streams.errors.partition", str(self.partition).encode()),
            ("__streams.errors.offset", str(record.offset).encode()),
        ]
        kept = value if error.reason in JUDGED_BY_PLACE and is_free_of_text(value) else b""
        return Output(DEAD_LETTERS, self.partition, record.key, kept, headers)
