"""What tests share: a real Kafka, the traffic data set, and a loud word about what was skipped."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, Protocol

import hypothesis
import pytest

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.kafka.broker import Broker
from infra.kafka.cli import JARS
from infra.kafka.errors import MissingError
from infra.kafka.jars import Jars


ROOT = Path(__file__).resolve().parents[1]
SKIPPED = pytest.StashKey[dict[str, str]]()

# A shared CI core stalls for longer than any sensible deadline; slow tests have pytest's timeout.
hypothesis.settings.register_profile("probewatch", deadline=None)
hypothesis.settings.load_profile("probewatch")


class CreateTopic(Protocol):
    """Creates a topic nobody else uses and returns its name; ``settings`` as Kafka names them."""

    def __call__(
        self, prefix: str = ..., partitions: int = ..., settings: dict[str, str] | None = ...
    ) -> str: ...


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Broker]:
    """A real Kafka for the whole run: ``.bootstrap``, ``.kill()``, ``.stop()``, ``.start()``.

    A test that runs an event loop calls the last three through ``asyncio.to_thread``.
    """
    broker = Broker(tmp_path_factory.mktemp("kafka"), Jars(JARS))
    try:
        broker.jars.require()
    except MissingError as error:
        _unavailable(request.config, "broker tests", str(error))
    try:
        broker.start()
        yield broker
        broker.stop()
    finally:
        broker.wipe()


@pytest.fixture(autouse=True)
def _kafka_is_up(request: pytest.FixtureRequest) -> None:
    """A test that killed the broker and failed must not fail those after it."""
    if "kafka" in request.fixturenames:
        broker: Broker = request.getfixturevalue("kafka")
        if broker.pid is None:
            broker.start()


@pytest.fixture
def create_topic(kafka: Broker) -> CreateTopic:
    """Make topics on the real Kafka; call it outside the event loop."""

    def create(
        prefix: str = "test", partitions: int = 1, settings: dict[str, str] | None = None
    ) -> str:
        name = f"{prefix}-{next(_numbers)}"
        topic = NewTopic(name, partitions, replication_factor=1, topic_configs=settings or {})
        asyncio.run(_create(kafka.bootstrap, topic))
        return name

    return create


_numbers = itertools.count()


async def _create(bootstrap: str, topic: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([topic])
        # aiokafka raises for the request, not for the topics in it.
        codes = [topic["error_code"] for topic in answer.to_object()["topic_errors"]]
        assert codes == [0], answer
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def shared_data(request: pytest.FixtureRequest) -> Path:
    """The folder of real traffic and real prompts, which is not part of the repository."""
    folder = Path(os.environ.get("PROBEWATCH_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        _skip(request.config, "shared-data tests", "set PROBEWATCH_SHARED_DATA to the data set")
    return folder


def _unavailable(config: pytest.Config, what: str, why: str) -> None:
    """Skip what this machine cannot run, except in CI, where a green run without it would lie."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} cannot run: {why}", pytrace=False)
    _skip(config, what, why)


def _skip(config: pytest.Config, what: str, why: str) -> NoReturn:
    config.stash.setdefault(SKIPPED, {})[what] = why
    pytest.skip(f"{what}: {why}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by what they ask for, so that no mark can be forgotten."""
    for item in items:
        asked = getattr(item, "fixturenames", ())
        for fixture, mark in (("kafka", "integration"), ("shared_data", "shared_data")):
            if fixture in asked:
                item.add_marker(mark)


def pytest_configure() -> None:
    """Let SIGTERM (a CI limit, say) end the run as Ctrl-C does: the broker must not stay behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """One line for each kind of test that this machine could not run."""
    for what, why in config.stash.get(SKIPPED, {}).items():
        terminalreporter.write_line(f"{what} skipped: {why}", red=True, bold=True)
