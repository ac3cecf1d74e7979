from __future__ import annotations

import math
import re

import msgspec
import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.alerting import (
    EPISODE,
    SEVERITIES,
    Episode,
    Policy,
    Report,
    Subject,
    advance,
    close,
    close_reason,
    due,
    episode_id,
    pack,
    unpack,
)
from models.eventtime import DAY_MS, HOUR_MS, parse_time
from schemas.alert import Alert, Kind, Severity, State


START = parse_time("2026-11-24T00:00:00Z")
POLICY = Policy(open_at=16.0)
SUBJECT = Subject(Kind.ACCOUNT, "acct_1", "org_1")


def report(
    score: float, at: int = START, severity: Severity = Severity.MEDIUM, members: int = 0
) -> Report:
    return Report(
        time=at,
        score=score,
        severity=severity,
        summary="what happened",
        first_seen=at - HOUR_MS,
        last_seen=at,
        members=[f"acct_{n}" for n in range(members)],
    )


def opened(score: float = 20.0, severity: Severity = Severity.MEDIUM, members: int = 0) -> Episode:
    episode, alert = advance(None, SUBJECT, report(score, START, severity, members), POLICY)
    assert episode is not None
    assert alert is not None
    return episode


def test_ids_follow_the_contract_and_are_the_same_for_the_same_episode() -> None:
    name = episode_id(Kind.ACCOUNT, "acct_1", START)
    assert re.fullmatch("alrt_[a-z2-7]{26}", name)
    assert name == episode_id(Kind.ACCOUNT, "acct_1", START)


@given(st.text(), st.text(), st.integers(0, 10**13), st.integers(0, 10**13))
def test_different_episodes_have_different_ids(one: str, two: str, start: int, later: int) -> None:
    triples = {(kind, subject, at) for kind in Kind for subject in (one, two, f"{later}:{one}")
               for at in (start, later)}  # fmt: skip
    assert len({episode_id(*triple) for triple in triples}) == len(triples)


def test_an_episode_opens_only_at_the_threshold() -> None:
    assert advance(None, SUBJECT, report(15.99), POLICY) == (None, None)
    episode, alert = advance(None, SUBJECT, report(16.0), POLICY)
    assert episode is not None
    assert alert is not None
    assert alert.state is State.OPENED
    assert (alert.revision, alert.account_id, alert.organization_id) == (1, "acct_1", "org_1")
    assert alert.subject == "acct_1"


def test_small_changes_cause_no_revision_and_growth_of_score_severity_or_size_does() -> None:
    episode = opened(20.0, members=10)
    assert advance(episode, SUBJECT, report(29.9, members=19), POLICY)[1] is None
    for grown in (
        report(30.0),
        report(16.0, severity=Severity.HIGH),
        report(16.0, members=20),
    ):
        after, alert = advance(episode, SUBJECT, grown, POLICY)
        assert after is not None
        assert alert is not None
        assert (alert.state, alert.revision, after.revision) == (State.UPDATED, 2, 2)


@given(
    st.lists(
        st.tuples(st.floats(0, 40), st.sampled_from(SEVERITIES), st.integers(0, 30_000)),
        max_size=300,
    )
)
def test_revisions_are_bounded_and_severity_and_peak_never_fall(
    news: list[tuple[float, Severity, int]],
) -> None:
    episode: Episode | None = opened(16.0, Severity.INFO, members=1)
    revisions = 0
    for step, (score, severity, size) in enumerate(news):
        before = episode
        assert before is not None
        members = report(score, START + step, severity, members=size)
        episode, alert = advance(before, SUBJECT, members, POLICY)
        assert episode is not None
        assert episode.severity >= before.severity
        assert episode.peak >= before.peak
        revisions += alert is not None
    # log1.5(40 / 16) + log2(30000) + four steps of severity
    assert revisions <= 3 + 15 + 4


def test_an_episode_closes_after_a_day_without_activity() -> None:
    episode = opened()
    assert due(episode, POLICY) == START + DAY_MS
    assert close_reason(episode) == "inactive"
    alive, _ = advance(episode, SUBJECT, report(20.0, START + HOUR_MS), POLICY)
    assert alive is not None
    assert due(alive, POLICY) == START + HOUR_MS + DAY_MS


def test_an_episode_closes_after_a_day_below_half_of_the_threshold_despite_activity() -> None:
    episode: Episode | None = opened()
    for hour in range(1, 24):
        episode, _ = advance(episode, SUBJECT, report(7.9, START + hour * HOUR_MS), POLICY)
    assert episode is not None
    assert due(episode, POLICY) == START + HOUR_MS + DAY_MS
    assert close_reason(episode) == "quiet"
    back, _ = advance(episode, SUBJECT, report(8.0, START + DAY_MS), POLICY)
    assert back is not None
    assert due(back, POLICY) == START + 2 * DAY_MS, "half the threshold is not quiet"


def test_closing_is_the_last_revision_and_names_its_reason_or_the_elder() -> None:
    episode = opened(members=3)
    last = report(1.0, START + DAY_MS, members=3)
    alert = close(episode, SUBJECT, last, "merged", merged_into=episode_id(Kind.CAMPAIGN, "c", 1))
    assert (alert.state, alert.revision, alert.close_reason) == (State.CLOSED, 2, "merged")
    assert alert.merged_into == episode_id(Kind.CAMPAIGN, "c", 1)
    assert alert.members == ["acct_0", "acct_1", "acct_2"]
    assert msgspec.json.decode(msgspec.json.encode(alert), type=Alert) == alert


def test_all_revisions_of_an_episode_carry_one_id() -> None:
    episode = opened()
    _, updated = advance(episode, SUBJECT, report(31.0, START + 5), POLICY)
    closed = close(episode, SUBJECT, report(1.0, START + DAY_MS), "inactive")
    assert updated is not None
    assert updated.id == closed.id == episode_id(Kind.ACCOUNT, "acct_1", START)


@given(
    st.integers(0, 2**50),
    st.integers(-1, 2**50),
    st.floats(0, 100),
    st.integers(0, 2**32 - 1),
    st.integers(1, 2**32 - 1),
    st.integers(0, 4),
)
def test_an_episode_survives_its_state_row(
    time: int, quiet: int, peak: float, size: int, revision: int, severity: int
) -> None:
    episode = Episode(time, time, time + 1, quiet, peak, size, revision, severity)
    row = np.frombuffer(pack(episode).tobytes(), EPISODE)[0]
    assert unpack(row) == episode


def test_a_zeroed_row_is_no_episode() -> None:
    assert unpack(np.zeros(1, EPISODE)[0]) is None


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        advance(None, SUBJECT, report(score), POLICY)


def test_an_organization_and_a_campaign_are_named_in_their_own_fields() -> None:
    policy = Policy(open_at=1.0)
    _, organization = advance(None, Subject(Kind.ORGANIZATION, "org_7"), report(2.0), policy)
    _, campaign = advance(None, Subject(Kind.CAMPAIGN, "hash"), report(2.0, members=2), policy)
    assert organization is not None
    assert campaign is not None
    assert organization.subject == "org_7"
    assert campaign.subject == campaign.id
    assert campaign.account_id is msgspec.UNSET
