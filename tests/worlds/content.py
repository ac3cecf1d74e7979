"""What is said: endless streams of prompts, one stream an account."""

from __future__ import annotations

import re

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from random import Random

from streams.simulate.traffic import NOTHING, Message, Prompt, Wrapper
from tests.worlds.shared_data import Payload, Thread


LONGEST_CONVERSATION = 12
"""User turns; nineteen of twenty real conversations are shorter."""
Opener = Callable[[], Iterator[Prompt]]
"""Opens a conversation: its requests, each holding all that was said before."""


def conversations(opener: Opener, rng: Random, live: int = 4) -> Iterator[Prompt]:
    """Requests of ``live`` conversations at a time, for ever."""
    running = [opener() for _ in range(live)]
    while True:
        place = rng.randrange(live)
        prompt = next(running[place], None)
        if prompt is None:
            running[place] = opener()
        else:
            yield prompt


def chat(thread: Thread, length: int, rng: Random, words: Sequence[str]) -> list[tuple[str, str]]:
    """``length`` user turns that begin with the real ones of ``thread`` and ask back after that."""
    texts = [*thread[:length]]
    while len(texts) < length:
        texts.append(_follow_up(texts[0], rng, words))
    return [("user", text) for text in texts]


def single(texts: Sequence[str], rng: Random, system: str = "") -> Iterator[Prompt]:
    """Unrelated requests, in the order of ``texts`` from a random place."""
    head: list[Message] = [{"role": "system", "content": system}] if system else []
    for place in count(rng.randrange(len(texts))):
        yield Prompt([*head, {"role": "user", "content": texts[place % len(texts)]}])


def wrapped(
    wrapper: Wrapper,
    payloads: Sequence[Payload],
    cover: Iterator[Prompt],
    cover_share: float,
    rng: Random,
) -> Iterator[Prompt]:
    """A collector's requests: ``payloads`` under one wrapper, with a share of ordinary traffic."""
    while True:
        if rng.random() < cover_share:
            yield next(cover)
            continue
        payload = payloads[rng.randrange(len(payloads))]
        tools = {"tools": [{"name": name} for name in payload.tools]} if payload.tools else NOTHING
        yield Prompt(wrapper.around(payload.text), tools, wrapped=True)


def vocabulary(threads: Sequence[Thread]) -> list[str]:
    """Words of real prompts, as often as they occur there, for answers nobody recorded."""
    found = (word for thread in threads for word in re.findall(r"[a-z]{3,12}", thread[0]))
    return list(found)[:50_000]


ASK_BACK = (
    "what about the {} and the {}?",
    "can you go on with {}, then {}",
    "i meant {} rather than {}",
    "ok, now compare that with {} {}",
    "why is {} better than {} here",
    "shorter please, and mention {} {}",
    "and if {} changes to {}?",
)


def _follow_up(opening: str, rng: Random, words: Sequence[str]) -> str:
    own = re.findall(r"[A-Za-z]{4,12}", opening) or list(words[:100])
    return rng.choice(ASK_BACK).format(rng.choice(own).lower(), rng.choice(words))
