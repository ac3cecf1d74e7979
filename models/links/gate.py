"""When a key links its members: cheap conditions on its counts, before anything is sent on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from numpy.typing import NDArray

from models.eventtime import SECOND_MS
from models.links.layouts import CONTEXT_SPACE, KeyState
from models.links.rules import LinkRules
from models.links.sharing import Tally
from models.links.uses import segment_starts
from models.stage import Records
from schemas.link import LinkKind


class Outcome(IntEnum):
    """What an event of a key causes."""

    NOTHING = 0
    EDGE = 1
    """The member's edge."""
    OPENING = 2
    """The edges of all members."""
    RETIREMENT = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """``outcome`` uint8[k] of each use, and ``state`` uint8[k] of its key from then on."""

    outcome: NDArray[np.uint8]
    state: NDArray[np.uint8]


def judge(tally: Tally, keys: Records, started: int, rules: LinkRules) -> Verdict:
    """Open and close gates, equal to the recursion over a key's events in order.

    A key that :attr:`Tally.dies` is retired. A watched key opens when it meets its gate's
    conditions, a linking one is retired when it stops meeting the kept ones, which makes it
    watched again. ``keys`` are the records before this block, ``started`` is when this partition
    began to observe, ms.
    """
    shared = tally.uses.shared
    at = np.flatnonzero(tally.event)
    opens, stays = _conditions(tally, at, keys, started, rules)
    before = keys["state"][shared]
    linking = (before == KeyState.LINKING)[at]
    changes = tally.dies[at] | np.where(linking, ~stays, opens)
    after = linking.copy()
    first = segment_starts(shared[at])
    for begin in np.unique(first[changes]).tolist():
        _walk(begin, first, opens, stays, tally.dies[at], after)
    state = np.full(len(shared), KeyState.WATCHED, np.uint8)
    state[at] = np.where(after, KeyState.LINKING, KeyState.WATCHED)
    state[at[tally.dies[at]]] = KeyState.RETIRED
    was = np.where(first == np.arange(len(at)), linking, np.roll(after, 1))
    outcome = np.zeros(len(shared), np.uint8)
    outcome[at] = _outcomes(was, after, tally.dies[at] & (tally.uses.kind[at] == LinkKind.SENTENCE))
    return Verdict(outcome, _held(state, before, tally.event, shared))


def repeated_accounts(
    accounts: NDArray[np.int64], repeated: NDArray[np.int64], contexts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How many of n accounts have surroundings in common for a reason, float64[n].

    With c contexts of 16 bits, an account that brought x of them clashes with another by chance
    with probability 1 - exp(-x c / 65536): 14 % of the accounts of a key of 600. exp(x) is summed
    up to its third power, since a library's may differ in the last bit between machines.
    """
    crowd = contexts / np.maximum(accounts, 1) * contexts / CONTEXT_SPACE
    spared = 1.0 / (1.0 + crowd * (1.0 + crowd * (0.5 + crowd / 6.0)))
    share = (repeated / np.maximum(accounts, 1) - (1.0 - spared)) / spared
    meant: NDArray[np.float64] = np.maximum(share, 0.0) * accounts
    return meant


def _conditions(
    tally: Tally, at: NDArray[np.int64], keys: Records, started: int, rules: LinkRules
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether the keys of the uses ``at`` may open, and may stay open, bool[k] each."""
    counts = {name: values[at] for name, values in tally.totals.items()}
    kind = tally.uses.kind[at]
    accounts = counts["accounts"]
    least = np.array([gate.least for gate in rules.gates])[kind]
    enough = (accounts >= least) & (counts["organizations"] >= least)
    plain = ~np.array([gate.tells_time for gate in rules.gates])[kind]
    repeated = repeated_accounts(accounts, counts["repeated"], counts["contexts"])
    first = keys["first"][tally.uses.shared[at]].astype(np.int64) * SECOND_MS
    new = first >= started + rules.settled_ms
    young = counts["young"]
    opens = (repeated <= rules.repeated * accounts) & (
        new | (young >= rules.young_share * accounts)
    )
    stays = (repeated <= rules.repeated_kept * accounts) & (
        new | (young >= rules.young_share_kept * accounts)
    )
    return enough & (plain | opens), enough & (plain | stays)


def _walk(
    begin: int,
    first: NDArray[np.int64],
    opens: NDArray[np.bool_],
    stays: NDArray[np.bool_],
    dies: NDArray[np.bool_],
    after: NDArray[np.bool_],
) -> None:
    """The recursion over the events of one key, whose first is ``begin``; sets ``after``."""
    linking = bool(after[begin])
    event = begin
    while event < len(first) and first[event] == begin:
        linking = bool(stays[event] if linking else opens[event]) and not dies[event]
        after[event] = linking
        event += 1


def _outcomes(
    was: NDArray[np.bool_], now: NDArray[np.bool_], told: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Outcomes uint8[k]; a key that is ``told`` is retired aloud even if it never linked."""
    outcome = np.where(now, np.where(was, Outcome.EDGE, Outcome.OPENING), Outcome.NOTHING)
    # Popular text is the campaign stage's sample of the population.
    return np.where((was & ~now) | told, Outcome.RETIREMENT, outcome).astype(np.uint8)


def _held(
    state: NDArray[np.uint8],
    before: NDArray[np.uint8],
    event: NDArray[np.bool_],
    shared: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """``state`` carried on from each key's last event, or from ``before`` if there is none yet."""
    here = np.arange(len(shared))
    last = np.maximum.accumulate(np.where(event, here, -1))
    inside = last >= segment_starts(shared)
    return np.where(inside, state[np.maximum(last, 0)], before)
