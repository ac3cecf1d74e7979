"""Frames in, ordered batches out: nothing lost, nothing twice, in an order timing cannot change."""

from __future__ import annotations

from itertools import chain

import msgspec
import numpy as np
import pytest

from hypothesis import given
from hypothesis import strategies as st

from models.stage import Deployment, Emission
from schemas.errors import StateError
from schemas.frame import AccountFacts
from schemas.topics import WINDOWS, Partitions
from schemas.window import WINDOW
from streams.node.channel import ChannelInlet
from streams.node.outlet import Outlet
from streams.node.progress import Progress, SourceProgress
from streams.node.records import Output, Record


SOURCES = 3
DEPLOYMENT = Deployment(Partitions(requests=SOURCES, windows=1), tick_ms=100, lateness_ms=0)

# One barrier of one source: how far its tick moves, and the offsets (ms) of its rows within it.
BARRIERS = st.lists(
    st.tuples(st.integers(0, 3), st.lists(st.integers(0, 399), max_size=4)), min_size=1, max_size=5
)


def _emission(times: list[int], source: int) -> Emission:
    rows = np.zeros(len(times), WINDOW)
    rows["time"] = times
    rows["requests"] = np.arange(len(times)) + 1
    facts = [AccountFacts(f"account-{source}-{i}", "org") for i in range(len(times))]
    return Emission(facts, np.arange(len(times), dtype=np.int32), rows)


def _frames(source: int, barriers: list[tuple[int, list[int]]]) -> list[bytes]:
    """The frames a source would write: rows never below the tick that is already complete."""
    outlet, complete, values = Outlet("account", source, DEPLOYMENT), 0, []
    for advance, offsets in barriers:
        times = [complete * DEPLOYMENT.tick_ms + offset for offset in offsets]
        emission = _emission(times, source)
        outlet._emitted[WINDOWS].append(emission)
        complete += advance
        values += [o.value for o in outlet.cut(complete, 0) if o.topic == WINDOWS]
    return values


def _interleave(data: st.DataObject, channels: list[list[bytes]]) -> list[Record]:
    """One log: channels stay in order, their interleaving and the holes between offsets vary."""
    queues = [list(channel) for channel in channels]
    log, offset = [], 0
    while any(queues):
        queue = data.draw(st.sampled_from([q for q in queues if q]))
        offset += data.draw(st.integers(1, 3))
        log.append(Record(offset, None, queue.pop(0), (), 0))
    return log


def _read(inlet: ChannelInlet, log: list[Record], cuts: list[int]) -> list[tuple[int, str]]:
    seen = []
    for start, stop in zip([0, *cuts], [*cuts, len(log)], strict=True):
        batch = inlet.offer(log[start:stop])
        if batch is not None:
            names = [batch.accounts[i].account_id for i in batch.account.tolist()]
            seen += list(zip(batch.rows["time"].tolist(), names, strict=True))
    return seen


@given(st.data(), st.lists(BARRIERS, min_size=SOURCES, max_size=SOURCES))
def test_order_depends_neither_on_interleaving_nor_on_cuts(
    data: st.DataObject, barriers: list[list[tuple[int, list[int]]]]
) -> None:
    channels = [_frames(source, b) for source, b in enumerate(barriers)]
    plain = ChannelInlet(WINDOWS, DEPLOYMENT)
    in_turn = [Record(i, None, v, (), 0) for i, v in enumerate(chain.from_iterable(channels))]
    expected = _read(plain, in_turn, [])
    log = _interleave(data, channels)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(log)), max_size=5)))
    other = ChannelInlet(WINDOWS, DEPLOYMENT)
    assert _read(other, log, cuts) == expected
    assert other.complete == plain.complete
    assert [t for t, _ in expected] == sorted(t for t, _ in expected)


@given(st.data(), st.lists(BARRIERS, min_size=SOURCES, max_size=SOURCES))
def test_a_restart_anywhere_repeats_nothing_and_loses_nothing(
    data: st.DataObject, barriers: list[list[tuple[int, list[int]]]]
) -> None:
    log = _interleave(data, [_frames(source, b) for source, b in enumerate(barriers)])
    expected = _read(ChannelInlet(WINDOWS, DEPLOYMENT), log, list(range(len(log))))
    crash = data.draw(st.integers(0, len(log)))
    first = ChannelInlet(WINDOWS, DEPLOYMENT)
    seen = _read(first, log[:crash], list(range(crash)))
    second = ChannelInlet(WINDOWS, DEPLOYMENT)
    base = [SourceProgress(s.sequence, s.complete, s.watermark) for s in first.sources]
    second.restore(Progress(first.next_offset, DEPLOYMENT, {}, first.complete, 0, base))
    again = [record for record in log if record.offset >= first.next_offset]
    assert seen + _read(second, again, list(range(len(again)))) == expected


def test_a_missing_frame_is_noticed() -> None:
    frames = _frames(0, [(1, [5]), (1, [6]), (1, [7])])
    inlet = ChannelInlet(WINDOWS, DEPLOYMENT)
    inlet.offer([Record(0, None, frames[0], (), 0)])
    with pytest.raises(StateError, match="frame 2 where 1 belongs"):
        inlet.offer([Record(1, None, frames[2], (), 0)])


@pytest.mark.parametrize("value", [b"", b"\x00", msgspec.msgpack.encode([1, "account", 0])])
def test_a_damaged_frame_is_a_state_error(value: bytes) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        ChannelInlet(WINDOWS, DEPLOYMENT).offer([Record(0, None, value, (), 0)])


def test_a_frame_from_elsewhere_is_a_state_error() -> None:
    foreign = Outlet("links", 0, Deployment(Partitions(requests=SOURCES, links=1)))
    value = foreign.cut(5, 0)[0].value
    with pytest.raises(StateError, match="not upstream"):
        ChannelInlet(WINDOWS, DEPLOYMENT).offer([Record(0, None, value, (), 0)])


def test_every_target_hears_of_a_new_tick_and_of_nothing_else() -> None:
    outlet = Outlet("account", 0, Deployment())
    first: list[Output] = outlet.cut(7, 8000)
    assert len(first) == 8 + 8 + 1
    assert outlet.cut(7, 8000) == []


def test_large_emissions_are_cut_into_numbered_frames() -> None:
    outlet = Outlet("account", 0, DEPLOYMENT)
    outlet._emitted[WINDOWS].append(_emission(list(range(9001)), 0))
    values = [o.value for o in outlet.cut(500, 0) if o.topic == WINDOWS]
    assert len(values) == 3
    inlet = ChannelInlet(WINDOWS, Deployment(Partitions(requests=1, windows=1), 100, 0))
    batch = inlet.offer([Record(i, None, v, (), 0) for i, v in enumerate(values)])
    assert batch is not None
    assert batch.rows["time"].tolist() == list(range(9001))
    assert [batch.accounts[i].account_id for i in batch.account[:3]] == [
        "account-0-0",
        "account-0-1",
        "account-0-2",
    ]
