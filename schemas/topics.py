"""Every topic: who writes it, who reads it, how it is keyed, how long it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


DAY_MS = 86_400_000
MIB = 1 << 20

REQUESTS = "llm.requests.v1"
WINDOWS = "probewatch.windows.v1"
LINKS = "probewatch.links.v1"
EDGES = "probewatch.edges.v1"
ALERTS = "probewatch.alerts.v1"
ALERT_STATE = "probewatch.alert-state.v1"
FEEDBACK = "probewatch.feedback.v1"
DEAD_LETTERS = "dlq.llm.requests.v1"


def changelog(stage: str) -> str:
    """The topic that holds a stage's state rows."""
    return f"probewatch.{stage}-changelog.v1"


@dataclass(frozen=True, slots=True)
class Partitions:
    """Partition counts, fixed for the life of a deployment: results depend on them."""

    requests: int = 16
    windows: int = 8
    links: int = 8
    edges: int = 1
    alerts: int = 4


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must exist. Readers of a ``transactional`` one use read_committed."""

    name: str
    partitions: int
    key: str
    owner: str
    readers: tuple[str, ...]
    value: str
    retention_ms: int = 7 * DAY_MS
    cleanup: Literal["delete", "compact"] = "delete"
    append_time: bool = False
    max_message_bytes: int = MIB
    transactional: bool = True

    def config(self) -> dict[str, str]:
        """The topic's settings, in Kafka's names."""
        config = {
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
            "message.timestamp.type": "LogAppendTime" if self.append_time else "CreateTime",
        }
        if self.cleanup == "delete":
            config["retention.ms"] = str(self.retention_ms)
        else:
            # Recovery reads every row that is not compacted away yet, so compact early and in small
            # steps.
            config |= {"min.cleanable.dirty.ratio": "0.1", "segment.bytes": str(64 * MIB)}
        return config


def catalogue(count: Partitions) -> tuple[Topic, ...]:
    """All topics of a deployment, in the order data flows."""
    stages = {
        "account": count.requests,
        "organization": count.windows,
        "links": count.links,
        "campaign": count.edges,
    }
    return (
        # A record may be larger than any we accept: refusing it is our job, with a dead letter to
        # show for it.
        Topic(
            REQUESTS,
            count.requests,
            "account.id",
            "gateways",
            ("account",),
            "RequestEvent",
            append_time=True,
            max_message_bytes=16 * MIB,
            transactional=False,
        ),
        Topic(
            WINDOWS, count.windows, "organization.id", "account", ("organization",), "WindowSummary"
        ),
        Topic(LINKS, count.links, "link key", "account", ("links",), "LinkObservation"),
        Topic(EDGES, count.edges, "none", "account, organization, links", ("campaign",), "Edge"),
        # A campaign alert names every member.
        Topic(
            ALERTS,
            count.alerts,
            "subject",
            "stages",
            ("delivery", "console"),
            "Alert",
            retention_ms=90 * DAY_MS,
            max_message_bytes=16 * MIB,
        ),
        Topic(
            ALERT_STATE,
            count.alerts,
            "alert id",
            "stages",
            ("delivery", "console"),
            "Alert",
            cleanup="compact",
            max_message_bytes=16 * MIB,
        ),
        Topic(
            FEEDBACK,
            1,
            "alert id",
            "console",
            ("organization", "campaign", "delivery"),
            "Feedback",
            retention_ms=-1,
            transactional=False,
        ),
        Topic(
            DEAD_LETTERS,
            count.requests,
            "original key",
            "account",
            ("operator",),
            "original bytes",
            retention_ms=30 * DAY_MS,
            max_message_bytes=16 * MIB,
        ),
        *(
            Topic(
                changelog(stage),
                partitions,
                "state key",
                stage,
                (stage,),
                "state row",
                cleanup="compact",
                max_message_bytes=16 * MIB,
            )
            for stage, partitions in stages.items()
        ),
    )
