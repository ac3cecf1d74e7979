"""Control records that go on to the campaign stage: the provider's actions, and model releases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.account.batch import RecordKind, RequestBatch
from models.account.identities import NO_ACCOUNT
from models.stage import Emission
from schemas.edge import EDGE, EdgeKind
from schemas.frame import AccountFacts


_KINDS = {RecordKind.RELEASE: EdgeKind.RELEASE, RecordKind.ENFORCEMENT: EdgeKind.ENFORCEMENT}


def edges(batch: RequestBatch, facts_of: Callable[[str], AccountFacts | None]) -> Emission:
    """Edges of the batch's releases and actions, in log order.

    ``facts_of`` gives what is known of an account; an action on an unknown account is left out, as
    nothing can be linked to it.
    """
    table = [NO_ACCOUNT]
    account, rows = [], []
    chosen = (batch.kind == RecordKind.RELEASE) | (batch.kind == RecordKind.ENFORCEMENT)
    for position in np.flatnonzero(chosen).tolist():
        kind = _KINDS[RecordKind(batch.kind[position])]
        entry = 0
        if kind is EdgeKind.ENFORCEMENT:
            facts = facts_of(batch.account[position])
            if facts is None:
                continue
            entry = len(table)
            table.append(facts)
        row = np.zeros(1, EDGE)
        row["time"], row["kind"] = batch.time[position], kind
        row["code"], row["key"] = batch.code[position], batch.subject[position]
        account.append(entry)
        rows.append(row)
    packed = np.concatenate(rows) if rows else np.empty(0, EDGE)
    return Emission(table, np.array(account, np.int32), packed)
