"""One local broker: its folder, its process, its life."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time

from contextlib import suppress
from pathlib import Path
from typing import IO

from infra.kafka.errors import BrokerError
from infra.kafka.jars import Jars
from infra.kafka.properties import LOOPBACK, Node, server_properties
from infra.kafka.readiness import answers


STOP_S = 30.0
"""A controlled stop takes a second, and five when it also records the class-data archive."""
POLL_S = 0.02
DETACHED = ["/bin/sh", "-c", '"$@" >>log 2>&1 & echo $!', "sh"]
"""Starts a command that is nobody's child, so that nobody has to wait for it, and tells its pid."""
PORTS = range(20_000, 32_000, 2)
"""Below the ranges Linux and macOS take ports of outgoing connections from: nobody may be handed a
broker's port by chance while it is down."""


class Broker:
    """A single-node Kafka whose state lives in ``folder``: cluster id and ports, data, log.

    The process outlives the one that started it. Whether it lives is told by a file lock that only
    it holds: the kernel releases it however the process ends, and no recycled pid can feign it.
    """

    def __init__(self, folder: Path, jars: Jars) -> None:
        self.folder = folder.resolve()
        self.jars = jars
        self._cluster = self.folder / "cluster.json"
        self._home = self.folder / "node-1"
        self._lock = self._home / "lock"
        self._archive = self._home / "recorded.jsa"

    @property
    def node(self) -> Node:
        """The node as it was created. Raises :class:`BrokerError` if it never was."""
        if not self._cluster.exists():
            raise BrokerError(f"no broker in {self.folder}: start one first")
        return Node(
            number=1, port=int(json.loads(self._cluster.read_text())["port"]), folder=self._home
        )

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients; the same through every restart."""
        return self.node.bootstrap

    @property
    def pid(self) -> int | None:
        """Process id while the broker's process lives, answering or not."""
        if not self._lock.exists():
            return None
        with self._lock.open() as lock:
            # Shared, so that two who ask at once do not take each other for the broker.
            return None if _acquire(lock, fcntl.LOCK_SH) else int(lock.read() or -1)

    def start(self, *, port: int = 0, timeout_s: float = 60.0) -> None:
        """Start the broker and return once it answers; does nothing more if it runs already.

        ``port`` counts only for the first start in a folder; 0 picks a free one.
        Raises :class:`BrokerError` if the broker does not answer within ``timeout_s`` or dies.
        """
        self.jars.require()
        if not self._cluster.exists():
            self._create(port or _free_port())
        if self.pid is None:
            self._spawn()
        asyncio.run(self._ready(timeout_s))

    def stop(self) -> None:
        """Stop in order and wait for the end; a broker that does not stop is killed."""
        self._end(signal.SIGTERM)
        self.jars.adopt(self._archive)

    def kill(self) -> None:
        """``kill -9``: no flush, no goodbye to clients; returns when the process is gone."""
        self._end(signal.SIGKILL)

    def wipe(self) -> None:
        """Kill the broker and remove its state, leaving whatever else lies in the folder."""
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)
        self._cluster.unlink(missing_ok=True)

    def log_tail(self, lines: int = 15) -> str:
        """The last lines of the broker's log."""
        try:
            text = (self._home / "log").read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def _create(self, port: int) -> None:
        node = Node(number=1, port=port, folder=self._home)
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(parents=True)
        properties = self._home / "server.properties"
        properties.write_text(server_properties(node, [node]))
        # Kafka wants 16 random bytes in URL-safe base64, and no leading dash on its command line.
        cluster = "k" + secrets.token_urlsafe(16)[1:22]
        done = subprocess.run(
            self.jars.format_command("--cluster-id", cluster, "--config", str(properties)),
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise BrokerError(f"formatting failed:\n{done.stdout}{done.stderr}")
        self._cluster.write_text(json.dumps({"id": cluster, "port": port}))

    def _spawn(self) -> None:
        command = self.jars.broker_command(self._home / "server.properties", self._archive)
        with self._lock.open("a+") as lock:
            if not _acquire(lock, fcntl.LOCK_EX):
                raise BrokerError(f"somebody else is starting a broker in {self.folder}")
            started = subprocess.run(
                DETACHED + command,
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                cwd=self._home,
                start_new_session=True,  # Ctrl-C in the terminal is not meant for the broker
                pass_fds=(lock.fileno(),),
                text=True,
            )
            lock.truncate(0)
            lock.write(started.stdout)

    async def _ready(self, timeout_s: float) -> None:
        cluster = json.loads(self._cluster.read_text())["id"]
        deadline = time.monotonic() + timeout_s
        while not await answers(self.bootstrap, cluster):
            if self.pid is None:
                raise BrokerError(f"the broker died; its log ends:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise BrokerError(f"no answer in {timeout_s:g} s; its log ends:\n{self.log_tail()}")
            await asyncio.sleep(POLL_S)

    def _end(self, signum: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signum)
        deadline = time.monotonic() + STOP_S
        while self.pid is not None:
            if time.monotonic() > deadline:
                if signum == signal.SIGKILL:
                    raise BrokerError(f"process {pid} does not die")
                self._end(signal.SIGKILL)
                return
            time.sleep(POLL_S)


def _acquire(lock: IO[str], kind: int) -> bool:
    """Take the lock of an open file if nobody is in the way; closing the file gives it back."""
    with suppress(BlockingIOError):
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
        return True
    return False


def _free_port() -> int:
    """A port that is free together with the next one (client and controller)."""
    start = secrets.randbelow(len(PORTS))
    for step in range(len(PORTS)):
        port = PORTS[(start + step) % len(PORTS)]
        if _is_free(port) and _is_free(port + 1):
            return port
    raise BrokerError(f"no free pair of ports in {PORTS}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the broker does: connections still closing on the port are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
