"""The account stage with River objects in a dict, one event after the other, for both peers."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files

import msgspec
import xxhash

from msgspec import UNSET, UnsetType

from models.account.links import CHAIN_DEPTH
from models.account.windows import WINDOW_MS, WINDOW_REQUESTS
from models.reference.reference import Reference
from schemas.frame import AccountFacts
from schemas.link import LinkKind
from schemas.request import CATEGORIES, ELICITATIONS, PLANS, RequestEvent
from tests.bench.packing import Packed, Packer
from tests.bench.river_account import Account


FLUSH_EVENTS = 2000
"""Events between two flushes: 0.1 s of traffic; frames of 200 kB."""
CODEC = "snappy"
"""The cheapest in aiokafka, 1.2 us an event; its lz4 runs at level 9 and takes 16.6."""
FAILED_STATUS = 400

_BIT = {name: 1 << bit for bit, name in enumerate(ELICITATIONS)}
_CATEGORY = {name: number for number, name in enumerate(CATEGORIES)}
_PLAN = {name: number for number, name in enumerate(PLANS)}
_GRADES = _BIT["rubric_grading"] | _BIT["task_generation"]
_GRADING = frozenset(("grading", "task_generation"))

decode = msgspec.json.Decoder(RequestEvent).decode


class RiverPeer:
    """Folds events and hands out frames."""

    def __init__(self) -> None:
        shipped = files("models.reference").joinpath("default.json").read_bytes()
        reference = Reference.from_bytes(shipped)
        self.accounts: dict[str, Account] = {}
        self._ratio = reference.document.log_likelihood_ratio
        self._coverage_sd = reference.document.coverage_sd
        self._ratio_sd = reference.document.ratio_sd
        self._packer = Packer()
        self._hashes: dict[str, int] = {}

    @property
    def full(self) -> bool:
        """Whether a flush is due."""
        return len(self._packer) >= FLUSH_EVENTS

    def flush(self) -> Iterator[Packed]:
        """Records for the next stages."""
        return self._packer.flush()

    def fold(self, value: bytes) -> None:
        """Take in one record."""
        event = decode(value)
        account = self.accounts.get(event.account_id)
        if account is None:
            account = self.accounts[event.account_id] = Account(_facts(event))
        if account.has_seen(event.id):
            return
        time = _millis(event.time)
        if account.requests and time >= account.opened + WINDOW_MS:
            self._close(account, account.opened + WINDOW_MS)
        opens = account.requests == 0
        if opens:
            account.begin(time)
        flags = self._count(account, event)
        self._observe(account, event, time, flags, opens=opens)
        if account.requests == WINDOW_REQUESTS:
            self._close(account, time)

    def _count(self, account: Account, event: RequestEvent) -> int:
        """Add the request to its window and account; returns its elicitation bits."""
        flags = 0
        for name in event.content_elicitation:
            flags |= _BIT[name]
        category = _CATEGORY[event.content_category]
        account.requests += 1
        account.total_requests += 1
        account.refused += event.refused
        account.failed += event.error_type is not UNSET or (
            event.status_code is not UNSET and event.status_code >= FAILED_STATUS
        )
        if flags:
            account.elicited += 1
            account.total_elicited += 1
            account.techniques |= flags
        if flags & _GRADES or event.content_category in _GRADING:
            account.graded += 1
            account.total_graded += 1
        if event.reasoning_reference == "other_account":
            account.foreign += 1
            account.total_foreign += 1
        account.categories |= 1 << category
        account.ratio += self._ratio[category]
        account.input_tokens += event.input_tokens
        account.output_tokens += event.output_tokens
        return flags

    def _observe(
        self, account: Account, event: RequestEvent, time: int, flags: int, *, opens: bool
    ) -> None:
        packer = self._packer
        keys = a2b_base64(event.content_sentences)
        account.total_sentences += len(keys) // 8
        common = (
            packer.account(account.facts),
            time,
            flags,
            account.total_requests,
            account.total_elicited,
            account.total_graded,
            account.total_foreign,
            account.total_sentences,
        )
        packer.request(common, keys, a2b_base64(event.content_context))
        if event.content_depth >= CHAIN_DEPTH and event.content_chain is not UNSET:
            packer.link(LinkKind.CONVERSATION, int(event.content_chain, 16))
        if event.content_depth > CHAIN_DEPTH and event.content_chain_prev is not UNSET:
            packer.link(LinkKind.CONVERSATION, int(event.content_chain_prev, 16))
        if (payment := event.payment_hash) is not UNSET and (opens or payment != account.payment):
            packer.link(LinkKind.PAYMENT, self._hash(payment))
            account.payment = payment
        network = event.client_network_hash
        if network is not UNSET and (opens or network != account.network):
            packer.link(LinkKind.NETWORK, self._hash(network))
            account.network = network
        if (client := event.client_hash) is not UNSET and (opens or client != account.client):
            packer.link(LinkKind.CLIENT, self._hash(client))
            account.client = client
        if event.api_key_id is not UNSET:
            account.credential = event.api_key_id

    def _close(self, account: Account, time: int) -> None:
        drift = account.drift(self._coverage_sd, self._ratio_sd)
        self._packer.window(
            (
                self._packer.account(account.facts),
                time,
                account.opened,
                account.requests,
                account.refused,
                account.failed,
                account.elicited,
                account.graded,
                account.foreign,
                account.techniques,
                account.categories,
                account.input_tokens,
                account.output_tokens,
                account.total_requests,
                self._hash(account.credential),
                self._hash(account.network),
                0.0,
                0.0,
                drift,
            )
        )
        account.requests = 0

    def _hash(self, value: str | UnsetType) -> int:
        if value is UNSET:
            return 0
        known = self._hashes.get(value)
        if known is None:
            known = self._hashes[value] = xxhash.xxh3_64_intdigest(value.encode())
        return known


def _facts(event: RequestEvent) -> AccountFacts:
    created = 0 if event.account_created is UNSET else _millis(event.account_created)
    plan = len(PLANS) if event.account_plan is UNSET else _PLAN[event.account_plan]
    return AccountFacts(event.account_id, event.organization_id, created, plan)


def _millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
