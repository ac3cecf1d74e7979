"""The frame: up to 4,096 records of one channel in one Kafka record.

A channel is the ordered records from one partition of one stage to one partition of a topic. Frames
of a channel are numbered without gaps, so a reader proves that nothing is missing, whatever Kafka's
offsets do under transactions.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.fields import Identifier, Millis


FRAME_VERSION = 1
FRAME_RECORDS = 4096
"""A request makes up to twelve link records of 43 bytes: this is what 340 requests make, and 330 kB
of the widest records, where a topic takes 1 MiB. The frame's own cost is 0.1 ms."""

StageName = Literal["account", "organization", "links", "campaign"]


class AccountFacts(Struct, frozen=True, array_like=True):
    """What does not change about an account; a frame carries each of its accounts once."""

    account_id: Identifier
    organization_id: Identifier
    created: Millis = 0
    """0 when the gateway does not say."""
    plan: Annotated[int, Meta(ge=0, le=5, description="index into PLANS, 5 = not said")] = 5


class Frame(Struct, frozen=True, array_like=True, gc=False):
    """One numbered piece of a channel, msgpack on the wire."""

    version: Annotated[int, Meta(ge=1, le=255)]
    stage: StageName
    partition: Annotated[int, Meta(ge=0, description="the source partition")]
    sequence: Annotated[int, Meta(ge=0, description="the frame's number in its channel")]
    complete: Annotated[
        int, Meta(ge=0, description="the source will emit nothing more in ticks below this")
    ]
    watermark: Annotated[int, Meta(ge=0, description="greatest event time the source has seen, ms")]
    accounts: list[AccountFacts]
    rows: Annotated[bytes, Meta(description="packed records of the topic's layout, little-endian")]
