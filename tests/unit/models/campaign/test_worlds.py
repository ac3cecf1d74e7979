"""Which made-up worlds page. The worlds are small: they show the rules, not the accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from msgspec import UNSET

from models.campaign import CampaignStage
from models.evidence import Budget
from models.links import LinksStage
from models.stage import Deployment
from schemas.alert import Alert, Severity, State
from tests.unit.models.campaign import worlds
from tests.unit.models.campaign.worlds import Campaign, World


ACCOUNTS = 900
DAYS = 6.0


@dataclass(frozen=True)
class Seen:
    """What became of a world."""

    world: World
    alerts: list[Alert]

    @property
    def opened(self) -> list[Alert]:
        return [alert for alert in self.alerts if alert.state is State.OPENED]

    def families(self, alert: Alert) -> list[str]:
        family = {
            facts.account_id: family
            for facts, family in zip(self.world.accounts, self.world.family, strict=True)
        }
        return [family[name] for name in alert.members]


def watch(
    build: Callable[[World], object], seed: int = 1, stage: CampaignStage | None = None
) -> Seen:
    world = World(seed, DAYS)
    worlds.background(world, ACCOUNTS)
    build(world)
    batches = worlds.edges(world, LinksStage(Deployment()))
    return Seen(world, worlds.alerts(batches, stage))


def everything_benign(world: World) -> None:
    worlds.viral_app(world, 120)
    worlds.classroom(world)
    worlds.classroom(world, campus=False)
    worlds.coding_agent(world, 300)
    worlds.prompt_library(world, 80)
    worlds.benchmark(world, 60)
    worlds.agency(world)


@pytest.mark.parametrize("seed", [1, 2])
def test_benign_look_alikes_all_at_once_do_not_page(seed: int) -> None:
    assert watch(everything_benign, seed).alerts == []


CAMPAIGNS = {
    "one instruction over young accounts": Campaign(150, 30, wordings=1, young=0.9, elicits=1.0),
    "paraphrases at six requests a day": Campaign(200),
    "paraphrases that never elicit": Campaign(200, elicits=0.0),
    "aged accounts with nine tenths of cover": Campaign(200, young=0.08, share=0.1, elicits=0.7),
    "shared cards": Campaign(50, wordings=8, cards=10),
    "relay with hand-offs": Campaign(80, wordings=150, handoffs=0.08, elicits=0.0),
}


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_campaigns_page_amid_look_alikes_and_name_hardly_anybody_else(name: str) -> None:
    def build(world: World) -> None:
        everything_benign(world)
        worlds.campaign(world, CAMPAIGNS[name])

    seen = watch(build)
    assert seen.opened
    for alert in seen.alerts:
        families = seen.families(alert)
        assert families.count("campaign") >= 0.9 * len(families)
        assert alert.severity in {Severity.HIGH, Severity.CRITICAL}
        assert len({piece.family for piece in alert.evidence if piece.weight > 1}) >= 2
    # Fragments of a pool may page for themselves before they turn out to be one.
    merged = [alert for alert in seen.alerts if alert.close_reason == "merged"]
    assert len(seen.opened) - len(merged) == 1
    found = {name for alert in seen.alerts for name in alert.members}
    assert len(found) > 0.6 * CAMPAIGNS[name].accounts


def test_a_firm_with_the_campaigns_own_words_is_one_owner_and_its_staff_is_not_named() -> None:
    def build(world: World) -> None:
        worlds.twin(world, worlds.campaign(world, Campaign(200)))

    seen = watch(build)
    assert len(seen.opened) == 1
    families = seen.families(seen.alerts[-1])
    assert families.count("twin") <= 0.1 * families.count("campaign")


def test_the_firm_alone_does_not_page() -> None:
    assert watch(lambda world: worlds.twin(world, world.fresh(20))).alerts == []


def test_a_smaller_alert_budget_pages_later_or_not_at_all() -> None:
    def build(world: World) -> None:
        worlds.campaign(world, Campaign(200, young=0.08, share=0.1, elicits=0.7))

    usual = watch(build)
    strict = watch(
        build, stage=CampaignStage(Deployment(), Budget(false_pages_per_1000_accounts_per_day=1e-6))
    )
    assert usual.opened
    assert not strict.opened


def test_the_sentence_has_the_numbers_and_no_member_is_named_twice() -> None:
    seen = watch(lambda world: worlds.campaign(world, Campaign(200)))
    first = seen.opened[0]
    assert "recurring instructions" in first.summary
    assert "younger than 14 days" in first.summary
    for alert in seen.alerts:
        assert len(dict.fromkeys(alert.members)) == len(alert.members)


def test_an_alert_says_what_would_have_cleared_it_and_which_harmless_causes_were_weighed() -> None:
    seen = watch(lambda world: worlds.campaign(world, Campaign(200)))
    first = seen.opened[0]
    assert len(first.counterfactuals) >= 2
    assert first.counterfactuals[0].startswith("If the members ")
    fits = {each.name: each.fit for each in first.benign}
    assert len(fits) == len(first.benign) >= 5
    assert fits["class"] < 0.5 < 1 - fits["agency"]
    # 200 accounts send what the recipe says; the projection is of their whole first month.
    assert first.projected_requests is not UNSET
    assert 0 < first.projected_requests < 200 * 30 * 100


def test_a_campaign_that_rests_closes_and_its_successor_continues_it() -> None:
    world = World(3, 12.0)
    worlds.background(world, 300)
    wordings = world.fresh(8)
    for begin, end in ((2.0, 4.0), (8.0, 10.0)):
        people = world.people("campaign", 60, young=1.0)
        who, when = world.draw(people, 12, begin=begin, end=end)
        world.send(who, when, wordings[world.rng.integers(0, 8, len(who))], elicited=True)
    stage = CampaignStage(Deployment())
    alerts = worlds.alerts(worlds.edges(world, LinksStage(Deployment())), stage)
    opened = [alert for alert in alerts if alert.state is State.OPENED]
    closed = [alert for alert in alerts if alert.state is State.CLOSED]
    assert len(opened) == 2
    assert closed[0].close_reason == "inactive"
    assert opened[0].time < closed[0].time < opened[1].time
    assert "dormant" in {piece.signal for piece in opened[1].evidence}
    # The second pool's first few accounts are enough.
    newcomers = dict.fromkeys(opened[1].members) | dict.fromkeys(closed[0].members)
    assert 4 <= len(newcomers) - len(closed[0].members) <= 10


def test_the_worlds_contain_what_they_say() -> None:
    world = World(1, 2.0)
    worlds.background(world, 50)
    people = world.people("campaign", 10, young=1.0, cards=2)
    world.send(people, np.full(10, 1.0), 5)
    account, rows = worlds.observations(world)
    mine = np.isin(account, people)
    assert len(dict.fromkeys(rows["key"][mine & (rows["kind"] == 2)].tolist())) == 2
    assert (np.diff(rows["time"]) >= 0).all()
