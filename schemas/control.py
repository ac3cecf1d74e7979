"""Control records: they ride in the request topic so that their order against requests is fixed."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from schemas.fields import Identifier
from schemas.request import Time


class ModelReleased(Struct, tag="model.released", tag_field="type", frozen=True):
    """A model became available. Written to every partition."""

    time: Time
    model: Annotated[str, Meta(min_length=1, max_length=128)] = field(name="gen_ai.request.model")


class ReferenceActivated(Struct, tag="reference.activated", tag_field="type", frozen=True):
    """From here on the reference file with this hash is in force. Written to every partition."""

    time: Time
    hash: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Heartbeat(Struct, tag="heartbeat", tag_field="type", frozen=True):
    """An idle partition's event time, written by the worker that owns the partition."""

    time: Time


class Enforcement(Struct, tag="enforcement", tag_field="type", frozen=True):
    """The provider acted against an account. Written to the account's partition."""

    time: Time
    account_id: Identifier = field(name="account.id")
    action: Literal["throttled", "suspended", "banned"]


Control = ModelReleased | ReferenceActivated | Heartbeat | Enforcement
BROADCAST = (ModelReleased, ReferenceActivated, Heartbeat)
"""Control records that every partition of the request topic gets a copy of."""
