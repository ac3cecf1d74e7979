"""Analyst feedback: verdicts and workflow steps, as they lie on ``probewatch.feedback.v1``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from schemas.request import Time


Verdict = Literal[
    "true_positive", "authorised_evaluation", "benign", "false_positive", "duplicate", "test"
]


class Feedback(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One action of one person on one alert. Key of the Kafka record: the alert's id."""

    time: Time
    alert_id: Annotated[str, Meta(pattern="^alrt_[a-z2-7]{26}$")] = field(name="alert.id")
    action: Literal["acknowledge", "assign", "snooze", "close", "reopen", "comment"]
    actor: Annotated[str, Meta(min_length=1, max_length=128)]
    verdict: Verdict | UnsetType = UNSET
    assignee: Annotated[str, Meta(max_length=128)] | UnsetType = UNSET
    expires: Time | UnsetType = UNSET
    comment: Annotated[str, Meta(max_length=2048)] = ""
