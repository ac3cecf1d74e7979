"""Link observations: which things an account used that others could share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.account.batch import RequestBatch
from models.account.layout import CLIENT, NETWORK, PAYMENT
from models.account.measures import Measures
from models.account.windows import Requests, Slots
from models.stage import Emission, Records
from schemas.frame import AccountFacts
from schemas.link import LINK, LinkKind


CHAIN_DEPTH = 2
"""User turns from which a conversation is no greeting; hand-offs at depth 1 are noise."""


@dataclass(frozen=True, slots=True)
class Followed:
    """Payment, network, client and credential, as the accounts gave them; 0 = not given yet."""

    running: NDArray[np.uint64]
    """[4, k] the last one given, as of each request"""
    before: NDArray[np.uint64]
    """[4, m] the accounts' before the batch"""
    sent: NDArray[np.bool_]
    """[4, k] whether the request gives another than the last, or gives one first in its window"""


def follow(batch: RequestBatch, requests: Requests, slots: Slots, work: Records) -> Followed:
    """Follow what the accounts give; ``work["last"]`` moves on."""
    given = np.stack([batch.payment, batch.network, batch.client, batch.credential])
    given = given[:, requests.index]
    count = given.shape[1]
    position = np.where(given != 0, np.arange(count), -1)
    latest = np.maximum.accumulate(position, axis=1)
    start = requests.start[requests.local]
    held = work["last"].T.copy()
    before = held[:, requests.local]
    current = np.where(latest >= start, np.take_along_axis(given, latest, axis=1), before)
    previous = np.empty_like(current)
    previous[:, 1:] = current[:, :-1]
    given_any = requests.stop > requests.start
    first = requests.start[given_any]
    previous[:, first] = before[:, first]
    opens = np.zeros(count, bool)
    opens[slots.start[(slots.stop > slots.start) & ~slots.carried]] = True
    work["last"][given_any] = current[:, requests.stop[given_any] - 1].T
    return Followed(current, held, (given != 0) & (opens | (given != previous)))


def observe(
    batch: RequestBatch,
    requests: Requests,
    measures: Measures,
    sent: NDArray[np.bool_],
    table: Sequence[AccountFacts],
    carrier: NDArray[np.int64],
) -> Emission:
    """The observations of the accepted requests, in log order.

    Of one request: its sentences, its conversation, then payment, network and client where ``sent``
    bool[4, k] (in the order of :class:`Requests`, as is ``carrier``, its entry in ``table``).
    """
    accepted = np.sort(requests.index)
    place = np.argsort(requests.index)
    template = _template(batch, accepted, measures.totals[:, place])
    sentences = batch.sentence_count[accepted]
    depth, chain, earlier = batch.depth[accepted], batch.chain[accepted], batch.chain_prev[accepted]
    extras = [
        (LinkKind.CONVERSATION, chain, (depth >= CHAIN_DEPTH) & (chain != 0)),
        (LinkKind.CONVERSATION, earlier, (depth > CHAIN_DEPTH) & (earlier != 0)),
        (LinkKind.PAYMENT, batch.payment[accepted], sent[PAYMENT][place]),
        (LinkKind.NETWORK, batch.network[accepted], sent[NETWORK][place]),
        (LinkKind.CLIENT, batch.client[accepted], sent[CLIENT][place]),
    ]
    each = sentences + sum(wanted for _, _, wanted in extras)
    rows = np.repeat(template, each)
    is_sentence = np.ones(len(rows), bool)
    free = np.cumsum(each) - each + sentences
    for kind, keys, wanted in extras:
        at = free[wanted]
        rows["kind"][at] = kind
        rows["key"][at] = keys[wanted]
        is_sentence[at] = False
        free = free + wanted
    rows["key"][is_sentence], rows["context"][is_sentence] = _sentences(batch, accepted)
    return Emission(table, np.repeat(carrier[place].astype(np.int32), each), rows)


def _template(
    batch: RequestBatch, accepted: NDArray[np.int64], totals: NDArray[np.int64]
) -> Records:
    """One record a request, complete but for kind, key and context."""
    template = np.zeros(len(accepted), LINK)
    template["time"] = batch.time[accepted]
    template["elicitation"] = batch.elicitation[accepted]
    for name, total in zip(
        ("requests", "elicited", "graded", "foreign", "sentences"), totals, strict=True
    ):
        template[name] = total
    return template


def _sentences(
    batch: RequestBatch, accepted: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint16]]:
    """Keys and contexts of the accepted requests' sentences."""
    if len(accepted) == len(batch):
        return batch.sentences, batch.contexts
    kept = np.zeros(len(batch), bool)
    kept[accepted] = True
    mine = np.repeat(kept, batch.sentence_count)
    return batch.sentences[mine], batch.contexts[mine]
