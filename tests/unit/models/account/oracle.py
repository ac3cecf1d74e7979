"""The account stage's rules for counting, one record after the other, without arrays."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from models.account.batch import Identity, RecordKind
from models.eventtime import MINUTE_MS, parse_time
from schemas.frame import AccountFacts
from schemas.link import LinkKind
from schemas.request import CATEGORIES
from tests.unit.models.account.traffic import Record


GRADING_FLAGS = 0b0110_0000
GRADING = {CATEGORIES.index("grading"), CATEGORIES.index("task_generation")}


@dataclass
class Account:
    identity: Identity | None = None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=16))
    window: list[Record] = field(default_factory=list)
    total: list[int] = field(default_factory=lambda: [0] * 5)
    last: dict[str, int] = field(default_factory=dict)


@dataclass
class Oracle:
    accounts: dict[str, Account] = field(default_factory=dict)
    watermark: int = 0
    duplicates: int = 0
    links: list[tuple[AccountFacts, int, int, int, int, int, tuple[int, ...]]] = field(
        default_factory=list
    )
    """Facts, time, kind, key, context, elicitation, totals."""
    windows: list[tuple[AccountFacts, dict[str, int]]] = field(default_factory=list)

    def fold(self, records: Sequence[Record]) -> None:
        for record in records:
            self.watermark = max(self.watermark, record.time)
            self._expire()
            if record.kind is RecordKind.REQUEST:
                self._request(record)

    def _expire(self) -> None:
        due = [
            (account.window[0].time + 15 * MINUTE_MS, name)
            for name, account in self.accounts.items()
            if account.window and account.window[0].time + 15 * MINUTE_MS <= self.watermark
        ]
        for deadline, name in sorted(due):
            self._close(name, deadline)

    def _request(self, record: Record) -> None:
        account = self.accounts.setdefault(record.account, Account())
        if record.event in account.recent:
            self.duplicates += 1
            return
        account.recent.append(record.event)
        account.identity = record.identity
        account.window.append(record)
        account.total = [
            old + new
            for old, new in zip(
                account.total,
                (1, elicits(record), grades(record), record.foreign, len(record.sentences)),
                strict=True,
            )
        ]
        for kind, key, context in self._keys(account, record):
            totals = tuple(account.total)
            entry = (facts(account, record.account), record.time, int(kind), key, context)
            self.links.append((*entry, record.elicitation, totals))
        if len(account.window) == 32:
            self._close(record.account, record.time)

    def _keys(self, account: Account, record: Record) -> list[tuple[LinkKind, int, int]]:
        keys = [(LinkKind.SENTENCE, key, context) for key, context in record.sentences]
        if record.depth >= 2 and record.chain:
            keys.append((LinkKind.CONVERSATION, record.chain, 0))
        if record.depth >= 3 and record.chain_prev:
            keys.append((LinkKind.CONVERSATION, record.chain_prev, 0))
        for kind, name in (
            (LinkKind.PAYMENT, "payment"),
            (LinkKind.NETWORK, "network"),
            (LinkKind.CLIENT, "client"),
        ):
            value = getattr(record, name)
            if value and (len(account.window) == 1 or account.last.get(name) != value):
                keys.append((kind, value, 0))
        for name in ("payment", "network", "client", "credential"):
            account.last[name] = getattr(record, name) or account.last.get(name, 0)
        return keys

    def _close(self, name: str, time: int) -> None:
        account = self.accounts[name]
        window, account.window = account.window, []
        techniques = categories = 0
        for record in window:
            techniques |= record.elicitation
            categories |= 1 << record.category
        summary = {
            "time": time,
            "opened": window[0].time,
            "requests": len(window),
            "refused": sum(record.refused for record in window),
            "failed": sum(record.failed for record in window),
            "elicited": sum(map(elicits, window)),
            "graded": sum(map(grades, window)),
            "foreign": sum(record.foreign for record in window),
            "techniques": techniques,
            "categories": categories,
            "input_tokens": sum(record.input_tokens for record in window),
            "output_tokens": sum(record.output_tokens for record in window),
            "total_requests": account.total[0],
            "credential": account.last["credential"],
            "network": account.last["network"],
        }
        self.windows.append((facts(account, name), summary))


def elicits(record: Record) -> bool:
    return record.elicitation != 0


def grades(record: Record) -> bool:
    return bool(record.elicitation & GRADING_FLAGS) or record.category in GRADING


def facts(account: Account, name: str) -> AccountFacts:
    assert account.identity is not None
    organization, created, plan = account.identity
    try:
        millis = parse_time(created)
    except ValueError:
        millis = 0
    return AccountFacts(name, organization, millis, plan)
