"""The supervisor is part of correctness: a worker in trouble exits, and this must bring it back."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ConfigError
from streams.supervisor import READY_VARIABLE, Backoff, Policy, Supervisor, report_ready


READY = f"import os, pathlib; pathlib.Path(os.environ[{READY_VARIABLE!r}]).touch()\n"
QUICK = Policy(ready_s=10, grace_s=5, backoff_s=0.01, backoff_max_s=0.02)
POLL_S = 0.02

seconds = st.floats(min_value=0.01, max_value=1000)


def script(body: str) -> list[str]:
    """Argv of a small Python program; ``-S -E`` makes it start quickly."""
    return [sys.executable, "-S", "-E", "-c", body]


def counting(tmp_path: Path, body: str) -> tuple[list[str], Path]:
    """A program that counts its lives in the size of a file; ``body`` sees it as ``life``."""
    lives = tmp_path / "lives"
    counter = f"import sys\nwith open({str(lives)!r}, 'ab') as f: f.write(b'.'); life = f.tell()\n"
    return script(counter + body), lives


def supervise(argv: Sequence[str], policy: Policy = QUICK) -> int:
    return asyncio.run(Supervisor(argv, policy=policy).run())


async def appears(path: Path) -> None:
    """Wait for a file; the test's timeout is the limit."""
    while not path.exists():
        await asyncio.sleep(POLL_S)


async def stop_after(
    path: Path, argv: Sequence[str], policy: Policy, signals: Sequence[signal.Signals]
) -> int:
    """Supervise, and send the signals once ``path`` exists."""
    supervisor = Supervisor(argv, policy=policy)
    run = asyncio.create_task(supervisor.run())
    await appears(path)
    for signum in signals:
        supervisor.stop(signum)
        await asyncio.sleep(POLL_S)
    return await run


@pytest.mark.parametrize("code", [70, 1, 2])
def test_failed_command_is_started_again(tmp_path: Path, code: int) -> None:
    argv, lives = counting(tmp_path, READY + f"sys.exit(0 if life == 3 else {code})")
    assert supervise(argv) == 0
    assert lives.stat().st_size == 3


def test_command_killed_by_a_signal_is_started_again(tmp_path: Path) -> None:
    body = READY + "import os, signal\nif life == 1: os.kill(os.getpid(), signal.SIGKILL)"
    argv, lives = counting(tmp_path, body)
    assert supervise(argv) == 0
    assert lives.stat().st_size == 2


def test_command_that_ended_well_is_not_started_again(tmp_path: Path) -> None:
    argv, lives = counting(tmp_path, "")
    assert supervise(argv) == 0
    assert lives.stat().st_size == 1


def test_hanging_command_is_killed_at_the_readiness_deadline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hang = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    argv, lives = counting(tmp_path, hang + "if life == 1: time.sleep(600)")
    assert supervise(argv, replace(QUICK, ready_s=1)) == 0
    assert lives.stat().st_size == 2
    assert "not ready after 1 s" in caplog.text


def test_ready_command_may_live_past_the_readiness_deadline(tmp_path: Path) -> None:
    argv, lives = counting(tmp_path, READY + "import time; time.sleep(1.5)")
    assert supervise(argv, replace(QUICK, ready_s=1)) == 0
    assert lives.stat().st_size == 1


def test_readiness_of_the_last_life_does_not_count_for_the_next(tmp_path: Path) -> None:
    body = "import time\n" + f"if life == 1:\n exec({READY!r}); sys.exit(70)\n"
    argv, lives = counting(tmp_path, body + "if life == 2: time.sleep(600)")
    assert supervise(argv, replace(QUICK, ready_s=1)) == 0
    assert lives.stat().st_size == 3


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_forwarded_and_the_command_not_restarted(
    tmp_path: Path, signum: signal.Signals
) -> None:
    trap = f"import signal, time; signal.signal({int(signum)}, lambda *_: sys.exit(7))\n"
    armed = tmp_path / "armed"
    argv, lives = counting(tmp_path, f"{trap}open({str(armed)!r}, 'w')\ntime.sleep(600)")
    assert asyncio.run(stop_after(armed, argv, QUICK, [signum])) == 7
    assert lives.stat().st_size == 1


def test_command_that_ignores_the_stop_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    armed = tmp_path / "armed"
    argv = script(f"{deaf}open({str(armed)!r}, 'w')\ntime.sleep(600)")
    policy = replace(QUICK, grace_s=0.3)
    code = asyncio.run(stop_after(armed, argv, policy, [signal.SIGTERM]))
    assert code == 128 + signal.SIGKILL


def test_second_stop_kills_at_once(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    armed = tmp_path / "armed"
    argv = script(f"{deaf}open({str(armed)!r}, 'w')\ntime.sleep(600)")
    patient = replace(QUICK, grace_s=600)
    code = asyncio.run(stop_after(armed, argv, patient, [signal.SIGTERM, signal.SIGTERM]))
    assert code == 128 + signal.SIGKILL


def test_stop_during_the_backoff_ends_at_once(tmp_path: Path) -> None:
    argv, lives = counting(tmp_path, "sys.exit(70)")
    policy = replace(QUICK, backoff_s=600, backoff_max_s=600)
    assert asyncio.run(stop_after(lives, argv, policy, [signal.SIGTERM])) in {0, 70}
    assert lives.stat().st_size == 1


@pytest.mark.parametrize(("code", "status"), [(0, 1), (70, 70)])
def test_without_restart_any_exit_is_the_end_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int, status: int
) -> None:
    argv, lives = counting(tmp_path, READY + f"sys.exit({code})")
    assert supervise(argv, replace(QUICK, restart=False)) == status
    assert lives.stat().st_size == 1
    assert f"ended with {code} and is not restarted" in caplog.text


def test_command_that_cannot_be_run_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-command"):
        supervise([str(tmp_path / "no-such-command")])


def test_cancelling_kills_the_command_and_its_children(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    locked = "import fcntl, sys, time; fcntl.flock(0, fcntl.LOCK_EX)\n"
    child = f"{locked}open({str(armed)!r}, 'w'); time.sleep(600)"
    body = f"import subprocess, sys\nwith open({str(tmp_path / 'lock')!r}, 'w') as lock:\n"
    argv = script(f"{body}    subprocess.run([sys.executable, '-c', {child!r}], stdin=lock)")

    async def scenario() -> None:
        run = asyncio.create_task(Supervisor(argv, policy=QUICK).run())
        await appears(armed)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(scenario())
    with (tmp_path / "lock").open() as lock:
        # Held by the child of the command for as long as it lives; the test's timeout is the limit.
        fcntl.flock(lock, fcntl.LOCK_EX)


@given(policy=st.builds(Policy, backoff_s=seconds, backoff_max_s=seconds, healthy_s=seconds))
def test_backoff_doubles_up_to_its_bound(policy: Policy) -> None:
    backoff = Backoff(policy)
    delays = [backoff.after(healthy_s=0) for _ in range(2000)]
    expected = [
        min(policy.backoff_s * 2.0 ** min(n, 60), policy.backoff_max_s) for n in range(2000)
    ]
    assert delays == pytest.approx(expected)


@given(
    policy=st.builds(Policy, backoff_s=seconds, backoff_max_s=seconds, healthy_s=seconds),
    failures=st.integers(min_value=1, max_value=20),
)
def test_healthy_period_resets_the_backoff(policy: Policy, failures: int) -> None:
    backoff = Backoff(policy)
    first = backoff.after(healthy_s=0)
    for _ in range(failures):
        backoff.after(healthy_s=policy.healthy_s / 2)
    assert backoff.after(healthy_s=policy.healthy_s) == first


def test_report_ready_touches_the_file_and_is_silent_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = tmp_path / "ready"
    monkeypatch.setenv(READY_VARIABLE, str(ready))
    report_ready()
    assert ready.exists()
    monkeypatch.delenv(READY_VARIABLE)
    report_ready()


def test_program_restarts_then_stops_on_sigterm(tmp_path: Path) -> None:
    armed = tmp_path / "armed"
    body = (
        READY
        + "import signal, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        + f"if life == 1: sys.exit(70)\nopen({str(armed)!r}, 'w')\ntime.sleep(600)"
    )
    argv, lives = counting(tmp_path, body)
    command = [sys.executable, "-m", "streams.supervisor", "--backoff-max-s=0.1", "--", *argv]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as program:
        asyncio.run(appears(armed))
        program.terminate()
        _, said = program.communicate()
    assert program.returncode == 0
    assert lives.stat().st_size == 2
    assert "ended with 70; next start in 0.1 s" in said


def test_environment_is_passed_with_the_ready_file_added(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    names = f"import os; open({str(seen)!r}, 'w').write(' '.join(sorted(os.environ)))"
    supervisor = Supervisor(script(names), env={"GIVEN": "1", "LC_CTYPE": "C"}, policy=QUICK)
    assert asyncio.run(supervisor.run()) == 0
    assert seen.read_text() == f"GIVEN LC_CTYPE {READY_VARIABLE}"
    assert READY_VARIABLE not in os.environ
