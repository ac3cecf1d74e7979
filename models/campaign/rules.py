"""The constants of the campaign stage, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

from models.eventtime import DAY_MS, HOUR_MS, MINUTE_MS


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept, and for how long; times in ms of event time."""

    step_ms: int = 15 * MINUTE_MS
    hour_ms: int = HOUR_MS
    """A step that would find little news waits for the full hour, and not longer."""
    news_share: float = 0.01
    """Little news: fewer new links than this share of all. A step costs up to a second, and one
    link in a hundred moves no score by more than its weight."""
    link_days: int = 14
    """An unused link stops counting; the links stage renews it on every day of use."""
    accounts: int = 200_000
    """About 1 kB each. Ten times the largest pool reported (24,000)."""
    keys: int = 50_000
    links_per_account: int = 256
    """Relays carry hundreds of people's conversations; the oldest links go first."""
    dormant_days: int = 90
    """Pools come back after weeks; the reported pause between two pools was days."""
    dormants: int = 256
    fingerprint: int = 64
    """Keys remembered of a closed campaign: twice the wordings of the largest seen."""
    members: int = 50_000
    """Named in an alert: twice the largest pool reported, and 2 MB of ids."""


@dataclass(frozen=True, slots=True)
class Priors:
    """Population shares before there is a population, as (share, weight in observations).

    Weights are about half a day of a deployment of 5,000 accounts.
    """

    young: float = 0.10
    """Accounts younger than 14 days when first linked: 4 % at a mean life of a year, more if the
    provider grows."""
    young_weight: float = 50.0
    elicited: float = 0.10
    """Recurring instructions that ask for reasoning, grading or tasks: flags have benign rates of a
    few per cent of requests, and instructions that recur ask for more."""
    elicited_weight: float = 20.0
    foreign: float = 0.01
    """Accounts that ever present another account's reasoning reference: routers and gateways."""
    foreign_weight: float = 100.0
    organization_cap: int = 3
    """Accounts of one organisation that a day's sample counts: none moves the population alone."""
    key_cap: int = 30
    """Accounts of one popular sentence that a day's sample counts."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Evidence in nats, and its caps: no single signal may carry a page."""

    owners: float = 16.0
    """Members of a group are not independent: one cause brings them all. As many count as it takes
    to tell 30 % from 10 % at odds of ten to one."""
    wording: float = 2.3
    """An instruction that at most one account in ten uses, by the links stage's cap: ln 10."""
    wordings: int = 3
    """Instructions counted of one member, beside the group's largest."""
    templates: int = 6
    """Instructions whose elicitation counts as independent: more are variations of one text."""
    elicitation: float = 8.0
    youth: float = 8.0
    burst: float = 3.0
    evenness: float = 3.0
    """Benign groups burst too, when an application appears; these two only break ties."""
    handoff: float = 2.1
    """89 % of hand-offs between organisations were attackers': ln(0.89 / 0.11)."""
    handoffs: int = 5
    payment: float = 2.5
    """40 % of shared cards, against attackers' 4 % of accounts: ln(0.67 / 0.042), rounded down."""
    payments: int = 3
    foreign: float = 2.0
    """Half of ln(1 / 1 %): a reference can be copied with a public transcript."""
    foreigns: int = 4
    enforced: float = 1.0
    enforceds: int = 3
    """The provider's own action says little about those it left alone."""
    support: float = 1.5
    """Networks and clients together: their keys were attackers' no more often than chance."""
    dormant: float = 6.0
    """The instructions of a known campaign, after it ended: a new pool, far more often than not."""
    explained: float = 0.2
    """What an account of an organisation counts that explains why its accounts look alike."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a group must be before its evidence is weighed, and what the evidence must reach.

    Three rules, each with its own threshold, never one sum: rotating instructions, one instruction,
    and relations. Thresholds in nats hold at the default alert budget for a group that is the only
    candidate; see :mod:`models.campaign.decide`.
    """

    rotating: float = 9.0
    fixed: float = 9.0
    related: float = 10.0
    relations: float = 4.2
    """What relations must bring to their rule: two hand-offs, or two cards."""
    related_youth: float = 2.0
    related_temporal: float = 4.0
    """And youth and burst: partners of long standing share conversations and cards too."""
    fixed_content: float = 1.2
    """What elicitation must bring for one instruction: no more than ln(1 / usual share) can."""
    fixed_youth: float = 4.0
    """What youth must bring for one instruction: nine new accounts in ten, or half of twelve."""
    family: float = 2.0
    """What each of two families must bring by itself: odds of 7 to 1."""
    owners: int = 5
    """Unrelated organisations of a group that rotates: four share a key by chance."""
    related_owners: int = 8
    """For relations: fragments of one pool have mostly come together by then."""
    fixed_owners: int = 12
    """For one instruction, which an application or a class has too: ``crowd``, or these and"""
    fixed_requests: int = 2_000
    """so many requests through it: a class of thirty sends some hundreds an exercise."""
    template_owners: int = 3
    others: int = 3
    """Instructions beside the largest that make a rotation."""
    rotates: float = 2.3
    """Nats of rotation that the rule needs: one instruction a member beside the largest."""
    covered: float = 0.8
    """Share of members that the fewest instructions are looked for that cover it: an application's
    main prompt covers its users,"""
    covers: int = 3
    """and two applications with common users have two main prompts, so it takes three,"""
    many: int = 8
    """or that many instructions beside those: no application had as many prompts that recur."""
    crowd: int = 40
    """Owners from which a rotation needs no elicitation: no class or hackathon has as many."""
    elicits: float = 1.0
    """Nats of elicitation that a smaller rotation needs."""
    marked: float = 3.0
    """Nats of youth and elicitation together that any rotation needs: a library of prompts rotates
    too, over everybody. Odds of 20 to 1."""
    lesson_ms: int = 12 * HOUR_MS
    """How long a group below ``crowd`` must have been active: lessons end the same day."""
    outlier: float = 5.0
    """An owner with as many times the median owner's accounts has its own use for the texts."""
    dormant_owners: int = 4
    """Owners that are enough where a known campaign's instructions come back: the links' gate."""
    strong: float = 0.6
    """Share of accounts that elicit through a single instruction."""
    repeated: float = 0.10
    """Share of accounts with like surroundings that a single instruction may have."""
    one_network: float = 0.5
    """Share of members behind one network from which they are a class."""
    together: float = 0.5
    """Jaccard index of first uses from which two keys are one text."""
    swallowed: float = 0.8
    """Share of a case's core in another's group from which the case is no other, if it has no group
    of its own any more."""
    lineage: float = 0.3
    """Jaccard index from which a group is a known case, by members or by keys."""
    critical_accounts: int = 100
    critical_requests: int = 10_000
    """The size of campaigns that the product promises to find."""
    quiet_ms: int = 3 * DAY_MS
    """A case ends after this without activity: pools rest over weekends."""
    growth: float = 1.25
    """An update needs as many times the score,"""
    spread: float = 1.1
    """or as many times the members: 24 revisions from 50 to 500, and none pages again."""
