"""Texts out of rules: a symbol becomes one of its phrases, slots in it become what they name."""

from __future__ import annotations

import re

from collections.abc import Mapping, Sequence
from random import Random


SLOT = re.compile(r"\{([a-z_]+|\d+-\d+)\}")
"""``{symbol}``, or ``{2-60}`` for a number."""


class Grammar:
    """A context-free grammar that is sampled, not parsed.

    >>> Grammar({"ask": ["is {3-3} a {kind} number?"], "kind": ["prime"]}).expand("ask", Random(1))
    'is 3 a prime number?'
    """

    def __init__(self, rules: Mapping[str, Sequence[str]]) -> None:
        self._rules = rules
        for symbol, phrases in rules.items():
            for slot in SLOT.findall(" ".join(phrases)):
                if slot not in rules and not slot[0].isdigit():
                    raise ValueError(f"{symbol} needs {slot}, and nothing says what that is")

    def expand(self, symbol: str, rng: Random) -> str:
        """A text for ``symbol``; raises ``KeyError`` for one without a rule."""
        return SLOT.sub(lambda slot: self._fill(slot[1], rng), rng.choice(self._rules[symbol]))

    def _fill(self, slot: str, rng: Random) -> str:
        if slot[0].isdigit():
            least, most = slot.split("-")
            return str(rng.randint(int(least), int(most)))
        return self.expand(slot, rng)
