"""A Faust schema that leaves chunks as they are: decoding belongs to the node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import faust

from faust.serializers.schemas import Schema


if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from faust.types import AppT, EventT, Message


class ChunkSchema(Schema[Any, Any]):
    """``event.value`` is the chunk; keys and values inside it are bytes.

    Faust acknowledges a record it cannot decode and goes on (conductor.py), so it never decodes.
    """

    def compile(
        self,
        app: AppT,
        *,
        on_key_decode_error: object = None,  # noqa: ARG002 - nothing is decoded
        on_value_decode_error: object = None,  # noqa: ARG002
        default_propagate: bool = False,  # noqa: ARG002
    ) -> Callable[..., Awaitable[EventT[Any]]]:
        """The function that turns a message into an event."""
        create_event = app.create_event

        async def decode(message: Message, *, propagate: bool = False) -> EventT[Any]:  # noqa: ARG001
            return create_event(message.key, message.value, message.headers, message)

        return decode


def chunk_topic(app: faust.App, name: str) -> faust.TopicT:
    """A Faust topic whose events are chunks."""
    schema = ChunkSchema(
        key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
    )
    return app.topic(name, schema=schema)
