"""Does a request ask for what a collector wants: reasoning, verdicts, tasks, safe rewrites?

A flag says what was asked for, not that asking is wrong: each kind has lawful users, and benign
rates of up to a few per cent are in the nature of the thing.
"""

from __future__ import annotations

import re

from collections import defaultdict
from collections.abc import Iterable

from models.content.masking import Masked
from models.content.wordings import RULES, Rule
from models.content.wordings_chinese import HAN_RULES
from schemas.request import ELICITATIONS


MODELS = frozenset(
    """
    claude chatgpt gpt openai anthropic gemini llama deepseek qwen kimi minimax mistral grok glm
    ernie doubao hunyuan bard copilot tongyi chatglm
    """.split()
)
"""Models and makers a client may be told it is: the widely known. Others need "made by" beside."""

_HAN = re.compile("[\u4e00-\u9fff]")
_THOUGHT_TAG = re.compile(
    r"</?\|?(?:think|thinking|thoughts?|reason|reasoning|scratchpad|cot|rationale|reflection"
    r"|inner_monologue|(?:begin|end)_of_thought|思考|推理)\b",
    re.IGNORECASE,
)


def _number_needs(rules: Iterable[Rule]) -> tuple[list[tuple[int, Rule]], dict[str, int]]:
    """A bit for each word set of each rule: (the bits a rule needs, the bits a word sets)."""
    needs = []
    bits: dict[str, int] = defaultdict(int)
    bit = 1
    for rule in rules:
        need = 0
        for words in rule.anywhere:
            for word in words:
                bits[word] |= bit
            need |= bit
            bit <<= 1
        needs.append((need, rule))
    return needs, dict(bits)


_NEEDS, _BITS = _number_needs(RULES)
_TRIGGERS = frozenset(_BITS)


def elicitation(masked: Masked) -> frozenset[str]:
    """The flags of one text, a subset of ``schemas.request.ELICITATIONS``."""
    present = 0
    for word in _TRIGGERS & masked.words:
        present |= _BITS[word]
    flags = {rule.flag for need, rule in _NEEDS if present & need == need and _holds(rule, masked)}
    if not masked.normal.isascii() and _HAN.search(masked.normal):
        flags |= _han_flags(masked.normal)
    if masked.values:
        if any(value[0] == "<" and _THOUGHT_TAG.match(value) for value in masked.values):
            flags.add("cot_inline")
        if "you are \x01" in masked.normal and any(
            name.lower() in MODELS for name in masked.values
        ):
            flags.add("identity_override")
    return frozenset(flags)


def ordered(flags: frozenset[str]) -> list[str]:
    """In the order of the enum."""
    return [flag for flag in ELICITATIONS if flag in flags]


def _holds(rule: Rule, masked: Masked) -> bool:
    for line, said in zip(masked.lines, masked.said, strict=True):
        for need in rule.here:
            if need.isdisjoint(said):
                break
        else:
            if rule.pattern.search(line):
                return True
    return False


def _han_flags(normal: str) -> set[str]:
    characters = set(normal)
    return {
        flag
        for flag, one_of, pattern in HAN_RULES
        if not one_of.isdisjoint(characters) and pattern.search(normal)
    }
