"""Which keys are one text: those that come in the same requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


Uses = Mapping[int, int]
"""Account -> when it first used a key, ms"""


@dataclass(slots=True)
class Template:
    """Keys that come together; ``accounts`` are numbers in a view, ascending."""

    keys: list[bytes]
    accounts: list[int]


def merge(uses: Mapping[bytes, Uses], together: float) -> list[Template]:
    """Templates of keys, the largest first.

    Sentences of one text are linked at one moment, so a key's first uses, as (account, moment), are
    compared. Leader clustering: a key belongs to the template whose first key's uses are the most
    like its own, from a Jaccard index of ``together``; else it leads a new one. Larger keys come
    first, then smaller ids, so the result depends on the graph alone.
    """
    alike: dict[tuple[tuple[int, int], ...], list[bytes]] = {}
    for key in sorted(uses):
        alike.setdefault(tuple(uses[key].items()), []).append(key)
    sizes: list[int] = []
    made: list[Template] = []
    held: dict[tuple[int, int], list[int]] = {}
    for mine in sorted(alike, key=lambda mine: (-len(mine), alike[mine][0])):
        common = Counter(number for use in mine for number in held.get(use, ()))
        number = _likest(common, len(mine), sizes, together)
        if number < 0:
            number = len(made)
            sizes.append(len(mine))
            made.append(Template([], []))
            for use in mine:
                held.setdefault(use, []).append(number)
        made[number].keys.extend(alike[mine])
        made[number].accounts.extend(account for account, _ in mine)
    for template in made:
        template.accounts = sorted(dict.fromkeys(template.accounts))
    return made


def _likest(common: Mapping[int, int], size: int, sizes: list[int], together: float) -> int:
    """The template with the greatest index, the first of equals; -1 below ``together``."""
    best, greatest = -1, together
    for number in sorted(common):
        index = common[number] / (size + sizes[number] - common[number])
        if index > greatest or (best < 0 and index >= greatest):
            best, greatest = number, index
    return best
