"""Which keys are one text: those that nearly the same accounts use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class Template:
    """Keys that come together; ``accounts`` are numbers in a view, ascending."""

    keys: list[bytes]
    accounts: list[int]


def merge(holders: Mapping[bytes, Sequence[int]], together: float) -> list[Template]:
    """Templates of ``holders`` (key -> ascending accounts), the largest first.

    Leader clustering: a key belongs to the template whose first key's accounts are the most like
    its own, from a Jaccard index of ``together``; else it leads a new one. Larger keys come first,
    then smaller ids, so the result depends on the graph alone.
    """
    alike: dict[tuple[int, ...], list[bytes]] = {}
    for key in sorted(holders):
        alike.setdefault(tuple(holders[key]), []).append(key)
    leaders: list[tuple[int, ...]] = []
    keys: list[list[bytes]] = []
    everyone: list[dict[int, None]] = []
    held: dict[int, list[int]] = {}
    for accounts in sorted(alike, key=lambda accounts: (-len(accounts), alike[accounts][0])):
        shared = Counter(number for account in accounts for number in held.get(account, ()))
        best, index = -1, together
        for number, common in sorted(shared.items()):
            jaccard = common / (len(accounts) + len(leaders[number]) - common)
            if jaccard > index or (best < 0 and jaccard >= index):
                best, index = number, jaccard
        if best < 0:
            best = len(leaders)
            leaders.append(accounts)
            keys.append([])
            everyone.append({})
            for account in accounts:
                held.setdefault(account, []).append(best)
        keys[best].extend(alike[accounts])
        everyone[best].update(dict.fromkeys(accounts))
    return [Template(mine, sorted(accounts)) for mine, accounts in zip(keys, everyone, strict=True)]
