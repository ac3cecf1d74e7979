from __future__ import annotations

import gzip

from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from schemas.control import Control
from schemas.request import MESSAGE_FIELDS, RequestEvent
from tests.worlds.real_input import write
from tests.worlds.shared_data import CLIP
from tests.worlds.spec import Spec


SMALL = Spec(seed=4, requests=6000)
"""Seed 4 has its wrapper in the system message, where a test can see it."""

pytestmark = pytest.mark.shared_data


@pytest.fixture(scope="module")
def world(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, Any]], dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("world")
    truth = write(SMALL, shared_data, folder)
    with gzip.open(folder / "events.jsonl.gz") as lines:
        return [orjson.loads(line) for line in lines], truth, folder


Built = tuple[list[dict[str, Any]], dict[str, Any], Path]


def test_equal_arguments_give_equal_bytes(world: Built, shared_data: Path, tmp_path: Path) -> None:
    write(SMALL, shared_data, tmp_path)
    for name in ("events.jsonl.gz", "truth.json"):
        assert (tmp_path / name).read_bytes() == (world[2] / name).read_bytes()


def test_every_line_is_a_raw_event_or_a_control_record_in_order_of_time(world: Built) -> None:
    events, truth, _ = world
    times = [event["time"] for event in events]
    assert times == sorted(times)
    control = [event for event in events if "type" in event]
    assert [msgspec.convert(event, Control).time for event in control] == [
        truth["released"]["time"]
    ]
    requests = [event for event in events if "type" not in event]
    assert len({event["id"] for event in requests}) == len(requests) == SMALL.requests
    for event in requests:
        wire = {name: value for name, value in event.items() if name not in MESSAGE_FIELDS}
        msgspec.convert(wire, RequestEvent)
        assert event["messages"]
        assert all(len(message["content"]) <= 3 * CLIP for message in event["messages"])
        assert event["account.created"] <= event["time"]


def test_campaign_is_young_unrelated_and_under_one_wrapper(world: Built) -> None:
    events, truth, _ = world
    members = truth["campaign"]["accounts"]
    sent = defaultdict[str, list[dict[str, Any]]](list)
    for event in events:
        if event.get("account.id") in members:
            sent[event["account.id"]].append(event)
    assert {account: len(found) for account, found in sent.items()} == members
    first = [found[0] for found in sent.values()]
    for field in ("organization.id", "payment.hash"):
        assert len({event[field] for event in first}) == len(members)
    assert min(event["time"] for event in first) >= "2025-03-05"
    assert min(event["account.created"] for event in first) >= "2025-02-20"
    wrappers = {
        message["content"]
        for found in sent.values()
        for event in found
        for message in event["messages"]
        if message["role"] == "system"
    }
    assert len(wrappers) == 1
    assert 0.7 < truth["campaign"]["wrapped"] / truth["campaign"]["requests"] < 0.9


def test_no_organisation_of_the_campaign_has_other_accounts(world: Built) -> None:
    events, truth, _ = world
    others = {
        event["organization.id"]
        for event in events
        if "type" not in event and event["account.id"] not in truth["campaign"]["accounts"]
    }
    assert others.isdisjoint(truth["campaign"]["organizations"])
    assert len(others) > 40


def test_conversations_of_people_grow_by_one_exchange_a_request(world: Built) -> None:
    events, _, _ = world
    lengths = defaultdict[str, list[int]](list)
    for event in events:
        if event.get("service.pathway") == "console":
            turns = [message for message in event["messages"] if message["role"] == "user"]
            lengths[event["gen_ai.conversation.id"]].append(len(turns))
    assert all(found == list(range(1, len(found) + 1)) for found in lengths.values())
    assert max(map(len, lengths.values())) > 3
