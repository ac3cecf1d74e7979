"""JSON lines from a file, a gzip file or stdin, fingerprinted on the way, in order."""

from __future__ import annotations

import gzip
import sys

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from models.content import Keys
from schemas.errors import ConfigError
from streams.adapters.raw import Wire, to_wire


CHUNK_LINES = 4096
"""Large enough that numpy batches and process hand-over cost little, small enough to show
progress."""
AHEAD = 2
"""Chunks in flight per fingerprinting process."""


class Input:
    """An open input and how far it has been read, in bytes of the file as it lies on the disk."""

    def __init__(self, lines: BinaryIO, raw: BinaryIO | None, total_bytes: int | None) -> None:
        self.lines = lines
        self.total_bytes = total_bytes
        self._raw = raw

    @property
    def read_bytes(self) -> int:
        """0 where the input has no length."""
        return self._raw.tell() if self._raw is not None else 0


@contextmanager
def open_input(path: str) -> Iterator[Input]:
    """Open ``path``, which may be ``-`` for stdin or end in ``.gz``. Raises ``ConfigError``."""
    if path == "-":
        yield Input(sys.stdin.buffer, None, None)
        return
    if not Path(path).is_file():
        raise ConfigError(f"cannot read {path}: there is no such file")
    with Path(path).open("rb") as raw:
        size = Path(path).stat().st_size
        if path.endswith(".gz"):
            with gzip.open(raw) as lines:
                # To typeshed a GzipFile is no BinaryIO.
                yield Input(lines, raw, size)  # type: ignore[arg-type]
        else:
            yield Input(raw, raw, size)


@contextmanager
def open_output(path: str) -> Iterator[BinaryIO]:
    """Open ``path`` for writing, ``-`` for stdout. Raises ``ConfigError``."""
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if not Path(path).parent.is_dir():
        raise ConfigError(f"cannot write {path}: its folder does not exist")
    with Path(path).open("wb") as out:
        yield out


def wires(source: Input, keys: Keys, jobs: int) -> Iterator[list[Wire]]:
    """Chunks of wire records in file order, fingerprinted by ``jobs`` processes (1: in this one).

    Raises ``ConfigError`` when a gzip input is cut off or damaged.
    """
    convert = partial(_convert, keys=keys)
    if jobs == 1:
        yield from map(convert, _chunks(source))
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from _in_order(pool, convert, _chunks(source), jobs * AHEAD)


def _convert(lines: list[bytes], keys: Keys) -> list[Wire]:
    return [to_wire(line.rstrip(b"\r\n"), keys) for line in lines]


def _chunks(source: Input) -> Iterator[list[bytes]]:
    try:
        while lines := list(islice(source.lines, CHUNK_LINES)):
            yield lines
    except (EOFError, gzip.BadGzipFile) as error:
        raise ConfigError(f"the input is not whole: {error}") from error


def _in_order(
    pool: ProcessPoolExecutor,
    convert: Callable[[list[bytes]], list[Wire]],
    chunks: Iterator[list[bytes]],
    ahead: int,
) -> Iterator[list[Wire]]:
    flying: deque[Future[list[Wire]]] = deque()
    for chunk in chunks:
        flying.append(pool.submit(convert, chunk))
        if len(flying) > ahead:
            yield flying.popleft().result()
    while flying:
        yield flying.popleft().result()
