"""What links, what does not: each rule by an example."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from models.eventtime import DAY_MS
from models.links import LinkRules, LinksStage
from models.links.gate import repeated_accounts
from models.stage import ChannelBatch, Deployment
from schemas.edge import EDGE, EdgeKind
from schemas.frame import AccountFacts
from schemas.link import LINK, LinkKind


START = 20_000 * DAY_MS
SETTLED = START + 2 * DAY_MS
KEY = 0xABCDEF0123456789


class Use(NamedTuple):
    account: int
    time: int = SETTLED
    key: int = KEY
    kind: LinkKind = LinkKind.SENTENCE
    context: int | None = None
    elicitation: int = 0
    organization: int | None = None
    created: int = 0


class Told(NamedTuple):
    account: str
    row: np.void


def tell(uses: Iterable[Use], stage: LinksStage | None = None) -> list[Told]:
    """Edges of the uses; a new stage has observed something long before them."""
    everything = list(uses)
    if stage is None or not len(stage.accounts):
        everything.insert(0, Use(9999, START, key=77))
    rows = np.zeros(len(everything), LINK)
    table = []
    for number, use in enumerate(everything):
        organization = use.account if use.organization is None else use.organization
        table.append(AccountFacts(f"a{use.account}", f"o{organization}", use.created))
        rows[number]["time"] = use.time
        rows[number]["key"] = use.key
        rows[number]["kind"] = use.kind
        rows[number]["context"] = number if use.context is None else use.context
        rows[number]["elicitation"] = use.elicitation
        rows[number]["requests"] = number
    stage = stage or LinksStage(Deployment())
    batch = ChannelBatch(
        table, np.arange(len(rows), dtype=np.int32), rows, int(rows["time"][-1]) + 1
    )
    told = []
    for topic, emission in stage.fold(batch).emitted:
        assert topic == "probewatch.edges.v1"
        assert emission.rows.dtype == EDGE
        for account, row in zip(emission.account.tolist(), emission.rows, strict=True):
            told.append(Told(emission.accounts[account].account_id, row))
    return told


def test_a_sentence_of_four_organisations_links_all_its_users_at_once() -> None:
    assert tell(Use(a) for a in range(3)) == []
    told = tell(Use(a, elicitation=a % 2) for a in range(4))
    assert [edge.account for edge in told] == ["a0", "a1", "a2", "a3"]
    row = told[0].row
    assert (row["key"], row["kind"]) == (KEY, EdgeKind.SENTENCE)
    assert (row["key_accounts"], row["key_organizations"], row["key_elicited"]) == (4, 4, 2)
    assert row["key_first"] == SETTLED


def test_accounts_of_one_organisation_link_nothing() -> None:
    assert tell(Use(a, organization=1) for a in range(20)) == []
    assert tell(Use(a, organization=a % 3) for a in range(20)) == []


def test_a_payload_with_the_same_surroundings_everywhere_links_nothing() -> None:
    assert tell(Use(a, context=5) for a in range(20)) == []


def test_a_wrapper_that_turns_into_a_payload_is_retired() -> None:
    told = tell([*(Use(a) for a in range(5)), *(Use(a, context=5) for a in range(5, 12))])
    kinds = [int(edge.row["kind"]) for edge in told]
    assert kinds[:5] == [EdgeKind.SENTENCE] * 5
    assert kinds[-1] == EdgeKind.RETIRED
    assert told[-1].row["code"] == LinkKind.SENTENCE


def test_text_of_the_first_day_links_only_young_accounts() -> None:
    first_day = START + DAY_MS // 2
    old = START - 100 * DAY_MS
    assert tell(Use(a, first_day, created=old) for a in range(9)) == []
    assert tell(Use(a, first_day) for a in range(9)) == []
    told = tell(Use(a, first_day, created=START - DAY_MS) for a in range(4))
    assert [int(edge.row["key_young"]) for edge in told] == [4] * 4


def test_library_text_from_before_stays_library_text_when_the_young_come() -> None:
    old = [Use(a, START + 1000, created=START - 100 * DAY_MS) for a in range(4)]
    young = [Use(a, SETTLED, created=SETTLED - DAY_MS) for a in range(10, 15)]
    assert tell(old + young) == []


def test_a_popular_sentence_is_retired_and_says_who_uses_it() -> None:
    rules = LinkRules()
    most = rules.gates[LinkKind.SENTENCE].most
    told = tell(Use(a, created=SETTLED - DAY_MS if a % 4 == 0 else 1) for a in range(most + 40))
    assert int(told[-1].row["kind"]) == EdgeKind.RETIRED
    assert told[-1].row["key_accounts"] == most + 1
    assert told[-1].row["key_young"] == 17


def test_a_popular_payload_that_never_linked_is_told_too() -> None:
    told = tell(Use(a, context=5) for a in range(100))
    assert [int(edge.row["kind"]) for edge in told] == [EdgeKind.RETIRED]


def test_ten_percent_of_the_accounts_may_share_a_sentence() -> None:
    crowd = [Use(a, key=1_000_000 + a) for a in range(2000)]
    told = tell([*crowd, *(Use(a) for a in range(150))])
    assert {int(edge.row["kind"]) for edge in told} == {int(EdgeKind.SENTENCE)}
    assert told[-1].row["key_accounts"] == 150


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        (LinkKind.CONVERSATION, 2, 8),
        (LinkKind.PAYMENT, 2, 8),
        (LinkKind.NETWORK, 2, 64),
        (LinkKind.CLIENT, 2, 16),
    ],
)
def test_other_things_link_few_accounts(kind: LinkKind, least: int, most: int) -> None:
    assert tell(Use(a, kind=kind) for a in range(least - 1)) == []
    told = tell(Use(a, kind=kind) for a in range(least))
    assert [int(edge.row["kind"]) for edge in told] == [kind] * least
    told = tell(Use(a, kind=kind) for a in range(most + 5))
    assert [int(edge.row["kind"]) for edge in told] == [kind] * most + [EdgeKind.RETIRED]


def test_one_value_as_two_kinds_of_thing_is_two_keys() -> None:
    assert tell([Use(1, kind=LinkKind.PAYMENT), Use(2, kind=LinkKind.NETWORK)]) == []


def test_a_member_is_told_again_when_its_count_doubles_and_on_a_later_day() -> None:
    uses = [Use(a) for a in range(4)] + [Use(0, SETTLED + i) for i in range(1, 9)]
    told = tell([*uses, Use(0, SETTLED + DAY_MS)])
    assert [int(edge.row["requests"]) for edge in told[4:]] == [2, 4, 8, 10]


def test_an_edge_carries_the_counters_of_its_own_request() -> None:
    told = tell(Use(a) for a in range(5))
    assert [int(edge.row["total_requests"]) for edge in told] == [1, 2, 3, 4, 5]


def test_a_key_is_forgotten_after_two_weeks_without_use() -> None:
    stage = LinksStage(Deployment())
    assert len(tell((Use(a) for a in range(4)), stage)) == 4
    assert len(stage.sharing.keys) == 1
    later = SETTLED + 16 * DAY_MS
    # A new first sender: the key has to earn its gate again.
    assert tell((Use(a, later) for a in range(3)), stage) == []


def test_accounts_without_memberships_are_forgotten() -> None:
    stage = LinksStage(Deployment())
    tell((Use(a, key=a + 1) for a in range(50)), stage)
    assert len(stage.accounts) == 51
    later = [Use(100, SETTLED + day * DAY_MS, key=5000) for day in range(1, 6)]
    tell(later, stage)
    assert list(filter(None, stage.accounts.facts)) == [AccountFacts("a100", "o100")]


def test_chance_repetitions_of_two_byte_contexts_are_discounted() -> None:
    rng = np.random.default_rng(3)
    for accounts in (50, 600, 3000):
        contexts = rng.integers(0, 65_536, (accounts, 4))
        counts = np.bincount(contexts.ravel(), minlength=65_536)
        repeated = int((counts[contexts] > 1).any(axis=1).sum())
        meant = repeated_accounts(
            np.array([accounts]), np.array([repeated]), np.array([contexts.size])
        )
        assert repeated_share(meant, accounts) < 0.05
        assert accounts < 600 or repeated > 0.1 * accounts
    all_alike = repeated_accounts(np.array([100]), np.array([100]), np.array([100]))
    assert repeated_share(all_alike, 100) > 0.99


def repeated_share(meant: np.ndarray, accounts: int) -> float:
    return float(meant[0]) / accounts


def test_the_bounds_hold_under_a_flood_of_shared_keys() -> None:
    rules = replace(LinkRules(), most_keys=256, most_members=700, front_keys=2048, upkeep_every=512)
    stage = LinksStage(Deployment(), rules)
    linking = [Use(a, SETTLED) for a in range(10, 16)]
    flood = [Use(a, SETTLED + i, key=10_000 + i) for i in range(20_000) for a in (1, 2)]
    told = tell([*linking, *flood, Use(16, SETTLED + 30_000)], stage)
    assert len(stage.sharing.keys) <= rules.most_keys + rules.upkeep_every
    assert len(stage.sharing.members) <= rules.most_members + 2 * rules.upkeep_every
    assert len(stage.front) <= 2 * (rules.front_keys + rules.upkeep_every)
    # What links is evicted last: the newcomer finds the key as it was.
    assert [edge.account for edge in told] == [f"a{a}" for a in range(10, 17)]


def test_unusable_observations_are_counted_and_skipped() -> None:
    stage = LinksStage(Deployment())
    rows = np.zeros(3, LINK)
    rows["time"] = START
    rows["kind"] = [0, 9, 0]
    rows["key"] = [0, 5, 6]
    batch = ChannelBatch([AccountFacts("a", "o")], np.zeros(3, np.int32), rows, START + 1)
    assert stage.fold(batch).counts["links_unusable"] == 2
    assert len(stage.front) == 1
