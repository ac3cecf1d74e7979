"""Made-up traffic for the links and campaign stages: benign look-alikes, and campaigns.

Everything is drawn from one seeded generator. Thresholds are not fitted to it: it shows what each
rule does, and real prompts are replayed elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from numpy.typing import NDArray

from models.campaign import CampaignStage
from models.eventtime import DAY_MS, HOUR_MS
from models.links import LinksStage
from models.stage import ChannelBatch, Deployment, Emission, Records
from schemas.alert import Alert
from schemas.edge import EDGE
from schemas.frame import AccountFacts
from schemas.link import LINK, LinkKind


START = 20_000 * DAY_MS
NOTHING = -1


@dataclass
class Requests:
    """n requests of some accounts; ``template`` or ``payload`` may be NOTHING."""

    time: NDArray[np.int64]
    account: NDArray[np.int64]
    template: NDArray[np.int64]
    payload: NDArray[np.int64]
    elicited: NDArray[np.bool_]
    conversation: NDArray[np.uint64]


@dataclass
class World:
    """Accounts, and what they send."""

    seed: int
    days: float
    accounts: list[AccountFacts] = field(default_factory=list)
    family: list[str] = field(default_factory=list)
    payment: list[int] = field(default_factory=list)
    network: list[int] = field(default_factory=list)
    requests: list[Requests] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def fresh(self, count: int = 1) -> NDArray[np.int64]:
        """Numbers that nothing else has."""
        self._number += count
        return np.arange(self._number - count, self._number) + 1_000_000

    def people(
        self,
        family: str,
        count: int,
        *,
        young: float = 0.08,
        organizations: int | None = None,
        cards: int | None = None,
        networks: int | None = None,
    ) -> NDArray[np.int64]:
        """New accounts, each with its own organisation, card and network unless said otherwise."""
        first = len(self.accounts)
        ages = np.where(
            self.rng.random(count) < young,
            self.rng.uniform(0, 10, count),
            self.rng.uniform(30, 900, count),
        )
        names = [self.fresh(count if n is None else n) for n in (organizations, cards, networks)]
        for i in range(count):
            organization, card, network = (int(those[i % len(those)]) for those in names)
            created = START + int((self.days / 4 - ages[i]) * DAY_MS)
            self.accounts.append(
                AccountFacts(f"acct{first + i:06d}", f"org{organization}", max(1, created), 1)
            )
            self.family.append(family)
            self.payment.append(card)
            self.network.append(network)
        return np.arange(first, first + count)

    def send(
        self,
        accounts: NDArray[np.int64],
        times: NDArray[np.float64],
        template: NDArray[np.int64] | int = NOTHING,
        payload: NDArray[np.int64] | None = None,
        elicited: NDArray[np.bool_] | bool = False,
        conversation: NDArray[np.uint64] | None = None,
    ) -> None:
        """Requests at ``times`` in days; payloads differ unless given."""
        n = len(accounts)
        self.requests.append(
            Requests(
                START + (times * DAY_MS).astype(np.int64),
                accounts,
                np.broadcast_to(np.asarray(template, np.int64), n),
                self.fresh(n) if payload is None else payload,
                np.broadcast_to(np.asarray(elicited, bool), n),
                np.zeros(n, np.uint64) if conversation is None else conversation,
            )
        )

    def draw(
        self,
        accounts: NDArray[np.int64],
        per_day: float,
        *,
        spread: float = 0.0,
        begin: float = 0.0,
        end: float | None = None,
        ramp: float = 0.0,
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Poisson requests of accounts: who and when. Rates are log-normal with ``spread``.

        Accounts start at ``begin`` and up to ``ramp`` days later.
        """
        end = self.days if end is None else end
        rate = per_day * np.exp(spread * self.rng.standard_normal(len(accounts)) - spread**2 / 2)
        starts = begin + ramp * self.rng.random(len(accounts))
        counts = self.rng.poisson(np.minimum(rate, 400) * np.maximum(end - starts, 0))
        who = np.repeat(accounts, counts)
        when = np.repeat(starts, counts) + np.repeat(end - starts, counts) * self.rng.random(
            len(who)
        )
        order = np.argsort(when)
        return who[order], when[order]


def background(world: World, accounts: int = 2000, per_day: float = 12.0) -> None:
    """Ordinary customers: own applications, popular and library texts, public problems."""
    rng = world.rng
    people = world.people("background", accounts, organizations=int(accounts * 0.8))
    who, when = world.draw(people, per_day, spread=1.5)
    n = len(who)
    kind = rng.random(n)
    own = np.array([int(world.accounts[a].organization_id[3:]) for a in who.tolist()]) + 10_000_000
    popular = world.fresh(30)[rng.zipf(1.5, n) % 30]
    library = world.fresh(300)
    favourites = library[(rng.zipf(1.3, (accounts, 3)) - 1) % 300]
    template = np.where(kind < 0.5, own, NOTHING)
    template = np.where((kind >= 0.5) & (kind < 0.6), popular, template)
    uses_library = (kind >= 0.6) & (kind < 0.66)
    template[uses_library] = favourites[who[uses_library], rng.integers(0, 3, uses_library.sum())]
    payload = world.fresh(n)
    public = world.fresh(2000)
    known = (kind >= 0.9) & (who % 7 == 0)
    payload[known] = public[rng.integers(0, 2000, known.sum())]
    world.send(who, when, template, payload, (rng.random(n) < 0.03) | (template % 10 == 3))
    releases = world.fresh(int(4 * world.days))
    for number, made in enumerate(releases.tolist()):
        adopters = rng.choice(people, int(rng.integers(3, 40)), replace=False)
        who, when = world.draw(adopters, 2.0, spread=1.0, begin=number / 4, ramp=2.0)
        world.send(who, when, made, elicited=made % 8 == 0)
    pairs = rng.choice(people, (15, 2), replace=False)
    for one, other in pairs.tolist():
        at = world.days * rng.random()
        turn = rng.integers(1, 1 << 62, 1).astype(np.uint64)
        world.send(
            np.array([one, other]),
            np.array([at, min(at + 0.01, world.days)]),
            conversation=np.repeat(turn, 2),
        )


def viral_app(world: World, accounts: int = 300, *, elicits: bool = False) -> None:
    """A new application: young users of their own organisations, one main prompt and two more."""
    people = world.people("viral_app", accounts, young=0.9)
    prompts = world.fresh(3)
    who, when = world.draw(people, 8, spread=1.2, begin=2.0, ramp=3.0)
    world.send(who, when, prompts[0], elicited=elicits)
    for prompt in prompts[1:].tolist():
        again = world.rng.random(len(who)) < 0.15
        world.send(who[again], when[again] + 0.001, prompt)


def classroom(world: World, accounts: int = 30, *, campus: bool = True) -> None:
    """Students with new accounts: the same exercises in the same order, around their own words."""
    people = world.people("class", accounts, young=1.0, networks=1 if campus else None)
    for number, exercise in enumerate(world.fresh(5).tolist()):
        who, when = world.draw(people, 40, begin=2.0 + number * 0.3, end=2.2 + number * 0.3)
        world.send(who, when, exercise, elicited=exercise % 2 == 0)


def coding_agent(world: World, adopters: int = 800) -> None:
    """A popular tool's release: old accounts all get five new prompts within two days."""
    people = world.rng.choice(
        len(world.accounts), min(adopters, len(world.accounts)), replace=False
    )
    prompts = world.fresh(5)
    who, when = world.draw(people, 8, spread=1.2, begin=3.0, ramp=2.0)
    which = np.where(world.rng.random(len(who)) < 0.6, 0, world.rng.integers(1, 5, len(who)))
    world.send(who, when, prompts[which])


def prompt_library(world: World, adopters: int = 150) -> None:
    """A framework's release: thirty prompts of which old accounts use a few each, at random."""
    people = world.rng.choice(
        len(world.accounts), min(adopters, len(world.accounts)), replace=False
    )
    prompts = world.fresh(30)
    who, when = world.draw(people, 6, spread=1.2, begin=3.0, ramp=3.0)
    chosen = prompts[world.rng.integers(0, 30, (len(world.accounts), 5))]
    template = chosen[who, world.rng.integers(0, 5, len(who))]
    world.send(who, when, template, elicited=template % 6 == 0)


def benchmark(world: World, accounts: int = 120) -> None:
    """A public problem set, in the harness's own wording, by anyone who evaluates."""
    people = world.people("benchmark", accounts, young=0.2)
    problems, wording = world.fresh(800), world.fresh(1)[0]
    who, when = world.draw(people, 60, spread=1.0, begin=2.0, ramp=5.0)
    world.send(who, when, wording, problems[world.rng.integers(0, 800, len(who))], elicited=True)


def agency(world: World, clients: int = 7) -> None:
    """One card for several organisations, and one house style."""
    people = world.people("agency", clients, young=0.4, cards=1)
    style = world.fresh(4)
    who, when = world.draw(people, 20, begin=1.5)
    world.send(who, when, style[world.rng.integers(0, 4, len(who))])


@dataclass(frozen=True)
class Campaign:
    """What a campaign is; ``share`` of an account's requests belong to it."""

    accounts: int = 300
    per_day: float = 6.0
    wordings: int = 20
    young: float = 0.85
    elicits: float = 0.6
    share: float = 1.0
    begin: float = 3.0
    ramp: float = 1.5
    cards: int | None = None
    handoffs: float = 0.0


def campaign(world: World, made: Campaign) -> NDArray[np.int64]:
    """A campaign; returns its wordings. Its cover traffic is like the background's."""
    rng = world.rng
    people = world.people("campaign", made.accounts, young=made.young, cards=made.cards)
    wordings = world.fresh(made.wordings)
    elicit = rng.random(made.wordings) < made.elicits
    who, when = world.draw(people, made.per_day, begin=made.begin, ramp=made.ramp)
    which = rng.integers(0, made.wordings, len(who))
    turns = np.zeros(len(who), np.uint64)
    if made.handoffs:
        moved = np.flatnonzero(rng.random(len(who) - 1) < made.handoffs)
        turns[moved] = rng.integers(1, 1 << 62, len(moved))
        turns[moved + 1] = turns[moved]
    world.send(who, when, wordings[which], elicited=elicit[which], conversation=turns)
    if made.share < 1:
        cover = made.per_day * (1 - made.share) / made.share
        who, when = world.draw(people, cover, spread=0.5)
        world.send(who, when)
    return wordings


def twin(world: World, wordings: NDArray[np.int64], accounts: int = 40) -> None:
    """A lawful firm that sends the campaign's own wordings."""
    people = world.people("twin", accounts, young=0.3, organizations=1, cards=1, networks=2)
    who, when = world.draw(people, 20, begin=3.5)
    world.send(who, when, wordings[world.rng.integers(0, len(wordings), len(who))], elicited=True)


def observations(world: World) -> tuple[NDArray[np.int32], Records]:
    """LINK records of all requests, in the order of time."""
    parts = [
        np.concatenate([getattr(r, name) for r in world.requests])
        for name in ("time", "account", "template", "payload", "elicited", "conversation")
    ]
    order = np.argsort(parts[0], kind="stable")
    time, account, template, payload, elicited, conversation = (part[order] for part in parts)
    counts = _running(account)
    elicitations = _running(account, elicited)
    pieces: list[tuple[NDArray[np.int64], int, NDArray[np.uint64], NDArray[np.uint64]]] = []
    for text, sentences in ((template, 3), (payload, 4)):
        for place in range(sentences):
            at = np.flatnonzero(
                (text != NOTHING) & (place < 2 + _mix(text) % np.uint64(sentences - 1))
            )
            key = _mix(text[at] * 16 + place)
            context = _mix(template[at] * 7919 + payload[at] * 16 + place) >> np.uint64(48)
            pieces.append((at, LinkKind.SENTENCE, key, context))
    none = np.zeros(len(time), np.uint64)
    talks = np.flatnonzero(conversation)
    pieces.append((talks, LinkKind.CONVERSATION, conversation[talks], none[talks]))
    changed = np.flatnonzero(counts == 1)
    for kind, table in ((LinkKind.PAYMENT, world.payment), (LinkKind.NETWORK, world.network)):
        key = _mix(np.array(table)[account[changed]] * 4 + kind)
        pieces.append((changed, kind, key, none[changed]))
    request = np.concatenate([at for at, *_ in pieces])
    rows = np.zeros(len(request), LINK)
    rows["kind"] = np.concatenate([np.full(len(at), kind) for at, kind, *_ in pieces])
    rows["key"] = np.concatenate([key for *_, key, _ in pieces])
    rows["context"] = np.concatenate([context for *_, context in pieces])
    rows["time"] = time[request]
    rows["elicitation"] = elicited[request]
    rows["requests"] = counts[request]
    rows["elicited"] = elicitations[request]
    order = np.argsort(request, kind="stable")
    return account[request][order].astype(np.int32), rows[order]


def _mix(numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """splitmix64."""
    z = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return mixed


def _running(
    account: NDArray[np.int64], which: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """How many requests an account has made so far, or how many of those ``which`` tells."""
    order = np.argsort(account, kind="stable")
    ones = np.ones(len(account), np.int64) if which is None else which[order].astype(np.int64)
    total = np.cumsum(ones)
    first = np.r_[True, account[order][1:] != account[order][:-1]]
    base = np.maximum.accumulate(np.where(first, total - ones, 0))
    running = np.empty(len(account), np.int64)
    running[order] = total - base
    return running


def edges(world: World, stage: LinksStage, step_ms: int = HOUR_MS) -> list[ChannelBatch]:
    """What the links stage makes of the world, in batches for the campaign stage."""
    account, rows = observations(world)
    time = rows["time"].copy()
    made = []
    end = START + int(world.days * DAY_MS)
    for upto in range(START + step_ms, end + step_ms, step_ms):
        begin, stop = np.searchsorted(time, [upto - step_ms, upto])
        used, index = np.unique(account[begin:stop], return_inverse=True)
        batch = ChannelBatch(
            [world.accounts[a] for a in used.tolist()],
            index.astype(np.int32),
            rows[begin:stop],
            upto,
        )
        made.append(joined([emission for _, emission in stage.fold(batch).emitted], upto))
    return made


def joined(emissions: Iterable[Emission], upto: int) -> ChannelBatch:
    """Emissions as one batch."""
    table: list[AccountFacts] = []
    account, rows = [np.empty(0, np.int32)], [np.empty(0, EDGE)]
    for emission in emissions:
        account.append(emission.account + np.int32(len(table)))
        rows.append(emission.rows)
        table.extend(emission.accounts)
    return ChannelBatch(table, np.concatenate(account), np.concatenate(rows), upto)


def alerts(batches: Sequence[ChannelBatch], stage: CampaignStage | None = None) -> list[Alert]:
    """All alerts of a campaign stage."""
    stage = stage or CampaignStage(Deployment())
    return [alert for batch in batches for alert in stage.fold(batch).alerts]
