from __future__ import annotations

from typing import Any

from schemas.alert import Alert, Kind, Severity, State
from tests.worlds.score import score


TRUTH: dict[str, Any] = {
    "campaign": {
        "accounts": {"a1": 2, "a2": 2},
        "organizations": ["o1", "o2"],
        "times": [1000, 2000, 3000, 4000],
    }
}
OPENED = "1970-01-01T00:00:02.500Z"


def _alert(**fields: Any) -> Alert:
    defaults: dict[str, Any] = {
        "id": "alrt_" + "a" * 26,
        "revision": 1,
        "state": State.OPENED,
        "time": OPENED,
        "kind": Kind.CAMPAIGN,
        "severity": Severity.HIGH,
        "score": 9.0,
        "summary": "",
        "first_seen": OPENED,
        "last_seen": OPENED,
        "members": ["a1", "a2", "other"],
    }
    return Alert(**(defaults | fields))


def test_campaign_page_counts_from_its_first_paging_revision() -> None:
    quiet = _alert(severity=Severity.LOW, time="1970-01-01T00:00:01.000Z")
    found = score(TRUTH, [quiet, _alert(revision=2)])
    assert found.paged_after == 0.5
    assert (found.recall, round(found.precision, 2)) == (1.0, 0.67)
    assert found.false_pages == ()


def test_page_about_a_benign_group_or_account_is_false() -> None:
    group = _alert(members=["a1", "b1", "b2"])
    account = _alert(
        id="alrt_" + "b" * 26, kind=Kind.ACCOUNT, members=[], account_id="b1", organization_id="p1"
    )
    assert score(TRUTH, [group, account]).false_pages == (group.id, account.id)


def test_account_page_within_the_campaign_is_neither_false_nor_the_campaign_page() -> None:
    found = score(TRUTH, [_alert(kind=Kind.ACCOUNT, members=[], account_id="a1")])
    assert found.false_pages == ()
    assert found.paged_after is None


def test_alerts_that_wake_nobody_are_no_pages() -> None:
    quiet = _alert(severity=Severity.MEDIUM, members=["b1"])
    assert score(TRUTH, [quiet]).false_pages == ()
