"""The rule that decides everything: results and state do not depend on where batches end."""

from __future__ import annotations

from functools import cache

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from models.account.batch import RecordKind
from models.account.stage import AccountStage
from models.reference.fit import fit
from models.reference.reference import Reference
from models.stage import Deployment
from schemas.topics import EDGES, LINKS, WINDOWS
from tests.unit.models.account.traffic import Record, World, run
from tests.unit.models.benign_windows import benign, shipped


@cache
def references() -> tuple[Reference, Reference]:
    return shipped(), fit(benign(accounts=60, days=1, seed=3))


def stage() -> AccountStage:
    default, other = references()
    return AccountStage(Deployment(), default, {other.sha256: other})


def switch(record: Record, reference: Reference | None) -> Record:
    name = int.from_bytes(bytes.fromhex(reference.sha256)[:8], "little") if reference else 1
    return Record(record.time, RecordKind.REFERENCE, identity=None, subject=name)


worlds = st.builds(
    World,
    seed=st.integers(0, 2**32),
    count=st.integers(1, 200),
    accounts=st.sampled_from([1, 3, 20]),
    gap_ms=st.sampled_from([50, 5_000, 60_000]),
    jump=st.sampled_from([0.0, 0.02, 0.1]),
    duplicates=st.sampled_from([0.0, 0.1, 0.6]),
)


@settings(max_examples=40)
@given(worlds, st.lists(st.integers(0, 300), max_size=12), st.lists(st.integers(0, 300)))
def test_effects_and_state_are_the_same_for_any_cut(
    world: World, cuts: list[int], switches: list[int]
) -> None:
    records = world.records()
    for place, position in enumerate(switches[:3]):
        at = position % len(records)
        choice = (references()[1], references()[0], None)[place]
        records.insert(at, switch(records[at], choice))
    one, many, singly = stage(), stage(), stage()
    whole = run(one, records, [])
    pieces = run(many, records, [cut % len(records) for cut in cuts])
    singles = run(singly, records, list(range(len(records))))
    assert whole == pieces == singles
    assert one.snapshot() == many.snapshot() == singly.snapshot() == whole.changed


@pytest.mark.parametrize("gap_ms", [20, 2_000, 200_000])
def test_a_long_run_with_alerts_is_the_same_for_any_cut_and_across_a_restart(gap_ms: int) -> None:
    records = World(17, 2_500, 5, gap_ms, jump=0.004).records()
    one, many, singly = stage(), stage(), stage()
    whole = run(one, records, [])
    assert whole == run(many, records, list(range(7, len(records), 37)))
    assert one.snapshot() == many.snapshot() == whole.changed
    assert whole == run(singly, records, list(range(len(records))))
    assert all(whole.records[topic] for topic in (LINKS, WINDOWS, EDGES))
    states = b"".join(whole.alerts)
    assert b'"opened"' in states
    assert b'"closed"' in states
    half = len(records) // 2
    before, after = stage(), stage()
    first = run(before, records[:half], [])
    after.restore(first.changed.items())
    second = run(after, records[half:], [])
    assert first.alerts + second.alerts == whole.alerts
    assert after.snapshot() == whole.changed
