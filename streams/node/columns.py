"""Decoded records into the columns of a batch.

One comprehension per field (13 ns an event) and a memo for strings that recur: calling a Python
function per event and field would cost three times the whole.
"""

from __future__ import annotations

import struct

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xxhash

from msgspec import UNSET
from numpy.typing import NDArray

from models.account.batch import Identity, RecordKind, RequestBatch
from schemas.control import Control, Enforcement, Heartbeat, ModelReleased, ReferenceActivated
from schemas.edge import ACTIONS
from schemas.request import CATEGORIES, ELICITATIONS, PLANS, Elicitation
from streams.node.decode import Decoded, WireEvent


MAX_SENTENCES = 16
KEY_BYTES = 8
CONTEXT_BYTES = 2
MEMO_ENTRIES = 1 << 16
"""A memo is emptied at this size, about 10 MB; a flood of new values costs what no memo would."""
FAILED_STATUS = 400

_ELICITATION_BIT = {name: 1 << bit for bit, name in enumerate(ELICITATIONS)}
_CATEGORY = {name: number for number, name in enumerate(CATEGORIES)}
_PLAN = {UNSET: len(PLANS)} | {name: number for number, name in enumerate(PLANS)}
_KIND: dict[type[Any], int] = {
    WireEvent: RecordKind.REQUEST,
    Heartbeat: RecordKind.HEARTBEAT,
    ModelReleased: RecordKind.RELEASE,
    ReferenceActivated: RecordKind.REFERENCE,
    Enforcement: RecordKind.ENFORCEMENT,
}
_BLANK = WireEvent(
    id="",
    time="",
    account_id="",
    organization_id="",
    request_model="",
    input_tokens=0,
    output_tokens=0,
)
"""Stands for a control record in the request columns."""


_memo: dict[Any, int] = {}
"""xxh3-64 of strings that recur."""


@dataclass(frozen=True, slots=True)
class Content:
    """The packed fingerprint fields of a batch; names as in :class:`RequestBatch`."""

    sentence_count: NDArray[np.int64]
    sentences: NDArray[np.uint64]
    contexts: NDArray[np.uint16]
    chain: NDArray[np.uint64]
    chain_prev: NDArray[np.uint64]


def requests_of(events: Sequence[Decoded]) -> list[WireEvent]:
    """The requests among n records, n of them: a blank one stands for each control record."""
    return [event if type(event) is WireEvent else _BLANK for event in events]


def content_columns(requests: Sequence[WireEvent]) -> Content | None:
    """Unpack the fingerprint fields, or ``None`` if those of any record do not unpack."""
    unpack = partial(a2b_base64, strict_mode=True)
    try:
        sentences = [unpack(r.content_sentences) for r in requests]
        contexts = [unpack(r.content_context) for r in requests]
        chain = _hex([r.content_chain for r in requests])
        previous = _hex([r.content_chain_prev for r in requests])
    except (Base64Error, ValueError):
        return None
    sizes = np.fromiter(map(len, sentences), np.int64, len(sentences))
    counts = sizes // KEY_BYTES
    whole = counts * KEY_BYTES == sizes
    paired = counts * CONTEXT_BYTES == np.fromiter(map(len, contexts), np.int64, len(contexts))
    if not (whole & paired & (counts <= MAX_SENTENCES)).all():
        return None
    return Content(
        counts,
        np.frombuffer(b"".join(sentences), "<u8"),
        np.frombuffer(b"".join(contexts), "<u2"),
        chain,
        previous,
    )


def columns(
    events: Sequence[Decoded],
    requests: Sequence[WireEvent],
    content: Content,
    time: NDArray[np.int64],
    watermark: NDArray[np.int64],
) -> RequestBatch:
    """N decoded records as columns; times int64[n] in ms."""
    kind = np.fromiter(map(_KIND.__getitem__, map(type, events)), np.uint8, len(events))
    controls = [(i, events[i]) for i in np.flatnonzero(kind != RecordKind.REQUEST).tolist()]
    account, identity = [r.account_id for r in requests], _identities(requests)
    code, subject = np.zeros(len(events), np.uint8), np.zeros(len(events), np.uint64)
    for i, control in controls:
        account[i], identity[i] = getattr(control, "account_id", ""), None
        code[i], subject[i] = _code(control), _subject(control)
    return RequestBatch(
        kind=kind,
        time=time,
        watermark=watermark,
        account=account,
        identity=identity,
        event=[r.id for r in requests],
        event_hash=np.array([_hash(r.id) for r in requests], np.uint64),
        input_tokens=np.array([r.input_tokens for r in requests], np.int64),
        output_tokens=np.array([r.output_tokens for r in requests], np.int64),
        refused=np.array([r.refused for r in requests], np.bool_),
        failed=_failed(requests),
        elicitation=np.array([_bits(r.content_elicitation) for r in requests], np.uint16),
        category=np.array([_CATEGORY[r.content_category] for r in requests], np.uint8),
        depth=np.array([r.content_depth for r in requests], np.int64),
        foreign=np.array([r.reasoning_reference == "other_account" for r in requests], np.bool_),
        payment=_hashes([r.payment_hash for r in requests]),
        network=_hashes([r.client_network_hash for r in requests]),
        client=_hashes([r.client_hash for r in requests]),
        credential=_hashes([r.api_key_id for r in requests]),
        chain=content.chain,
        chain_prev=content.chain_prev,
        sentence_count=content.sentence_count,
        sentences=content.sentences,
        contexts=content.contexts,
        code=code,
        subject=subject,
    )


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _hashes(values: list[Any]) -> NDArray[np.uint64]:
    """Hashes of strings that recur, 0 for an absent one."""
    found = list(map(_memo.get, values))
    if None in found:
        if len(_memo) > MEMO_ENTRIES:
            _memo.clear()
        for value in values:
            if value not in _memo:
                _memo[value] = 0 if value is UNSET else _hash(value)
        found = list(map(_memo.get, values))
    return np.array(found, np.uint64)


def _hex(values: Sequence[Any]) -> NDArray[np.uint64]:
    """Hexadecimal numbers, 0 where absent. Raises ``ValueError``."""
    return np.array([0 if text is UNSET else int(text, 16) for text in values], np.uint64)


def _identities(requests: Sequence[WireEvent]) -> list[Identity | None]:
    created = ["" if r.account_created is UNSET else r.account_created for r in requests]
    plans = [_PLAN[r.account_plan] for r in requests]
    return list(zip([r.organization_id for r in requests], created, plans, strict=True))


def _bits(names: Sequence[Elicitation]) -> int:
    if not names:
        return 0
    bits = 0
    for name in names:
        bits |= _ELICITATION_BIT[name]
    return bits


def _failed(requests: Sequence[WireEvent]) -> NDArray[np.bool_]:
    errors = np.array([r.error_type is not UNSET for r in requests], np.bool_)
    statuses = [0 if r.status_code is UNSET else r.status_code for r in requests]
    return errors | (np.array(statuses, np.int64) >= FAILED_STATUS)


def _code(control: Control | WireEvent) -> int:
    return ACTIONS.index(control.action) if isinstance(control, Enforcement) else 0


def _subject(control: Control | WireEvent) -> int:
    """Model hash of a release; first eight bytes of the hash that names a reference."""
    if isinstance(control, ModelReleased):
        return _hash(control.model)
    if isinstance(control, ReferenceActivated):
        return int(struct.unpack("<Q", bytes.fromhex(control.hash[:16]))[0])
    return 0
