"""The coarse fields: category, script, and the shape that is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from models.content import fingerprint
from schemas.request import CATEGORIES
from tests.unit.content.conversations import KEYS, event, printed, say


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("reasoning_math", "Find the sum of all positive integers that divide 360."),
        ("agentic_code", "Refactor this python code so that the unittest passes."),
        ("data_analysis", "Plot a histogram of each column of the dataset."),
        ("computer_use", "Click the blue button in the browser and take a screenshot."),
        ("low_level_code", "Optimize this cuda kernel for memory bandwidth."),
        ("translation", "Translate this into Polish: where is the station?"),
        ("writing", "Write a poem about an autumn evening in a harbour town."),
        ("extraction", "Summarize the report and extract all entities."),
        ("question_answering", "Who was the first person to cross this desert and why?"),
        ("conversation", "hi there"),
        ("grading", "Rate the answer on a scale from 1 to 10."),
        ("task_generation", "Generate ten new exam questions."),
        ("safe_rewrite", "Rewrite the message so that it follows the content policy."),
        ("translation", "请翻译成英文"),
        ("other", ""),
    ],
)
def test_category_of_a_plain_case(category: str, text: str) -> None:
    assert category in CATEGORIES
    assert printed(text)["content.category"] == category


def test_tools_and_images_decide_the_category_of_vague_text() -> None:
    tools = fingerprint(event(say("Book the cheapest one."), tools=[{"name": "book"}]), KEYS)
    assert tools["content.category"] == "tool_orchestration"
    parts: list[dict[str, Any]] = [{"type": "text", "text": "And this?"}, {"type": "image_url"}]
    seen = fingerprint(event([{"role": "user", "content": parts}]), KEYS)
    assert seen["content.category"] == "vision"


@pytest.mark.parametrize(
    ("script", "text"),
    [
        ("latin", "Où est la gare?"),
        ("han", "请翻译这个 API 文档的内容"),
        ("cyrillic", "Привет, как дела, world?"),
        ("arabic", "مرحبا بالعالم"),
        ("devanagari", "नमस्ते दुनिया"),
        ("kana", "これはペンです"),
        ("hangul", "안녕하세요 세계"),
        ("thai", "สวัสดีชาวโลก"),
        ("hebrew", "שלום עולם"),
        ("greek", "Καλημέρα κόσμε"),
        ("han", "𠀀𠀁𠀂"),
        ("", "123 !? 😀"),
        ("", ""),
    ],
)
def test_dominant_script_of_the_last_user_message(script: str, text: str) -> None:
    assert printed("hello hello hello hello", "hi", text)["content.script"] == script


SHAPES = [
    'Return JSON with the keys "answer": and "score":',
    'Return JSON with the keys "answer": and "reason":',
    "Put the output between <verdict> and </verdict>",
    "End with the final answer in \\boxed{}",
    "Reply with a single letter",
    "Answer yes or no",
    "Present it as a markdown table",
    "Write the rating as [[rating]] in that format",
]


def test_shapes_are_told_apart() -> None:
    hashes = [printed(text)["content.shape"] for text in SHAPES]
    assert len(set(hashes)) == len(hashes)


@pytest.mark.parametrize("text", SHAPES)
def test_shape_does_not_depend_on_payload_or_side(text: str) -> None:
    shape = printed(text)["content.shape"]
    assert printed(f"The lynx slept by the river. {text}")["content.shape"] == shape
    assert printed("The otter swam away.", system=text)["content.shape"] == shape


@pytest.mark.parametrize("text", ["hello", "Where do otters sleep?", "I set the table for two."])
def test_no_shape_without_a_request_for_one(text: str) -> None:
    assert "content.shape" not in printed(text)
