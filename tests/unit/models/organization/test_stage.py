from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from hypothesis import given, settings
from hypothesis import strategies as st
from river import drift as river

from models.drift import PageHinkleySetting, export_page_hinkley, page_hinkley
from models.eventtime import DAY_MS, HOUR_MS, MINUTE_MS, format_time
from models.organization.sketches import distinct, mark
from models.organization.state import VERSION, unpack
from models.organization.windows import MEMBERS
from schemas.alert import Alert, Kind, Severity, State
from schemas.edge import EDGE, EdgeKind, Explanation
from schemas.errors import StateError
from tests.unit.models.organization.summaries import (
    START,
    Seen,
    Summary,
    batch_of,
    run,
    stage,
    summary,
    world,
)


def alerts_of(seen: Seen) -> list[Alert]:
    return [msgspec.json.decode(line, type=Alert) for line in seen.alerts]


def explanations_of(seen: Seen) -> list[tuple[str, Explanation]]:
    rows = [(facts.organization_id, np.frombuffer(row, EDGE)[0]) for facts, row in seen.edges]
    assert all(row["kind"] == EdgeKind.EXPLANATION for _, row in rows)
    return [(name, Explanation(int(row["code"]))) for name, row in rows]


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.integers(1, 250),
    st.sampled_from([1, 2, 9]),
    st.sampled_from([1000, 600_000]),
    st.lists(st.floats(0, 1.2), max_size=12),
)
def test_effects_and_state_are_the_same_for_any_cut(
    seed: int, count: int, organizations: int, gap_ms: int, cuts: list[float]
) -> None:
    summaries = list(world(seed, count, organizations, gap_ms))
    span = summaries[-1].time - START
    # All runs end at the same time, cut or not.
    end = START + int(1.3 * span) + 2
    one, many, singly = stage(), stage(), stage()
    whole = run(one, summaries, [end])
    pieces = run(many, summaries, [START + int(cut * span) for cut in cuts] + [end])
    singles = run(singly, summaries, [*sorted({each.time for each in summaries}), end])
    assert whole == pieces == singles
    assert one.snapshot() == many.snapshot() == singly.snapshot() == whole.changed


def test_a_long_run_is_the_same_across_a_restart() -> None:
    summaries = list(world(5, 4000, 6, 300_000))
    middle, end = summaries[2000].time, summaries[-1].time + 3 * DAY_MS
    one, before, after = stage(), stage(), stage()
    whole = run(one, summaries, [end])
    first = run(before, [each for each in summaries if each.time < middle], [middle])
    # The run ends one millisecond past the last cut, so nothing falls due in between.
    after.restore(first.changed.items())
    assert after.snapshot() == before.snapshot()
    second = run(after, [each for each in summaries if each.time >= middle], [end])
    assert first.alerts + second.alerts == whole.alerts
    assert first.edges + second.edges == whole.edges
    assert after.snapshot() == one.snapshot()
    states = {alert.state for alert in alerts_of(whole)}
    assert states == {State.OPENED, State.UPDATED, State.CLOSED}


def many_collectors(accounts: int, windows: int, elicited: int) -> list[Summary]:
    return [summary(START + n * MINUTE_MS, n % accounts, elicited=elicited) for n in range(windows)]


def test_many_accounts_that_collect_open_a_ticket_and_no_page() -> None:
    alerts = alerts_of(run(stage(), many_collectors(20, 4000, elicited=28), []))
    assert alerts[0].state is State.OPENED
    assert alerts[0].kind is Kind.ORGANIZATION
    assert alerts[0].organization_id == "org_0"
    assert {alert.severity for alert in alerts} == {Severity.MEDIUM}


@pytest.mark.parametrize("accounts", [1, 2])
def test_one_or_two_accounts_do_not_make_their_organization_suspicious(accounts: int) -> None:
    summaries = many_collectors(accounts, 3000, elicited=14)
    assert run(stage(), summaries, []).alerts == []


def test_evidence_of_one_member_alone_is_capped_and_that_of_several_is_not() -> None:
    threshold = stage().policy.open_at

    def with_evidence(hostile: int) -> list[Summary]:
        return [
            summary(START + n * MINUTE_MS, n % 8, evidence=38.0 if n % 8 < hostile else 0.0)
            for n in range(400)
        ]

    assert run(stage(), with_evidence(1), []).alerts == []
    alerts = alerts_of(run(stage(), with_evidence(8), []))
    assert alerts[0].score >= threshold
    assert next(e.value for e in alerts[0].evidence if e.signal == "members") == 8


def test_a_member_that_stays_away_for_a_week_no_longer_counts() -> None:
    folded = stage()
    run(folded, [summary(START + n, n % 8, evidence=38.0) for n in range(64)], [])
    assert len(unpack("org_0", folded.snapshot()[b"oorg_0"]).state.members) == 8
    later = START + 8 * DAY_MS
    run(folded, [summary(later + n, 99, evidence=0.0) for n in range(8)], [])
    assert unpack("org_0", folded.snapshot()[b"oorg_0"]).state.members == {}


def test_the_number_of_members_kept_is_bounded_and_the_strongest_stay() -> None:
    folded = stage()
    summaries = [
        summary(START + n, n, evidence=10.0 + n % 20, requests=1) for n in range(3 * MEMBERS)
    ]
    run(folded, summaries, [])
    members = unpack("org_0", folded.snapshot()[b"oorg_0"]).state.members
    assert len(members) == MEMBERS
    assert min(member.evidence for member in members.values()) >= 20


def test_an_api_key_on_many_networks_is_a_low_ticket() -> None:
    summaries = [
        summary(START + n * MINUTE_MS, n % 5, credential=7, network=1 + n % 60) for n in range(400)
    ]
    alerts = alerts_of(run(stage(), summaries, []))
    assert {alert.severity for alert in alerts} == {Severity.LOW}
    assert "API key" in alerts[0].summary
    few = [summary(each.time, 0, credential=7, network=1 + n % 12)
           for n, each in enumerate(summaries)]  # fmt: skip
    assert run(stage(), few, []).alerts == []


def test_a_window_closes_at_256_requests_or_after_six_hours() -> None:
    folded = stage()
    run(folded, [summary(START + n, requests=32) for n in range(9)], [])
    state = unpack("org_0", folded.snapshot()[b"oorg_0"]).state
    assert (state.closed, state.window.requests) == (1, 32)
    folded = stage()
    run(folded, [summary(START, requests=32)], [START + 6 * HOUR_MS])
    # The run goes one past the cut, which lets the deadline itself pass.
    assert unpack("org_0", folded.snapshot()[b"oorg_0"]).state.closed == 1
    folded = stage()
    run(folded, [summary(START, requests=32)], [START + 6 * HOUR_MS - 1])
    assert unpack("org_0", folded.snapshot()[b"oorg_0"]).state.closed == 0


def test_an_episode_closes_a_day_after_the_last_window() -> None:
    folded = stage()
    summaries = many_collectors(20, 800, elicited=28)
    run(folded, summaries, [])
    last = summaries[-1].time
    seen = run(folded, [], [last + 3 * DAY_MS])
    (closed,) = alerts_of(seen)
    assert closed.state is State.CLOSED
    # 800 windows of 32 requests fill the last organisation window exactly.
    assert closed.time == format_time(last + DAY_MS)


def test_a_long_lived_grader_explains_itself_as_an_evaluation_harness() -> None:
    summaries = [
        summary(START + n * 2 * HOUR_MS, n % 2, graded=14 + n % 3, elicited=14) for n in range(400)
    ]
    seen = run(stage(), summaries, [])
    assert explanations_of(seen) == [("org_0", Explanation.EVALUATION_HARNESS)]
    young = [each for each in summaries if each.time < START + 13 * DAY_MS]
    assert explanations_of(run(stage(), young, [])) == []


def test_few_accounts_on_very_many_networks_with_broad_use_are_a_reseller() -> None:
    summaries = [
        summary(START + n * MINUTE_MS, n % 3, network=1 + n * 7919, credential=n % 40,
                categories=1 << n % 16 | 1 << n * 7 % 16)
        for n in range(1200)
    ]  # fmt: skip
    assert explanations_of(run(stage(), summaries, []))[0] == ("org_0", Explanation.RESELLER)


def test_many_accounts_of_one_shape_are_one_application() -> None:
    summaries = [
        summary(START + n * MINUTE_MS, n % 60, categories=1 << 13, input_tokens=32 * (900 + n % 7))
        for n in range(800)
    ]
    assert explanations_of(run(stage(), summaries, [])) == [("org_0", Explanation.ONE_APPLICATION)]
    mixed = [
        summary(each.time, n % 60, categories=1 << n % 16, input_tokens=32 << n % 12)
        for n, each in enumerate(summaries)
    ]
    assert explanations_of(run(stage(), mixed, [])) == []


def test_an_explained_organization_is_ticketed_low() -> None:
    quiet = [
        summary(START + n * 2 * HOUR_MS, n % 5, graded=16, elicited=16, evidence=0.0)
        for n in range(400)
    ]
    loud = [
        summary(quiet[-1].time + n * MINUTE_MS, n % 5, graded=20, elicited=32, evidence=39.0)
        for n in range(400)
    ]
    seen = run(stage(), [*quiet, *loud], [])
    assert ("org_0", Explanation.EVALUATION_HARNESS) in explanations_of(seen)
    opened = next(alert for alert in alerts_of(seen) if parse(alert) > quiet[-1].time)
    assert opened.severity is Severity.LOW
    assert "evaluation_harness" in opened.summary


def parse(alert: Alert) -> int:
    return int(np.datetime64(alert.time.rstrip("Z"), "ms").astype(int))


def test_benign_organizations_raise_nothing() -> None:
    summaries = [each for each in world(11, 6000, 8, 60_000) if each.organization[-1] in "0246"]
    few_networks = [
        summary(each.time, 0, each.organization, **(each.fields | {"network": 1, "credential": 1}))
        for each in summaries
    ]
    assert len(few_networks) > 2000
    assert run(stage(), few_networks, []).alerts == []


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
def test_evidence_that_is_not_finite_is_taken_for_none(poison: float) -> None:
    folded = stage()
    run(folded, [summary(START + n, n % 8, evidence=poison) for n in range(64)], [])
    assert unpack("org_0", folded.snapshot()[b"oorg_0"]).state.members == {}


def test_a_window_without_requests_is_refused() -> None:
    with pytest.raises(StateError, match="requests"):
        stage().fold(batch_of([summary(START, requests=0)], START + 1))


@pytest.mark.parametrize(
    "row",
    [
        (b"oorg", b""),
        (b"oorg", bytes([VERSION + 1])),
        (b"oorg", bytes([VERSION]) + b"\xc1"),
        (b"xorg", b""),
    ],
)
def test_a_row_that_cannot_be_right_is_refused(row: tuple[bytes, bytes]) -> None:
    with pytest.raises(StateError):
        stage().restore([row])


@given(st.lists(st.floats(-4, 8), max_size=80), st.integers(0, 80))
def test_a_river_detector_survives_its_export_exactly(scores: list[float], cut: int) -> None:
    setting = PageHinkleySetting(min_instances=4, delta=0.5, threshold=3.0)
    plain, moved = page_hinkley(setting), page_hinkley(setting)
    for position, score in enumerate(scores):
        if position == cut:
            moved = page_hinkley(setting, export_page_hinkley(moved))
        plain.update(score)
        moved.update(score)
        assert export_page_hinkley(plain) == export_page_hinkley(moved)
        assert plain.drift_detected == moved.drift_detected
    assert isinstance(plain, river.PageHinkley)


@pytest.mark.parametrize("count", [0, 1, 10, 100, 1000, 4000])
def test_distinct_things_are_counted_within_a_tenth(count: int) -> None:
    generator = np.random.default_rng(count)
    one, other = bytearray(128), bytearray(128)
    for position, value in enumerate(generator.integers(0, 2**63, count).tolist()):
        mark(one if position % 2 else other, value)
        mark(one, value) if position % 7 == 0 else None
    assert distinct(one, other) == pytest.approx(count, rel=0.15, abs=0.5)


def test_a_full_bitmap_still_gives_a_number() -> None:
    assert distinct(bytearray(b"\xff" * 128)) == pytest.approx(1024 * math.log(1024))
