"""A small supervisor: the worker's way out of trouble is to exit, and this starts it again.

    start ─▶ waiting for readiness ─▶ running ─▶ exited ─▶ backoff ─▶ start
                  │ deadline: SIGKILL ──────────────▲

The life of the command, in order:

1. It is started with ``PROBEWATCH_READY_FILE`` in its environment and touches that file once it
   works (:func:`report_ready`); one that has not done so by the deadline hangs and is killed.
2. If it exits with 0 it is done, and so is the supervisor. Any other end (70: fenced or a failed
   barrier, 1: no broker, a signal) is followed by a new start after a delay that doubles up to a
   bound. A healthy period resets the delay.
3. If the supervisor is told to stop, it forwards the signal, waits out the grace period and kills.
   A second signal kills at once. A stopped command is never restarted.

The command gets a process group of its own: Ctrl-C in a terminal reaches it once, through here, and
a kill takes its children along. If the supervisor itself is killed with -9 the command lives on;
that is safe, because the next owner of its partitions fences it.

As a program: ``python -m streams.supervisor [options] -- probewatch worker ...``.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import tempfile

from asyncio.subprocess import Process
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import ConfigError


log = logging.getLogger(__name__)

READY_VARIABLE = "PROBEWATCH_READY_FILE"
READY_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Policy:
    """When to restart, and how long to wait for what; all times in seconds."""

    restart: bool = True
    """False on the embedded broker, which forgets: there, any exit is the end."""
    ready_s: float = 120.0
    """A restart takes 3.5 s, recovering a million rows 10 s more; the rest is for busy machines."""
    grace_s: float = 15.0
    """A stop in order took 3.6 s: it ends with one last barrier per partition."""
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    healthy_s: float = 60.0
    """Ready for so long before it failed: a new trouble, not the old one again."""


class Backoff:
    """The delay before the next start: doubles from ``backoff_s`` to ``backoff_max_s``."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._next_s = policy.backoff_s

    def after(self, healthy_s: float) -> float:
        """Seconds to wait after a life that was ready for ``healthy_s``."""
        if healthy_s >= self._policy.healthy_s:
            self._next_s = self._policy.backoff_s
        delay_s = min(self._next_s, self._policy.backoff_max_s)
        self._next_s = delay_s * 2
        return delay_s


@dataclass(frozen=True)
class Life:
    """One run of the command: its exit code as a shell would put it, and how long it was ready."""

    code: int
    healthy_s: float


class Supervisor:
    """Runs ``argv`` until it exits with 0 or :meth:`stop` is called.

    ``env`` replaces the environment; the readiness variable is added to it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        policy: Policy | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self.policy = policy or Policy()
        self._env = dict(os.environ if env is None else env)
        self._stopping = asyncio.Event()
        self._signal = signal.SIGTERM
        self._process: Process | None = None

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> None:
        """Ask :meth:`run`, on the same loop, to end; the second call kills the command."""
        if self._stopping.is_set():
            self._kill()
        self._signal = signum
        self._stopping.set()

    async def run(self) -> int:
        """Supervise until the end; returns the exit status to exit with.

        That is the command's own last status, 128 + n if signal n ended it; but 0 if it was stopped
        while nothing ran, and 1 if it exited with 0 unasked though ``restart`` is off.
        Cancelling kills the command. Raises :class:`ConfigError` if it cannot be started at all.
        """
        backoff = Backoff(self.policy)
        with tempfile.TemporaryDirectory(prefix="probewatch-") as folder:
            while True:
                life = await self._live(Path(folder) / "ready")
                if self._stopping.is_set():
                    return life.code
                if not self.policy.restart:
                    log.error("%s ended with %d and is not restarted", self.argv[0], life.code)
                    return life.code or 1
                if life.code == 0:
                    return 0
                delay_s = backoff.after(life.healthy_s)
                log.warning(
                    "%s ended with %d; next start in %.1f s", self.argv[0], life.code, delay_s
                )
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), delay_s)
                    return 0

    async def _live(self, ready: Path) -> Life:
        """Start the command and see it through to its end."""
        loop = asyncio.get_running_loop()
        self._process = process = await self._start(ready)
        ready_at: float | None = None
        try:
            if await self._becomes_ready(process, ready):
                ready_at = loop.time()
                log.info("%s is ready", self.argv[0])
                await _first_of(process.wait(), self._stopping.wait())
            if self._stopping.is_set():
                await self._terminate(process)
        finally:
            # Whatever is left: the command if this was cancelled, else only what it left behind.
            self._kill()
            code = await process.wait()
            self._process = None
        healthy_s = loop.time() - ready_at if ready_at is not None else 0.0
        return Life(code if code >= 0 else 128 - code, healthy_s)

    async def _start(self, ready: Path) -> Process:
        ready.unlink(missing_ok=True)  # noqa: ASYNC240 - one file on the local disk
        try:
            return await asyncio.create_subprocess_exec(
                *self.argv, env=self._env | {READY_VARIABLE: str(ready)}, process_group=0
            )
        except OSError as error:
            raise ConfigError(f"cannot run {self.argv[0]}: {error.strerror}") from error

    async def _becomes_ready(self, process: Process, ready: Path) -> bool:
        """Wait until the command is ready; False if it ended or was stopped before, or hangs."""
        try:
            async with asyncio.timeout(self.policy.ready_s):
                while not ready.exists():  # noqa: ASYNC240 - as above
                    if process.returncode is not None or self._stopping.is_set():
                        return False
                    await asyncio.sleep(READY_POLL_S)
        except TimeoutError:
            log.error("%s is not ready after %g s: killing it", self.argv[0], self.policy.ready_s)
            self._kill()
            await process.wait()
            return False
        return True

    async def _terminate(self, process: Process) -> None:
        """Forward the signal and wait out the grace period; the caller kills what is left."""
        with suppress(ProcessLookupError):
            process.send_signal(self._signal)
        try:
            await asyncio.wait_for(process.wait(), self.policy.grace_s)
        except TimeoutError:
            log.error("%s did not stop within %g s: killing it", self.argv[0], self.policy.grace_s)

    def _kill(self) -> None:
        if self._process is not None:
            # macOS answers EPERM where Linux says that the group is gone.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first is done, and cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def report_ready() -> None:
    """Called by the supervised command once it works; without a supervisor it does nothing."""
    path = os.environ.get(READY_VARIABLE)
    if path is not None:
        Path(path).touch()


async def supervise(argv: Sequence[str], policy: Policy) -> int:
    """Run ``argv`` under a supervisor that stops on SIGTERM, SIGINT or SIGHUP."""
    supervisor = Supervisor(argv, policy=policy)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(signum, supervisor.stop, signum)
    return await supervisor.run()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; returns the supervisor's status, or 2 if the command cannot be started."""
    parser = argparse.ArgumentParser(
        prog="python -m streams.supervisor", description="restart a worker"
    )
    usual = Policy()
    parser.add_argument(
        "--no-restart", action="store_true", help="any exit of the command is the end"
    )
    parser.add_argument("--ready-s", type=float, default=usual.ready_s, help="readiness deadline")
    parser.add_argument(
        "--grace-s", type=float, default=usual.grace_s, help="from SIGTERM to SIGKILL"
    )
    parser.add_argument(
        "--backoff-max-s", type=float, default=usual.backoff_max_s, help="longest delay"
    )
    parser.add_argument("command", nargs="+", help="after --, the command and its arguments")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="supervisor: %(message)s")
    policy = Policy(
        restart=not options.no_restart,
        ready_s=options.ready_s,
        grace_s=options.grace_s,
        backoff_max_s=options.backoff_max_s,
    )
    try:
        return asyncio.run(supervise(options.command, policy))
    except ConfigError as error:
        log.error("%s", error)
        return 2


if __name__ == "__main__":
    sys.exit(main())
