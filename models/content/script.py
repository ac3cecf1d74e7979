"""The dominant Unicode script of a text.

Coarse on purpose: the field tells an account's languages apart, it does not identify them.
"""

from __future__ import annotations

import re

from collections import Counter


SAMPLE = 128
"""Characters looked at, evenly spread: enough to tell a majority, and the cost stays small."""

_LETTER = re.compile("[A-Za-z]")

# Borders of runs of blocks (Unicode 15, Blocks.txt); what holds no letters has no name.
_BLOCKS = (
    (0x0000, ""),
    (0x0041, "latin"),
    (0x005B, ""),
    (0x0061, "latin"),
    (0x007B, ""),
    (0x00C0, "latin"),
    (0x0250, "other"),
    (0x0300, ""),
    (0x0370, "greek"),
    (0x0400, "cyrillic"),
    (0x0530, "armenian"),
    (0x0590, "hebrew"),
    (0x0600, "arabic"),
    (0x0700, "other"),
    (0x0750, "arabic"),
    (0x0780, "other"),
    (0x08A0, "arabic"),
    (0x0900, "devanagari"),
    (0x0980, "bengali"),
    (0x0A00, "other"),
    (0x0B80, "tamil"),
    (0x0C00, "telugu"),
    (0x0C80, "other"),
    (0x0E00, "thai"),
    (0x0E80, "other"),
    (0x10A0, "georgian"),
    (0x1100, "hangul"),
    (0x1200, "ethiopic"),
    (0x13A0, "other"),
    (0x1E00, "latin"),
    (0x1F00, "greek"),
    (0x2000, ""),
    (0x2C00, "other"),
    (0x2E00, ""),
    (0x2E80, "han"),
    (0x3000, ""),
    (0x3040, "kana"),
    (0x3100, "han"),
    (0x3130, "hangul"),
    (0x3190, "han"),
    (0x31F0, "kana"),
    (0x3200, ""),
    (0x3400, "han"),
    (0x4DC0, ""),
    (0x4E00, "han"),
    (0xA000, "other"),
    (0xAC00, "hangul"),
    (0xD7B0, "other"),
    (0xD800, ""),
    (0xF900, "han"),
    (0xFB00, "other"),
    (0xFB1D, "hebrew"),
    (0xFB50, "arabic"),
    (0xFE00, ""),
    (0xFE70, "arabic"),
    (0xFEFF, ""),
)
SCRIPTS = tuple(sorted({name for _, name in _BLOCKS} - {""}))
"""What ``content.script`` may be, beside empty; the order breaks ties."""

_ASTRAL = 0x10000
_FIRST_SIGN = 0x1F000  # emoji and other signs, up to the Han planes
_HAN_PLANES = range(0x20000, 0x32400)
_HAN = SCRIPTS.index("han") + 1
_OTHER = SCRIPTS.index("other") + 1


def _number_points() -> bytes:
    """The number of the script of each code point of the basic plane, 0 for none."""
    table = bytearray(_ASTRAL)
    for (start, name), (end, _) in zip(_BLOCKS, (*_BLOCKS[1:], (_ASTRAL, "")), strict=True):
        table[start:end] = bytes((SCRIPTS.index(name) + 1 if name else 0,)) * (end - start)
    return bytes(table)


_NUMBERS = _number_points()


def dominant_script(text: str) -> str:
    """The script of most letters of ``text``, empty if it has none.

    >>> dominant_script("Привет, world")
    'cyrillic'
    """
    if text.isascii():
        return "latin" if _LETTER.search(text) else ""
    points = map(ord, text[:: len(text) // SAMPLE + 1])
    counts = Counter([_NUMBERS[point] if point < _ASTRAL else _astral(point) for point in points])
    counts.pop(0, None)
    if not counts:
        return ""
    return SCRIPTS[min(counts, key=lambda number: (-counts[number], number)) - 1]


def _astral(point: int) -> int:
    if point in _HAN_PLANES:
        return _HAN
    return _OTHER if point < _FIRST_SIGN else 0
