"""The contracts that are checked in are those the code speaks."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest

from schemas import generate
from schemas.fields import layout
from schemas.request import CATEGORIES, ELICITATIONS
from schemas.topics import Partitions, catalogue


EXAMPLES = sorted((Path(generate.__file__).parent / "examples").glob("*.json"))


@pytest.mark.parametrize("path", generate.documents(), ids=lambda path: path.name)
def test_checked_in_document_equals_the_generated_one(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.documents()[path], "run `make schemas`"


@pytest.mark.parametrize("name", generate.CONTRACTS)
def test_generated_schema_is_valid_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(generate.json_schema(name))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_accepted_by_the_decoder_and_by_the_schema(path: Path) -> None:
    name = path.name.split(".")[0]
    example = path.read_bytes()
    msgspec.json.decode(example, type=generate.CONTRACTS[name])
    jsonschema.validate(msgspec.json.decode(example), generate.json_schema(name))


def test_every_json_contract_has_an_example() -> None:
    shown = {path.name.split(".")[0] for path in EXAMPLES}
    assert shown == {"request", "control", "alert", "feedback"}


@pytest.mark.parametrize("record", generate.PACKED.values(), ids=generate.PACKED)
def test_packed_layout_has_every_field_in_order_without_padding(
    record: type[msgspec.Struct],
) -> None:
    dtype = layout(record)
    names = [field.name for field in msgspec.structs.fields(record)]
    assert list(dtype.names or ()) == names
    assert dtype.itemsize == sum(dtype[name].itemsize for name in names)
    assert all(dtype[name].byteorder in "<|=" for name in names)
    assert np.zeros(1, dtype).tobytes() == bytes(dtype.itemsize)


def test_a_field_without_a_packed_type_is_refused() -> None:
    class Loose(msgspec.Struct):
        name: str

    with pytest.raises(TypeError, match="no packed layout"):
        layout(Loose)


def test_enum_positions_fit_their_packed_columns() -> None:
    assert len(ELICITATIONS) <= 16
    assert len(CATEGORIES) <= 32


def test_topic_names_are_unique_and_every_topic_has_an_owner_and_a_reader() -> None:
    topics = catalogue(Partitions())
    assert len({topic.name for topic in topics}) == len(topics)
    assert all(topic.owner and topic.readers for topic in topics)


def test_async_api_refers_only_to_messages_and_schemas_that_exist() -> None:
    document = generate.asyncapi()
    messages = document["components"]["messages"]
    for channel in document["channels"].values():
        assert set(channel["messages"]) <= set(messages)
    for message in messages.values():
        reference = message.get("payload", {}).get("$ref")
        assert reference is None or (Path(generate.__file__).parent / reference).is_file()
