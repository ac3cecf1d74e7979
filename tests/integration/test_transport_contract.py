"""What we rely on inside Faust and aiokafka, one short test for each.

The transport extends internals that no version promises to keep. When one of these fails after an
upgrade, read what changed upstream before touching the transport.
"""

from __future__ import annotations

import asyncio

from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from random import Random
from typing import Any, cast

import faust
import pytest

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced
from faust.transport import by_url
from faust.transport.conductor import Conductor
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message
from yarl import URL

from infra.kafka.broker import Broker
from streams.node.records import Cut, Output
from streams.transport.barrier import BATCH_BYTES, new_producer, write_barrier
from streams.transport.connection import MESSAGE_BYTES
from streams.transport.consumer import BatchConsumer
from streams.transport.driver import Transport, broker_urls
from streams.transport.feed import Feed, FeedApp
from streams.transport.guard import Chunk
from streams.transport.recovery import read_changelog
from streams.transport.schema import chunk_topic
from streams.transport.thread import FETCH_WAIT_MS
from tests.conftest import CreateTopic


NEXT = (b"\0next", b"1")


def feed_app(bootstrap: str, topic: str, *, holes: bool = False, **options: Any) -> FeedApp:
    """An app with one feed that reads from the beginning."""
    return FeedApp(
        f"app-{topic}",
        feeds=[Feed(topic, 10, holes, lambda _: 0)],
        broker=broker_urls([bootstrap]),
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        **options,
    )


def in_loop(scenario: Callable[[FeedApp], Awaitable[None]]) -> None:
    """Run with an app whose broker is never contacted."""

    async def whole() -> None:
        app = feed_app("127.0.0.1:1", "topic")
        try:
            await scenario(app)
        finally:
            close(app)

    asyncio.run(whole())


def close(app: FeedApp) -> None:
    """The consumer's thread was never started, but its loop exists."""
    cast("BatchConsumer", app.consumer)._thread.thread_loop.close()


def acking(app: FeedApp) -> None:
    """What Faust notes when an agent subscribes."""
    cast("Conductor", app.topics)._acking_topics.add("topic")


def message(tp: TP, offset: int, value: Any = None) -> ConsumerMessage:
    return ConsumerMessage(tp.topic, tp.partition, offset, 0.0, 0, [], None, value, None, 0, 0, tp)


@pytest.mark.parametrize(
    ("package", "pinned"),
    [("faust-streaming", "0.15.3"), ("mode-streaming", "0.7.1"), ("aiokafka", "0.14.0")],
)
def test_versions_are_the_ones_whose_internals_we_extend(package: str, pinned: str) -> None:
    assert version(package) == pinned


@pytest.mark.xfail(strict=True, reason="faust-streaming#606: commits past a message in flight")
@pytest.mark.parametrize(
    ("committed", "acked"), [(2585, [2586, 2587, 2588, 2589]), (None, [1, 2, 3])]
)
def test_upstream_606_still_present(committed: int | None, acked: list[int]) -> None:
    async def scenario(app: FeedApp) -> None:
        consumer = app.consumer
        assert isinstance(consumer, driver.Consumer)
        tp = TP("topic", 0)
        consumer._committed_offset[tp] = committed
        consumer._acked[tp] = list(acked)
        assert driver.Consumer._new_offset(consumer, tp) is None, "the one before is in flight"

    in_loop(scenario)


def test_faust_commits_what_our_floor_says_and_nothing_past_a_chunk_in_flight() -> None:
    async def scenario(app: FeedApp) -> None:
        consumer = app.consumer
        assert isinstance(consumer, BatchConsumer)
        tp = TP("topic", 0)
        acking(app)
        first, second = message(tp, 9), message(tp, 19)
        for chunk in (first, second):
            consumer._in_flight.add(tp, chunk)
        consumer.ack(second)
        pending = list(consumer._filter_tps_with_pending_acks())
        assert consumer._filter_committable_offsets(pending) == {}
        consumer.ack(first)
        assert consumer._filter_committable_offsets(pending) == {tp: 20}

    in_loop(scenario)


def test_scheme_leads_to_our_transport_and_consumer() -> None:
    assert by_url(URL("probewatch://127.0.0.1:9092")) is Transport

    async def scenario(app: FeedApp) -> None:
        assert isinstance(app.consumer, BatchConsumer)

    in_loop(scenario)


def test_chunk_passes_through_faust_as_it_is_and_only_an_explicit_ack_acknowledges() -> None:
    async def scenario(app: FeedApp) -> None:
        topic = chunk_topic(app, "topic")
        acking(app)
        tp, chunk = TP("topic", 0), Chunk(0, [object()])
        stream = cast("faust.Stream[Any]", topic.stream()).noack()
        delivered: Message = message(tp, 0, chunk)
        delivered.generation_id = app.consumer_generation_id
        delivered.incref()
        app.flow_control.resume()
        events = stream.events()
        next_event = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        cast("Any", stream.channel).queue.put_nowait(await topic.decode(delivered, propagate=True))
        event = await asyncio.wait_for(next_event, 5)
        assert event.value is chunk
        before = delivered.acked
        event.value = event.message.value = None  # as we do, to unpin the records
        await stream.ack(event)
        assert (before, delivered.acked) == (False, True)
        await events.aclose()

    in_loop(scenario)


def test_event_of_an_old_generation_never_reaches_the_agent() -> None:
    async def scenario(app: FeedApp) -> None:
        topic = chunk_topic(app, "topic")
        app.flow_control.resume()
        app.consumer_generation_id = 2
        stream = cast("faust.Stream[Any]", topic.stream()).noack()
        events = stream.events()
        next_event = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        for generation, offset in ((1, 0), (2, 1)):
            delivered: Message = message(TP("topic", 0), offset, "chunk")
            delivered.generation_id = generation
            cast("Any", stream.channel).queue.put_nowait(
                await topic.decode(delivered, propagate=True)
            )
        event = await asyncio.wait_for(next_event, 5)
        assert event.message.offset == 1
        await events.aclose()

    in_loop(scenario)


def test_delivery_that_waits_for_room_ends_when_the_flow_stops() -> None:
    """So that delivering needs no race against the suspension of the flow."""

    async def scenario(app: FeedApp) -> None:
        app.conf.stream_buffer_maxsize = 1
        tp, channel = TP("topic", 0), chunk_topic(app, "topic").stream().channel
        assert isinstance(channel, faust.Topic)
        conductor = cast("Conductor", app.topics)
        conductor._tp_index[tp].add(channel)
        conductor._update_callback_map()
        app.flow_control.resume()
        await conductor.on_message(message(tp, 0))
        waits = asyncio.ensure_future(conductor.on_message(message(tp, 1)))
        await asyncio.sleep(0.01)
        assert not waits.done(), "the agent's queue is full"
        app.flow_control.suspend()
        app.flow_control.clear()
        await asyncio.wait_for(waits, 5)
        assert channel.queue.empty()

    in_loop(scenario)


def with_kafka(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def committed(bootstrap: str, topic: str) -> list[Any]:
    """Committed records of partition 0, once the fate of all that was written is known."""
    options = {"bootstrap_servers": bootstrap, "enable_auto_commit": False}
    tp = TopicPartition(topic, 0)
    everything = AIOKafkaConsumer(**options)
    consumer = AIOKafkaConsumer(
        **options, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await asyncio.gather(everything.start(), consumer.start())
    try:
        consumer.assign([tp])
        # Markers follow a commit by some milliseconds: the committed end is not yet the end.
        end = (await everything.end_offsets([tp]))[tp]
        found: list[Any] = []
        async with asyncio.timeout(20):
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                    found += records
        return found
    finally:
        await asyncio.gather(everything.stop(), consumer.stop())


async def started(bootstrap: str, name: str) -> AIOKafkaProducer:
    producer = new_producer(name, {"bootstrap_servers": bootstrap})
    await producer.start()
    return producer


@pytest.mark.integration
def test_thread_asks_for_committed_records_and_does_not_wait_long_for_them(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    topic = create_topic()

    async def scenario() -> None:
        app = feed_app(kafka.bootstrap, topic)
        assert isinstance(app.consumer, BatchConsumer)
        created = app.consumer._thread._create_consumer(asyncio.get_running_loop())
        consumer: Any = created
        await consumer.start()
        try:
            assert consumer._fetcher._isolation_level == 1, "READ_COMMITTED"
            assert consumer._fetcher._fetch_max_wait_ms == FETCH_WAIT_MS
        finally:
            await consumer.stop()
            close(app)

    with_kafka(scenario())


@pytest.mark.integration
def test_partition_left_out_of_a_fetch_stays_buffered_and_loses_nothing(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    topic = create_topic(partitions=2)

    async def scenario() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
        await producer.start()
        for number in range(200):
            await producer.send(topic, b"%d" % number, partition=number % 2)
        await producer.stop()
        consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=kafka.bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            shut, passing = TopicPartition(topic, 0), TP(topic, 1)
            consumer.assign([shut, TopicPartition(topic, 1)])
            seen: dict[int, list[int]] = {0: [], 1: []}
            for asked in [{passing}] * 20 + [{passing, TP(topic, 0)}] * 20:
                fetched = await consumer._fetcher.fetched_records(asked, 0.05, max_records=7)
                for tp, records in fetched.items():
                    assert TP(tp.topic, tp.partition) in asked
                    seen[tp.partition] += [record.offset for record in records]
            assert seen[0] == list(range(100))
            assert seen[1] == list(range(100))
        finally:
            await consumer.stop()

    with_kafka(scenario())


@pytest.mark.integration
def test_positions_can_be_asked_and_set_with_fausts_own_partition_type(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    topic = create_topic()

    async def scenario() -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            tp = TP(topic, 0)
            consumer.assign([TopicPartition(topic, 0)])
            assert (await consumer.beginning_offsets([tp]))[tp] == 0
            assert (await consumer.end_offsets([tp]))[tp] == 0
            consumer.seek(tp, 0)
            assert await consumer.position(tp) == 0
        finally:
            await consumer.stop()

    with_kafka(scenario())


@pytest.mark.integration
def test_barrier_takes_records_of_any_size_up_to_the_limit(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    limit = {"max.message.bytes": str(MESSAGE_BYTES)}
    alerts, changelog = create_topic("alerts", 1, limit), create_topic("changelog", 1, limit)
    # Noise, so that compression does not make it small; the rest is for headers.
    large = Random(0).randbytes(MESSAGE_BYTES - (64 << 10))
    assert len(large) > BATCH_BYTES

    async def scenario() -> None:
        producer = await started(kafka.bootstrap, "large")
        small = [Output(alerts, 0, None, b"%d" % i) for i in range(3)]
        outputs = [small[0], Output(alerts, 0, b"k", large, [("h", b"v")]), *small[1:]]
        await write_barrier(producer, changelog, 0, Cut(outputs, [(b"k", large), NEXT], 1))
        await producer.stop()
        found = await committed(kafka.bootstrap, alerts)
        assert [record.value for record in found] == [o.value for o in outputs], "and in order"
        assert found[1].headers == (("h", b"v"),)
        rows = await read_changelog(
            changelog, [0], {"bootstrap_servers": kafka.bootstrap}, check_crcs=True
        )
        assert rows == {0: {b"k": large, b"\0next": b"1"}}

    with_kafka(scenario())


@pytest.mark.integration
def test_barrier_with_a_record_the_broker_refuses_writes_nothing(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    """aiokafka itself would commit the rest."""
    narrow = create_topic("narrow", 1, {"max.message.bytes": "1000"})
    changelog = create_topic("changelog")

    async def scenario() -> None:
        producer = await started(kafka.bootstrap, "refused")
        noise = Random(0).randbytes(2000)
        cut = Cut([Output(narrow, 0, None, noise)], [(b"k", b"v"), NEXT], 1)
        with pytest.raises(MessageSizeTooLargeError):
            await write_barrier(producer, changelog, 0, cut)
        successor = await started(kafka.bootstrap, "refused")  # aborts what is open
        assert await committed(kafka.bootstrap, changelog) == []
        await asyncio.gather(producer.stop(), successor.stop())

    with_kafka(scenario())


@pytest.mark.integration
def test_next_owner_fences_the_one_before_and_aborts_what_it_left_open(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    topic, changelog = create_topic("out"), create_topic("changelog")

    async def scenario() -> None:
        zombie = await started(kafka.bootstrap, "owner")
        await zombie.begin_transaction()
        await zombie.send_and_wait(topic, b"never", partition=0)
        owner = await started(kafka.bootstrap, "owner")
        with pytest.raises(ProducerFenced):
            await zombie.commit_transaction()
        await write_barrier(owner, changelog, 0, Cut([Output(topic, 0, None, b"once")], [NEXT], 1))
        assert [r.value for r in await committed(kafka.bootstrap, topic)] == [b"once"]
        await asyncio.gather(zombie.stop(), owner.stop())

    with_kafka(scenario())


@pytest.mark.integration
def test_recovery_keeps_the_last_committed_value_and_ends_at_markers(
    kafka: Broker, create_topic: CreateTopic
) -> None:
    changelog = create_topic("changelog", partitions=2)

    async def scenario() -> None:
        producer = await started(kafka.bootstrap, "state")
        rows: list[tuple[bytes, bytes | None]] = [(b"a", b"1"), (b"b", b"1"), (b"c", b"1"), NEXT]
        await write_barrier(producer, changelog, 0, Cut([], rows, 1))
        await write_barrier(producer, changelog, 0, Cut([], [(b"a", b"2"), (b"b", None)], 1))
        await producer.begin_transaction()
        await producer.send_and_wait(changelog, b"9", key=b"a", partition=0)
        await producer.abort_transaction()
        await producer.stop()
        client = {"bootstrap_servers": kafka.bootstrap}
        found = await asyncio.wait_for(
            read_changelog(changelog, [0, 1], client, check_crcs=True), 10
        )
        assert found == {0: {b"a": b"2", b"c": b"1", b"\0next": b"1"}, 1: {}}

    with_kafka(scenario())
