from __future__ import annotations

from io import StringIO
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from schemas.alert import Alert, Evidence, Kind, Severity, State
from streams.terminal import alert_block, duration, facts_table, printable


def _shown(what: RenderableType, width: int = 160) -> str:
    out = StringIO()
    Console(file=out, width=width, force_terminal=False).print(what)
    return out.getvalue()


def _alert(**fields: Any) -> Alert:
    defaults: dict[str, Any] = {
        "id": "alrt_" + "a" * 26,
        "revision": 1,
        "state": State.OPENED,
        "time": "2026-03-02T06:12:00.000Z",
        "kind": Kind.CAMPAIGN,
        "severity": Severity.HIGH,
        "score": 31.0,
        "summary": "61 young accounts of 61 organisations rotate four wordings.",
        "first_seen": "2026-03-02T00:00:00.000Z",
        "last_seen": "2026-03-02T06:00:00.000Z",
        "members": [f"acct_{number}" for number in range(61)],
        "evidence": [
            Evidence(
                family="relational",
                signal="payment",
                value=12.0,
                expected=1.5,
                weight=8.1,
                note="cards",
            )
        ],
    }
    return Alert(**(defaults | fields))


def test_campaign_is_told_with_age_members_and_reasons() -> None:
    text = _shown(alert_block(_alert()))
    for part in (
        "HIGH PAGE",
        "campaign of 61 accounts opened",
        "6 h 12 min after the first sign",
        "61 young accounts of 61 organisations",
        "acct_0, acct_1, acct_2 and 58 more",
        "relational: payment",
        "12 (expected 1.5)",
        "+8.1",
        "cards",
    ):
        assert part in text


def test_account_is_told_by_its_id() -> None:
    alert = _alert(kind=Kind.ACCOUNT, severity=Severity.MEDIUM, account_id="acct_9", members=[])
    text = _shown(alert_block(alert))
    assert "MEDIUM  account acct_9 opened" in text
    assert "PAGE" not in text


def test_closing_says_why_and_pages_nobody() -> None:
    text = _shown(alert_block(_alert(state=State.CLOSED, revision=4, close_reason="quiet")))
    assert "closed (quiet)" in text
    assert "PAGE" not in text
    assert "payment" not in text


def test_update_says_its_revision() -> None:
    assert "updated, revision 3" in _shown(alert_block(_alert(state=State.UPDATED, revision=3)))


def test_strongest_evidence_comes_first_and_the_list_is_short() -> None:
    evidence = [
        Evidence(family="content", signal=f"signal-{number}", value=1.0, weight=float(number))
        for number in range(10)
    ]
    text = _shown(alert_block(_alert(evidence=evidence)))
    assert text.index("signal-9") < text.index("signal-4")
    assert "signal-3" not in text


@pytest.mark.parametrize("field", ["summary", "members", "account"])
def test_nothing_from_outside_is_acted_on_by_the_terminal(field: str) -> None:
    evil = "[bold]\x1b[2J\x07x[/bold]"
    alert = {
        "summary": _alert(summary=evil),
        "members": _alert(members=[evil]),
        "account": _alert(kind=Kind.ACCOUNT, account_id=evil, members=[]),
    }[field]
    text = _shown(alert_block(alert))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]?[2J?x[/bold]" in text


@given(st.text())
def test_printable_text_is_one_printable_line_of_the_same_length(text: str) -> None:
    shown = printable(text)
    assert shown == "" or shown.isprintable()
    assert len(shown) == len(text)


@given(st.integers(0, 10**12))
def test_duration_has_at_most_two_units_and_none_is_zero(millis: int) -> None:
    parts = duration(millis).split(" ")
    assert len(parts) in (2, 4)
    assert duration(millis) == "0 s" or "0" not in parts[::2]


def test_facts_are_named() -> None:
    assert "events  12" in _shown(facts_table([("events", "12"), ("longer name", "x")])).replace(
        "events       ", "events  "
    )
