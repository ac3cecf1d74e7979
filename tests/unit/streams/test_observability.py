"""Logs without payloads, metrics without identities, ends with a reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from collections import Counter
from pathlib import Path

import pytest

from schemas.errors import Reason
from schemas.frame import StageName
from streams import log, metrics
from streams.admin import count_problems
from streams.settings import KafkaSettings
from streams.transport import failure
from streams.transport.connection import client_options, faust_credentials
from streams.transport.readiness import Readiness


PROMPT = "what the customer wrote"


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run in a process of its own: logging and exits belong to the process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | env,
        timeout=30,
    )


def logged(statement: str, log_format: str) -> str:
    code = (
        f"from streams import log; log.configure({log_format!r}); logger = log.get_logger('x')\n"
        f"secret = {PROMPT!r}\n{statement}"
    )
    done = python(code)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "statement",
    [
        "logger.info('event', value=secret, records=[secret], key=secret.encode())",
        "import logging; logging.getLogger('aiokafka').debug('Sending %s', secret)",
        "logger.info('before')\ntry: [][len(secret)]\nexcept IndexError: logger.exception('oops')",
    ],
)
def test_no_log_line_holds_the_content_of_a_record(statement: str, log_format: str) -> None:
    assert PROMPT not in logged(statement, log_format)


def test_json_lines_name_event_level_logger_and_fields() -> None:
    line = json.loads(logged("logger.warning('late', partition=3)", "json"))
    assert (line["event"], line["level"], line["logger"]) == ("late", "warning", "x")
    assert line["partition"] == 3
    assert line["timestamp"].endswith("Z")


def test_lines_of_libraries_have_the_same_format() -> None:
    line = json.loads(logged("import logging; logging.getLogger('faust').error('no')", "json"))
    assert (line["event"], line["level"], line["logger"]) == ("no", "error", "faust")


@pytest.mark.parametrize(
    ("error", "code"),
    [("RuntimeError('x')", 70), ("StateError('x')", 70), ("ConfigError('x')", 2)],
)
def test_process_that_must_not_go_on_ends_with_a_reason_and_a_code(error: str, code: int) -> None:
    done = python(
        "import atexit\n"
        "from schemas.errors import *\n"
        "from streams import log\n"
        "from streams.transport.failure import die\n"
        "log.configure()\n"
        "atexit.register(lambda: print('something else ran'))\n"
        f"die('no way on', {error})"
    )
    assert done.returncode == code
    assert json.loads(done.stderr)["reason"] == "no way on"
    assert done.stdout == ""


def sample(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_a_node_counts_arrives_under_its_name() -> None:
    stage: StageName = "account"
    before = sample("probewatch_events_total", stage=stage)
    counts = Counter(
        {
            "events": 5,
            "frames": 1,
            "late": 2,
            "duplicate": 1,
            "dead_letter:too_old": 3,
            "alert:campaign:high": 1,
            "links_sampled": 7,
        }
    )
    metrics.count(stage, counts)
    assert sample("probewatch_events_total", stage=stage) == before + 5
    assert sample("probewatch_dead_letters_total", reason="too_old") >= 3
    assert sample("probewatch_alerts_total", kind="campaign", severity="high") >= 1
    assert sample("probewatch_stage_counts_total", stage=stage, count="links_sampled") >= 7
    assert not counts, "the node counts from zero again"


def test_no_metric_is_labelled_with_an_identity() -> None:
    labels = {
        label
        for metric in metrics.REGISTRY.collect()
        if metric.name.startswith("probewatch")
        for found in metric.samples
        for label in found.labels
    }
    assert labels <= {"stage", "reason", "kind", "severity", "count", "le"}
    assert all(reason.value for reason in Reason)


def test_metrics_are_published_only_if_a_port_is_given() -> None:
    assert metrics.serve(0) is None


def test_topics_that_are_missing_or_split_otherwise_are_named() -> None:
    expected = {"a": 4, "b": 4, "c": 4}
    problems = count_problems(expected, {"a": 4, "b": 8})
    assert len(problems) == 2
    assert "b has 8 partitions and the settings say 4" in problems[0]
    assert "c does not exist" in problems[1]


def test_readiness_is_reported_once_and_the_deadline_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    monkeypatch.setenv("PROBEWATCH_READY_FILE", str(ready))
    deaths: list[str] = []
    monkeypatch.setattr(failure, "die", deaths.append)
    waiting = Readiness(deadline_s=60)
    waiting.wait()
    assert not ready.exists()
    waiting.reached()
    assert ready.exists()
    ready.unlink()
    waiting.reached()
    assert not ready.exists(), "nothing has changed since"
    assert deaths == []


def test_worker_that_hangs_ends_at_the_deadline() -> None:
    done = python(
        "import time\n"
        "from streams.transport.readiness import Readiness\n"
        "Readiness(0.05).wait()\n"
        "time.sleep(20)"
    )
    assert done.returncode == 70


def test_plain_connection_has_no_credentials() -> None:
    assert faust_credentials(KafkaSettings()) is None
    assert client_options(KafkaSettings())["ssl_context"] is None


def test_faust_and_aiokafka_get_the_same_credentials() -> None:
    kafka = KafkaSettings.model_validate(
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-256",
            "sasl_username": "svc",
            "sasl_password": "pw",
        }
    )
    options, credentials = client_options(kafka), faust_credentials(kafka)
    assert credentials is not None
    assert options["security_protocol"] == credentials.protocol.value
    assert options["sasl_mechanism"] == credentials.mechanism.value  # type: ignore[union-attr]
    assert options["sasl_plain_password"] == credentials.password  # type: ignore[union-attr]
    assert options["ssl_context"] is not None


def test_flush_reaches_every_handler() -> None:
    log.flush()
