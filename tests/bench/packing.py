"""What the peers send on: the frames that the links and organisation stages read.

Packed with numpy, and cheaper than ours: one frame a target and flush, where ours have 500 records
(an account's facts then go out less often), and no progress of event time in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import msgspec
import numpy as np
import xxhash

from numpy.typing import NDArray

from models.stage import Records
from schemas.frame import FRAME_VERSION, AccountFacts, Frame
from schemas.link import LINK, LinkKind
from schemas.topics import LINKS, WINDOWS, Partitions
from schemas.window import WINDOW


COUNT = Partitions()
COMMON = (
    "account",
    "time",
    "elicitation",
    "requests",
    "elicited",
    "graded",
    "foreign",
    "sentences",
)
"""Fields of a link observation that are the same for all of one request."""


class Packed(NamedTuple):
    """One record to send."""

    topic: str
    partition: int
    value: bytes


class Packer:
    """Collects observations and windows until they are sent."""

    def __init__(self) -> None:
        self._begin()
        self._organizations: dict[str, int] = {}

    def _begin(self) -> None:
        self._index: dict[str, int] = {}
        self._accounts: list[AccountFacts] = []
        self._requests: list[tuple[int, ...]] = []
        self._keys: list[bytes] = []
        self._contexts: list[bytes] = []
        self._extras: list[tuple[int, int, int]] = []
        self._closed: list[tuple[float, ...]] = []

    def __len__(self) -> int:
        return len(self._requests)

    def account(self, facts: AccountFacts) -> int:
        """Where the account stands in this flush's table."""
        index = self._index.setdefault(facts.account_id, len(self._accounts))
        if index == len(self._accounts):
            self._accounts.append(facts)
        return index

    def request(self, common: tuple[int, ...], keys: bytes, contexts: bytes) -> None:
        """A request's sentences; ``common`` in the order of :data:`COMMON`."""
        self._requests.append(common)
        self._keys.append(keys)
        self._contexts.append(contexts)

    def link(self, kind: LinkKind, key: int) -> None:
        """Another thing that the request given last has used."""
        self._extras.append((len(self._requests) - 1, kind, key))

    def window(self, values: tuple[float, ...]) -> None:
        """A closed window, in the order of ``WINDOW``."""
        self._closed.append(values)

    def flush(self) -> Iterator[Packed]:
        """Everything collected since the last flush, as records."""
        if self._requests:
            rows = self._observations()
            targets = (rows["key"] % np.uint64(COUNT.links)).astype(np.int64)
            yield from self._frames(LINKS, rows, targets, COUNT.links)
        if self._closed:
            rows = np.array(self._closed, WINDOW)
            organizations = [self._accounts[i].organization_id for i in rows["account"].tolist()]
            targets = np.array([self._target(name) for name in organizations])
            yield from self._frames(WINDOWS, rows, targets, COUNT.windows)
        self._begin()

    def _observations(self) -> Records:
        width = len(COMMON)
        common = np.fromiter(chain.from_iterable(self._requests), np.int64).reshape(-1, width)
        extras = np.array(self._extras, np.uint64).reshape(-1, 3)
        sizes = np.fromiter(map(len, self._keys), np.int64) // 8
        owner = np.concatenate(
            [np.repeat(np.arange(len(sizes)), sizes), extras[:, 0].astype(np.int64)]
        )
        rows = np.zeros(len(owner), LINK)
        for column, name in enumerate(COMMON):
            rows[name] = common[owner, column]
        sentences = int(sizes.sum())
        rows["key"][:sentences] = np.frombuffer(b"".join(self._keys), "<u8")
        rows["context"][:sentences] = np.frombuffer(b"".join(self._contexts), "<u2")
        rows["kind"][sentences:] = extras[:, 1]
        rows["key"][sentences:] = extras[:, 2]
        return rows

    def _frames(
        self, topic: str, rows: Records, targets: NDArray[np.int64], count: int
    ) -> Iterator[Packed]:
        order = np.argsort(targets, kind="stable")
        bounds = np.searchsorted(targets[order], np.arange(count + 1)).tolist()
        for target in range(count):
            mine = rows[order[bounds[target] : bounds[target + 1]]]
            if len(mine):
                used, mine["account"] = np.unique(mine["account"], return_inverse=True)
                accounts = [self._accounts[index] for index in used.tolist()]
                yield Packed(topic, target, _encode(accounts, mine))

    def _target(self, organization: str) -> int:
        target = self._organizations.get(organization)
        if target is None:
            target = xxhash.xxh3_64_intdigest(organization.encode()) % COUNT.windows
            self._organizations[organization] = target
        return target


def _encode(accounts: Sequence[AccountFacts], rows: Records) -> bytes:
    frame = Frame(FRAME_VERSION, "account", 0, 0, 0, 0, list(accounts), rows.tobytes())
    return msgspec.msgpack.encode(frame)
