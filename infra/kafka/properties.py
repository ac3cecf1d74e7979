"""``server.properties`` of a node: one KRaft process that is both broker and controller.

Everything a node needs to know about the others comes in through ``quorum``, so that more nodes are
more entries there. TLS and SASL would be one more listener.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


LOOPBACK = "127.0.0.1"
MESSAGE_BYTES = (16 << 20) + (64 << 10)
"""A campaign alert lists every member and may have 16 MiB; 64 KiB more for key and headers."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node: its number in the quorum, its client port (the next is the controller's), its folder.

    A later listener (TLS, SASL) would take a port of its own.
    """

    number: int
    port: int
    folder: Path

    @property
    def bootstrap(self) -> str:
        """What clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def voter(self) -> str:
        """How the quorum names this node."""
        return f"{self.number}@{LOOPBACK}:{self.port + 1}"


def server_properties(node: Node, quorum: Sequence[Node]) -> str:
    """The text of ``server.properties`` for ``node`` in ``quorum`` (which contains it)."""
    properties = _identity(node, quorum) | _replication(len(quorum)) | SMALL | FAST | LASTING
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def _identity(node: Node, quorum: Sequence[Node]) -> dict[str, object]:
    return {
        "process.roles": "broker,controller",
        "node.id": node.number,
        "controller.quorum.voters": ",".join(each.voter for each in quorum),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{node.bootstrap},CONTROLLER://{LOOPBACK}:{node.port + 1}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": node.folder / "data",
    }


def _replication(nodes: int) -> dict[str, object]:
    replicas = min(3, nodes)
    in_sync = max(1, replicas - 1)
    return {
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
    }


SMALL: dict[str, object] = {
    # An internal topic is created, with all its partitions, at the first group or transaction.
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "num.network.threads": 2,
    "num.io.threads": 4,
    # The default of 128 MiB is taken from the heap at once.
    "log.cleaner.dedupe.buffer.size": 16 << 20,
}

FAST: dict[str, object] = {
    # The default of 3 s waits for more members that a test does not have.
    "group.initial.rebalance.delay.ms": 0,
    # Lets tests use short sessions: a killed member is noticed after 1 s instead of 6 s.
    "group.min.session.timeout.ms": 1000,
    # A timed-out transaction blocks read_committed readers until this sweep, by default every 10 s.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    # A killed node may not register again before its former session has ended (default 9 s).
    "broker.session.timeout.ms": 2500,
    "broker.heartbeat.interval.ms": 500,
}

LASTING: dict[str, object] = {
    "message.max.bytes": MESSAGE_BYTES,
    "replica.fetch.max.bytes": MESSAGE_BYTES,
    # Test traffic carries old timestamps; the default retention of a week would delete it at once.
    "log.retention.ms": -1,
    # A misspelt topic must be an error and not a new topic with the wrong partitions.
    "auto.create.topics.enable": "false",
}
