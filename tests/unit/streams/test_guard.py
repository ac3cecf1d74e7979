"""The guard, the gate and the commit floor: what keeps delivery complete, in order and honest."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.transport.gate import Gate
from streams.transport.guard import Chunk, Guard, Rewind
from streams.transport.inflight import InFlight


A, B = TP("topic", 0), TP("topic", 1)


@dataclass
class Record:
    offset: int


@dataclass
class Message:
    offset: int
    acked: bool = False


def records(*offsets: int) -> list[Record]:
    return [Record(offset) for offset in offsets]


def offsets(admitted: Chunk | Rewind | None) -> list[int]:
    assert isinstance(admitted, Chunk)
    return [record.offset for record in admitted.records]


@given(
    holes=st.lists(st.integers(0, 3), min_size=1, max_size=40),
    fetches=st.lists(st.tuples(st.integers(0, 39), st.integers(1, 10)), max_size=60),
    size=st.integers(1, 7),
)
def test_every_record_is_delivered_once_and_in_order_whatever_is_fetched(
    holes: list[int], fetches: list[tuple[int, int]], size: int
) -> None:
    log = [i + sum(holes[: i + 1]) for i in range(len(holes))]
    guard = Guard()
    guard.begin(A, 0)
    delivered: list[int] = []
    for first, count in [*fetches, (0, len(log))]:
        fetched = log[first : first + count]
        admitted = guard.admit(A, records(*fetched), holes=False) if fetched else None
        if isinstance(admitted, Rewind):
            fetched = [offset for offset in log if offset >= admitted.offset][:count]
            admitted = guard.admit(A, records(*fetched), holes=False)
        if isinstance(admitted, Chunk):
            for chunk in guard.split(A, admitted, size):
                assert len(chunk.records) <= size
                delivered += [record.offset for record in chunk.records]
    assert delivered == log


def test_jump_is_fetched_again_once_and_then_believed() -> None:
    guard = Guard()
    guard.begin(A, 10)
    assert guard.admit(A, records(14, 15), holes=False) == Rewind(10)
    again = guard.admit(A, records(14, 15), holes=False)
    assert offsets(again) == [14, 15]
    assert isinstance(again, Chunk)
    assert again.start == 10, "the node can tell that nothing was lost on the way"


def test_jump_on_a_transactional_topic_is_a_marker() -> None:
    guard = Guard()
    guard.begin(A, 10)
    assert offsets(guard.admit(A, records(12), holes=True)) == [12]


def test_records_delivered_before_are_dropped() -> None:
    guard = Guard()
    guard.begin(A, 5)
    assert guard.admit(A, records(3, 4), holes=False) is None
    assert offsets(guard.admit(A, records(4, 5, 6), holes=False)) == [5, 6]


def test_only_chunks_that_were_taken_count_as_delivered() -> None:
    guard = Guard()
    guard.begin(A, 0)
    admitted = guard.admit(A, records(0, 1, 2, 3), holes=False)
    assert isinstance(admitted, Chunk)
    first = next(guard.split(A, admitted, 2))  # then the flow stops
    assert (first.start, guard.position(A)) == (0, 2)


def test_chunks_of_a_fetch_join_without_a_gap() -> None:
    guard = Guard()
    guard.begin(A, 0)
    admitted = guard.admit(A, records(0, 1, 5, 6, 9), holes=True)
    assert isinstance(admitted, Chunk)
    pieces = list(guard.split(A, admitted, 2))
    assert [chunk.start for chunk in pieces] == [0, 2, 7]


def test_gate_is_shut_until_somebody_opens_it() -> None:
    gate = Gate()
    assert gate.passing({A, B}) == set()
    gate.open([A])
    assert gate.passing({A, B}) == {A}
    gate.shut([A])
    assert gate.passing({A, B}) == set()


def test_held_partition_passes_again_as_soon_as_it_is_not_held() -> None:
    gate = Gate()
    gate.open([A, B])
    gate.hold([B])
    assert gate.passing({A, B}) == {A}
    assert gate.is_open(B), "holding is not shutting: what was fetched is delivered"
    gate.hold([])
    assert gate.passing({A, B}) == {A, B}


@given(sizes=st.lists(st.integers(1, 500), min_size=1, max_size=20), seed=st.integers())
def test_commit_never_passes_a_chunk_in_flight(sizes: list[int], seed: int) -> None:
    in_flight, end = InFlight(), 0
    messages: list[Message] = []
    for size in sizes:
        end += size
        messages.append(Message(end - 1))
        in_flight.add(A, messages[-1])
    order = list(messages)
    Random(seed).shuffle(order)
    committed = 0
    for message in order:
        message.acked = True
        committed = in_flight.floor(A) or committed
        oldest = min((m.offset for m in messages if not m.acked), default=end)
        assert committed == max((m.offset + 1 for m in messages if m.offset < oldest), default=0)
    assert committed == end


def test_forgotten_partition_commits_nothing() -> None:
    in_flight = InFlight()
    in_flight.add(A, Message(9, acked=True))
    in_flight.forget(A)
    assert in_flight.floor(A) is None
