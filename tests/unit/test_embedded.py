"""The demo broker does what the demo needs of it, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import ctypes.util
import importlib.util
import signal
import socket
import subprocess
import sys
import time

from pathlib import Path

import pytest

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.errors import ConfigError
from streams.embedded import embedded_broker, find_library, main, parse_topic


POLL_S = 0.02
READ_S = 20.0


def is_open(bootstrap: str) -> bool:
    host, port = bootstrap.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def test_topics_have_the_partitions_asked_for() -> None:
    async def partitions(bootstrap: str) -> dict[str, int]:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            topics = await admin.describe_topics(list(wanted))
        finally:
            await admin.close()
        return {topic["topic"]: len(topic["partitions"]) for topic in topics}

    wanted = {"llm.requests.v1": 16, "probewatch.edges.v1": 1}
    with embedded_broker(wanted) as bootstrap:
        assert asyncio.run(partitions(bootstrap)) == wanted


def test_transaction_comes_back_without_checksum_check() -> None:
    async def round_trip(bootstrap: str) -> bytes | None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="demo-0")
        await producer.start()
        try:
            async with producer.transaction():
                await producer.send_and_wait("demo", b"value", partition=2)
        finally:
            await producer.stop()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            check_crcs=False,
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition("demo", 2)])
            async with asyncio.timeout(READ_S):
                return (await consumer.getone()).value
        finally:
            await consumer.stop()

    with embedded_broker({"demo": 3}) as bootstrap:
        assert asyncio.run(round_trip(bootstrap)) == b"value"


def test_broker_is_gone_after_the_context_even_when_it_fails() -> None:
    def fail() -> None:
        with embedded_broker({"demo": 1}) as bootstrap:
            seen.append((bootstrap, is_open(bootstrap)))
            raise ZeroDivisionError

    seen: list[tuple[str, bool]] = []
    with pytest.raises(ZeroDivisionError):
        fail()
    ((bootstrap, was_open),) = seen
    assert was_open
    assert not is_open(bootstrap)


def test_broker_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    shown = tmp_path / "bootstrap"
    body = (
        "import pathlib, time\nfrom streams.embedded import embedded_broker\n"
        "with embedded_broker({'demo': 1}) as bootstrap:\n"
        f"    pathlib.Path({str(shown)!r}).write_text(bootstrap)\n    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", body]) as parent:
        while not (shown.exists() and shown.read_text()):
            assert parent.poll() is None
            time.sleep(POLL_S)
        bootstrap = shown.read_text()
        assert is_open(bootstrap)
        parent.kill()
    while is_open(bootstrap):  # the test's timeout is the limit
        time.sleep(POLL_S)


def test_program_writes_its_address_and_stops_on_sigterm(tmp_path: Path) -> None:
    file = tmp_path / "bootstrap"
    command = [
        sys.executable,
        "-m",
        "streams.embedded",
        "--topic=demo:1",
        f"--bootstrap-file={file}",
    ]
    with subprocess.Popen(command) as program:
        while not file.exists():
            assert program.poll() is None
            time.sleep(POLL_S)
        assert is_open(file.read_text())
        program.send_signal(signal.SIGTERM)
    assert program.returncode == 0


@pytest.mark.parametrize("text", ["demo", "demo:", ":4", "demo:0", "demo:-1", "demo:four"])
def test_malformed_topic_is_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError, match="NAME:PARTITIONS"):
        parse_topic(text)


def test_topic_name_may_hold_dots() -> None:
    assert parse_topic("llm.requests.v1:16") == ("llm.requests.v1", 16)


def test_refusal_of_the_child_reaches_the_caller() -> None:
    with pytest.raises(ConfigError, match="NAME:PARTITIONS"), embedded_broker({"demo": 0}):
        pass


def test_wheel_without_the_library_is_a_config_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Path(find_library()).exists()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    assert main(["--bootstrap-file", str(tmp_path / "bootstrap")]) == 2
    assert "make demo KAFKA=local" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
