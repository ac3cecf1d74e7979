"""The demo around a stand-in for the worker, on the embedded broker."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import textwrap

from pathlib import Path
from typing import Any

import pytest

from infra.kafka.broker import Broker
from schemas.alert import Alert, Kind, Severity, State
from streams.admin import partition_counts
from streams.demo import run_demo, worker
from streams.demo.board import Board
from streams.demo.broker import demo_broker
from streams.demo.worker import Health, demo_settings, health, worker_environment
from streams.settings import KafkaSettings
from streams.simulate import Label


STAND_IN = """
    import asyncio, os, signal, sys
    from pathlib import Path
    import msgspec
    from aiokafka import AIOKafkaProducer
    from schemas.alert import Alert, Kind, Severity, State
    from streams.supervisor import report_ready

    async def main():
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        producer = AIOKafkaProducer(
            bootstrap_servers=os.environ["PROBEWATCH_KAFKA__BOOTSTRAP_SERVERS"]
        )
        await producer.start()
        report_ready()
        now = "2026-03-02T06:12:00.000Z"
        alert = Alert(
            id="alrt_" + "a" * 26, revision=1, state=State.OPENED, time=now, kind=Kind.CAMPAIGN,
            severity=Severity.HIGH, score=9.0, summary="stand-in", first_seen=now, last_seen=now,
            members=["acct_1"],
        )
        value = msgspec.json.encode(alert)
        await producer.send_and_wait("probewatch.alerts.v1", value)
        Path(os.environ["STAND_IN_PID"]).write_text(str(os.getpid()))
        ENDING
        await producer.stop()

    asyncio.run(main())
"""


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A worker that raises one alert and waits; gives the file its process id will be in."""
    pid = tmp_path / "pid"
    monkeypatch.setenv("STAND_IN_PID", str(pid))
    _use(monkeypatch, tmp_path, "await stop.wait()")
    return pid


def _use(monkeypatch: pytest.MonkeyPatch, folder: Path, ending: str) -> None:
    script = folder / "stand_in.py"
    script.write_text(textwrap.dedent(STAND_IN).replace("ENDING", ending))
    monkeypatch.setattr(worker, "COMMAND", (sys.executable, str(script)))


def _gone(pid: Path) -> bool:
    try:
        os.kill(int(pid.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_demo_ends_when_time_is_up_with_a_summary_and_without_leftovers(
    stand_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asyncio.run(run_demo("embedded", 8)) == 0
    out = capsys.readouterr().out
    assert "for trying out" in out
    assert "HIGH PAGE" in out
    assert out.index("stand-in") < out.index("summary")
    assert "1 high (1 revisions)" in out
    assert _gone(stand_in)


def test_worker_that_ends_by_itself_fails_the_demo(
    stand_in: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _use(monkeypatch, tmp_path, "sys.exit(70)")
    assert asyncio.run(run_demo("embedded", 60)) == 1
    out = capsys.readouterr().out
    assert "the worker ended by itself with status 70" in out
    assert "summary" in out


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_ends_in_order_with_status_0(
    stand_in: Path, signum: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupted() -> int:
        demo = asyncio.create_task(run_demo("embedded", None))
        while not stand_in.exists() and not demo.done():
            await asyncio.sleep(0.05)
        os.kill(os.getpid(), signum)
        return await demo

    assert asyncio.run(interrupted()) == 0
    assert "summary" in capsys.readouterr().out
    assert _gone(stand_in)


@pytest.mark.integration
def test_local_broker_answers_and_leaves_nothing_behind(kafka: Broker) -> None:
    async def visit() -> str:
        async with demo_broker("local", {}) as bootstrap:
            assert await partition_counts(KafkaSettings(bootstrap_servers=bootstrap)) == {}
            return bootstrap

    host, _, port = asyncio.run(visit()).rpartition(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)
    assert kafka.pid is not None


def test_users_own_cluster_never_reaches_the_worker() -> None:
    settings = demo_settings("embedded", "127.0.0.1:9")
    inherited = {
        "PATH": "/bin",
        "PROBEWATCH_CONFIG": "/etc/probewatch.toml",
        "PROBEWATCH_KAFKA__BOOTSTRAP_SERVERS": "production:9092",
        "KAFKA_SASL_PASSWORD": "secret",
    }
    env = worker_environment(settings, inherited)
    assert env["PATH"] == "/bin"
    assert env["PROBEWATCH_KAFKA__BOOTSTRAP_SERVERS"] == "127.0.0.1:9"
    assert "PROBEWATCH_CONFIG" not in env
    assert "KAFKA_SASL_PASSWORD" not in env


def test_worker_reads_the_settings_of_the_demo_from_its_environment() -> None:
    settings = demo_settings("embedded", "127.0.0.1:9")
    code = "from streams.settings import load_settings; print(load_settings().redacted())"
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env=worker_environment(settings, os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.strip() == str(settings.redacted())


def test_worker_that_does_not_answer_has_no_health() -> None:
    assert asyncio.run(health(demo_settings("embedded", "127.0.0.1:9"))) is None


LABELS = {
    "c1": Label("campaign", "o1", campaign=True),
    "c2": Label("campaign", "o2", campaign=True),
    "b1": Label("chat", "o3", campaign=False),
}
NOW = "2026-03-02T06:12:00.000Z"


def _alert(letter: str, **fields: Any) -> Alert:
    defaults: dict[str, Any] = {
        "id": "alrt_" + letter * 26,
        "revision": 1,
        "state": State.OPENED,
        "time": NOW,
        "kind": Kind.CAMPAIGN,
        "severity": Severity.HIGH,
        "score": 9.0,
        "summary": "",
        "first_seen": NOW,
        "last_seen": NOW,
        "members": ["c1", "c2", "b1"],
    }
    return Alert(**(defaults | fields))


def test_board_tells_true_pages_from_false_ones() -> None:
    board = Board(LABELS)
    board.take(_alert("a", severity=Severity.LOW), 3.0)
    board.take(_alert("a", revision=2), 5.0)
    board.take(_alert("b", members=["c1", "b1"]), 6.0)
    board.take(_alert("c", kind=Kind.ORGANIZATION, organization_id="o3", members=[]), 7.0)
    board.take(_alert("d", kind=Kind.ACCOUNT, account_id="c2", members=[]), 8.0)
    assert (board.first_alert_s, board.first_page_s) == (3.0, 5.0)
    assert [alert.id[5] for alert in board.false_pages()] == ["b", "c"]
    assert board.found() == {"c1", "c2"}


def test_summary_names_what_was_counted() -> None:
    board = Board(LABELS)
    board.take(_alert("a"), 12.34)
    facts = dict(board.facts(1000, Health(events=990, dead_letters=1, cpu_s=0.0198)))
    assert facts["events"] == "1,000 produced, 990 processed"
    assert facts["alerts"] == "1 high (1 revisions)"
    assert facts["first page"] == "12.3 s after the start of the worker"
    assert facts["campaign"] == "2 of its 2 accounts named by a page"
    assert facts["dead letters"] == "1"
    assert facts["worker's CPU"] == "0.0 s, 20 µs an event"


def test_summary_of_an_idle_demo_claims_nothing() -> None:
    facts = dict(Board(LABELS).facts(0, Health()))
    assert facts["first alert"] == "none"
    assert "an event" not in facts["worker's CPU"]
