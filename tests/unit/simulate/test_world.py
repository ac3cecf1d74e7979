from __future__ import annotations

from collections import Counter, defaultdict
from itertools import islice
from typing import Any

import msgspec
import orjson
import pytest

from models.content import Keys
from models.eventtime import DAY_MS, parse_time
from schemas.control import Control
from schemas.request import RequestEvent
from streams.adapters.raw import partition_for, to_wire
from streams.demo.worker import PARTITIONS
from streams.simulate import WorldSpec, labels, simulate


START = 1_740_000_000_000
WORLD = WorldSpec(start_ms=START)
RECORDS, BYTES = 60_000, 3_000_000
"""What a partition of the embedded broker holds without trimming."""


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return list(simulate(WORLD))


def _requests(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if "type" not in event]


def test_equal_specifications_give_equal_events() -> None:
    small = WorldSpec(start_ms=START, seed=7, accounts=60, campaign_accounts=10)
    assert list(simulate(small)) == list(simulate(small))


def test_seeds_give_different_worlds() -> None:
    first, second = (
        next(simulate(WorldSpec(start_ms=START, seed=seed, accounts=60))) for seed in (1, 2)
    )
    assert first["account.id"] != second["account.id"]


def test_moving_the_start_moves_the_times_and_nothing_else() -> None:
    def shape(start: int) -> list[Any]:
        world = WorldSpec(start_ms=start, accounts=60, campaign_accounts=10)
        return [
            (event.get("id"), parse_time(event["time"]) - start)
            for event in islice(simulate(world), 500)
        ]

    assert shape(START) == shape(START + 7 * DAY_MS)


def test_events_come_in_the_order_of_time_and_within_the_span(
    events: list[dict[str, Any]],
) -> None:
    times = [parse_time(event["time"]) for event in events]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < START + WORLD.span_ms


def test_every_event_becomes_a_valid_record_of_the_wire(events: list[dict[str, Any]]) -> None:
    control = [event for event in events if "type" in event]
    assert len(control) == 1
    msgspec.convert(control[0], Control)
    keys = Keys(b"k", 0)
    requests = _requests(events)
    assert len({event["id"] for event in requests}) == len(requests)
    for event in requests[::20]:
        wire = to_wire(orjson.dumps(event), keys)
        decoded = msgspec.json.decode(wire.value, type=RequestEvent)
        assert decoded.content_sentences or decoded.content_minhash
        assert b"messages" not in wire.value


def test_world_fits_the_embedded_broker(events: list[dict[str, Any]]) -> None:
    keys = Keys(b"k", 0)
    records: Counter[int] = Counter()
    size: Counter[int] = Counter()
    for event in _requests(events):
        wire = to_wire(orjson.dumps(event), keys)
        partition = partition_for(wire.account, PARTITIONS.requests)
        records[partition] += 1
        size[partition] += len(wire.account) + len(wire.value)
    assert records.total() < RECORDS / 2
    # The largest is the one that counts; the smallest shows that nothing is idle.
    assert max(size.values()) < 0.8 * BYTES
    assert len(records) == PARTITIONS.requests


def test_labels_name_every_account_and_its_organisation(events: list[dict[str, Any]]) -> None:
    known = labels(WORLD)
    seen = {event["account.id"]: event["organization.id"] for event in _requests(events)}
    assert {account: known[account].organization for account in seen} == seen
    families = Counter(known[account].family for account in seen)
    assert families["campaign"] == WORLD.campaign_accounts
    assert len(families) == 7


def test_campaign_is_young_unrelated_and_shares_cards_in_part(
    events: list[dict[str, Any]],
) -> None:
    known = labels(WORLD)
    members: dict[str, dict[str, Any]] = {}
    for event in _requests(events):
        if known[event["account.id"]].campaign:
            members.setdefault(event["account.id"], event)
    organizations = Counter(event["organization.id"] for event in members.values())
    assert max(organizations.values()) == 1
    for event in members.values():
        assert DAY_MS * 12 > parse_time(event["time"]) - parse_time(event["account.created"]) >= 0
    cards = Counter(event["payment.hash"] for event in members.values())
    shared = sum(count for count in cards.values() if count > 1)
    assert 0.2 < shared / len(members) < 0.4
    assert max(cards.values()) <= 4


def test_wrappers_rotate_within_an_account(events: list[dict[str, Any]]) -> None:
    known = labels(WORLD)
    systems = defaultdict[str, set[str]](set)
    for event in _requests(events):
        first = event["messages"][0]
        if known[event["account.id"]].campaign and first["role"] == "system":
            systems[event["account.id"]].add(first["content"])
    everybody = set.union(*systems.values())
    assert 1 < len(everybody) <= 8
    assert max(len(own) for own in systems.values()) > 1
    assert min(sum(system in own for own in systems.values()) for system in everybody) > 20


def test_world_without_a_campaign_has_none() -> None:
    world = WorldSpec(start_ms=START, accounts=60, campaign_accounts=0)
    assert not any(label.campaign for label in labels(world).values())


@pytest.mark.parametrize(
    "wrong", [{"span_ms": DAY_MS - 1}, {"accounts": 0}, {"campaign_accounts": -1}]
)
def test_impossible_world_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="world"):
        WorldSpec(start_ms=START, **wrong)
