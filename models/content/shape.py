"""The output shape a request asks for: the keys, tags and forms its reader will parse.

A collection pipeline rewords its instruction more readily than the parser behind it.
"""

from __future__ import annotations

import re

from collections.abc import Iterable

from models.content.keyed import Secrets, digest
from models.content.masking import Masked


FIELDS = 32
"""Most pipelines ask for under ten fields; more is a pasted document."""
REACH = 400
"""Characters after a format word in which its keys and tags are looked for: a short example."""

_FORMAT_WORDS = frozenset(
    "json jsonl yaml xml format schema keys fields tags structure output template".split()
)
_FIELD = re.compile(
    r'"([a-z_][\w \-]{0,39})"\s{0,8}:|<([a-z_]\w{0,39})>|\[\[?([a-z_]\w{0,39})\]\]?'
)
_FORMS = frozenset(
    "json jsonl yaml xml csv markdown latex table bullet bullets bulleted numbered boxed".split()
)
_ASKING = frozenset(
    """
    respond answer reply return output outputs format formatted give provide present produce use put
    list as in only write with
    """.split()
)
_PHRASES = (
    ("final", ("final answer",)),
    ("letter", ("single letter", "one letter", "the letter of")),
    ("word", ("single word", "one word")),
    ("sentence", ("single sentence", "one sentence")),
    ("yes", ("yes or no", "yes no")),
    ("true", ("true or false", "true false")),
    ("answer", ("the answer is",)),
    ("list", ("comma separated list", "list of lists", "python list", "a list of")),
)
"""A word to test for, and the phrases it may stand in."""
_LITERALS = ("\\boxed", "####", "[[")
_HAN_FORMS = re.compile("json|表格|列表|最终答案|选项字母|是或否")


def requested_shape(text: str, masked: Masked) -> frozenset[str]:
    """The features of the output shape ``text`` asks for, which ``masked`` is made of."""
    normal, words = masked.normal, masked.words
    features = {literal for literal in _LITERALS if literal in text}
    for word, phrases in _PHRASES:
        if word in words:
            features.update(phrase for phrase in phrases if phrase in normal)
    if not _FORMS.isdisjoint(words):
        for said in masked.said:
            if not _FORMS.isdisjoint(said) and not _ASKING.isdisjoint(said):
                features.update(_FORMS.intersection(said))
    if not normal.isascii():
        features.update(_HAN_FORMS.findall(normal))
    format_words = _FORMAT_WORDS & words
    if format_words and ('"' in text or "<" in text or "[" in text):
        features.update(_fields(text, format_words))
    return frozenset(features)


def shape_hash(features: Iterable[str], secrets: Secrets) -> str:
    """16 hex digits, or empty for no feature."""
    joined = "\x00".join(sorted(features))
    return digest(secrets.shape, joined.encode()).hex() if joined else ""


def _fields(text: str, words: Iterable[str]) -> list[str]:
    """Names of keys, tags and bracketed slots after the first and the last of each of ``words``."""
    lower = text.lower()
    starts = {place for word in words for place in (lower.find(word), lower.rfind(word))}
    found = {
        "field:" + (field[1] or field[2] or field[3])
        for start in starts
        for field in _FIELD.finditer(lower, max(start, 0), max(start, 0) + REACH)
    }
    return sorted(found)[:FIELDS]
