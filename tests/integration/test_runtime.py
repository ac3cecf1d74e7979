"""A worker process on a real broker: every record counted once, whatever happens to the worker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.kafka.broker import Broker
from schemas.errors import ConfigError
from streams.app import check_partitions
from tests.conftest import CreateTopic
from tests.integration.bench import PARTITIONS, PROGRAM, WAIT_S, Bench, read_all, wait_for
from tests.integration.counting import counting_settings, plan_of


pytestmark = pytest.mark.integration

FENCED = 70


@pytest.fixture
def bench(kafka: Broker, create_topic: CreateTopic, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(
        kafka.bootstrap,
        tmp_path,
        create_topic("source", PARTITIONS),
        create_topic("changelog", PARTITIONS, {"cleanup.policy": "compact"}),
        create_topic("outputs"),
    )
    yield bench
    for worker in bench.workers:
        if worker.poll() is None:
            worker.kill()
        worker.wait()


def live_and_die(bench: Bench, more: dict[str, Any], *lives_s: float) -> None:
    """Run one worker after the other; each is killed so long after it has begun to work."""
    for life_s in lives_s:
        # A static member is back at once; the others' sessions must time out first.
        plan = bench.plan(instance_id="only", flush_s=0.05, more=more | {"die_after_s": life_s})
        assert bench.start(plan).wait(WAIT_S) == -signal.SIGKILL


def test_everything_is_counted_once_though_the_worker_is_killed_again_and_again(
    bench: Bench,
) -> None:
    bench.fill(24_000)
    more = {"delay_s": 0.02}
    live_and_die(bench, more, 0.4, 1.2)
    assert 0 < bench.written() < 24_000, "it was killed in the middle"
    bench.start(bench.plan(instance_id="only", more=more))
    wait_for(lambda: bench.written() == 24_000)
    bench.assert_counted_once()


def test_stage_that_reads_anothers_transactions_counts_once_too(
    bench: Bench, create_topic: CreateTopic
) -> None:
    middle, changelog = create_topic("middle", 2), create_topic("middle-changelog", 2)
    more = {"delay_s": 0.02, "middle": middle, "middle_changelog": changelog, "targets": 2}
    bench.fill(12_000)
    live_and_die(bench, more, 0.5, 1.0)
    assert bench.written() < 12_000, "it was killed in the middle"
    bench.start(bench.plan(instance_id="only", more=more))
    wait_for(lambda: bench.written() == 12_000)
    between = read_all(bench.bootstrap, middle, settled=True)
    outputs = read_all(bench.bootstrap, bench.outputs, settled=True)
    assert Counter(r.value for r in outputs) == Counter(
        f"{r.partition}:{r.offset}".encode() for r in between
    )
    assert max(r.offset for r in between) > 6_000, "markers and aborted records leave holes"
    source = read_all(bench.bootstrap, bench.source)
    assert Counter(r.value for r in between) == Counter(
        f"{r.partition}:{r.offset}".encode() for r in source
    )


def test_worker_that_is_told_to_stop_writes_all_it_has_folded_and_exits_with_0(
    bench: Bench,
) -> None:
    bench.fill(2_000)
    # No barrier is due for an hour, so whatever is written was written on the way out.
    worker = bench.start(bench.plan(flush_s=3600.0))
    time.sleep(2.0)
    assert bench.written() == 0
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_S) == 0
    bench.assert_counted_once()


def test_two_workers_share_the_partitions_and_hand_them_over(bench: Bench) -> None:
    bench.fill(20_000)
    plan = bench.plan(more={"delay_s": 0.05})
    first = bench.start(plan)
    second = bench.start(plan)
    assert "partitions=2" in bench.log(1), "the second worker took over half of them"
    wait_for(lambda: bench.written() >= 8_000)
    second.send_signal(signal.SIGTERM)
    assert second.wait(WAIT_S) == 0
    wait_for(lambda: bench.written() == 20_000)
    assert first.poll() is None
    bench.assert_counted_once()


def test_worker_that_was_frozen_past_its_session_is_fenced_and_changes_nothing(
    bench: Bench,
) -> None:
    bench.fill(12_000)
    plan = bench.plan(more={"delay_s": 0.05})
    frozen = bench.start(plan)
    wait_for(lambda: bench.written() >= 1_000)
    frozen.send_signal(signal.SIGSTOP)
    bench.start(plan)  # ready only when the group has given up the other
    frozen.send_signal(signal.SIGCONT)
    assert frozen.wait(WAIT_S) == FENCED
    assert "Fenced" in bench.log(0)
    wait_for(lambda: bench.written() == 12_000)
    bench.assert_counted_once()


def test_worker_without_a_broker_says_so_and_exits_with_69(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    nobody = {"bootstrap": "127.0.0.1:1", "app_id": "x", "source": "x", "changelog": "x"}
    plan.write_text(json.dumps(nobody | {"partitions": 1, "outputs": None}))
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(plan)], check=False, capture_output=True, timeout=WAIT_S
    )
    assert done.returncode == 69
    assert b"no Kafka broker answers at 127.0.0.1:1" in done.stderr


def test_worker_refuses_topics_with_other_partition_counts(bench: Bench) -> None:
    settings = counting_settings(bench.bootstrap, "x")
    plan = plan_of("links", bench.source, bench.changelog, PARTITIONS + 1)
    with pytest.raises(ConfigError, match=f"{bench.source} has 4 partitions and .* say 5"):
        asyncio.run(check_partitions(settings, plan))
