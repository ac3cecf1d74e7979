"""One source topic as the consumer sees it, and the Faust app that knows its feeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import faust

from faust.types import TP


@dataclass(frozen=True, slots=True)
class Feed:
    """A topic whose records reach their agent in chunks."""

    topic: str
    chunk_records: int
    holes: bool
    """Written in transactions: offsets jump, and frames carry sequence numbers instead."""
    position: Callable[[int], int | None]
    """Partition -> the next offset its node wants, None while that is not known."""


class FeedApp(faust.App):
    """A Faust app all of whose topics are feeds."""

    mundane_level = "debug"  # that a service starts and stops is news to Faust's developers only

    def __init__(self, *args: Any, feeds: Iterable[Feed], **options: Any) -> None:
        self.feeds = {feed.topic: feed for feed in feeds}
        super().__init__(*args, **options)

    def position(self, tp: TP) -> int | None:
        """The next offset the partition's node wants, None while that is not known."""
        return self.feeds[tp.topic].position(tp.partition)

    def _create_directories(self) -> None:
        # Faust would make a data directory where the process stands; nothing of ours is kept there.
        pass
