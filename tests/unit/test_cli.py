"""The commands as a person types them."""

from __future__ import annotations

import gzip
import subprocess
import sys

from pathlib import Path

import msgspec
import orjson
import pytest

from schemas.alert import Alert
from schemas.request import RequestEvent
from tests.unit.replay.worlds import KEYS, NOW_MS, lines, replayed, written


NOW = "2026-11-01T00:00:00.000Z"
DEPLOYMENT = {
    "PROBEWATCH_PARTITIONS__REQUESTS": "4",
    "PROBEWATCH_PARTITIONS__WINDOWS": "2",
    "PROBEWATCH_PARTITIONS__LINKS": "2",
    "PROBEWATCH_PARTITIONS__ALERTS": "2",
    "PROBEWATCH_FINGERPRINT_KEY": KEYS.current.decode(),
}


def run(
    *arguments: str, given: bytes = b"", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        input=given,
        env={"PATH": "/usr/bin:/bin", **(DEPLOYMENT if env is None else env)},
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("events") / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines()) + b"\n"))
    return path


def test_replay_of_a_gzip_file_writes_the_alerts_in_order(events: Path, tmp_path: Path) -> None:
    out = tmp_path / "alerts.jsonl"
    done = run("replay", "--events", str(events), "--alerts", str(out), "--now", NOW)
    assert done.returncode == 0, done.stderr.decode()
    assert out.read_bytes() == written(replayed(lines()).alerts) + b"\n"
    assert b"4,000 in" in done.stderr
    assert done.stdout == b""


def test_replay_reads_stdin_and_writes_stdout(events: Path) -> None:
    piped = gzip.decompress(events.read_bytes())
    done = run("replay", "--events", "-", "--alerts", "-", "--now", NOW, given=piped)
    assert done.returncode == 0, done.stderr.decode()
    alerts = [msgspec.json.decode(line, type=Alert) for line in done.stdout.splitlines()]
    assert written(alerts) == written(replayed(lines()).alerts)


def test_replay_names_the_lines_of_bad_records_and_still_succeeds() -> None:
    bad = b"\n".join([lines()[0], b"{", b"", b'{"type": "no such"}', lines()[1]])
    done = run("replay", "--events", "-", "--now", NOW, given=bad)
    assert done.returncode == 0
    said = done.stderr.decode()
    assert "malformed_json" in said
    assert "(line 2)" in said
    assert "empty" in said
    assert "(line 3)" in said
    assert "unknown_type" in said
    assert "(line 4)" in said


def test_a_replay_without_a_key_warns_that_the_key_is_public() -> None:
    done = run("replay", "--events", "-", given=lines()[0], env={})
    assert done.returncode == 0
    assert b"public key probewatch-demo" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("replay",), b"either --events or --from-topic"),
        (("replay", "--events", "none.jsonl"), b"cannot read none.jsonl"),
        (("replay", "--events", "-", "--now", "soon"), b"--now soon"),
        (("replay", "--events", "-", "--config", "none.toml"), b"none.toml: no such file"),
        (("replay", "--events", "-", "--alerts", "no/such/folder"), b"cannot write"),
        (("demo", "--kafka", "cloud"), b"'cloud' is not one of"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(arguments: tuple[str, ...], sentence: bytes) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_file_that_is_cut_off_is_said_so(events: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(events.read_bytes()[:-100])
    done = run("replay", "--events", str(cut), "--now", NOW)
    assert done.returncode == 2
    assert b"not whole" in done.stderr


def test_fingerprint_writes_wire_events_and_says_how_fast(events: Path, tmp_path: Path) -> None:
    out = tmp_path / "wire.jsonl"
    done = run("fingerprint", str(events), "--out", str(out), "--jobs", "2")
    assert done.returncode == 0, done.stderr.decode()
    wires = out.read_bytes().splitlines()
    assert len(wires) == 4000
    assert msgspec.json.decode(wires[0], type=RequestEvent).content_sentences
    assert b"/s, 2 processes" in done.stderr


def test_replay_of_wire_events_equals_replay_of_raw_ones(events: Path, tmp_path: Path) -> None:
    wire = run("fingerprint", str(events)).stdout
    done = run("replay", "--events", "-", "--now", NOW, given=wire)
    assert done.stdout == written(replayed(lines()).alerts) + b"\n"


def test_config_hides_secrets() -> None:
    mine = "a key of mine"
    done = run("config", env=DEPLOYMENT | {"PROBEWATCH_FINGERPRINT_KEY": mine})
    assert orjson.loads(done.stdout)["fingerprint_key"] == "**********"
    assert mine.encode() not in done.stdout + done.stderr


def test_worker_refuses_the_public_key() -> None:
    done = run("worker", env={})
    assert done.returncode == 2
    assert b"PROBEWATCH_FINGERPRINT_KEY" in done.stderr


def test_events_of_the_world_lie_before_now() -> None:
    # Otherwise every test above would see dead letters only.
    assert NOW_MS > 0
    assert not replayed(lines()).dead_letters
