"""On real prompts: how often wrappers are recognised and flags are right.

The bounds are loose on purpose: they hold the order of magnitude, not the data.
"""

from __future__ import annotations

import gzip
import itertools
import json
import re

from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.content.conversations import printed, surroundings


ROWS = 300
BENIGN = (
    "ben_arena1k_users",
    "ben_arena_hard_v2.0",
    "ben_awesome_prompts",
    "ben_clinc150",
    "ben_realhumaneval",
)
FILLER = re.compile(r"\{\{.*?\}\}|\{\w+\}", re.DOTALL)


def prompts(folder: Path, name: str, rows: int = ROWS) -> list[str]:
    """Every n-th prompt of a file, about ``rows`` of them."""
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    return texts[:: max(1, len(texts) // rows)]


@pytest.mark.parametrize(
    ("name", "flag"), [("atk_flan_cot", "cot_inline"), ("atk_judge_prometheus", "rubric_grading")]
)
def test_collection_prompts_carry_their_flag(shared_data: Path, name: str, flag: str) -> None:
    texts = prompts(shared_data, name)
    hits = sum(flag in printed(text)["content.elicitation"] for text in texts)
    assert hits >= 0.9 * len(texts)


@pytest.mark.parametrize("name", BENIGN)
def test_benign_prompts_are_seldom_flagged(shared_data: Path, name: str) -> None:
    texts = prompts(shared_data, name)
    hits = sum(bool(printed(text)["content.elicitation"]) for text in texts)
    assert hits <= 0.08 * len(texts)


def test_requests_of_one_template_share_a_key_in_differing_surroundings(shared_data: Path) -> None:
    templates = [
        text
        for text in prompts(shared_data, "atk_templates", 2000)
        if "{%" not in text and len(FILLER.findall(text)) == 1 and len(FILLER.sub("", text)) > 60
    ][:60]
    payloads = itertools.cycle(prompts(shared_data, "atk_gsm8k", 500))
    shares = [_recognised(template, payloads) for template in templates]
    assert len(shares) >= 30
    assert sum(shares) / len(shares) >= 0.85


def _recognised(template: str, payloads: Iterator[str]) -> float:
    """The share of 20 requests that share a key with another one, differently surrounded."""
    filled = [FILLER.sub(lambda _: next(payloads), template) for _ in range(20)]
    requests = [surroundings(printed(text)) for text in filled]
    senders = Counter(key for request in requests for key in request)
    contexts = defaultdict(set)
    for request in requests:
        for key, context in request.items():
            contexts[key].add(context)
    wrappers = {key for key, count in senders.items() if count > 1 and len(contexts[key]) > 1}
    return sum(not wrappers.isdisjoint(request) for request in requests) / len(requests)
