"""The alert: one revision of one episode, as it lies on ``probewatch.alerts.v1``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from schemas.fields import Identifier
from schemas.request import Time


class Kind(StrEnum):
    """What the alert is about."""

    ACCOUNT = "account"
    ORGANIZATION = "organization"
    CAMPAIGN = "campaign"


class Severity(StrEnum):
    """How bad. ``high`` and ``critical`` page."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def pages(self) -> bool:
        """Whether a person is woken."""
        return self in (Severity.HIGH, Severity.CRITICAL)


class State(StrEnum):
    """Where the episode stands; written by the stages only."""

    OPENED = "opened"
    UPDATED = "updated"
    CLOSED = "closed"


Family = Literal["relational", "content", "temporal", "behaviour"]
"""Families count as independent evidence of each other; ``behaviour`` is one subject's own
conduct."""


class Evidence(Struct, frozen=True, omit_defaults=True):
    """One reason, in the unit it was measured in."""

    family: Family
    signal: Annotated[str, Meta(max_length=64, description="name of the signal")]
    value: Annotated[float, Meta(description="as measured")]
    expected: (
        Annotated[float, Meta(description="what the reference or the threshold says")] | UnsetType
    ) = UNSET
    weight: Annotated[float, Meta(description="contribution to the score, in nats")] = 0.0
    note: Annotated[str, Meta(max_length=512, description="in words")] = ""


class Benign(Struct, frozen=True):
    """A harmless explanation that was weighed against the evidence."""

    name: Annotated[str, Meta(max_length=64, description="name of the explanation")]
    fit: Annotated[float, Meta(ge=0, le=1, description="share of the subject that it covers")]
    note: Annotated[str, Meta(max_length=512, description="what the fit was measured on")] = ""


class Alert(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One revision. Key of the Kafka record: the subject, so that its revisions stay in order."""

    id: Annotated[str, Meta(pattern="^alrt_[a-z2-7]{26}$")]
    revision: Annotated[int, Meta(ge=1)]
    state: State
    time: Time
    kind: Kind
    severity: Severity
    score: float
    summary: Annotated[str, Meta(max_length=1024)]
    first_seen: Time
    last_seen: Time
    account_id: Identifier | UnsetType = field(name="account.id", default=UNSET)
    organization_id: Identifier | UnsetType = field(name="organization.id", default=UNSET)
    members: list[Identifier] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    benign: list[Benign] = field(name="benign.explanations", default_factory=list)
    counterfactuals: list[
        Annotated[str, Meta(max_length=512, description="what would have kept it from opening")]
    ] = field(default_factory=list)
    projected_requests: (
        Annotated[float, Meta(ge=0, description="in the next 30 days at the rate so far")]
        | UnsetType
    ) = field(name="projected.requests", default=UNSET)
    example_events: list[Annotated[str, Meta(max_length=128)]] = field(
        name="example.events", default_factory=list
    )
    close_reason: Annotated[str, Meta(max_length=128)] | UnsetType = field(
        name="close.reason", default=UNSET
    )
    merged_into: Annotated[str, Meta(pattern="^alrt_[a-z2-7]{26}$")] | UnsetType = UNSET

    @property
    def subject(self) -> str:
        """What orders its revisions: the account, the organisation, or the campaign's own id."""
        if self.kind is Kind.ACCOUNT and self.account_id is not UNSET:
            return self.account_id
        if self.kind is Kind.ORGANIZATION and self.organization_id is not UNSET:
            return self.organization_id
        return self.id
