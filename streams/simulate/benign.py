"""Customers that harm nobody: ordinary people, and six kinds that look odd in one way each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from random import Random

import numpy as np

from numpy.typing import NDArray

from streams.simulate.cast import Cast
from streams.simulate.language import ANSWERS, GRAMMAR
from streams.simulate.people import DAY_MS, Account, Family
from streams.simulate.traffic import (
    NOTHING,
    Actor,
    Prompt,
    Sent,
    Wrapper,
    conversation,
    moments,
    steady,
)


HOUR_MS = DAY_MS // 24
WAKING = (1, 1, 1, 1, 1, 2, 3, 5, 7, 8, 8, 7, 7, 8, 8, 8, 7, 7, 8, 8, 7, 5, 3, 2)
OFFICE = (1, 1, 1, 1, 1, 1, 2, 4, 9, 10, 10, 9, 7, 9, 10, 9, 8, 5, 3, 2, 2, 1, 1, 1)
ALWAYS = (1,) * 24
NIGHT = (0, 6, 8, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
AFTERNOON = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0)
"""Weights of the hours of the day, UTC."""

PERSON_PLANS = (("free", 55), ("pro", 30), ("team", 10), ("enterprise", 5))
API_PLANS = (("api", 60), ("team", 25), ("enterprise", 15))
PEOPLE = Family(
    name="chat",
    plans=PERSON_PLANS,
    pathways=(("console", 9), ("aggregator", 1)),
    place="home",
    refused=0.004,
    interactive=True,
)
HELPDESK = Family(name="helpdesk_app", plans=API_PLANS)
CODERS = Family(name="coding_agent", plans=PERSON_PLANS[1:], place="home")
HARNESS = Family(name="evaluation_harness", plans=API_PLANS, young=0.0, temperature=0.0)
BATCH = Family(name="batch_job", plans=(("enterprise", 1),), young=0.0)
STUDENTS = Family(name="class", plans=(("free", 1),), place="home", interactive=True)

HELPDESK_PROMPT = (
    "You are the support assistant of {}. Be brief and friendly in every reply. Look up the order"
    " before you promise a refund. Hand over to a person when the customer is upset."
)
CODING_PROMPT = (
    "You are a coding agent inside the editor of the user. Read the files that matter before you"
    " change one. Make the smallest change that solves the problem. Run the tests after every edit"
    " and stop when they pass. Never touch files outside of the workspace."
)
CODING_TOOLS = [{"name": name} for name in ("read_file", "edit_file", "run_tests", "search")]
CLASS_TASK = Wrapper(
    "",
    "This is exercise four of our introduction to reasoning course. Solve the problem and show each"
    " step so that we can compare it with our own solution in the tutorial.",
    "",
)
HARNESS_TASK = Wrapper("", "", "Think step by step and finish with a line that starts with ANSWER.")
BATCH_TASK = Wrapper(
    "Extract the items from the note as a JSON list with name and quantity. Leave out whatever is"
    " not an item. Return an empty list if there is none.",
    "",
    "",
)
BRANDS = ("Fernbach", "Oldcastle", "Marisol", "Tindra", "Velomar", "Quillon", "Hestia", "Norrvik")

TEAM_SHARE = 0.25
PAYING_SHARE = 0.5
GOES_ON = 0.45
"""Chance of one more turn."""
TALKS_A_DAY = 0.8
LONGEST_TALK = 6
"""User turns; three of four real conversations have fewer."""
THINK_S = (20.0, 400.0)
"""Between two turns: the middle nine tenths of what was measured on a chat service."""


def benign(cast: Cast) -> Iterator[Actor]:
    """All benign actors of a world."""
    yield from people(cast, cast.some(0.7))
    yield from helpdesk(cast, cast.some(0.07))
    yield from coders(cast, cast.some(0.15))
    yield from harness(cast, 4)
    yield from batch(cast, 2)
    yield from students(cast, cast.some(0.035))


def people(cast: Cast, accounts: int) -> Iterator[Actor]:
    """People with a chat window, a few conversations a day; every fourth is in a team."""
    organization = cast.population.organization()
    for number in range(accounts):
        rng = cast.stream("people", number)
        if rng.random() >= TEAM_SHARE:
            organization = cast.population.organization(pays=rng.random() < PAYING_SHARE)
        array = cast.generator("people", number)
        talks = 1 + array.poisson(rng.expovariate(1 / TALKS_A_DAY) * cast.spec.days)
        times = _times(cast, int(talks), WAKING, array)
        account = cast.population.account(PEOPLE, organization, int(times[0]))
        yield _talks(account, times, rng)


def _talks(account: Account, times: NDArray[np.int64], rng: Random) -> Actor:
    """One person's conversations: they begin at ``times``, or when the one before is over."""
    free = 0
    for begin in times.tolist():
        asked = [GRAMMAR.expand("ask", rng)]
        while rng.random() < GOES_ON and len(asked) < LONGEST_TALK:
            asked.append(GRAMMAR.expand("more", rng))
        time = max(begin, free)
        for prompt in conversation([("user", text) for text in asked], rng, ANSWERS):
            yield Sent(time, account, prompt, rng.randint(40, 700))
            time += int(rng.uniform(*THINK_S) * 1000)
        free = time


def helpdesk(cast: Cast, accounts: int) -> Iterator[Actor]:
    """Shops that run the same support product: one system prompt over many organisations."""
    for number in range(accounts):
        system = HELPDESK_PROMPT.format(BRANDS[number % len(BRANDS)])
        yield _program(cast, HELPDESK, number, 7.0, WAKING, _texts("ticket", system))


def coders(cast: Cast, accounts: int) -> Iterator[Actor]:
    """Developers with a popular coding agent: its prompt and its tools over many organisations."""
    extra: Mapping[str, object] = {"tools": CODING_TOOLS}
    for number in range(accounts):
        prompts = _texts("bug", CODING_PROMPT, extra)
        yield _program(cast, CODERS, number, 4.0, OFFICE, prompts)


def harness(cast: Cast, accounts: int) -> Iterator[Actor]:
    """One organisation that evaluates models day and night, reasoning included."""
    yield from _one_company(cast, HARNESS, accounts, 80.0, ALWAYS, _wrapped("sum", HARNESS_TASK))


def batch(cast: Cast, accounts: int) -> Iterator[Actor]:
    """One organisation whose job runs every night."""
    yield from _one_company(cast, BATCH, accounts, 100.0, NIGHT, _wrapped("record", BATCH_TASK))


def students(cast: Cast, accounts: int) -> Iterator[Actor]:
    """A class: new accounts, each for itself, on one network and with one exercise."""
    networks = ((cast.population.network("campus", 0), 680),)
    # The lesson is on the second day; accounts are opened in the hour before it.
    for number in range(accounts):
        rng = cast.stream("students", number)
        array = cast.generator("students", number)
        times = _times(cast, rng.randint(5, 14), AFTERNOON, array)
        account = cast.population.account(
            STUDENTS,
            cast.population.organization(pays=False),
            int(times[0]),
            created=int(times[0]) - rng.randint(HOUR_MS // 12, HOUR_MS),
            networks=networks,
        )
        outputs = array.integers(100, 500, len(times))
        yield steady(account, times, outputs, _wrapped("sum", CLASS_TASK)(rng))


Prompts = Callable[[Random], Iterator[Prompt]]
"""An endless stream of prompts out of one account's chance."""


def _texts(symbol: str, system: str, extra: Mapping[str, object] = NOTHING) -> Prompts:
    """Unrelated requests for ``symbol`` under one system prompt."""
    return _wrapped(symbol, Wrapper(system, "", ""), extra)


def _wrapped(symbol: str, wrapper: Wrapper, extra: Mapping[str, object] = NOTHING) -> Prompts:
    def prompts(rng: Random) -> Iterator[Prompt]:
        for _ in repeat(None):
            yield Prompt(wrapper.around(GRAMMAR.expand(symbol, rng)), extra)

    return prompts


def _one_company(
    cast: Cast,
    family: Family,
    accounts: int,
    daily: float,
    hours: tuple[int, ...],
    prompts: Prompts,
) -> Iterator[Actor]:
    organization = cast.population.organization()
    for number in range(accounts):
        rng = cast.stream(family.name, number)
        array = cast.generator(family.name, number)
        count = max(1, int(array.poisson(daily * cast.spec.days)))
        times = _times(cast, count, hours, array)
        account = cast.population.account(family, organization, int(times[0]))
        yield steady(account, times, array.integers(10, 400, count), prompts(rng))


def _program(
    cast: Cast,
    family: Family,
    number: int,
    daily: float,
    hours: tuple[int, ...],
    prompts: Prompts,
) -> Actor:
    """A program of an organisation of its own, with ``daily`` requests a day in the mean."""
    rng = cast.stream(family.name, number)
    array = cast.generator(family.name, number)
    count = max(1, int(array.poisson(daily * cast.spec.days * array.lognormal(-0.2, 0.6))))
    times = _times(cast, count, hours, array)
    organization = cast.population.organization()
    account = cast.population.account(family, organization, int(times[0]))
    return steady(account, times, array.integers(30, 900, count), prompts(rng))


def _times(
    cast: Cast, count: int, hours: tuple[int, ...], array: np.random.Generator
) -> NDArray[np.int64]:
    return moments(count, hours, cast.spec.start_ms, cast.spec.span_ms, array)
