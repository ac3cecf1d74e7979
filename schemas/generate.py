"""Writes the machine-readable contracts: JSON Schemas and AsyncAPI. Run ``make schemas``.

The msgspec structs are the source; what this writes is checked in, and a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from schemas.alert import Alert
from schemas.control import Control
from schemas.edge import Edge
from schemas.feedback import Feedback
from schemas.fields import layout
from schemas.frame import Frame
from schemas.link import LinkObservation
from schemas.request import RequestEvent
from schemas.topics import Partitions, Topic, catalogue
from schemas.window import WindowSummary


HERE = Path(__file__).parent
DRAFT = "https://json-schema.org/draft/2020-12/schema"
JSON = "application/json"
MSGPACK = "application/msgpack"

CONTRACTS: dict[str, Any] = {
    "request": RequestEvent,
    "control": Control,
    "alert": Alert,
    "feedback": Feedback,
    "frame": Frame,
    "window": WindowSummary,
    "link": LinkObservation,
    "edge": Edge,
}
PACKED: dict[str, type[msgspec.Struct]] = {
    "window": WindowSummary,
    "link": LinkObservation,
    "edge": Edge,
}
"""Records that travel packed inside a frame; their schemas carry the byte layout as
``x-layout``."""


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one contract."""
    schema = msgspec.json.schema(CONTRACTS[name])
    if name in PACKED:
        dtype = layout(PACKED[name])
        schema["x-layout"] = {
            "byte-order": "little-endian",
            "bytes": dtype.itemsize,
            "fields": [{"name": field, "dtype": dtype[field].str} for field in dtype.names or ()],
        }
    return {"$schema": DRAFT, "title": name, **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: every topic, its key, its message, its settings."""
    topics = catalogue(Partitions())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "probewatch topics",
            "version": "1.0.0",
            "description": "Read transactional topics with isolation.level=read_committed.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": JSON,
        "channels": {_id(topic): _channel(topic) for topic in topics},
        "operations": {f"read-{_id(topic)}": _operation(topic) for topic in topics},
        "components": {"messages": _messages()},
    }


_MESSAGE_OF = {
    "RequestEvent": ("request", "control"),
    "WindowSummary": ("frame",),
    "LinkObservation": ("frame",),
    "Edge": ("frame",),
    "Alert": ("alert",),
    "Feedback": ("feedback",),
}


def _id(topic: Topic) -> str:
    return topic.name.replace(".", "-")


def _channel(topic: Topic) -> dict[str, Any]:
    names = _MESSAGE_OF.get(topic.value, ("opaque",))
    return {
        "address": topic.name,
        "description": f"Keyed by {topic.key}. Written by {topic.owner}; "
        f"read by {', '.join(topic.readers)}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": [topic.cleanup]},
                "bindingVersion": "0.5.0",
            }
        },
        "x-config": topic.config(),
    }


def _operation(topic: Topic) -> dict[str, Any]:
    return {"action": "receive", "channel": {"$ref": f"#/channels/{_id(topic)}"}}


def _messages() -> dict[str, Any]:
    json_messages = {
        name: {"contentType": JSON, "payload": {"$ref": f"json/{name}.v1.schema.json"}}
        for name in ("request", "control", "alert", "feedback")
    }
    frame = {
        "contentType": MSGPACK,
        "payload": {"$ref": "json/frame.v1.schema.json"},
        "description": "rows are packed records; their layout is x-layout in the record's schema",
    }
    opaque = {
        "contentType": "application/octet-stream",
        "description": "state rows and dead letters",
    }
    return {**json_messages, "frame": frame, "opaque": opaque}


def documents() -> dict[Path, str]:
    """Path -> text of everything that is generated."""
    schemas = {
        HERE / "json" / f"{name}.v1.schema.json": _as_json(json_schema(name)) for name in CONTRACTS
    }
    return {
        **schemas,
        HERE / "asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, width=100),
    }


def _as_json(document: dict[str, Any]) -> str:
    return (
        msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2).decode() + "\n"
    )


def main() -> None:
    """Write every document."""
    for path, text in documents().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
