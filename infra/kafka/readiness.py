"""Whether a broker really answers: an open port is not enough."""

from __future__ import annotations

import asyncio
import socket

from contextlib import suppress

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError


CONNECT_S = 0.2
ANSWER_MS = 3000
"""For one round trip; a broker that is still loading may take a second or two."""


async def answers(bootstrap: str, cluster: str) -> bool:
    """Whether a broker of ``cluster`` is registered with its controller and serves metadata.

    The cluster id tells it from a stranger who has taken the port.
    """
    host, _, port = bootstrap.rpartition(":")
    try:
        # Before the port is open the Kafka client would only fill the log with failed connections.
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError:
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=ANSWER_MS)
    try:
        async with asyncio.timeout(ANSWER_MS / 1000):
            await admin.start()
            found = await admin.describe_cluster()
            return found["cluster_id"] == cluster and len(found["brokers"]) > 0
    except (KafkaError, TimeoutError):
        return False
    finally:
        with suppress(KafkaError, TimeoutError):
            await admin.close()
