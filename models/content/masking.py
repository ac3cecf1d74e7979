"""From text to masked sentences: what varies from payload to payload becomes one placeholder.

Masked are numbers and dates, names (capitalised words inside a sentence), quotations, code,
template fillers, tags, URLs and e-mail addresses. All leave the same placeholder and neighbours
merge, so that a template filled with "Anna" and with "3 May, Rome" still gives one sentence. A
sentence is masked by itself, so it comes out alike in any request.
"""

from __future__ import annotations

import re

from collections.abc import Iterable
from typing import NamedTuple


PLACEHOLDER = "\x01"

MIN_WORDS = 3
"""Shorter sentences are said by everybody ("thank you")."""
LONG_WORDS = 14
"""Above, a sentence is cut at its commas: instruction and payload share long sentences."""
CHUNK_WORDS = 24
"""A clause above is cut every so many words: what is changed in it spoils only one piece."""
MIN_WIDE, LONG_WIDE, CHUNK_WIDE = 4, 28, 48
"""The same in characters of scripts without spaces, at about two to a word."""
PAYLOAD = 20
"""Characters from which a masked value is payload that the sentence is wrapped around ("rate this
answer: '...'") rather than a parameter of the sentence ("in 3 steps", "for Anna")."""

SHORT_IMPERATIVES = frozenset(
    """
    answer respond reply output return print explain translate summarize summarise be think show use
    keep avoid only no
    """.split()
)
"""First words that make two words an instruction worth a key ("answer concisely")."""

_UPPER = "A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ"
_LOWER = "a-zß-öø-ÿα-ωа-яё"
_DIGIT = "0-9٠-٩۰-۹०-९"
_ALNUM = "A-Za-z_" + _DIGIT
_INSIDE = _LOWER + "0-9,)%\"'”"  # before the space before a name: no sentence starts after it

# A trigger character, then a branch for what it was: the engine skips to triggers at memory speed,
# 2.5 times faster than trying the branches everywhere. No branch looks further than its bound or
# past another opening, so the work is linear in any text.
_TRIGGERED = (
    rf"""[{_DIGIT}"{_UPPER}<{{`'“«「『《](?:"""
    rf"(?<=[{_DIGIT}])[{_ALNUM}]*(?:[.,:/-][{_ALNUM}]+)*%?"
    rf"|(?<=[{_INSIDE}] [{_UPPER}])[{_LOWER}]\w*(?:'s\b)?"
    r'|(?<!\w")(?<=")[^"\n]{1,400}(?:\n[^"\n]{1,400}){0,8}"(?!\w)'
    r"|(?<=<)[\w/|][^<>\n]{0,60}>"
    r"|(?<={)(?:\{[^{}]{0,200}\}\}|%[^%]{0,200}%\}|[^{}\n]{0,100}\})"
    r"|(?<=`)(?:``.*?```|[^`\n]{1,400}`)"
    r"|(?<!\w')(?<=')[^'\n]{1,200}'(?!\w)"
    r"|(?<=“)[^“”\n]{1,400}”|(?<=«)[^«»\n]{1,400}»"
    r"|(?<=「)[^「」\n]{1,400}」|(?<=『)[^『』\n]{1,400}』|(?<=《)[^《》\n]{1,100}》"
    r")"
)
_ADDRESSES = (
    r"\bhttps?://[!-~]+|\bwww\.[!-~]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+"
)
_MASK = re.compile(f"({_TRIGGERED})", re.DOTALL)
_MASK_ADDRESSES = re.compile(f"({_ADDRESSES}|{_TRIGGERED})", re.DOTALL)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)

_STOPS = "!?;:\n\r\v\f"
_COMMAS = ",()[]|"
_OTHERS = "".join(
    chr(code)
    for code in range(128)
    if not chr(code).isalnum() and chr(code) not in _STOPS + _COMMAS + PLACEHOLDER + "'"
)
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ASCII = str.maketrans(
    _STOPS + _COMMAS + _OTHERS + _CAPITALS,
    "\n" * len(_STOPS) + "," * len(_COMMAS) + " " * len(_OTHERS) + _CAPITALS.lower(),
    "'",
)
_ANY_STOP = re.compile(f"[{re.escape(_STOPS)}。؟؛।॥።\u2028\u2029\u0085]")
_ANY_COMMA = re.compile(f"[{re.escape(_COMMAS)}、،–—]")
_ANY_OTHER = re.compile(
    f"[{re.escape(_OTHERS)}¡-©«-´¶-¹»-¿×÷‐-⁞←-⯿⸀-⹿\u3000-〄〈-〰・\U0001f000-\U0001faff]"
)
_WIDE = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U000323af]"
)
"""Scripts that put no spaces between words."""
_PLACEHOLDERS = re.compile(f"({PLACEHOLDER})")
_EDGE = PLACEHOLDER + " "


class Masked(NamedTuple):
    """A text after masking."""

    sentences: list[str]
    """Masked sentences worth a key, in order, possibly repeated, no placeholder at their ends."""
    parameters: list[str]
    """The short values in each of them, joined; empty for none."""
    residue: str
    """What is in neither."""
    lines: list[str]
    """All of the text, normalised and masked, a clause a line."""
    said: list[list[str]]
    """The words of each line; what a script without spaces says is one word."""
    words: set[str]
    """The distinct words."""
    normal: str
    """``lines``, joined."""
    values: list[str]
    """All that was masked, in order, as it was written."""


def mask(text: str) -> Masked:
    """Mask and cut ``text``, which must be clean (NFKC, no lone surrogates)."""
    literals, values = _split(text)
    sentences: list[str] = []
    parameters: list[str] = []
    residue: list[str] = []
    lines: list[str] = []
    said: list[list[str]] = []
    position = 0
    for segment in _flatten(f" {PLACEHOLDER} ".join(literals)).split("\n"):
        whole = segment.replace(",", " ").split()
        if not whole:
            continue
        short = len(whole) <= LONG_WORDS and segment.isascii()
        for clause in (whole,) if short else _clauses(segment, whole):
            words, real, parameter = clause, len(clause), ""
            if PLACEHOLDER in words:
                placeholders = words.count(PLACEHOLDER)
                real -= placeholders
                here = values[position : position + placeholders]
                position += placeholders
                parameter = "\x02".join([value for value in here if len(value) < PAYLOAD])
                residue += [value for value in here if len(value) >= PAYLOAD]
                words = _merge(words)
            line = sentence = " ".join(words)
            if words is not clause:
                sentence = line.strip(_EDGE)
            if (real >= MIN_WORDS and sentence.isascii()) or _is_worth_a_key(sentence, real):
                sentences.append(sentence)
                parameters.append(parameter)
            else:
                residue += (sentence, parameter)
            lines.append(line)
            said.append(words)
    return Masked(
        sentences,
        parameters,
        "\x02".join(residue),
        lines,
        said,
        set().union(*said),
        "\n".join(lines),
        values,
    )


def _split(text: str) -> tuple[list[str], list[str]]:
    """The text around what is masked (one piece more), and what is masked."""
    if PLACEHOLDER in text:
        text = text.replace(PLACEHOLDER, " ")
    if not text.isascii():
        text = _INVISIBLE.sub("", text).replace("’", "'").replace("‘", "'")
    addresses = "@" in text or "://" in text or "www." in text
    pieces = (_MASK_ADDRESSES if addresses else _MASK).split(text)
    return pieces[0::2], pieces[1::2]


def _flatten(text: str) -> str:
    """Lower case; stops become line ends, what separates clauses commas, other signs spaces.

    A full stop ends a sentence only before white space ("node.js" stays whole).
    """
    text = text.replace(". ", "\n")
    if text.isascii():
        return text.translate(_ASCII)
    return "\n".join([_flatten_line(line) for line in text.split("\n")])


def _flatten_line(line: str) -> str:
    if line.isascii():
        return line.translate(_ASCII)
    line = _ANY_COMMA.sub(",", _ANY_STOP.sub("\n", line))
    return _ANY_OTHER.sub(" ", line).replace("'", "").lower()


def _merge(words: list[str]) -> list[str]:
    """A copy with each run of placeholders merged into one."""
    kept: list[str] = []
    for word in words:
        if word != PLACEHOLDER or not kept or kept[-1] != PLACEHOLDER:
            kept.append(word)
    return kept


def _is_worth_a_key(sentence: str, words: int) -> bool:
    if sentence.isascii() or not (wide := len(_WIDE.findall(sentence))):
        if words == MIN_WORDS - 1:
            return sentence.partition(" ")[0] in SHORT_IMPERATIVES
        return words >= MIN_WORDS
    return wide >= MIN_WIDE


def _clauses(segment: str, words: list[str]) -> Iterable[list[str]]:
    """The words of a segment, cut into clauses if it is too long for one."""
    if not segment.isascii() and _WIDE.search(segment):
        return _wide_clauses(segment)
    if len(words) <= LONG_WORDS:
        return (words,)
    parts = [part.split() for part in segment.split(",")]
    return [part[i : i + CHUNK_WORDS] for part in parts for i in range(0, len(part), CHUNK_WORDS)]


def _wide_clauses(segment: str) -> Iterable[list[str]]:
    """The same for a script without spaces, where a word is all between two placeholders."""
    long = len(_WIDE.findall(segment)) > LONG_WIDE
    for part in segment.split(",") if long else (segment.replace(",", " "),):
        whole = "".join(part.split())
        for start in range(0, len(whole), CHUNK_WIDE):
            chunk = whole[start : start + CHUNK_WIDE]
            yield [piece for piece in _PLACEHOLDERS.split(chunk) if piece]
