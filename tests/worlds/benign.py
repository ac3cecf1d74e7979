"""Everybody else: seven families of ordinary and of odd but harmless customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, cycle, islice
from random import Random

import numpy as np

from streams.simulate.people import DAY_MS, Family, Organization
from streams.simulate.traffic import Actor, Prompt, Wrapper, conversation, steady
from tests.worlds.actors import person, sittings
from tests.worlds.content import conversations, single
from tests.worlds.servegen import shares
from tests.worlds.shared_data import Thread
from tests.worlds.spec import World, split


HOUR_MS = 3_600_000

PERSON_PLANS = (("free", 55), ("pro", 30), ("team", 10), ("enterprise", 5))
API_PLANS = (("api", 60), ("team", 25), ("enterprise", 15))
CONSOLE = (("console", 8), ("api", 1), ("aggregator", 1))

CHAT = Family(
    name="chat",
    plans=PERSON_PLANS,
    pathways=CONSOLE,
    place="home",
    refused=0.004,
    interactive=True,
)
OFFENSIVE = replace(CHAT, name="chat_offensive", refused=0.25)
ROLE = replace(CHAT, name="role_prompt", plans=(("pro", 50), ("team", 30), ("api", 20)))
CLIENT = Family(name="api_client", plans=API_PLANS, keys=2)
EVALUATION = Family(
    name="evaluation", plans=(("api", 70), ("enterprise", 30)), young=0.0, temperature=0.0
)
LABELLER = Family(name="batch_labeller", plans=(("enterprise", 1),), young=0.0)
MODERATION = replace(LABELLER, name="moderation_vendor", keys=3, refused=0.01)

OFFENSIVE_SHARE = 0.04
"""Chat users who try what the model will refuse."""
TEAM_SHARE = 0.3
"""Chat users whose organisation has more than one account."""
APPLICATIONS = (
    "task_bot",
    "assistant",
    "pipeline",
    "assistant",
    "task_bot",
    "pipeline",
    "task_bot",
)
"""What API clients run, in turn; four organisations run the airline agent instead."""
AIRLINES = 4
INTENTS_PER_BOT = 3
EVALUATION_RUN = (50, 400)
"""Prompts of one run of a benchmark."""

LABEL = Wrapper(
    "You label utterances for a speech assistant. Answer with one intent name in snake case and a"
    " confidence between 0 and 1, separated by a tab. If no intent fits, answer out_of_scope.",
    "",
    "",
)
MODERATE = Wrapper(
    "You review messages for a community platform. Score the message from 1 (harmless) to 5"
    " (severe) for harassment, violence, hate and self-harm according to the rubric, and give the"
    " policy section. If it can be kept with milder words, propose a rewritten version.",
    "Message under review:",
    "",
)


def chat_users(world: World, accounts: int, requests: int) -> Iterator[Actor]:
    """People with a chat window: sittings of real rhythm, one conversation at a time."""
    counts = split(requests, accounts, 1.1, world.generator("chat"))
    rng = world.stream("chat")
    team: Organization | None = None
    for number, count in enumerate(counts):
        if team is None or rng.random() > 0.75:
            team = None
        own = team or world.population.organization(pays=rng.random() > 0.4)
        if team is None and rng.random() < TEAM_SHARE:
            team = own
        offensive = rng.random() < OFFENSIVE_SHARE
        threads = world.prompts.offensive if offensive else world.prompts.threads
        family = OFFENSIVE if offensive else CHAT
        yield _person(world, family, own, count, world.stream("chat", number), threads)


def role_users(world: World, accounts: int, requests: int) -> Iterator[Actor]:
    """People who start from a community role prompt; the popular ones are shared by many."""
    counts = split(requests, accounts, 0.9, world.generator("role"))
    roles = world.prompts.roles
    for number, count in enumerate(counts):
        rng = world.stream("role", number)
        role = roles[int(len(roles) * rng.random() ** 3)]
        own = world.population.organization()
        yield _person(world, ROLE, own, count, rng, world.prompts.threads, role)


def _person(
    world: World,
    family: Family,
    organization: Organization,
    count: int,
    rng: Random,
    threads: Sequence[Thread],
    system: str = "",
) -> Actor:
    plan = sittings(count, world.spec.span_ms, world.habits, rng)
    account = world.population.account(family, organization, plan[0][0])
    return person(account, plan, threads, world.habits, rng, system)


def api_clients(world: World, requests: int) -> Iterator[Actor]:
    """Programs with the timing of ServeGen's clients; each organisation runs one application."""
    rng = world.stream("clients")
    profiles = list(world.profiles)
    rng.shuffle(profiles)
    profiles = profiles[: world.spec.scaled(len(profiles))]
    counts = shares(profiles, requests)
    roles = list(world.prompts.roles)
    rng.shuffle(roles)
    applications = chain(["airline"] * AIRLINES, cycle(APPLICATIONS))
    left = 0
    for number, (profile, count) in enumerate(zip(profiles, counts, strict=True)):
        if not left:
            application = next(applications)
            left = (
                rng.choice((4, 5, 6)) if application == "airline" else rng.choice((1, 1, 2, 3, 5))
            )
            organization = world.population.organization()
            home = rng.getrandbits(32)
            system = roles[number]
        left -= 1
        array = world.generator("client", number)
        times = (profile.arrivals(count, world.spec.span_ms / 1000, array) * 1000).astype(np.int64)
        account = world.population.account(CLIENT, organization, int(times[0]))
        prompts = _application(world, application, home, system, world.stream("client", number))
        yield steady(account, times, profile.outputs(count, array), prompts)


def _application(world: World, kind: str, home: int, system: str, rng: Random) -> Iterator[Prompt]:
    """The prompts of one account of an organisation; ``home`` is the same for all its accounts."""
    prompts, words = world.prompts, world.habits.words
    domain = Random(home)

    def airline() -> Iterator[Prompt]:
        return conversation(rng.choice(prompts.airline), rng, words, prompts.policy)

    def assistant() -> Iterator[Prompt]:
        asked = [("user", text) for text in rng.choice(prompts.threads)]
        return conversation(asked, rng, words, system)

    if kind == "pipeline":
        return single(domain.choice(prompts.pipelines), rng)
    if kind == "airline":
        return conversations(airline, rng)
    if kind == "assistant":
        return conversations(assistant, rng)
    intents = domain.sample(prompts.intents, INTENTS_PER_BOT)
    utterances = [text for texts in intents for text in texts]

    def task_bot() -> Iterator[Prompt]:
        asked = [("user", rng.choice(utterances)) for _ in range(rng.choice((1, 1, 2, 3)))]
        return conversation(asked, rng, words, system)

    return conversations(task_bot, rng)


def evaluation_users(world: World, accounts: int, requests: int) -> Iterator[Actor]:
    """Teams that run public benchmarks as they are, a third of them right after the release."""
    counts = split(requests, accounts, 0.6, world.generator("evaluation"))
    for number, count in enumerate(counts):
        rng = world.stream("evaluation", number)
        earliest = world.released + HOUR_MS if number % 3 == 0 else 0
        times, prompts = _runs(world, rng, count, earliest)
        organization = world.population.organization()
        account = world.population.account(EVALUATION, organization, int(times[0]))
        outputs = world.generator("evaluation", number).integers(20, 400, count)
        yield steady(account, times, outputs, prompts)


def _runs(
    world: World, rng: Random, count: int, earliest: int
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Iterator[Prompt]]:
    """Times and prompts of ``count`` requests in runs, each over one benchmark from some row on."""
    span = world.spec.span_ms
    times: list[float] = []
    prompts: list[Iterator[Prompt]] = []
    while len(times) < count:
        size = min(rng.randint(*EVALUATION_RUN), count - len(times))
        at = float(rng.uniform(earliest, span - DAY_MS / 8))
        for _ in range(size):
            times.append(min(at, span - 1))
            at += rng.uniform(300, 4000)
        rows = rng.choice(world.prompts.benchmarks)
        prompts.append(islice(single(rows, rng), size))
    return np.sort(np.array(times)).astype(np.int64), chain.from_iterable(prompts)


def batch_labeller(world: World, requests: int) -> Iterator[Actor]:
    """One company that labels utterances every night."""
    utterances = [text for texts in world.prompts.intents for text in texts]
    yield from _vendor(world, LABELLER, LABEL, utterances, requests, hours=(1.0, 4.0))


def moderation_vendor(world: World, requests: int) -> Iterator[Actor]:
    """One company that grades and rewrites offensive messages all day long."""
    messages = [text for thread in world.prompts.offensive for text in thread]
    yield from _vendor(world, MODERATION, MODERATE, messages, requests, hours=(0.0, 24.0))


def _vendor(
    world: World,
    family: Family,
    wrapper: Wrapper,
    texts: Sequence[str],
    requests: int,
    hours: tuple[float, float],
) -> Iterator[Actor]:
    """Four accounts of one organisation under one wrapper, active between ``hours`` of each day."""
    organization = world.population.organization()
    for number, count in enumerate(split(requests, 4, 0.3, world.generator(family.name))):
        array = world.generator(family.name, number)
        rng = world.stream(family.name, number)
        hour = array.uniform(*hours, count)
        day = array.integers(0, max(1, int(world.spec.days)), count)
        times = np.sort(day * DAY_MS + hour * HOUR_MS).astype(np.int64)
        account = world.population.account(family, organization, int(times[0]))
        bare = single(texts, rng)
        prompts = (Prompt(wrapper.around(prompt.messages[0]["content"])) for prompt in bare)
        yield steady(account, times, array.integers(5, 120, count), prompts)
