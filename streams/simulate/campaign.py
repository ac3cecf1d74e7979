"""One campaign: wrappers that rotate over young accounts which seem to have nothing in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from streams.simulate.cast import Cast
from streams.simulate.chance import token
from streams.simulate.language import GRAMMAR
from streams.simulate.people import DAY_MS, Family
from streams.simulate.traffic import Actor, Prompt, Wrapper, moments, steady


COLLECTORS = Family(
    name="campaign",
    plans=(("api", 7), ("pro", 3)),
    pathways=(("api", 6), ("cloud-a", 2), ("aggregator", 2)),
    place="proxy",
)
WRAPPERS, KNOWN = 8, 3
"""Wrappers of the campaign, and how many of them an account uses."""
COVER_SHARE = 0.15
"""Ordinary questions in between."""
BEGINS_AFTER = 0.4
"""Of the span: by then the novelty of a wording can be told."""
SPREAD_DAYS = 0.5
"""Within how long all accounts have begun."""
CREATED_DAYS = 10.0
DAILY = 14.0
"""Requests of an account a day: published campaigns have 6 to 860."""
IN_SYSTEM_SHARE = 0.5
"""Wrappers that stand in the system message."""
SHARED_PAYMENT = 0.3
PAYMENT_ACCOUNTS = 4
"""A virtual card pays for so many accounts."""
NIGHT_AND_DAY = (3, 2, 2, 2, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 5, 4, 3)


def collectors(cast: Cast) -> Iterator[Actor]:
    """The accounts of the campaign."""
    spec = cast.spec
    rng = cast.stream("campaign")
    wrappers = [_wrapper(rng) for _ in range(WRAPPERS)]
    begins = int(BEGINS_AFTER * spec.span_ms)
    for number in range(spec.campaign_accounts):
        own = cast.stream("campaign", number)
        array = cast.generator("campaign", number)
        first = begins + int(own.uniform(0, SPREAD_DAYS) * DAY_MS)
        left = spec.span_ms - first
        count = max(1, int(array.poisson(DAILY * left / DAY_MS)))
        times = first + moments(count, NIGHT_AND_DAY, spec.start_ms + first, left, array)
        account = cast.population.account(
            COLLECTORS,
            cast.population.organization(payment=_payment(cast, number)),
            int(times[0]),
            created=begins - int(own.uniform(0, CREATED_DAYS) * DAY_MS),
        )
        prompts = _prompts(own.sample(wrappers, KNOWN), own)
        yield steady(account, times, array.integers(300, 1800, count), prompts)


def _payment(cast: Cast, number: int) -> str | None:
    """The card of the first accounts, :data:`PAYMENT_ACCOUNTS` at a time; the others have own."""
    if number >= SHARED_PAYMENT * cast.spec.campaign_accounts:
        return None
    return token(cast.spec.seed, "virtual card", number // PAYMENT_ACCOUNTS)


def _wrapper(rng: Random) -> Wrapper:
    opening, demand, layout = (
        GRAMMAR.expand(part, rng) for part in ("opening", "demand", "layout")
    )
    if rng.random() < IN_SYSTEM_SHARE:
        return Wrapper(f"{opening}. {demand}. {layout}.", "", "")
    return Wrapper("", f"{opening}. {demand}.", f"{layout}.")


def _prompts(wrappers: Sequence[Wrapper], rng: Random) -> Iterator[Prompt]:
    while True:
        if rng.random() < COVER_SHARE:
            yield Prompt([{"role": "user", "content": GRAMMAR.expand("ask", rng)}])
        else:
            payload = GRAMMAR.expand("payload", rng)
            yield Prompt(rng.choice(wrappers).around(payload), wrapped=True)
