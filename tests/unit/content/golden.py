"""Raw requests whose fingerprints are held fixed.

``python -m tests.unit.content.golden`` writes golden.json again. Whoever has to do that changes
what deployed keys mean and raises ``CONTENT_VERSION``.
"""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

from models.content import Keys, fingerprint
from tests.unit.content.conversations import event, say


PATH = Path(__file__).with_name("golden.json")
KEYS = Keys(b"probewatch-demo", 7, b"the key before")

CASES: dict[str, dict[str, Any]] = {
    "wrapped question": event(
        say(
            "Read the riddle below and answer it.\n\nRiddle: what walks on 4 legs at dawn?\n\n"
            "Explain your reasoning step by step inside <thinking> tags. Return JSON with the keys"
            ' "answer": and "confidence": only.',
            system="You are a careful puzzle solver. Never guess; say so when you are unsure.",
        )
    ),
    "third turn": event(
        say(
            "Plan a weekend in Lisbon for Anna.",
            "With pleasure: here is a plan.",
            "Make day 2 cheaper, please.",
            "Done.",
            "Now write it as a table for anna@example.org, see https://example.org/x?y=1.",
        )
    ),
    "Chinese": event(
        say(
            "请逐步推理，并把推理过程放在标签里。小明有5个苹果，吃了2个，还剩几个？“最终答案”写在最后。"
        )
    ),
    "parts, tools and an image": event(
        [
            {"role": "developer", "content": [{"type": "text", "text": "Use tools when useful."}]},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What does this picture of the harbour show?"},
                    {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
                ],
            },
        ],
        tools=[{"name": "zoom"}, {"type": "function", "function": {"name": "crop"}}],
    ),
    "nothing said": event([]),
}


def fingerprints() -> dict[str, dict[str, Any]]:
    """The content fields of each case."""
    return {
        name: {
            field: value
            for field, value in fingerprint(raw, KEYS).items()
            if field.startswith("content.")
        }
        for name, raw in CASES.items()
    }


if __name__ == "__main__":
    text = json.dumps(fingerprints(), indent=1, ensure_ascii=False)
    PATH.write_text(text + "\n", encoding="utf-8")
