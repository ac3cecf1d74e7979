"""A world from its specification: raw events in the order of time, and who is what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from streams.simulate.benign import benign
from streams.simulate.campaign import COLLECTORS, collectors
from streams.simulate.cast import Cast, WorldSpec
from streams.simulate.events import EventWriter
from streams.simulate.traffic import Actor, merge


class Label(NamedTuple):
    """What an account is."""

    family: str
    organization: str
    campaign: bool


def simulate(world: WorldSpec) -> Iterator[dict[str, Any]]:
    """Raw events in the order of time, with ``messages``; one is the release of a model."""
    _, actors = _perform(world)
    writer = EventWriter(world.seed, world.start_ms, world.released_ms)
    released = False
    for sent in merge(actors):
        if sent.time >= world.span_ms:
            return
        if sent.time >= world.released_ms and not released:
            released = True
            yield writer.release()
        yield writer.event(sent)


def labels(world: WorldSpec) -> dict[str, Label]:
    """What each account of ``simulate(world)`` is, by its id."""
    cast, _ = _perform(world)
    return {
        account.id: Label(
            account.family.name, account.organization.id, account.family is COLLECTORS
        )
        for account in cast.population.accounts
    }


def _perform(world: WorldSpec) -> tuple[Cast, list[Actor]]:
    cast = Cast(world)
    return cast, [*benign(cast), *collectors(cast)]
