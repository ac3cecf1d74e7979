"""The links stage: which accounts of different organisations share a rare thing."""

from __future__ import annotations

import struct

from collections.abc import Iterable, Iterator

import numpy as np

from numpy.typing import NDArray

from models.eventtime import DAY_MS
from models.links.accounts import Accounts
from models.links.block import Block, day_of, looked_up
from models.links.directory import Directory
from models.links.edges import Edges
from models.links.front import Front, is_front_row
from models.links.gate import judge
from models.links.layouts import KeyState
from models.links.rules import LinkRules
from models.links.sharing import Sharing
from models.links.upkeep import Upkeep
from models.links.uses import uses_of
from models.stage import ChannelBatch, Deployment, Effects, Records, Row
from schemas.errors import StateError
from schemas.topics import EDGES


_META = b"s"
_META_LAYOUT = struct.Struct("<qqqq")


class LinksStage:
    """LINK records of one partition in, EDGE records out.

    Sees every observation of its keys. Results depend on the observations alone: nothing happens
    because time passes without them.
    """

    def __init__(self, deployment: Deployment, rules: LinkRules | None = None) -> None:
        self.deployment = deployment
        self.rules = rules or LinkRules()
        self.accounts = Accounts()
        self.front = Front(self.rules.front_keys + self.rules.upkeep_every)
        self.sharing = Sharing(self.rules, self.accounts)
        self.directory = Directory(self.front, self.sharing.keys, self.accounts)
        self._upkeep = Upkeep(self.rules, self.accounts, self.front, self.sharing, self.directory)
        self._seen = 0
        """Observations so far."""
        self._started = 0
        """Time of the first one, ms."""
        self._day = 0
        self._told: tuple[int, ...] | None = None

    def fold(self, batch: ChannelBatch) -> Effects:
        """Apply the observations in order, and emit edges at their times."""
        effects = Effects()
        rows = batch.rows
        position = 0
        while position < len(rows):
            time = int(rows["time"][position])
            self._turn(time)
            room = self.rules.upkeep_every - self._seen % self.rules.upkeep_every
            midnight = time - time % DAY_MS + DAY_MS
            until = int(np.searchsorted(rows["time"], midnight))
            end = min(position + room, until)
            self._fold_run(batch, slice(position, end), effects)
            self._seen += end - position
            if self._seen % self.rules.upkeep_every == 0:
                effects.counts["links_evicted"] += self._upkeep.look()
            position = end
        return effects

    def changed(self) -> Iterator[Row]:
        """State rows changed since the last call."""
        yield from self.accounts.changed()
        yield from self.front.changed()
        yield from self.sharing.changed()
        meta = self._meta()
        if meta != self._told and self._seen:
            self._told = meta
            yield _META, _META_LAYOUT.pack(*meta)

    def snapshot(self) -> dict[bytes, bytes]:
        """Every state row."""
        rows = [*self.accounts.snapshot(), *self.front.snapshot(), *self.sharing.snapshot()]
        if self._seen:
            rows.append((_META, _META_LAYOUT.pack(*self._meta())))
        return dict(rows)

    def restore(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Continue an earlier life. Raises ``StateError`` if its rows do not fit together."""
        journal = []
        for key, payload in rows:
            if key == _META:
                self._restore_meta(payload)
            elif is_front_row(key):
                journal.append((key, payload))
            elif not self.accounts.restore(key, payload) and not self.sharing.restore(key, payload):
                raise StateError(f"a state row {key[:1]!r} that the links stage does not have")
        self.front.restore(journal)
        self.accounts.restored()
        self.sharing.restored()
        self.directory.rebuild()

    @property
    def nbytes(self) -> int:
        """Memory of maps and records, without account names."""
        return self.directory.nbytes + self.sharing.nbytes + self.front.nbytes

    def _turn(self, time: int) -> None:
        """Begin the day of the next observation."""
        day = day_of(time)
        if not self._seen:
            self._started = time
        elif day != self._day:
            self._upkeep.new_day(self._day, day)
        self._day = day

    def _fold_run(self, batch: ChannelBatch, run: slice, effects: Effects) -> None:
        rows = batch.rows[run]
        account = batch.account[run]
        key, usable = looked_up(rows)
        if not usable.all():
            effects.counts["links_unusable"] += int(np.count_nonzero(~usable))
            rows, account, key = rows[usable], account[usable], key[usable]
        if len(rows):
            self._fold_block(self._block(batch, rows, account, key), effects)

    def _block(
        self,
        batch: ChannelBatch,
        rows: Records,
        account: NDArray[np.int32],
        key: NDArray[np.uint64],
    ) -> Block:
        """Columns, with the batch's account indices turned into numbers of the account table."""
        first = np.full(len(batch.accounts), len(rows))
        first[account[::-1]] = np.arange(len(rows))[::-1]
        used = np.flatnonzero(first < len(rows))
        used = used[np.argsort(first[used])]
        before = len(self.accounts)
        numbers, new = self.accounts.numbers_of(batch.accounts, used, rows[first[used]], self._day)
        table = np.zeros(len(batch.accounts), np.int32)
        table[used] = numbers
        arrivals = np.zeros(len(rows), np.int64)
        arrivals[first[used[new]]] = 1
        return Block(
            rows=rows,
            account=table[account],
            key=key,
            kind=rows["kind"],
            known=before + np.cumsum(arrivals),
            day=self._day,
        )

    def _fold_block(self, block: Block, effects: Effects) -> None:
        found = self.directory.resolve(block)
        shared = np.flatnonzero(found.shared >= 0)
        keys = self.sharing.keys.records
        retired = np.zeros(len(block.key), bool)
        retired[shared] = keys["state"][found.shared[shared]] == KeyState.RETIRED
        self.sharing.seen(found.shared[shared], self._day)
        uses = uses_of(block, found, retired)
        if not len(uses):
            return
        tally = self.sharing.tally(uses, self._day)
        verdict = judge(tally, keys, self._started, self.rules)
        edges = Edges(block, tally, self.sharing, self.accounts)
        emission = edges.emission(verdict)
        if emission is not None:
            effects.emitted.append((EDGES, emission))
        edges.count_accounts()
        self.sharing.store(tally, verdict.state, self._day)

    def _meta(self) -> tuple[int, ...]:
        return (self._seen, self._started, self._day, self.front.number)

    def _restore_meta(self, payload: bytes) -> None:
        if len(payload) != _META_LAYOUT.size:
            raise StateError("the links stage's own row is cut off")
        self._seen, self._started, self._day, number = _META_LAYOUT.unpack(payload)
        self.front.begin(number)
