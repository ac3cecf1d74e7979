"""The embedded demo broker: librdkafka's in-memory mock cluster, from the confluent-kafka wheel.

It needs neither Java nor Docker and is up in a fraction of a second. It is for the demo only:

- transactions are accepted, not implemented: aborted records are visible, nobody is fenced;
- a partition keeps about 100,000 records or 5 MB and silently drops the oldest, so stay under
  60,000 records and 3 MB per partition; nothing is compacted, nothing is on disk;
- one member per consumer group: a second one fails to join;
- it rewrites batch headers without their checksum: consumers need ``check_crcs=False``;
- topics are named at the start; one that is not comes into being by accident, with 4 partitions.

One worker, an empty start, and every test of a guarantee on a real Kafka (``infra/kafka``) instead.

As a program: ``python -m streams.embedded --topic NAME:PARTITIONS ... --bootstrap-file FILE``. It
has a process of its own, so that a crash of the C library cannot take the demo along, and ends with
its parent.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import ConfigError


BROKERS = 1
"""More would only spread the partition leaders; there is no replication to show."""
START_S = 15.0
"""It takes 0.2 s; the rest is for a machine that is busy starting the demo."""
STOP_S = 3.0
POLL_S = 0.02
PARENT_POLL_S = 0.5
"""How long it may outlive a parent that was killed."""
ERROR_BYTES = 512
PRODUCER = 0
"""``RD_KAFKA_PRODUCER``: the mock cluster hangs on a client of either type."""


@contextmanager
def embedded_broker(topics: Mapping[str, int]) -> Iterator[str]:
    """Run the broker as a child with ``topics`` (name to partitions); gives its bootstrap address.

    Raises :class:`ConfigError` if the wheel on this platform cannot provide it.
    """
    with tempfile.TemporaryDirectory(prefix="probewatch-broker-") as folder:
        bootstrap, errors = Path(folder) / "bootstrap", Path(folder) / "errors"
        names = [f"--topic={name}:{partitions}" for name, partitions in topics.items()]
        own = [f"--bootstrap-file={bootstrap}", f"--parent={os.getpid()}"]
        command = [sys.executable, "-m", __name__, *names, *own]
        with errors.open("wb") as stderr:
            # A group of its own: Ctrl-C must end the worker first, while the broker still answers.
            child = subprocess.Popen(command, stdout=stderr, stderr=stderr, process_group=0)
        try:
            _await_file(bootstrap, child, errors)
            yield bootstrap.read_text()
        finally:
            child.terminate()
            try:
                child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _await_file(path: Path, child: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = time.monotonic() + START_S
    while not path.exists():
        if child.poll() is not None:
            raise ConfigError(f"the embedded broker died: {errors.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise ConfigError(f"the embedded broker did not start within {START_S:g} s")
        time.sleep(POLL_S)


def find_library() -> str:
    """Path of the librdkafka inside the wheel, else of one installed on the system.

    Raises :class:`ConfigError` if there is none.
    """
    wheel = importlib.util.find_spec("confluent_kafka")
    for package in (wheel and wheel.submodule_search_locations) or ():
        # auditwheel puts bundled libraries beside the package, delocate puts them inside.
        linux, macos = Path(f"{package}.libs"), Path(package) / ".dylibs"
        for found in (*linux.glob("librdkafka*.so*"), *macos.glob("librdkafka*.dylib")):
            return str(found)
    system = ctypes.util.find_library("rdkafka")
    if system is None:
        raise ConfigError(
            "the embedded demo broker needs the librdkafka inside the confluent-kafka wheel, and "
            "there is none for this platform: use a real Kafka (`make demo KAFKA=local`)"
        )
    return system


class MockCluster:
    """An in-memory cluster inside this process, alive until the process ends.

    Raises :class:`ConfigError` if the library is too old or refuses.
    """

    def __init__(self, library: str) -> None:
        try:
            self._lib = _declare(ctypes.CDLL(library))
        except (OSError, AttributeError) as error:
            raise ConfigError(f"this librdkafka has no mock cluster: {error}") from error
        reason = ctypes.create_string_buffer(ERROR_BYTES)
        settings = self._lib.rd_kafka_conf_new()
        client = self._lib.rd_kafka_new(PRODUCER, settings, reason, ERROR_BYTES)
        if not client:
            raise ConfigError(f"librdkafka refuses: {reason.value.decode()}")
        self._cluster = self._lib.rd_kafka_mock_cluster_new(client, BROKERS)

    @property
    def bootstrap(self) -> str:
        """``host:port`` on the loopback interface."""
        found: bytes = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic; the protocol side of the mock has no CreateTopics."""
        create = self._lib.rd_kafka_mock_topic_create
        error = create(self._cluster, name.encode(), partitions, BROKERS)
        if error:
            raise ConfigError(f"librdkafka refuses topic {name}:{partitions} (error {error})")


def _declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    """Declare the functions used (rdkafka.h, rdkafka_mock.h), else pointers are cut to 32 bits."""
    pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[type, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def parse_topic(text: str) -> tuple[str, int]:
    """``NAME:PARTITIONS`` as a pair. Raises :class:`ConfigError`."""
    name, _, partitions = text.rpartition(":")
    if not name or not partitions.isdecimal() or int(partitions) < 1:
        raise ConfigError(f"not NAME:PARTITIONS: {text!r}")
    return name, int(partitions)


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or the end of the parent; 0 = ended so, 2 = cannot start."""
    parser = argparse.ArgumentParser(prog="python -m streams.embedded", description="demo broker")
    parser.add_argument("--topic", action="append", default=[], metavar="NAME:PARTITIONS")
    parser.add_argument("--bootstrap-file", type=Path, required=True)
    parser.add_argument("--parent", type=int, default=os.getppid(), metavar="PID")
    options = parser.parse_args(argv)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sys.exit(0))
    try:
        cluster = MockCluster(find_library())
        for topic in options.topic:
            cluster.create_topic(*parse_topic(topic))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    partial = options.bootstrap_file.with_suffix(".partial")
    partial.write_text(cluster.bootstrap)
    partial.rename(options.bootstrap_file)
    while os.getppid() == options.parent:
        time.sleep(PARENT_POLL_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
