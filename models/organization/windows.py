"""An organisation's window: 256 requests of its accounts, or six hours of them.

Until it closes only integers accumulate. What an account did arrives as its closed windows.
"""

from __future__ import annotations

from models.eventtime import DAY_MS, HOUR_MS
from models.organization.sketches import mark
from models.organization.state import Epoch, Member, OrganizationState


WINDOW_REQUESTS = 256
"""Eight full windows of accounts: the share of collecting requests is then known within 3 %."""
WINDOW_MS = 6 * HOUR_MS
"""A small organisation is looked at four times a day."""
EPOCH_MS = 7 * DAY_MS
"""Sketches hold this week and the last."""
INFLUENCE = 4
"""An account counts for at most a quarter of a window: one account cannot make its organisation
suspicious, which would only repeat the account's own alert."""

MEMBERS = 64
"""Accounts whose evidence is kept; the average of e-values hardly changes by the others."""
STANDING = 6.9
"""nats, e-value 1000: below that an account is as likely benign, and is not kept."""
CREDENTIALS = 16
"""API keys watched at a time; when there are more the one not seen longest is forgotten."""
CREDENTIAL_BITS = 256

_SHARE_BITS = 20


Part = tuple[int, int, int, int, int, int, int, int, int, float]
"""One account's window, as plain numbers: hash of the account, time in ms, requests, how many of
them collect (elicit, or grade or generate tasks), how many grade, category bits, input tokens,
credential, network, and evidence in nats. A tuple, as there is one for every few requests."""


def take(state: OrganizationState, part: Part) -> None:
    """Take an account's window into the organisation's."""
    account, time, requests, collecting, graded, categories, tokens, key, network, evidence = part
    window = state.window
    if window.opened < 0:
        window.opened = time
    if time // EPOCH_MS != state.now.number:
        _turn(state, time // EPOCH_MS)
    epoch = state.now
    window.parts += 1
    window.requests += requests
    window.graded += graded
    window.categories[categories] = window.categories.get(categories, 0) + 1
    size = (tokens // requests).bit_length()
    window.size += size
    window.size_square += size * size
    so_far = window.accounts.get(account)
    if so_far is None:
        window.accounts[account] = (requests, collecting)
        mark(epoch.accounts, account)
    else:
        window.accounts[account] = (so_far[0] + requests, so_far[1] + collecting)
    if network:
        mark(epoch.networks, network)
        if key:
            _note_credential(epoch.credentials, key, network)
    if evidence >= STANDING:
        _keep(state.members, account, Member(evidence, time))
    elif state.members:
        state.members.pop(account, None)


def capped_share(state: OrganizationState) -> float:
    """Share of collecting requests in the window, no account counting for more than a quarter."""
    total = state.window.requests
    shares = sum(
        (min(INFLUENCE * requests, total) * collecting << _SHARE_BITS) // requests
        for requests, collecting in state.window.accounts.values()
    )
    return shares / (INFLUENCE * total << _SHARE_BITS)


def count_categories(state: OrganizationState) -> None:
    """Count the window's categories for the week; once, when it closes."""
    epoch = state.now
    epoch.windows += state.window.parts
    for mask, parts in state.window.categories.items():
        for category in range(len(epoch.categories)):
            epoch.categories[category] += parts * (mask >> category & 1)


def _keep(members: dict[int, Member], account: int, member: Member) -> None:
    members[account] = member
    if len(members) > MEMBERS:
        del members[min(members, key=lambda each: (members[each].evidence, each))]


def _turn(state: OrganizationState, number: int) -> None:
    """Begin a week; an organisation's records come in order of time."""
    state.before = state.now if state.now.number == number - 1 else Epoch()
    state.now = Epoch(number)


def _note_credential(credentials: dict[int, bytearray], key: int, network: int) -> None:
    networks = credentials.pop(key, None)
    if networks is None:
        networks = bytearray(CREDENTIAL_BITS // 8)
        if len(credentials) >= CREDENTIALS:
            del credentials[next(iter(credentials))]
    credentials[key] = networks
    mark(networks, network)
