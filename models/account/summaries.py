"""The summaries of closed windows, and what else closing them needs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from numpy.typing import NDArray

from models.account.closing import Closed
from models.account.layout import BITS, CREDENTIAL, NETWORK, REQUESTS
from models.account.links import Followed
from models.account.measures import SUMS, Contents, Measures
from models.account.windows import Requests, Slots, as_of
from models.stage import Records
from schemas.frame import AccountFacts
from schemas.window import WINDOW


def in_order(slots: Slots, table: Sequence[AccountFacts]) -> NDArray[np.int64]:
    """Positions of the closed windows by cause; of one cause, by deadline and account id.

    A window that its 32nd request filled comes after those whose time was up at that request.
    """
    closed = np.flatnonzero(slots.closed)
    keys = [slots.time[closed], slots.full[closed], slots.cause[closed]]
    order = np.lexsort(keys)
    same = np.logical_and.reduce([key[order[1:]] == key[order[:-1]] for key in keys])

    def name(position: int) -> str:
        return table[int(slots.local[closed[position]])].account_id

    tied = np.flatnonzero(same)
    for run in np.split(tied, np.flatnonzero(np.diff(tied) > 1) + 1) if len(tied) else ():
        start, stop = int(run[0]), int(run[-1]) + 2
        order[start:stop] = sorted(order[start:stop].tolist(), key=name)
    return closed[order]


def summarise(
    requests: Requests, slots: Slots, contents: Contents, measures: Measures, followed: Followed
) -> Records:
    """Window records [s]; what the accounts' memory says is still 0."""
    windows = np.zeros(len(slots.local), WINDOW)
    windows["time"], windows["opened"] = slots.time, slots.opened
    for name, values in zip(SUMS, contents.sums, strict=True):
        if name in _SHARED:
            windows[name] = values
    for name, values in zip(BITS, contents.bits, strict=True):
        if name in _SHARED:
            windows[name] = values
    totals = as_of(requests, slots, measures.totals, measures.before)
    last = as_of(requests, slots, followed.running, followed.before)
    windows["total_requests"] = totals[REQUESTS]
    windows["credential"], windows["network"] = last[CREDENTIAL], last[NETWORK]
    return windows


_SHARED = {*SUMS, *BITS} & set(WINDOW.names or ())


def closed(
    windows: Records,
    slots: Slots,
    contents: Contents,
    table: Sequence[AccountFacts],
    entry: NDArray[np.int64],
) -> Closed:
    """The windows as they are closed; ``entry`` [s] in ``table`` says whose they are."""
    return Closed(
        windows=windows,
        local=slots.local,
        rank=slots.rank,
        cohort=np.array([table[each].plan for each in entry.tolist()], np.int64),
        probing=contents.sums[SUMS.index("probing")],
        ratio=contents.sums[SUMS.index("ratio")],
        refused_techniques=contents.bits[BITS.index("refused_techniques")],
    )


def carriers(requests: Requests, slots: Slots, carrier: NDArray[np.int64]) -> NDArray[np.int64]:
    """The table entry int64[s] of the account's facts as of the last request of each window.

    ``carrier`` int64[k] is that of each request.
    """
    own = np.arange(len(requests.start))
    entry: NDArray[np.int64] = as_of(requests, slots, carrier[None, :], own[None, :])[0]
    return entry
