"""Which stage sits on which topic: the picture of DESIGN in one table."""

from __future__ import annotations

from collections.abc import Mapping

from models.account.batch import RequestBatch
from models.account.stage import AccountStage
from models.campaign import CampaignStage
from models.evidence import Budget
from models.links import LinksStage
from models.organization.stage import OrganizationStage
from models.reference.reference import Reference
from models.stage import ChannelBatch, ChannelStage, Deployment
from schemas.frame import StageName
from schemas.topics import EDGES, LINKS, REQUESTS, WINDOWS
from streams.node.channel import ChannelInlet
from streams.node.deadletter import DeadLetters
from streams.node.node import Node
from streams.node.source import SourceInlet


SOURCE_OF: dict[StageName, str] = {
    "account": REQUESTS,
    "organization": WINDOWS,
    "links": LINKS,
    "campaign": EDGES,
}
"""The topic each stage reads, in the order data flows."""


AnyNode = Node[RequestBatch] | Node[ChannelBatch]
"""A node of any stage; they differ in what their inlet makes of records."""


def partitions_of(stage: StageName, deployment: Deployment) -> int:
    """How many partitions, and so nodes, a stage has."""
    counts = deployment.partitions
    return {
        "account": counts.requests,
        "organization": counts.windows,
        "links": counts.links,
        "campaign": counts.edges,
    }[stage]


def make_node(
    stage: StageName,
    partition: int,
    deployment: Deployment,
    reference: Reference,
    *,
    budget: Budget,
    digest_key: bytes,
    references: Mapping[str, Reference] | None = None,
) -> AnyNode:
    """The node of one stage on one partition, empty.

    ``references`` are those a control record may switch to, by hash; ``digest_key`` keys the
    digests in dead letters.
    """
    if stage == "account":
        account = AccountStage(deployment, reference, references, budget)
        inlet = SourceInlet(deployment, DeadLetters(partition, digest_key))
        return Node(stage, partition, deployment, inlet, account)
    folding: ChannelStage
    if stage == "organization":
        folding = OrganizationStage(deployment, reference, budget)
    elif stage == "links":
        folding = LinksStage(deployment)
    else:
        folding = CampaignStage(deployment, budget)
    channel = ChannelInlet(SOURCE_OF[stage], deployment)
    return Node(stage, partition, deployment, channel, folding)
