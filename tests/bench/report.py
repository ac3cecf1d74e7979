"""Figures: what was found against what was to be found; a table and ``build/bench.json``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from rich.console import Console
from rich.table import Table


FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. ``ratio`` is that of the peer to ours: how many times cheaper we are."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    ratio: float | None = None
    bar: float | None = None
    """The least ratio, or the largest value if there is no ratio to hold."""
    ok: bool | None = None
    """Whether the bar holds; None without one."""


class Figures(msgspec.Struct):
    """The file."""

    figures: list[Figure] = []


def at_most(name: str, value: float, unit: str, bar: float) -> Figure:
    """A figure that must not be larger than ``bar``."""
    return Figure(name=name, value=value, unit=unit, bar=bar, ok=value <= bar)


def against(
    name: str, value: float, unit: str, peer: str, peer_value: float, bar: float | None = None
) -> Figure:
    """A figure next to a peer's, which must be ``bar`` times as large."""
    ratio = peer_value / value
    return Figure(
        name=name,
        value=value,
        unit=unit,
        peer=peer,
        peer_value=peer_value,
        ratio=ratio,
        bar=bar,
        ok=None if bar is None else ratio >= bar,
    )


def publish(figures: Sequence[Figure], path: Path = FILE) -> None:
    """Add the figures to the file, in the place of those with the same names, and print them."""
    names = {figure.name for figure in figures}
    kept: list[Figure] = []
    if path.exists():
        earlier = msgspec.json.decode(path.read_bytes(), type=Figures).figures
        kept = [figure for figure in earlier if figure.name not in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = msgspec.json.encode(Figures([*kept, *figures]))
    path.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")
    _print(figures)


def _print(figures: Sequence[Figure]) -> None:
    table = Table(title="Figures")
    for column in ("figure", "value", "unit", "peer", "ratio", "bar", ""):
        table.add_column(column, justify="left" if column in {"figure", "unit"} else "right")
    for figure in figures:
        peer = "" if figure.peer_value is None else f"{figure.peer_value:.2f}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        bar = "" if figure.bar is None else f"{figure.bar:.2f}"
        verdict = {None: "", True: "[green]holds[/]", False: "[red]missed[/]"}[figure.ok]
        table.add_row(figure.name, f"{figure.value:.2f}", figure.unit, peer, ratio, bar, verdict)
    Console(width=120).print(table)
