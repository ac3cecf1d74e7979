"""When it is said: people in sittings of real rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from streams.simulate.people import DAY_MS, Account
from streams.simulate.traffic import Actor, Sent, conversation
from tests.worlds.content import LONGEST_CONVERSATION, chat
from tests.worlds.shared_data import Thread


WEEKEND = 0.55
"""How much people do on a Saturday or Sunday, against a weekday."""
FIRST_THINK_MS = 60_000
"""Least time between two conversations of one person."""
SATURDAY = 5


@dataclass(frozen=True)
class Habits:
    """How real people talk: pauses in conversations (s), and their begin (s of the day)."""

    gaps: Sequence[tuple[float, ...]]
    seconds: Sequence[float]
    words: Sequence[str]


def person(
    account: Account,
    plan: Sequence[tuple[int, tuple[float, ...]]],
    threads: Sequence[Thread],
    habits: Habits,
    rng: Random,
    system: str = "",
) -> Actor:
    """A person's conversations, as :func:`sittings` planned them."""
    for begin, pauses in plan:
        turns = chat(rng.choice(threads), len(pauses) + 1, rng, habits.words)
        time = begin
        waits = (*pauses, 0.0)
        said = conversation(turns, rng, habits.words, system)
        for prompt, wait in zip(said, waits, strict=True):
            yield Sent(time, account, prompt, rng.randint(30, 600))
            time += int(wait * 1000)


def sittings(
    count: int, span_ms: int, habits: Habits, rng: Random
) -> list[tuple[int, tuple[float, ...]]]:
    """Conversations that add up to ``count`` requests, one after the other, at times people keep.

    Each is (begin in ms, pauses between its turns in s), with the pauses of a real conversation.
    The world begins on a Monday.
    """
    zone_s = rng.choice((0, 0, 1, 2, -5, -8, 8, 9)) * 3600
    planned: list[tuple[float, ...]] = []
    left = count
    while left:
        pauses = rng.choice(habits.gaps)[: min(left, LONGEST_CONVERSATION) - 1]
        planned.append(pauses)
        left -= len(pauses) + 1
    begins = sorted(_moment(span_ms, zone_s, habits, rng) for _ in planned)
    plan = []
    free = 0
    for begin, pauses in zip(begins, planned, strict=True):
        at = max(begin, free)
        plan.append((at, pauses))
        free = at + int(sum(pauses) * 1000) + FIRST_THINK_MS
    return plan


def _moment(span_ms: int, zone_s: int, habits: Habits, rng: Random) -> int:
    days = span_ms / DAY_MS
    weights = [
        (WEEKEND if day % 7 >= SATURDAY else 1.0) * min(1.0, days - day)
        for day in range(int(np.ceil(days)))
    ]
    day = rng.choices(range(len(weights)), weights)[0]
    second = (rng.choice(habits.seconds) + zone_s + rng.uniform(-1800, 1800)) % 86_400
    return min(int(day * DAY_MS + second * 1000), span_ms - 1)
