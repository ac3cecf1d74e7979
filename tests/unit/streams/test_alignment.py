"""Read-ahead and heartbeats: bounded, and never at a standstill."""

from __future__ import annotations

import msgspec
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.eventtime import parse_time
from schemas.control import Control, Heartbeat
from schemas.errors import StateError
from schemas.frame import FRAME_VERSION, AccountFacts, Frame
from streams.alignment import Alignment, read_head
from streams.heartbeat import Heart, Pulse, encode_heartbeat


AHEAD = 20

progress = st.dictionaries(st.integers(0, 7), st.integers(0, 200), min_size=1)


def alignment(seen: dict[int, int]) -> Alignment:
    known = Alignment(AHEAD)
    for partition, complete in seen.items():
        known.observe(partition, complete, complete * 1000)
    return known


@given(seen=progress, own=progress)
def test_slowest_known_partition_is_never_held(seen: dict[int, int], own: dict[int, int]) -> None:
    # What others see of ours is what it was: never more than it is.
    seen = {p: min(c, own.get(p, c)) for p, c in seen.items()}
    held = alignment(seen).held(own)
    slowest = min((seen | own).values())
    assert not {p for p in held if own[p] == slowest}
    assert all(own[p] > slowest + AHEAD for p in held)


@given(complete=st.dictionaries(st.integers(0, 7), st.integers(0, 200), min_size=2))
def test_workers_that_restart_at_once_do_not_hold_each_other_for_ever(
    complete: dict[int, int],
) -> None:
    partitions = sorted(complete)
    mine = {p: complete[p] for p in partitions[::2]}
    theirs = {p: complete[p] for p in partitions[1::2]}
    held = alignment({}).held(mine) | alignment({}).held(theirs)
    assert held != set(partitions), "somebody goes on, and so becomes known"


def test_partition_far_ahead_is_held_until_the_slowest_has_come_near() -> None:
    own = {0: 100, 1: 79}
    assert alignment({}).held(own) == {0}
    assert alignment({}).held(own | {1: 80}) == set()


def test_partition_of_another_worker_holds_ours() -> None:
    assert alignment({3: 10}).held({0: 31}) == {0}
    assert alignment({3: 11}).held({0: 31}) == set()


def test_our_own_progress_counts_before_the_tail_has_seen_it() -> None:
    assert alignment({0: 10}).held({0: 50, 1: 60}) == set()


def test_old_frames_do_not_turn_progress_back() -> None:
    known = alignment({0: 10})
    known.observe(0, 7, 7000)
    assert known.seen[0].complete == 10
    assert known.greatest_ms == 10_000


def test_head_of_a_frame_is_read_without_its_rows() -> None:
    facts = AccountFacts("account", "organisation")
    frame = Frame(FRAME_VERSION, "account", 3, 17, 40, 42_000, [facts], b"x" * 64)
    head = read_head(msgspec.msgpack.encode(frame))
    assert (head.stage, head.partition, head.sequence) == ("account", 3, 17)
    assert (head.complete, head.watermark) == (40, 42_000)


@pytest.mark.parametrize("value", [b"", b"\xc1", msgspec.msgpack.encode([99, "links", 0, 0, 0, 0])])
def test_frame_that_cannot_be_read_is_a_state_error(value: bytes) -> None:
    with pytest.raises(StateError):
        read_head(value)


def idle(watermark: int) -> Pulse:
    return Pulse(quiet_s=5.0, caught_up=True, watermark=watermark)


def busy(watermark: int) -> Pulse:
    return Pulse(quiet_s=0.1, caught_up=False, watermark=watermark)


def beat(
    heart: Heart, own: dict[int, Pulse], *, greatest_ms: int = 0, others_quiet_s: float = 0.0
) -> dict[int, int]:
    return heart.beat(own, greatest_ms=greatest_ms, others_quiet_s=others_quiet_s, now_ms=1_000_000)


def test_idle_partition_gets_the_greatest_event_time_of_all() -> None:
    own = {0: idle(5_000), 1: busy(7_000)}
    assert beat(Heart(1.0, "wall"), own, greatest_ms=9_000) == {0: 9_000}
    assert beat(Heart(1.0, "wall"), own, greatest_ms=6_000) == {0: 7_000}


def test_partition_with_records_waiting_is_not_idle() -> None:
    waiting = Pulse(quiet_s=5.0, caught_up=False, watermark=5_000)
    assert beat(Heart(1.0, "wall"), {0: waiting}, greatest_ms=9_000) == {}


def test_same_time_is_not_sent_twice() -> None:
    heart = Heart(1.0, "off")
    assert beat(heart, {0: idle(5_000)}, greatest_ms=9_000) == {0: 9_000}
    assert beat(heart, {0: idle(5_000)}, greatest_ms=9_000) == {}, "it is on its way"
    assert beat(heart, {0: idle(9_000)}, greatest_ms=9_000) == {}
    assert beat(heart, {0: idle(9_000)}, greatest_ms=9_001) == {0: 9_001}


def test_wall_clock_takes_over_only_when_all_partitions_everywhere_are_idle() -> None:
    own = {0: idle(5_000), 1: idle(6_000)}
    wall = Heart(1.0, "wall")
    assert beat(wall, own, greatest_ms=9_000, others_quiet_s=0.5) == {0: 9_000, 1: 9_000}
    assert beat(wall, own, greatest_ms=9_000, others_quiet_s=2.0) == {0: 999_000, 1: 999_000}


@given(
    own=st.dictionaries(st.integers(0, 3), st.builds(idle, st.integers(0, 10_000)), min_size=1),
    greatest_ms=st.integers(0, 10_000),
    others_quiet_s=st.floats(0, 10),
)
def test_without_a_clock_event_time_never_passes_the_greatest_one_seen(
    own: dict[int, Pulse], greatest_ms: int, others_quiet_s: float
) -> None:
    seen = max(greatest_ms, *(pulse.watermark for pulse in own.values()), 0)
    heart = Heart(1.0, "off")
    beats = beat(heart, own, greatest_ms=greatest_ms, others_quiet_s=others_quiet_s)
    assert all(time_ms <= seen for time_ms in beats.values())


def test_nothing_is_sent_before_any_event_was_seen() -> None:
    assert beat(Heart(1.0, "wall"), {0: idle(0)}, others_quiet_s=99.0) == {}


def test_heartbeat_is_a_control_record_of_the_request_topic() -> None:
    control = msgspec.json.decode(encode_heartbeat(1_767_225_600_123), type=Control)
    assert isinstance(control, Heartbeat)
    assert parse_time(control.time) == 1_767_225_600_123
