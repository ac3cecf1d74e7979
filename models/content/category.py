"""What a request is about, from its words and structure: a small weighted vote.

Coarse on purpose. It tells an account that only collects one kind of work from one that does many;
no alert rests on the category of a single request.
"""

from __future__ import annotations

import re

from collections import defaultdict

from models.content.masking import Masked
from schemas.request import CATEGORIES


STRONG, WEAK = 3, 1
"""Votes of a word that names its category, and of one that only goes with it."""
THRESHOLD = 2
"""Votes a category needs: one strong word or two weak ones."""
MANY_NUMBERS = 3
"""From as many numbers on they are a vote for arithmetic: dates and list items are fewer."""
SHORT_WORDS = 12
"""A message with so few different words and no subject is conversation."""

_STRONG = {
    "reasoning_math": """
        theorem equation integer polynomial triangle probability fraction compute algebra arithmetic
        modulo divisible perpendicular hypotenuse derivative integral inequality
    """,
    "agentic_code": """
        python javascript typescript java code sql html css django repository codebase refactor
        unittest pytest docker kubernetes git bug debug compile algorithm regex github php ruby
        kotlin swift import def async npm pip
    """,
    "tool_orchestration": "tool tools toolformer function_call invoke endpoint apis plugin",
    "data_analysis": """
        dataset dataframe pandas spreadsheet csv statistics regression correlation histogram
        analytics excel outliers visualization kpi
    """,
    "computer_use": "screenshot click browser mouse cursor desktop selenium playwright viewport",
    "low_level_code": """
        cuda kernel assembly simd gpu opencl triton verilog compiler mutex pointer malloc x86 rust
        vectorization embedded fpga ptx
    """,
    "translation": """
        translate translation translator translated übersetze traduire traduce переведи
    """,
    "writing": """
        story poem essay lyrics novel blog article screenplay haiku sonnet slogan email letter
        speech song character fiction fictional narrative headline
    """,
    "extraction": """
        extract summarize summarise summary summarization entities paraphrase tldr classify
        sentiment keywords categorize
    """,
    "vision": "image photo picture diagram",
}
_WEAK = {
    "reasoning_math": """
        how many total each per sum product average solve cost hours miles dollars number twice half
        answer prove find value area angle radius length square positive digits remainder
    """,
    "agentic_code": """
        implement function method error string array loop file server database app run test program
        variable script object class api returns query
    """,
    "tool_orchestration": "call calls api functions available request arguments parameters",
    "data_analysis": """
        data analyze analyse chart plot column columns table mean trends metrics rows
    """,
    "low_level_code": "memory thread register cache bit performance optimize",
    "writing": """
        write creative describe tone scene draft rewrite title paragraph style marketing tweet
    """,
    "question_answering": """
        who what when where which why options passage context question following choice true
        statement correct meaning explain difference
    """,
    "extraction": "text article document review list identify following",
    "conversation": "hi hello hey thanks thank you please ok yes no sure want need help",
}
_HAN_KEYWORDS = {
    "reasoning_math": "计算 证明 方程 求解 多少 概率 三角形 解题",
    "agentic_code": "代码 编程 程序 函数 脚本 算法 接口 报错",
    "data_analysis": "数据分析 统计 报表 数据集",
    "translation": "翻译 译成",
    "writing": "写一篇 写一首 写一个故事 作文 小说 文案 诗",
    "extraction": "总结 摘要 提取 概括 分类",
    "question_answering": "什么是 为什么 请问 哪个 是谁 选项",
}
_SCHEMA_KEYS = frozenset(('"parameters"', '"arguments"', '"function"'))
"""Quoted keys of a tool description pasted into the text."""

_FROM_FLAGS = (
    ("rubric_grading", "grading"),
    ("task_generation", "task_generation"),
    ("policy_rewrite", "safe_rewrite"),
)
"""Flags that are a category of their own, strongest first."""

_WEIGHTS: dict[str, list[tuple[int, int]]] = defaultdict(list)
for _table, _weight in ((_STRONG, STRONG), (_WEAK, WEAK)):
    for _name, _words in _table.items():
        for _word in _words.split():
            _WEIGHTS[_word].append((CATEGORIES.index(_name), _weight))
_KEYWORDS = frozenset(_WEIGHTS)
_HAN_NUMBERS = {
    word: CATEGORIES.index(name) for name, words in _HAN_KEYWORDS.items() for word in words.split()
}
_HAN = re.compile("|".join(sorted(_HAN_NUMBERS, key=len, reverse=True)))
_MATH, _CODE, _TOOLS = map(
    CATEGORIES.index, ("reasoning_math", "agentic_code", "tool_orchestration")
)


def categorise(masked: Masked, flags: frozenset[str], *, tools: bool, images: bool) -> str:
    """One of ``schemas.request.CATEGORIES`` for a user message; ``flags`` are the request's.

    The vote with the most weight wins, of equals the one that stands first in the enum.
    """
    for flag, category in _FROM_FLAGS:
        if flag in flags:
            return category
    if images:
        return "vision"
    votes = [0] * len(CATEGORIES)
    for word in _KEYWORDS & masked.words:
        for number, weight in _WEIGHTS[word]:
            votes[number] += weight
    _count_structure(votes, masked)
    if tools:
        votes[_TOOLS] += STRONG
    best = max(votes)
    if best >= THRESHOLD:
        return CATEGORIES[votes.index(best)]
    return "conversation" if 0 < len(masked.words) <= SHORT_WORDS else "other"


def _count_structure(votes: list[int], masked: Masked) -> None:
    numbers = 0
    for value in masked.values:
        first = value[0]
        if first.isdigit():
            numbers += 1
        elif first == "`" and value.startswith("```"):
            votes[_CODE] += STRONG
        elif value in _SCHEMA_KEYS:
            votes[_TOOLS] += STRONG
    if numbers >= MANY_NUMBERS:
        votes[_MATH] += THRESHOLD
    if not masked.normal.isascii():
        for word in set(_HAN.findall(masked.normal)):
            votes[_HAN_NUMBERS[word]] += STRONG
