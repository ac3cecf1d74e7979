"""Identities, control records, references, and state rows that come and go."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.account.batch import Identity, RecordKind
from models.account.identities import NO_ACCOUNT
from models.account.stage import AccountStage
from models.reference.fit import fit
from models.stage import Deployment
from schemas.edge import EDGE, EdgeKind
from schemas.errors import StateError
from schemas.topics import EDGES, LINKS, WINDOWS
from schemas.window import WINDOW
from tests.unit.models.account.traffic import START, Record, Seen, batch_of, requests, run
from tests.unit.models.benign_windows import benign, shipped


OTHER = fit(benign(accounts=60, days=1, seed=3))


def stage() -> AccountStage:
    return AccountStage(Deployment(), shipped(), {OTHER.sha256: OTHER})


def edges_of(seen: Seen) -> list[tuple[str, np.void]]:
    return [(f.account_id, np.frombuffer(row, EDGE)[0]) for f, row in seen.records.get(EDGES, [])]


def test_records_after_a_change_of_identity_carry_the_new_one_and_those_before_the_old() -> None:
    old: Identity = ("org_old", "2026-01-01T00:00:00Z", 0)
    new: Identity = ("org_new", "2026-01-01T00:00:00Z", 3)
    records = [
        replace(record, identity=old if n < 40 else new, sentences=((n + 1, 0),))
        for n, record in enumerate(requests(64))
    ]
    folded = stage()
    seen = run(folded, records, [])
    assert [f.organization_id for f, _ in seen.records[LINKS]] == ["org_old"] * 40 + [
        "org_new"
    ] * 24
    # The second window closes under the identity of its last request.
    assert [(f.organization_id, f.plan) for f, _ in seen.records[WINDOWS]] == [
        ("org_old", 0),
        ("org_new", 3),
    ]


def test_the_identity_row_is_written_only_when_it_changes() -> None:
    folded = stage()
    folded.fold(batch_of(requests(1)))
    assert b"iacct_0" in dict(folded.changed())
    folded.fold(batch_of(requests(1, start=START + 1000)))
    assert set(dict(folded.changed())) == {b"aacct_0"}
    moved: Identity = ("org_1", "", 4)
    folded.fold(batch_of(requests(1, start=START + 2000, identity=moved)))
    assert set(dict(folded.changed())) == {b"aacct_0", b"iacct_0"}


@pytest.mark.parametrize("created", ["", "yesterday", "1969-01-01T00:00:00Z"])
def test_a_creation_time_that_cannot_be_read_is_zero(created: str) -> None:
    seen = run(stage(), requests(1, identity=("org", created, 1), sentences=((1, 2),)), [])
    assert [facts.created for facts, _ in seen.records[LINKS]] == [0]


def test_a_dropped_duplicate_changes_neither_identity_nor_state() -> None:
    folded = stage()
    folded.fold(batch_of(requests(1)))
    before = folded.snapshot()
    list(folded.changed())
    folded.fold(batch_of([replace(requests(1)[0], identity=("org_other", "", 1))]))
    assert folded.snapshot() == before
    assert list(folded.changed()) == []


def test_actions_and_releases_become_edges_in_order_with_the_facts_of_then() -> None:
    moved: Identity = ("org_later", "", 2)
    records = [
        *requests(2),
        Record(START + 2000, RecordKind.ENFORCEMENT, identity=None, code=1),
        Record(START + 2500, RecordKind.RELEASE, identity=None, subject=77),
        *requests(2, start=START + 3000, identity=moved),
        Record(START + 5000, RecordKind.HEARTBEAT, identity=None),
        Record(START + 5000, RecordKind.ENFORCEMENT, identity=None, code=2),
    ]
    seen = run(stage(), records, [])
    assert [(name, int(row["kind"]), int(row["code"]), int(row["key"]), int(row["time"]) - START)
            for name, row in edges_of(seen)] == [
        ("acct_0", EdgeKind.ENFORCEMENT, 1, 0, 2000),
        (NO_ACCOUNT.account_id, EdgeKind.RELEASE, 0, 77, 2500),
        ("acct_0", EdgeKind.ENFORCEMENT, 2, 0, 5000),
    ]  # fmt: skip
    assert [facts.organization_id for facts, _ in seen.records[EDGES]] == [
        "org_0",
        "-",
        "org_later",
    ]


def test_an_action_on_an_unknown_account_is_left_out() -> None:
    ban = Record(START, RecordKind.ENFORCEMENT, account="acct_never", identity=None)
    assert edges_of(run(stage(), [ban, *requests(1)], [])) == []


def reference_record(time: int, sha256: str) -> Record:
    name = int.from_bytes(bytes.fromhex(sha256)[:8], "little")
    return Record(time, RecordKind.REFERENCE, identity=None, subject=name)


def test_a_reference_is_switched_at_its_place_in_the_log() -> None:
    records = requests(64, category=1, elicitation=1)
    records[40:40] = [reference_record(records[40].time, OTHER.sha256)]
    folded, plain = stage(), stage()
    switched = [np.frombuffer(r, WINDOW)[0] for _, r in run(folded, records, []).records[WINDOWS]]
    kept = [np.frombuffer(r, WINDOW)[0] for _, r in run(plain, requests(64, category=1, elicitation=1), []).records[WINDOWS]]  # fmt: skip # noqa: E501
    assert switched[0].tobytes() == kept[0].tobytes()
    assert switched[1]["evidence"] != kept[1]["evidence"]
    assert folded.snapshot()[b"r"] == OTHER.sha256.encode()


def test_an_unknown_reference_is_counted_and_changes_nothing() -> None:
    folded = stage()
    effects = folded.fold(batch_of([reference_record(START, "00" * 32)]))
    assert effects.counts["reference_unknown"] == 1
    assert folded.reference.sha256 == shipped().sha256


def test_thresholds_follow_the_reference_in_force() -> None:
    folded = stage()
    before = folded.policy().open_at
    folded.fold(batch_of([reference_record(START, OTHER.sha256)]))
    assert folded.policy().open_at != before


def test_a_restored_stage_has_the_same_state_and_reports_nothing_as_changed() -> None:
    folded = stage()
    seen = run(folded, [*requests(40), reference_record(START + 60_000, OTHER.sha256)], [])
    again = stage()
    again.restore(sorted(seen.changed.items()))
    assert again.snapshot() == folded.snapshot()
    assert list(again.changed()) == []


def test_a_reference_that_is_not_at_hand_stops_a_restart() -> None:
    folded = stage()
    seen = run(folded, [*requests(1), reference_record(START + 60_000, OTHER.sha256)], [])
    without = AccountStage(Deployment(), shipped())
    with pytest.raises(StateError, match="reference"):
        without.restore(seen.changed.items())


@pytest.mark.parametrize(
    "damage",
    [
        {b"aacct_0": b"short"},
        {b"iacct_0": b"\xc1"},
        {b"eacct_0": b"x"},
        {b"zacct_0": b""},
        {b"aacct_1": bytes(488)},
    ],
)
def test_rows_that_cannot_be_right_are_refused(damage: dict[bytes, bytes]) -> None:
    seen = run(stage(), requests(3), [])
    with pytest.raises(StateError):
        stage().restore((seen.changed | damage).items())


@pytest.mark.parametrize("missing", [b"aacct_0", b"iacct_0"])
def test_half_an_account_is_refused(missing: bytes) -> None:
    seen = run(stage(), requests(3), [])
    del seen.changed[missing]
    with pytest.raises(StateError):
        stage().restore(seen.changed.items())
