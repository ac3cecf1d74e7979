"""How an organisation explains that its accounts look alike: it lowers suspicion, no more."""

from __future__ import annotations

from models.eventtime import DAY_MS
from models.organization.sketches import distinct
from models.organization.state import GRADING, SPREAD, OrganizationState
from schemas.edge import Explanation


STREAK = 4
"""Windows in a row that must agree: an explanation that comes and goes would explain nothing."""

_ESTABLISHED_MS = 14 * DAY_MS
"""A harness that started with the campaign is no excuse."""
_ESTABLISHED_WINDOWS = 40
_GRADING = 0.2
"""Share of grading requests from which grading is what an organisation does."""
_STEADY = 0.15
"""Largest standard deviation of that share between windows."""
_FEW_ACCOUNTS = 5
_RESELLER_NETWORKS = 100
_NETWORKS_PER_ACCOUNT = 20
"""A person works from a few networks; one who hosts others has theirs."""
_BROAD = 10
"""Categories out of 16; resold access is used for everything."""
_MANY_ACCOUNTS = 10
_NARROW = 4
"""Categories that one application needs."""
_ALIKE = 0.7
"""Standard deviation of prompt lengths between account windows, in powers of two."""
_USED = 0.05
"""Share of account windows from which a category counts as used."""


def explain(state: OrganizationState, now: int) -> Explanation | None:
    """The organisation's explanation if it has just changed; called once per closed window."""
    found = _explanation(state, now)
    state.streak = state.streak + 1 if found == state.pending else 1
    state.pending = int(found)
    if state.streak < STREAK or found == state.explanation:
        return None
    state.explanation = int(found)
    return found


def _explanation(state: OrganizationState, now: int) -> Explanation:
    accounts = distinct(state.now.accounts, state.before.accounts)
    networks = distinct(state.now.networks, state.before.networks)
    used = _categories(state)
    if _steady_grading(state, now) and accounts <= _FEW_ACCOUNTS + 0.5:
        return Explanation.EVALUATION_HARNESS
    if (
        networks >= _RESELLER_NETWORKS
        and networks >= _NETWORKS_PER_ACCOUNT * accounts
        and used >= _BROAD
    ):
        return Explanation.RESELLER
    alike = state.counts[SPREAD] > 0 and state.means[SPREAD] <= _ALIKE * _ALIKE
    if accounts >= _MANY_ACCOUNTS and used <= _NARROW and alike:
        return Explanation.ONE_APPLICATION
    return Explanation.NONE


def _categories(state: OrganizationState) -> int:
    both = [
        now + before
        for now, before in zip(state.now.categories, state.before.categories, strict=True)
    ]
    enough = _USED * (state.now.windows + state.before.windows)
    return sum(count >= enough for count in both)


def _steady_grading(state: OrganizationState, now: int) -> bool:
    mean = state.means[GRADING]
    variance = max(state.squares[GRADING] - mean * mean, 0.0)
    return (
        now - state.first_seen >= _ESTABLISHED_MS
        and state.closed >= _ESTABLISHED_WINDOWS
        and mean >= _GRADING
        and variance <= _STEADY * _STEADY
    )
