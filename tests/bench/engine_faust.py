"""Peer: a stock Faust app with one agent, event after event, and River objects per account.

``python -m tests.bench.engine_faust RUN``

No Faust table (one would write every change to a changelog, record by record) and no
``processing_guarantee``: state is not kept anywhere, which costs the peer nothing here.
"""

from __future__ import annotations

import asyncio
import os

from typing import Any

import faust

from faust.types import StreamT

from schemas.topics import LINKS, REQUESTS, WINDOWS, Partitions
from tests.bench.meter import Meter, Run, told
from tests.bench.river_peer import CODEC, RiverPeer


LINGER_S = 0.02
BATCH_BYTES = 512 << 10


def new_app(run: Run) -> faust.App:
    """The app, its agent included; the process ends at the end of the run."""
    app = faust.App(
        f"bench-faust-{run.number}",
        broker=f"kafka://{run.bootstrap}",
        store="memory://",
        autodiscover=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        consumer_auto_offset_reset="earliest",
        producer_compression_type=CODEC,
        producer_linger=LINGER_S,
        producer_max_batch_size=BATCH_BYTES,
    )
    source = _topic(app, REQUESTS, Partitions().requests)
    targets = {
        LINKS: _topic(app, LINKS, Partitions().links),
        WINDOWS: _topic(app, WINDOWS, Partitions().windows),
    }
    meter, peer = Meter(run), RiverPeer()
    sent: list[asyncio.Future[Any]] = []

    async def send() -> None:
        for record in peer.flush():
            target = targets[record.topic]
            sent.append(await target.send(value=record.value, partition=record.partition))

    async def agent(stream: StreamT[bytes]) -> None:
        async for value in stream:
            peer.fold(value)
            meter.count(1)
            if peer.full:
                await send()
            if meter.done:
                await send()
                await asyncio.gather(*sent)
                meter.report()
                os._exit(0)  # Faust would go on with what it has fetched ahead

    app.agent(source, name="account")(agent)
    return app


def _topic(app: faust.App, name: str, partitions: int) -> Any:
    return app.topic(
        name,
        partitions=partitions,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
    )


if __name__ == "__main__":
    faust.Worker(
        new_app(told()), loglevel="error", quiet=True, redirect_stdouts=False
    ).execute_from_commandline()
