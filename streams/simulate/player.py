"""Plays a world into the request topic, its days in as many seconds as wanted."""

from __future__ import annotations

import asyncio

from collections.abc import Awaitable
from typing import Any

import orjson

from aiokafka import AIOKafkaProducer

from models.content import Keys
from models.eventtime import parse_time
from schemas.topics import REQUESTS
from streams.adapters.raw import to_wire
from streams.simulate.cast import WorldSpec
from streams.simulate.world import simulate


STEP_S = 1.0
"""What is due goes out together so often: a worker spends per batch, not per event."""
UNCONFIRMED = 100
"""Records sent before the brokers' answers are asked for; to fingerprint them takes 25 ms."""


class Player:
    """Sends the events of ``world`` so that its span takes ``play_s`` seconds.

    A machine that is too slow plays longer. ``partitions`` are those of the request topic.
    """

    def __init__(self, world: WorldSpec, keys: Keys, *, play_s: float, partitions: int) -> None:
        self.world = world
        self.sent = 0
        """Records on the topic: requests, and a control record once a partition."""
        self.event_ms = world.start_ms
        """Event time played so far."""
        self._keys = keys
        self._speed = world.span_ms / play_s
        self._partitions = partitions
        self._unconfirmed: list[Awaitable[Any]] = []

    async def run(self, producer: AIOKafkaProducer) -> None:
        """Send everything until the brokers have it. Raises ``KafkaError`` if they refuse."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for event in simulate(self.world):
            time_ms = parse_time(event["time"])
            due = began + (time_ms - self.world.start_ms) / self._speed
            early_s = due - loop.time()
            if early_s > 0:
                await asyncio.sleep(max(early_s, STEP_S))
            await self._send(producer, event)
            self.event_ms = time_ms
        await self._confirm()
        self.event_ms = self.world.start_ms + self.world.span_ms

    async def _send(self, producer: AIOKafkaProducer, event: dict[str, Any]) -> None:
        wire = to_wire(orjson.dumps(event), self._keys)
        if wire.error is not None:
            raise wire.error
        if wire.control:
            for partition in range(self._partitions):
                sent = await producer.send(REQUESTS, wire.value, partition=partition)
                self._unconfirmed.append(sent)
            self.sent += self._partitions
        else:
            sent = await producer.send(REQUESTS, wire.value, key=wire.account.encode())
            self._unconfirmed.append(sent)
            self.sent += 1
        if len(self._unconfirmed) >= UNCONFIRMED:
            await self._confirm()

    async def _confirm(self) -> None:
        await asyncio.gather(*self._unconfirmed)
        self._unconfirmed.clear()
