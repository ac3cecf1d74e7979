"""Communities of a bipartite graph under a degree-corrected null.

Louvain's method (Blondel et al. 2008) on Barber's bipartite modularity (2007)::

    Q = sum over communities of (weight inside - A * K / W)

where A and K are the weighted degrees of the community's accounts and keys: an account that has
many keys, and a key that has many accounts, are expected to meet. W is the weight of all links and
of a ``background`` of links that are not in the graph, without which a campaign that is most of
the graph would be expected to be there, and fall to pieces.
"""

from __future__ import annotations

from dataclasses import dataclass


_PASSES = 8
"""Nodes rarely move after the third pass; a bound on what a malicious graph can cost."""
_LEVELS = 6


@dataclass(slots=True)
class _Level:
    """Nodes that stand for one or more; ``near[i][j]`` is the weight between i and j."""

    near: list[dict[int, float]]
    accounts: list[float]
    """Weighted degree of the accounts in each node"""
    keys: list[float]


def communities(links: list[list[tuple[int, float]]], keys: int, background: float) -> list[int]:
    """The community int[keys] of each key, numbered by their first key.

    ``links[i]`` are the (key, weight) pairs of account i.
    """
    level, first = _bottom(links, keys)
    total = background + sum(level.keys)
    # Accounts that link nothing are part of their key's node, so there may be few nodes.
    member = list(range(len(level.near)))
    for _ in range(_LEVELS):
        label = _move(level, total)
        if len(dict.fromkeys(label)) == len(label):
            break
        level, numbers = _lift(level, label)
        member = [numbers[label[node]] for node in member]
    order: dict[int, int] = {}
    return [order.setdefault(member[first[key]], len(order)) for key in range(keys)]


def _bottom(links: list[list[tuple[int, float]]], keys: int) -> tuple[_Level, list[int]]:
    """Nodes for the keys, then for the accounts that have several."""
    level = _Level([{} for _ in range(keys)], [0.0] * keys, [0.0] * keys)
    for mine in links:
        for key, weight in mine:
            level.keys[key] += weight
        if len(mine) == 1:
            level.accounts[mine[0][0]] += mine[0][1]
        elif mine:
            node = len(level.near)
            level.near.append(dict(mine))
            level.accounts.append(sum(weight for _, weight in mine))
            level.keys.append(0.0)
            for key, weight in mine:
                level.near[key][node] = weight
    return level, list(range(keys))


def _move(level: _Level, total: float) -> list[int]:
    """Move nodes one by one to the neighbouring community that gains most, until none gains."""
    label = list(range(len(level.near)))
    accounts, keys = level.accounts.copy(), level.keys.copy()
    for _ in range(_PASSES):
        moved = False
        for node, near in enumerate(level.near):
            mine = label[node]
            weight: dict[int, float] = {}
            for other, strength in near.items():
                weight[label[other]] = weight.get(label[other], 0.0) + strength
            degree, reach = level.accounts[node], level.keys[node]
            accounts[mine] -= degree
            keys[mine] -= reach
            expected = (degree * keys[mine] + reach * accounts[mine]) / total
            best, gain = mine, weight.get(mine, 0.0) - expected
            for other, strength in weight.items():
                expected = (degree * keys[other] + reach * accounts[other]) / total
                # Ties go to the community that was there first, whatever the order of neighbours.
                if strength - expected > gain or (strength - expected == gain and other < best):
                    best, gain = other, strength - expected
            accounts[best] += degree
            keys[best] += reach
            moved |= best != mine
            label[node] = best
        if not moved:
            break
    return label


def _lift(level: _Level, label: list[int]) -> tuple[_Level, dict[int, int]]:
    """One node for each community, and the number of each community's node."""
    numbers: dict[int, int] = {}
    for community in label:
        numbers.setdefault(community, len(numbers))
    lifted = _Level([{} for _ in numbers], [0.0] * len(numbers), [0.0] * len(numbers))
    for node, near in enumerate(level.near):
        home = numbers[label[node]]
        lifted.accounts[home] += level.accounts[node]
        lifted.keys[home] += level.keys[node]
        for other, strength in near.items():
            there = numbers[label[other]]
            if there != home:
                lifted.near[home][there] = lifted.near[home].get(there, 0.0) + strength
    return lifted, numbers
