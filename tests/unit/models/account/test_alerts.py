"""What makes an account's alert open, rise and close, and what must not."""

from __future__ import annotations

import math

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from models.account.batch import RecordKind
from models.account.stage import AccountStage
from models.eventtime import DAY_MS, HOUR_MS, format_time, parse_time
from models.stage import Deployment
from schemas.alert import Alert, Kind, Severity, State
from schemas.request import CATEGORIES, ELICITATIONS
from schemas.topics import WINDOWS
from schemas.window import WINDOW
from tests.unit.models.account.traffic import START, Record, World, batch_of, requests, run
from tests.unit.models.benign_windows import shipped


def stage() -> AccountStage:
    return AccountStage(Deployment(), shipped())


def alerts_of(records: Sequence[Record], folded: AccountStage | None = None) -> list[Alert]:
    folded = folded or stage()
    return folded.fold(batch_of(sorted(records, key=lambda record: record.time))).alerts


def heartbeat(time: int) -> Record:
    return Record(time, RecordKind.HEARTBEAT, identity=None)


def collecting(count: int, start: int = START) -> list[Record]:
    """Every request elicits reasoning, and is answered."""
    return requests(count, 1000, start, elicitation=1, category=1)


def probing(count: int, techniques: int, step_ms: int = 1000) -> list[Record]:
    """Every request elicits and is refused; techniques take turns."""
    return [
        replace(record, elicitation=1 << (n % techniques), refused=True)
        for n, record in enumerate(requests(count, step_ms))
    ]


def test_steady_collecting_opens_a_ticket_that_does_not_page() -> None:
    alerts = alerts_of(collecting(3200))
    assert [alert.state for alert in alerts[:1]] == [State.OPENED]
    assert {alert.kind for alert in alerts} == {Kind.ACCOUNT}
    assert {alert.severity for alert in alerts} == {Severity.MEDIUM}
    assert not any(alert.severity.pages for alert in alerts)
    assert alerts[0].account_id == "acct_0"
    assert alerts[0].organization_id == "org_0"
    assert parse_time(alerts[0].first_seen) < parse_time(alerts[0].time)
    collected = next(e for e in alerts[0].evidence if e.signal == "collecting")
    assert collected.value == 1.0
    assert collected.weight >= stage().policy().open_at


def test_a_probing_phase_pages_and_raises_the_severity_of_an_open_ticket() -> None:
    opened = alerts_of(probing(640, techniques=6))
    assert opened[0].severity is Severity.HIGH
    assert opened[0].severity.pages
    ticket = stage()
    first = alerts_of(collecting(3200), ticket)
    # Both rules stand now, and the account still has one episode.
    second = alerts_of(
        [replace(r, time=r.time + HOUR_MS, event=f"p{r.event}") for r in probing(640, 6)], ticket
    )
    assert first[0].severity is Severity.MEDIUM
    assert second[0].state is State.UPDATED
    assert second[0].severity is Severity.HIGH
    assert second[0].id == first[0].id


def test_refusals_with_few_techniques_do_not_page() -> None:
    alerts = alerts_of(probing(3200, techniques=3))
    assert not any(alert.severity.pages for alert in alerts)


def test_techniques_count_only_within_a_day() -> None:
    # Eight techniques, one every twelve hours: never four in 24 hours.
    records = [
        replace(record, elicitation=1 << (n // 64 % 8), refused=True)
        for n, record in enumerate(requests(64 * 16, 12 * HOUR_MS // 64))
    ]
    assert not any(alert.severity.pages for alert in alerts_of(records))


def test_an_episode_closes_a_day_after_the_last_window_at_that_very_time() -> None:
    folded = stage()
    opened = alerts_of(collecting(3200), folded)
    last = START + 3199 * 1000
    early = alerts_of([heartbeat(last + DAY_MS - 1)], folded)
    assert early == []
    (closed,) = alerts_of([heartbeat(last + 3 * DAY_MS)], folded)
    assert (closed.state, closed.close_reason) == (State.CLOSED, "inactive")
    assert closed.id == opened[0].id
    assert closed.time == format_time(last + DAY_MS)
    assert closed.revision == opened[-1].revision + 1
    assert not [key for key in folded.snapshot() if key.startswith(b"e")]


def test_an_episode_closes_when_the_account_has_behaved_for_a_day() -> None:
    folded = stage()
    alerts_of(collecting(3200), folded)
    later = START + HOUR_MS
    calm = requests(30_000, 6 * HOUR_MS // 1000, later, category=12)
    closed = [alert for alert in alerts_of(calm, folded) if alert.state is State.CLOSED]
    assert [alert.close_reason for alert in closed] == ["quiet"]


def test_a_second_phase_after_closing_is_a_new_episode() -> None:
    folded = stage()
    first = alerts_of(collecting(3200), folded)
    second = alerts_of(collecting(3200, START + 3 * DAY_MS), folded)
    assert [alert.state for alert in second[:2]] == [State.CLOSED, State.OPENED]
    assert second[0].id == first[0].id
    assert second[1].id != first[0].id


def test_drift_alone_never_alerts() -> None:
    calm = requests(32 * 20, 1000, category=12)
    wide = [
        replace(record, category=n % len(CATEGORIES))
        for n, record in enumerate(requests(32 * 40, 1000, START + 32 * 20 * 1000))
        if CATEGORIES[n % len(CATEGORIES)] not in {"grading", "task_generation"}
    ]
    seen = run(stage(), [*calm, *wide], [])
    rows = np.concatenate([np.frombuffer(row, WINDOW) for _, row in seen.records[WINDOWS]])
    assert (rows["drift"] & 1).any(), "coverage must drift, or nothing is shown"
    assert (rows["drift"] & 2).any(), "the likelihood ratio must drift, too"
    assert seen.alerts == []


def test_adwin_is_asked_once_evidence_has_risen() -> None:
    calm = requests(32 * 40, 1000, category=12)
    switch = [
        replace(record, category=1 + n % 5, elicitation=1)
        for n, record in enumerate(requests(32 * 40, 1000, START + 32 * 40 * 1000))
    ]
    seen = run(stage(), [*calm, *switch], [])
    rows = np.concatenate([np.frombuffer(row, WINDOW) for _, row in seen.records[WINDOWS]])
    assert (rows["drift"] & 4).any()
    assert not (rows["drift"][:40] & 4).any()


@pytest.mark.parametrize("seed", range(3))
def test_benign_traffic_raises_nothing(seed: int) -> None:
    world = World(seed, 20_000, 40, gap_ms=500, jump=0.001, hostile=0.0)
    benign = [replace(r, refused=False, foreign=False) for r in world.records()]
    assert run(stage(), benign, list(range(1000, len(benign), 1000))).alerts == []


def test_summaries_carry_evidence_and_rarity_that_rise_with_the_probing() -> None:
    calm = run(stage(), requests(320, 1000, category=12), []).records[WINDOWS]
    hostile = run(stage(), probing(320, techniques=8), []).records[WINDOWS]
    last = [np.frombuffer(rows[-1][1], WINDOW)[0] for rows in (calm, hostile)]
    assert last[0]["evidence"] < 2 < last[1]["evidence"]
    assert last[0]["rarity"] < last[1]["rarity"]
    assert last[1]["rarity"] >= math.log(1000)


def test_an_alert_tells_nothing_but_numbers_names_and_our_own_words() -> None:
    assert len(ELICITATIONS) == 8
    (alert, *_) = alerts_of(probing(640, techniques=6))
    assert "techniques in 24 hours" in alert.summary
    assert {evidence.signal for evidence in alert.evidence} <= {
        "collecting",
        "probing",
        "rarity",
        "drift",
    }
