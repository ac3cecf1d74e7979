"""What is sent and when: requests of one account in the order of time."""

from __future__ import annotations

import heapq

from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

import numpy as np

from numpy.typing import NDArray

from streams.simulate.people import DAY_MS, Account


Message = dict[str, str]
NOTHING: Mapping[str, Any] = {}


class Prompt(NamedTuple):
    """One request's text, and fields of the event that go with it."""

    messages: list[Message]
    extra: Mapping[str, Any] = NOTHING
    wrapped: bool = False
    """Whether a collector's template is around it; for the truth, not for the event."""


class Sent(NamedTuple):
    """One request before it becomes an event; ``time`` in ms since the world began."""

    time: int
    account: Account
    prompt: Prompt
    output_tokens: int


Actor = Iterator[Sent]
"""The requests of one account in the order of time."""


class Wrapper(NamedTuple):
    """A template: instructions in the system message, or before and after the payload."""

    system: str
    before: str
    after: str

    def around(self, payload: str) -> list[Message]:
        """The messages of a request for ``payload``."""
        user = "\n\n".join(part for part in (self.before, payload, self.after) if part)
        messages = [{"role": "user", "content": user}]
        return [{"role": "system", "content": self.system}, *messages] if self.system else messages


def merge(actors: Iterable[Actor]) -> Iterator[Sent]:
    """The requests of all ``actors`` in the order of time."""
    return heapq.merge(*actors, key=attrgetter("time"))


def steady(
    account: Account,
    times: NDArray[np.int64],
    outputs: NDArray[np.int64],
    prompts: Iterator[Prompt],
) -> Actor:
    """An account whose requests at ``times`` int64[n] (ms) take what ``prompts`` has next."""
    for time, tokens, prompt in zip(times.tolist(), outputs.tolist(), prompts, strict=False):
        yield Sent(time, account, prompt, tokens)


def conversation(
    turns: Sequence[tuple[str, str]], rng: Random, words: Sequence[str], system: str = ""
) -> Iterator[Prompt]:
    """The requests of one conversation over ``turns`` (role, text), with made-up answers."""
    said: list[Message] = [{"role": "system", "content": system}] if system else []
    extra = {"gen_ai.conversation.id": f"conv_{rng.getrandbits(64):016x}"}
    for role, text in turns:
        said.append({"role": role, "content": text})
        yield Prompt(list(said), extra)
        said.append({"role": "assistant", "content": reply(rng, words)})


def reply(rng: Random, words: Sequence[str]) -> str:
    """An answer of 15 to 90 words; no two are the same, as with a real model."""
    return " ".join(rng.choices(words, k=rng.randint(15, 90))).capitalize() + "."


def moments(
    count: int, hours: Sequence[float], begin_ms: int, span_ms: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """``count`` times within ``span_ms`` as rising int64[count], dense as the ``hours`` say.

    ``hours`` are 24 weights, one an hour UTC; ``begin_ms`` is when the span begins, since 1970.
    """
    hour_ms = DAY_MS // 24
    edges = np.arange(begin_ms // hour_ms, (begin_ms + span_ms) // hour_ms + 2) * hour_ms
    weights = np.asarray(hours)[(edges[:-1] // hour_ms) % 24]
    load = np.concatenate(([0.0], np.cumsum(weights)))
    bounds = np.interp([begin_ms, begin_ms + span_ms - 1], edges, load)
    at = np.interp(np.sort(rng.uniform(bounds[0], bounds[1], count)), load, edges)
    return np.clip(at.astype(np.int64) - begin_ms, 0, span_ms - 1)
