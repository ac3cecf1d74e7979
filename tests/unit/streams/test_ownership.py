"""One partition's life without a broker: what is written when, and what is acknowledged when."""

from __future__ import annotations

import asyncio

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from aiokafka.errors import ProducerFenced
from faust.types import TP

from schemas.errors import ConfigError, StateError
from streams.node.records import Cut, Output
from streams.transport import failure, ownership
from streams.transport.cadence import Cadence
from streams.transport.gate import Gate
from streams.transport.guard import Chunk
from streams.transport.ownership import Ownership, Terms
from streams.transport.wiring import StageSpec


SPEC = StageSpec(stage="links", topic="source", changelog="log", chunk_records=500, holes=False)


class Died(BaseException):
    """Stands for the end of the process."""


@dataclass
class Record:
    offset: int


class Node:
    """Takes records, and holds its restart position back by ``buffered`` of them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.position = 0
        self.complete = self.watermark = self.lag_ticks = 0
        self.urgent = self.dirty = False
        self.buffered = 0
        self.restored: list[tuple[bytes, bytes]] = []

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        self.restored = list(rows)
        self.position = len(self.restored)

    def offer(self, records: Sequence[Any]) -> None:
        assert records[0].offset >= self.position
        self.position = records[-1].offset + 1
        self.dirty = True

    def cut(self) -> Cut:
        self.dirty = False
        output = Output("alerts", 0, None, b"alert")
        return Cut([output], [(b"\0next", b"%d" % self.position)], self.position - self.buffered)


class Producer:
    """A broker that keeps what was committed, and can be slow or refuse."""

    def __init__(self, transactional_id: str) -> None:
        self.id = transactional_id
        self.begun = self.committed = 0
        self.stopped = False
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.fenced = False

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True


class Consumer:
    """Opens what it is told to open."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.opened: list[dict[TP, int]] = []
        self.backlog = 0
        self.first = 0

    async def open(self, positions: dict[TP, int]) -> dict[TP, int]:
        starts = {tp: max(offset, self.first) for tp, offset in positions.items()}
        self.opened.append(starts)
        self.gate.open(starts)
        return starts

    def behind(self, tp: TP, position: int) -> int:
        return self.backlog


@dataclass
class Lab:
    """An ownership whose broker is a dictionary."""

    owned: Ownership
    consumer: Consumer
    state: dict[int, dict[bytes, bytes]]
    acknowledged: list[int]

    def event(self, start: int, *offsets: int, partition: int = 0) -> Any:
        chunk = Chunk(start, [Record(offset) for offset in offsets])
        message = SimpleNamespace(partition=partition, offset=offsets[-1], value=chunk)
        return SimpleNamespace(message=message, value=chunk)

    def take(self, start: int, *offsets: int) -> None:
        self.owned.take(self.event(start, *offsets))

    def producer(self, partition: int = 0) -> Producer:
        producer: Any = self.owned.parts[partition].producer
        assert isinstance(producer, Producer)
        return producer

    def node(self, partition: int = 0) -> Node:
        node: Any = self.owned.parts[partition].node
        assert isinstance(node, Node)
        return node

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Lab]:
    async def write(producer: Producer, changelog: str, partition: int, cut: Cut) -> None:
        assert producer.begun == producer.committed, "two transactions on one producer"
        producer.begun += 1
        await producer.may_commit.wait()
        if producer.fenced:
            raise ProducerFenced
        producer.committed += 1

    def die(reason: str, error: BaseException | None = None) -> NoReturn:
        raise Died(reason, error)

    def build(*, flush_s: float = 0.0, recoverable: bool = True) -> Lab:
        state: dict[int, dict[bytes, bytes]] = {}
        acknowledged: list[int] = []

        async def read(
            topic: str, partitions: Iterable[int], client: object, *, check_crcs: bool
        ) -> dict[int, dict[bytes, bytes]]:
            return {partition: dict(state.get(partition, {})) for partition in partitions}

        async def acknowledge(event: Any) -> None:
            acknowledged.append(event.message.offset)

        monkeypatch.setattr(ownership, "read_changelog", read)
        terms = Terms(
            app_id="app", client={}, cadence=Cadence(flush_s, 0.0), recoverable=recoverable
        )
        owned = Ownership(SPEC, terms, lambda stage, partition: Node())
        consumer: Any = Consumer()
        owned.consumer = consumer
        owned.acknowledge = acknowledge
        return Lab(owned, consumer, state, acknowledged)

    monkeypatch.setattr(ownership, "write_barrier", write)
    monkeypatch.setattr(ownership, "new_producer", lambda name, client: Producer(name))
    monkeypatch.setattr(failure, "die", die)
    return build


Scenario = Callable[[Lab], Awaitable[None]]


def run(lab: Lab, scenario: Scenario) -> None:
    async def whole() -> None:
        lab.owned.assign([0])
        await lab.settle()
        await scenario(lab)

    asyncio.run(whole())


def test_offset_is_not_acked_before_alert_is_delivered(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.producer().may_commit.clear()
        lab.take(0, 0, 1, 2)
        await lab.settle()
        assert lab.producer().begun == 1
        assert lab.acknowledged == []
        lab.producer().may_commit.set()
        await lab.settle()
        assert lab.acknowledged == [2]

    run(lab(), scenario)


def test_event_that_is_not_completely_folded_stays_unacknowledged(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.node().buffered = 2
        lab.take(0, 0, 1, 2)
        await lab.settle()
        assert lab.producer().committed == 1
        assert lab.acknowledged == []
        lab.node().buffered = 0
        lab.take(3, 3)
        await lab.settle()
        assert lab.acknowledged == [2, 3]

    run(lab(), scenario)


def test_at_most_one_barrier_of_a_partition_is_in_flight(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.producer().may_commit.clear()
        for offset in range(5):
            lab.take(offset, offset)
            await lab.settle()
        assert lab.producer().begun == 1
        lab.producer().may_commit.set()
        await lab.settle()
        lab.owned.write_due()
        await lab.settle()
        assert lab.producer().committed == 2, "the other four went together"
        assert lab.acknowledged == [0, 1, 2, 3, 4]

    run(lab(), scenario)


def test_release_waits_for_the_barrier_in_flight_and_writes_the_rest(
    lab: Callable[..., Lab],
) -> None:
    async def scenario(lab: Lab) -> None:
        lab.producer().may_commit.clear()
        lab.take(0, 0)
        lab.take(1, 1)
        release = asyncio.create_task(lab.owned.release([0]))
        await lab.settle()
        lab.take(2, 2)  # comes too late: it is the next owner's
        lab.owned.write_due()
        assert lab.producer().begun == 1
        lab.producer().may_commit.set()
        await release
        assert lab.producer().committed == 2
        assert lab.node().position == 2

    run(lab(), scenario)


def test_partition_that_comes_back_keeps_its_state_and_is_not_recovered_again(
    lab: Callable[..., Lab],
) -> None:
    async def scenario(lab: Lab) -> None:
        lab.take(0, 0, 1)
        node, producer = lab.node(), lab.producer()
        await lab.owned.release([0])
        assert not lab.owned.working
        lab.owned.assign([0])
        await lab.settle()
        assert lab.node() is node
        assert lab.producer() is producer
        assert not producer.stopped
        assert lab.consumer.opened[-1] == {TP("source", 0): 2}
        assert lab.owned.ready

    run(lab(), scenario)


def test_partition_that_went_to_somebody_else_is_dropped(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        producer = lab.producer()
        await lab.owned.release([0])
        lab.owned.assign([1])
        await lab.settle()
        assert producer.stopped
        assert list(lab.owned.parts) == [1]

    run(lab(), scenario)


def test_recovered_node_gets_its_rows_and_reads_on_where_they_say(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        assert lab.node().restored == [(b"a", b"1"), (b"b", b"2")]
        assert lab.consumer.opened == [{TP("source", 0): 2}]
        assert lab.owned.position(0) == 2

    laboratory = lab()
    laboratory.state[0] = {b"a": b"1", b"b": b"2"}
    run(laboratory, scenario)


def test_chunk_that_was_lost_on_the_way_is_a_state_error(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.take(0, 0, 1)
        with pytest.raises(StateError, match=r"records 2 to 7 .* never arrived"):
            lab.take(7, 7, 8)

    run(lab(), scenario)


def test_first_chunk_that_was_lost_is_noticed_too(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        with pytest.raises(StateError, match="records 100 to 600 "):
            lab.take(600, 600)

    laboratory = lab()
    laboratory.consumer.first = 100  # retention has taken what came before
    run(laboratory, scenario)


def test_records_that_come_again_are_folded_once(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.take(0, 0, 1, 2)
        lab.take(0, 0, 1, 2)
        lab.take(1, 1, 2, 3)
        assert lab.node().position == 4

    run(lab(), scenario)


def test_hole_in_the_log_is_not_a_loss(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.take(0, 0, 1)
        lab.take(2, 5, 6)
        assert lab.node().position == 7

    run(lab(), scenario)


def test_fenced_barrier_ends_the_process(lab: Callable[..., Lab]) -> None:
    async def scenario(lab: Lab) -> None:
        lab.producer().fenced = True
        lab.take(0, 0)
        barrier = lab.owned.parts[0].barrier
        assert barrier is not None
        with pytest.raises(Died, match="barrier of links 0 failed"):
            await barrier
        assert lab.acknowledged == []

    run(lab(), scenario)


def test_embedded_broker_with_state_on_it_is_refused(
    lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    laboratory = lab(recoverable=False)
    laboratory.state[0] = {b"a": b"1"}
    reasons: list[BaseException | None] = []
    monkeypatch.setattr(failure, "die", lambda reason, error=None: reasons.append(error))

    async def scenario(_: Lab) -> None:
        assert [type(reason) for reason in reasons] == [ConfigError]

    run(laboratory, scenario)


@pytest.mark.parametrize(
    ("since_s", "urgent", "behind", "full", "due"),
    [
        (0.5, False, False, False, True),
        (0.1, False, False, False, False),
        (0.1, True, False, False, True),
        (0.01, True, False, False, False),
        (0.1, True, True, True, False),
        (0.5, True, True, False, False),
        (0.5, False, True, True, True),
        (2.1, False, True, False, True),
    ],
)
def test_cadence(since_s: float, *, urgent: bool, behind: bool, full: bool, due: bool) -> None:
    cadence = Cadence(flush_s=0.4, urgent_s=0.02)
    assert cadence.due(since_s, urgent=urgent, full=full, behind=lambda: behind) is due
