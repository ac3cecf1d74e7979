"""Which stages a worker runs, and between which topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schemas.frame import StageName
from schemas.topics import EDGES, catalogue, changelog
from streams.node.build import SOURCE_OF
from streams.settings import Settings


EVENT_CHUNK = 2000
"""Records a chunk: what one fetch brings. Many array operations cost the same for 500 as for 2,000,
and 2,000 keep the loop busy for some 30 ms."""
FRAME_CHUNK = 100
"""Frames hold up to 4,096 records each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One stage and where it stands."""

    stage: StageName
    topic: str
    changelog: str
    chunk_records: int
    holes: bool
    """Its topic is written in transactions, so offsets jump."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """The stages of a worker."""

    stages: tuple[StageSpec, ...]
    topics: Mapping[str, int]
    """Topics that must exist, with their partitions."""
    edges: str = EDGES
    """Where the account stage says how far each of its partitions is."""


def wiring(settings: Settings) -> Wiring:
    """The wiring of the whole deployment, with the stages that this worker runs."""
    topics = {topic.name: topic for topic in catalogue(settings.partitions)}
    stages = tuple(
        StageSpec(
            stage=stage,
            topic=SOURCE_OF[stage],
            changelog=changelog(stage),
            chunk_records=FRAME_CHUNK if topics[SOURCE_OF[stage]].transactional else EVENT_CHUNK,
            holes=topics[SOURCE_OF[stage]].transactional,
        )
        for stage in settings.stages
    )
    return Wiring(stages=stages, topics={name: topic.partitions for name, topic in topics.items()})
