"""What the account stage is handed: decoded records of one source partition, as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from numpy.typing import NDArray


class RecordKind(IntEnum):
    """What one record of the request topic is."""

    REQUEST = 0
    HEARTBEAT = 1
    RELEASE = 2
    REFERENCE = 3
    ENFORCEMENT = 4


Identity = tuple[str, str, int]
"""``organization.id``, ``account.created`` as on the wire ("" when absent), plan index (5 =
absent)."""


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """n records in log order; bad records are already gone.

    A key that is absent is 0 in the uint64 columns. Columns that make no sense for a control record
    are 0, "" or ``None`` there.
    """

    kind: NDArray[np.uint8]
    """[n] RecordKind"""
    time: NDArray[np.int64]
    """[n] effective time, ms: event time, moved up to the first open tick when it came late"""
    watermark: NDArray[np.int64]
    """[n] greatest event time of the partition up to and including this record, ms; never falls"""
    account: Sequence[str]
    """[n] account.id; "" for broadcast control records"""
    identity: Sequence[Identity | None]
    """[n] None for control records"""
    event: Sequence[str]
    """[n] the request's id"""
    event_hash: NDArray[np.uint64]
    """[n] xxh3-64 of the id"""
    input_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]
    refused: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    """[n] HTTP status 400 or above, or an error type"""
    elicitation: NDArray[np.uint16]
    """[n] bits of ELICITATIONS"""
    category: NDArray[np.uint8]
    """[n] index into CATEGORIES"""
    depth: NDArray[np.int64]
    foreign: NDArray[np.bool_]
    """[n] presents another account's reasoning reference"""
    payment: NDArray[np.uint64]
    network: NDArray[np.uint64]
    client: NDArray[np.uint64]
    credential: NDArray[np.uint64]
    """[n] xxh3-64 of the field; 0 = absent"""
    chain: NDArray[np.uint64]
    chain_prev: NDArray[np.uint64]
    """[n] conversation chain; 0 = absent"""
    sentence_count: NDArray[np.int64]
    """[n] how many entries of ``sentences`` belong to the record, 0..16"""
    sentences: NDArray[np.uint64]
    """[sum of sentence_count] keyed sentence hashes, record after record"""
    contexts: NDArray[np.uint16]
    """[sum of sentence_count] hash of the surroundings of each sentence"""
    code: NDArray[np.uint8]
    """[n] enforcement: index into ACTIONS"""
    subject: NDArray[np.uint64]
    """[n] release: xxh3-64 of the model; reference: the first 8 bytes of its hash, little-endian;
    else 0"""

    def __len__(self) -> int:
        return len(self.kind)
