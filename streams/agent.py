"""The one agent that drives any stage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

import faust

from faust.types import EventT, StreamT

from streams.transport import failure
from streams.transport.ownership import Ownership


AgentFunction = Callable[[StreamT[Any]], Awaitable[None]]


def stage_agent(
    ownership: Ownership, after_chunk: Callable[[], None] = lambda: None
) -> AgentFunction:
    """A Faust agent that hands every chunk to its partition's node.

    Faust acknowledges an event whose agent raised, and restarts the agent: the record would be
    skipped in silence. So acknowledging is the barrier's business, and any error ends the process.
    """

    async def agent(stream: StreamT[Any]) -> None:
        manual = cast("faust.Stream[Any]", stream).noack()
        ownership.acknowledge = manual.ack
        try:
            async for event in manual.events():
                take(event)
        except Exception as error:  # noqa: BLE001 - broken state or a bug, and never this record's fault
            failure.die(f"stage {ownership.spec.stage} failed", error)

    def take(event: EventT[Any]) -> None:
        ownership.take(event)
        after_chunk()

    return agent
