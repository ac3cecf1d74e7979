"""Which request belongs to which window, and what each window holds.

A window opens with a request and closes with its 32nd, or when the partition's watermark reaches 15
minutes after its first; then it closes *before* the record that moved the watermark is folded.
Windows are dealt out in rounds: the k-th round finds the k-th window of every account at once.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from numpy.typing import NDArray

from models.eventtime import MINUTE_MS


WINDOW_REQUESTS = 32
"""Enough for a share to mean something, few enough that a probing phase fills several."""
WINDOW_MS = 15 * MINUTE_MS
"""A window of a slow account tells of one sitting, not of a day."""

_INDEX_BITS = 32


@dataclass(frozen=True, slots=True)
class Requests:
    """The accepted requests of a batch of n records, by account and within it in log order.

    Accounts are numbered 0..m-1 within the batch, in the order of ``local``.
    """

    index: NDArray[np.int64]
    """[k] position in the batch"""
    local: NDArray[np.int64]
    """[k] account, rising"""
    time: NDArray[np.int64]
    """[k] ms"""
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    """[m] the account's requests are start..stop"""
    watermark: NDArray[np.int64]
    """[n] of every record of the batch, ms"""


@dataclass(frozen=True, slots=True)
class Slots:
    """Windows touched by a batch: those carried in and those opened; columns [s]."""

    local: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    """The window's requests of this batch are start..stop, possibly none."""
    carried: NDArray[np.bool_]
    """Open since an earlier batch."""
    opened: NDArray[np.int64]
    closed: NDArray[np.bool_]
    full: NDArray[np.bool_]
    """Closed by its 32nd request."""
    cause: NDArray[np.int64]
    """Position in the batch of the record that closed it."""
    time: NDArray[np.int64]
    """When it closed, ms."""
    rank: NDArray[np.int64]
    """How many windows of the account come before it."""

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Slots:
        """Some of the windows."""
        return Slots(*(getattr(self, field.name)[chosen] for field in _COLUMNS))


def assign(requests: Requests, held: NDArray[np.int64], opened: NDArray[np.int64]) -> Slots:
    """Deal the requests out to windows; at least one account must have a request or a due window.

    ``held`` int64[m] requests in the account's open window (0 = none) and ``opened`` int64[m] ms.
    """
    dealer = _Dealer(requests, held, opened)
    due = (held > 0) & (opened + WINDOW_MS <= requests.watermark[-1])
    active = np.flatnonzero((requests.stop > requests.start) | due)
    start = requests.start[active]
    rounds: list[Slots] = []
    while len(active):
        slots = dealer.deal(active, start, rank=len(rounds))
        rounds.append(slots)
        more = slots.closed & (slots.stop < requests.stop[active])
        active, start = active[more], slots.stop[more]
    return Slots(
        *(np.concatenate([getattr(slots, field.name) for slots in rounds]) for field in _COLUMNS)
    )


_COLUMNS = fields(Slots)


class _Dealer:
    def __init__(
        self, requests: Requests, held: NDArray[np.int64], opened: NDArray[np.int64]
    ) -> None:
        self._requests = requests
        self._held = held
        self._opened = opened
        self._key = (requests.local << _INDEX_BITS) | requests.index
        # One past the end, for accounts whose window is due and that have no request.
        self._time = np.append(requests.time, 0)
        self._index = np.append(requests.index, len(requests.watermark))

    def deal(self, local: NDArray[np.int64], start: NDArray[np.int64], rank: int) -> Slots:
        """The next window of each of the accounts ``local``, from request ``start`` on."""
        # Only the first window of an account can be carried in.
        held = self._held[local] if rank == 0 else np.zeros_like(local)
        carried = held > 0
        opened = np.where(carried, self._opened[local], self._time[start])
        cause = np.searchsorted(self._requests.watermark, opened + WINDOW_MS)
        # A window takes its first request even if that is late by more than the window's length.
        cause = np.where(carried, cause, np.maximum(cause, self._index[start] + 1))
        limit = np.searchsorted(self._key, (local << _INDEX_BITS) | cause)
        room = start + WINDOW_REQUESTS - held
        stop = np.minimum(np.clip(limit, start, self._requests.stop[local]), room)
        full = stop == room
        return Slots(
            local=local,
            start=start,
            stop=stop,
            carried=carried,
            opened=opened,
            closed=full | (cause < len(self._requests.watermark)),
            full=full,
            cause=np.where(full, self._index[stop - 1], cause),
            time=np.where(full, self._time[stop - 1], opened + WINDOW_MS),
            rank=np.full(len(local), rank),
        )


def as_of(
    requests: Requests, slots: Slots, running: NDArray[Any], before: NDArray[Any]
) -> NDArray[Any]:
    """A running column of the accounts as each window left it, [c, s].

    ``running`` [c, k] as of each request and ``before`` [c, m] as of the beginning of the batch.
    """
    passed = slots.stop > requests.start[slots.local]
    value = before[:, slots.local]
    value[:, passed] = running[:, slots.stop[passed] - 1]
    return value
