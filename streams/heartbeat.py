"""Heartbeats: event time for source partitions that have no events.

Downstream folds a tick when every source partition has completed it, so one silent partition would
stop all. Its owner appends a control record to it, in the source topic itself, so that every replay
sees the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from aiokafka import AIOKafkaProducer

from models.eventtime import format_time
from schemas.control import Heartbeat
from schemas.topics import REQUESTS
from streams import metrics


IdleClock = Literal["wall", "off"]


@dataclass(frozen=True, slots=True)
class Pulse:
    """One source partition of ours."""

    quiet_s: float
    """Since it last had a record."""
    caught_up: bool
    """There is nothing in it that its node has not seen."""
    watermark: int
    """Its greatest event time, ms."""


class Heart:
    """Decides which idle partitions get a heartbeat, and of which time."""

    def __init__(self, idle_s: float, idle_clock: IdleClock) -> None:
        self.idle_s = idle_s
        self.idle_clock = idle_clock
        self._sent: dict[int, int] = {}

    def beat(
        self, own: Mapping[int, Pulse], *, greatest_ms: int, others_quiet_s: float, now_ms: int
    ) -> dict[int, int]:
        """Partition -> time of the heartbeat it gets now, ms.

        The time is the greatest event time seen on any source partition (``greatest_ms``: of those
        seen elsewhere). Only when all are idle, and the clock is ``wall``, is it now minus the idle
        time. Never one that the partition has reached or been sent already.
        """
        idle = {
            partition
            for partition, pulse in own.items()
            if pulse.caught_up and pulse.quiet_s >= self.idle_s
        }
        time_ms = max((greatest_ms, *(pulse.watermark for pulse in own.values())))
        if (
            self.idle_clock == "wall"
            and len(idle) == len(own)
            and others_quiet_s >= self.idle_s
            # Nobody has seen any event yet: there is no event time that could go on.
            and time_ms > 0
        ):
            time_ms = max(time_ms, now_ms - int(self.idle_s * 1000))
        beats = {
            partition: time_ms
            for partition in idle
            if time_ms > max(own[partition].watermark, self._sent.get(partition, 0))
        }
        self._sent |= beats
        return beats


def encode_heartbeat(time_ms: int) -> bytes:
    """The control record."""
    return msgspec.json.encode(Heartbeat(time=format_time(time_ms)))


class HeartbeatWriter:
    """Appends heartbeats. Not transactional: one too many, or a zombie's, is only a maximum."""

    def __init__(self, client: dict[str, Any], *, topic: str = REQUESTS) -> None:
        self._topic = topic
        self._producer = AIOKafkaProducer(enable_idempotence=True, **client)

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def write(self, beats: Mapping[int, int]) -> None:
        """One record per partition; returns when the brokers have them."""
        for partition, time_ms in beats.items():
            value = encode_heartbeat(time_ms)
            await self._producer.send_and_wait(self._topic, value, partition=partition)
            metrics.HEARTBEATS.inc()

    async def stop(self) -> None:
        """Disconnect."""
        await self._producer.stop()
