"""Our own worker, from the outside: ``probewatch worker`` with the account stage, as users run it.

Its CPU time is read from ``/proc`` when it says that it has recovered, which is just before its
first event, and when its last event is committed and it has nothing left to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from threading import Event, Thread
from typing import IO
from urllib.request import urlopen

import msgspec

from tests.bench.meter import Measured, Run


ROOT = Path(__file__).resolve().parents[2]
COMMAND = ("-m", "streams.cli", "worker")
RECOVERED_S = 60.0
FINISHED_S = 300.0
STOPPED_S = 20.0
SETTLED_S = 1.0
"""More than two barriers: what was folded last is committed by then. The idle second counts too."""
SCRAPE_S = 0.5
"""A scrape costs the worker about 2 ms."""
ENVIRONMENT = {
    "PROBEWATCH_STAGES": "account",
    "PROBEWATCH_ALLOW_DEMO_KEY": "true",
    # No heartbeats: they would stay on the topic that all engines read.
    "PROBEWATCH_IDLE_CLOCK": "off",
    "PROBEWATCH_IDLE_S": "3600",
}


class Worker:
    """A running worker: its log, its metrics, its CPU time."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.recovered = Event()
        self.recovered_cpu_s = 0.0
        self._proc = Path("/proc") / str(process.pid)
        self._port = port
        self._tail: deque[bytes] = deque(maxlen=20)
        if process.stderr is None:
            raise RuntimeError("the worker's log was not asked for")
        self._reader = Thread(target=self._read, args=(process.stderr,), daemon=True)
        self._reader.start()

    def cpu_s(self) -> float:
        """User and system time of all its threads, in hundredths."""
        # The command's name may hold anything, so count from its closing parenthesis.
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self) -> int:
        """Its largest resident size so far."""
        status = (self._proc / "status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def metrics(self) -> dict[str, float]:
        """Every sample of its metrics endpoint, labels included in the name."""
        with urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def check(self) -> None:
        """Raise ``RuntimeError`` if it has ended."""
        if self.process.poll() is not None:
            self._reader.join(timeout=1)
            log = b"".join(self._tail).decode(errors="replace")
            raise RuntimeError(f"the worker ended with {self.process.returncode}:\n{log}")

    def _read(self, log: IO[bytes]) -> None:
        for line in log:
            self._tail.append(line)
            if not self.recovered.is_set() and _event(line) == "recovered":
                self.recovered_cpu_s = self.cpu_s()
                self.recovered.set()


def measure(run: Run, command: Sequence[str] = COMMAND) -> Measured:
    """Let a worker read the whole topic."""
    with _worker(run, command) as worker:
        _wait(worker.recovered, worker)
        began = time.monotonic()
        samples = worker.metrics()
        while _events(samples) < run.events:
            worker.check()
            if time.monotonic() - began > FINISHED_S:
                raise TimeoutError(f"{_events(samples):,.0f} events in {FINISHED_S:g} s")
            time.sleep(SCRAPE_S)
            samples = worker.metrics()
        wall_s = time.monotonic() - began
        time.sleep(SETTLED_S)
        worker.check()
        return Measured(
            events=int(_events(samples)),
            cpu_s=worker.cpu_s() - worker.recovered_cpu_s,
            wall_s=wall_s,
            peak_bytes=worker.peak_bytes(),
        )


@contextmanager
def _worker(run: Run, command: Sequence[str]) -> Iterator[Worker]:
    port = _free_port()
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PROBEWATCH_", "KAFKA_"))}
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=inherited
        | ENVIRONMENT
        | {
            "KAFKA_BOOTSTRAP_SERVERS": run.bootstrap,
            "PROBEWATCH_APP_ID": f"bench-worker-{run.number}",
            "PROBEWATCH_METRICS_PORT": str(port),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    worker = Worker(process, port)
    try:
        yield worker
    finally:
        process.terminate()
        try:
            process.wait(timeout=STOPPED_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _wait(recovered: Event, worker: Worker) -> None:
    deadline = time.monotonic() + RECOVERED_S
    while not recovered.wait(timeout=SCRAPE_S):
        worker.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker has not recovered in {RECOVERED_S:g} s")


def _events(samples: dict[str, float]) -> float:
    return samples.get('probewatch_events_total{stage="account"}', 0.0)


def _event(line: bytes) -> object:
    try:
        return msgspec.json.decode(line, type=dict[str, object]).get("event")
    except msgspec.DecodeError:
        return None


def _free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
