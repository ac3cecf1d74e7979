"""Cutting a batch where something changes for all accounts, or is asked about one.

Results do not depend on where batches end, so a batch may as well end there: behind a record that
switches the reference, and in front of a provider's action, which needs the account's facts then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np

from models.account.batch import RecordKind, RequestBatch


_PER_SENTENCE = ("sentences", "contexts")
_COLUMNS = tuple(field.name for field in fields(RequestBatch) if field.name not in _PER_SENTENCE)


def pieces(batch: RequestBatch) -> Iterator[RequestBatch]:
    """The batch in pieces that are not empty; usually it is one."""
    kind = batch.kind
    if not ((kind == RecordKind.REFERENCE) | (kind == RecordKind.ENFORCEMENT)).any():
        yield batch
        return
    switches = np.flatnonzero(kind == RecordKind.REFERENCE) + 1
    # A run of actions needs one cut only: they change nobody's facts.
    acts = kind[1:] == RecordKind.ENFORCEMENT
    actions = np.flatnonzero(acts & (kind[:-1] != RecordKind.ENFORCEMENT)) + 1
    cuts = np.unique(np.concatenate([[0], switches, actions, [len(batch)]])).tolist()
    sentences = np.concatenate([[0], np.cumsum(batch.sentence_count)])
    for start, stop in pairwise(cuts):
        columns: dict[str, Any] = {name: getattr(batch, name)[start:stop] for name in _COLUMNS}
        for name in _PER_SENTENCE:
            columns[name] = getattr(batch, name)[sentences[start] : sentences[stop]]
        yield RequestBatch(**columns)
