"""What the demo has seen: alerts as they arrive, and how they compare with the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from schemas.alert import Alert, Kind, Severity
from streams.demo.worker import Health
from streams.simulate import Label


MAJORITY = 0.5
"""A campaign alert is true if more of its members collect."""


class Board:
    """Takes alert revisions with the time they arrived, in seconds since the worker was started."""

    def __init__(self, labels: Mapping[str, Label]) -> None:
        self.revisions = 0
        self.first_alert_s: float | None = None
        self.first_page_s: float | None = None
        self._labels = labels
        self._episodes: dict[str, Alert] = {}

    def take(self, alert: Alert, arrived_s: float) -> None:
        """One revision; the last one of an alert is what counts."""
        self.revisions += 1
        self._episodes[alert.id] = alert
        if self.first_alert_s is None:
            self.first_alert_s = arrived_s
        if alert.severity.pages and self.first_page_s is None:
            self.first_page_s = arrived_s

    def facts(self, produced: int, health: Health) -> Iterator[tuple[str, str]]:
        """The summary, line by line."""
        cost = f", {health.cpu_s / health.events * 1e6:,.0f} µs an event" if health.events else ""
        yield "events", f"{produced:,} produced, {health.events:,} processed"
        yield "alerts", self._by_severity()
        yield "first alert", _seconds(self.first_alert_s)
        yield "first page", _seconds(self.first_page_s)
        yield "campaign", self._found()
        yield "false pages", f"{len(self.false_pages())}"
        yield "dead letters", f"{health.dead_letters:,}"
        yield "worker's CPU", f"{health.cpu_s:.1f} s{cost}"

    def false_pages(self) -> list[Alert]:
        """Paging alerts about somebody who collects nothing."""
        return [
            alert
            for alert in self._episodes.values()
            if alert.severity.pages and not self._is_true(alert)
        ]

    def found(self) -> set[str]:
        """Collecting accounts that a paging campaign alert names."""
        return {
            member
            for alert in self._episodes.values()
            if alert.kind is Kind.CAMPAIGN and alert.severity.pages
            for member in alert.members
            if self._collects(member)
        }

    def _is_true(self, alert: Alert) -> bool:
        if alert.kind is Kind.CAMPAIGN:
            collecting = sum(map(self._collects, alert.members))
            return collecting > MAJORITY * len(alert.members)
        return any(
            label.campaign and alert.subject in (account, label.organization)
            for account, label in self._labels.items()
        )

    def _collects(self, account: str) -> bool:
        label = self._labels.get(account)
        return label is not None and label.campaign

    def _by_severity(self) -> str:
        counts = Counter(alert.severity for alert in self._episodes.values())
        listed = [
            f"{counts[severity]} {severity.value}" for severity in Severity if counts[severity]
        ]
        return f"{', '.join(listed) or 'none'} ({self.revisions} revisions)"

    def _found(self) -> str:
        collecting = sum(label.campaign for label in self._labels.values())
        return f"{len(self.found())} of its {collecting} accounts named by a page"


def _seconds(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f} s after the start of the worker"
