"""Readers of the data set: real prompts as corpora, real timing as gaps and client profiles."""

from __future__ import annotations

import gzip
import re

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson


CLIP = 4000
"""Characters kept of a text: the longest prompts are whole articles and would make up the file."""
PIPELINE_CHARACTERS = 1500
"""Mean length above which a family of templates is left out, for the same reason."""
LONGEST_GAP_S = 3600.0
"""A longer pause starts a new conversation."""

FLAN_WRAPPER = re.compile(
    r"^Explain your reasoning.*?\n\nQuestion: |\nLet's think step by step\.$", re.DOTALL
)
"""What this data set's own collector put around the questions; a campaign has its own wrapper."""

Thread = tuple[str, ...]
"""What one person asked, in order."""


class Payload(NamedTuple):
    """What a collector asks: a text, and the names of the tools it comes with."""

    text: str
    tools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prompts:
    """All texts of a world, by what they are for."""

    threads: Sequence[Thread]
    """Organic chat and coding questions."""
    offensive: Sequence[Thread]
    """Crowd red-teaming, human turns only."""
    roles: Sequence[str]
    """Community role prompts."""
    intents: Sequence[Sequence[str]]
    """Utterances to task bots, one list an intent."""
    policy: str
    """The system prompt of a customer-service agent."""
    airline: Sequence[Sequence[tuple[str, str]]]
    """Its sessions: (role, text) of what the model is sent."""
    pipelines: Sequence[Sequence[str]]
    """Filled templates, one list a template."""
    benchmarks: Sequence[Sequence[str]]
    """Public benchmarks as everybody sends them."""
    payloads: Sequence[Sequence[Payload]]
    """What data collectors ask, one list a source."""


def read_prompts(folder: Path) -> Prompts:
    """Every prompt of the data set that a world uses."""
    policy, airline = _airline(folder)
    return Prompts(
        threads=_organic(folder),
        offensive=_threads(rows(folder, "grey_hh_harmless")),
        roles=_texts(folder, "ben_awesome_prompts"),
        intents=_families(folder, "ben_clinc150"),
        policy=policy,
        airline=airline,
        pipelines=[
            texts
            for texts in _families(folder, "atk_t0_templates")
            if sum(map(len, texts)) < PIPELINE_CHARACTERS * len(texts)
        ],
        benchmarks=[
            _texts(folder, name) for name in ("atk_gsm8k", "atk_mmlu", "atk_humaneval", "atk_math")
        ],
        payloads=_payloads(folder),
    )


def read_gaps(folder: Path) -> list[tuple[float, ...]]:
    """Seconds between the turns of real conversations, () for one of a single turn.

    Half are sessions of a production chat service, the rest coding sessions and arena users.
    """
    chat = _gaps((row["entity"], row["t"]) for row in rows(folder, "trace_mooncake_conversation"))
    coding = _gaps(
        ((row["user"], row["session"]), row["t"]) for row in rows(folder, "ben_realhumaneval")
    )
    arena = _gaps((row["entity"], row["t"]) for row in rows(folder, "trace_arena1k_users"))
    few = len(coding) + len(arena)
    return [*chat[:few], *coding, *arena]


def read_seconds_of_day(folder: Path) -> list[float]:
    """When people asked, seconds after midnight UTC."""
    return [row["t"] % 86_400 for row in rows(folder, "ben_arena1k_users")]


def rows(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one file."""
    with gzip.open(folder / f"{name}.jsonl.gz") as lines:
        yield from map(orjson.loads, lines)


def _texts(folder: Path, name: str) -> list[str]:
    return [row["text"][:CLIP] for row in rows(folder, name)]


def _families(folder: Path, name: str) -> list[list[str]]:
    found = defaultdict[str, list[str]](list)
    for row in rows(folder, name):
        found[row["family"]].append(row["text"][:CLIP])
    return list(found.values())


def _organic(folder: Path) -> list[Thread]:
    return [
        *_threads(rows(folder, "ben_arena1k_users")),
        *_threads(rows(folder, "ben_realhumaneval")),
        *((text,) for text in _texts(folder, "ben_arena_hard_v0.1")),
        *((text,) for text in _texts(folder, "ben_arena_hard_v2.0")),
    ]


def _threads(found: Iterable[dict[str, Any]]) -> list[Thread]:
    threads = defaultdict[tuple[Any, Any], list[str]](list)
    for row in found:
        threads[row.get("user"), row["session"]].append(row["text"][:CLIP])
    return [tuple(texts) for texts in threads.values()]


def _gaps(turns: Iterable[tuple[object, float]]) -> list[tuple[float, ...]]:
    found = defaultdict[object, list[float]](list)
    for session, at in turns:
        found[session].append(at)
    gaps = []
    for times in found.values():
        pauses = [later - earlier for earlier, later in pairwise(sorted(times))]
        end = next((i for i, pause in enumerate(pauses) if pause > LONGEST_GAP_S), len(pauses))
        gaps.append(tuple(pauses[:end]))
    return gaps


def _airline(folder: Path) -> tuple[str, list[list[tuple[str, str]]]]:
    """The policy and, per session, what users and tools sent after it."""
    policy = ""
    sessions = defaultdict[str, list[tuple[str, str]]](list)
    for row in rows(folder, "ben_tau_airline_agent"):
        head, _, text = row["text"].rpartition("\n[user] " if not row["turn"] else "[")
        if row["turn"]:
            role, _, text = text.partition("] ")
            sessions[row["session"]].append((role, text[:CLIP]))
        else:
            policy = head[:CLIP]
            sessions[row["session"]].append(("user", text[:CLIP]))
    return policy, list(sessions.values())


def _payloads(folder: Path) -> list[list[Payload]]:
    math = [Payload(text) for text in _texts(folder, "atk_gsm8k")]
    competition = [Payload(text) for text in _texts(folder, "atk_math")]
    questions = [Payload(FLAN_WRAPPER.sub("", text)) for text in _texts(folder, "atk_flan_cot")]
    code = [Payload(text.partition("task: ")[2] or text) for text in _texts(folder, "atk_mbpp")]
    calls = [_call(row["text"]) for row in rows(folder, "atk_bfcl")]
    tools = [Payload(text) for text in _texts(folder, "atk_gpteacher_toolformer")]
    return [math, competition, questions, code, calls, tools]


def _call(text: str) -> Payload:
    """A function-calling probe: its functions as tools, as an API client sends them."""
    _, _, rest = text.partition("\n")
    functions, _, question = rest.rpartition("]\n\n")
    try:
        names = tuple(function["name"] for function in orjson.loads(functions + "]"))
    except (orjson.JSONDecodeError, TypeError):
        return Payload(text[:CLIP])
    return Payload(question[:CLIP], names)
