"""The reference file: canonical JSON, named by its hash."""

from __future__ import annotations

import math

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

import msgspec

from msgspec import Meta, Struct

from models.reference.features import FEATURES
from models.reference.scorer import BINS, CUTS
from schemas.request import CATEGORIES, PLANS


COHORTS = len(PLANS) + 1
"""One per plan, and the last for accounts whose plan the gateway does not say."""

Share = Annotated[float, Meta(gt=0, lt=1)]
Positive = Annotated[float, Meta(gt=0)]
PerFeature = Annotated[list[float], Meta(min_length=len(FEATURES), max_length=len(FEATURES))]
PerCohort = Annotated[list[Share], Meta(min_length=COHORTS, max_length=COHORTS)]
PerBin = Annotated[list[float], Meta(min_length=BINS, max_length=BINS)]


class ReferenceDocument(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the population looks like, as numbers; the fields' order is that of the file."""

    version: Literal[1]
    windows: Annotated[int, Meta(ge=1, description="how many it was fitted on")]
    windows_per_account_day: Annotated[Positive, Meta(description="per day an account is active")]
    organization_windows_per_account_day: Positive
    log_likelihood_ratio: Annotated[
        list[Annotated[int, Meta(ge=-(1 << 20), le=1 << 20)]],
        Meta(
            min_length=len(CATEGORIES),
            max_length=len(CATEGORIES),
            description="of a request of each category, probing over population, in 2^-16 nats",
        ),
    ]
    collecting: Annotated[PerCohort, Meta(description="tolerated share of a cohort's account")]
    probing: PerCohort
    organization_collecting: Share
    coverage_sd: Annotated[Positive, Meta(description="between windows of at least 8 requests")]
    ratio_sd: Annotated[Positive, Meta(description="of a window's mean log-likelihood ratio, nats")]
    feature_mean: PerFeature
    feature_sd: PerFeature
    projections: Annotated[list[PerFeature], Meta(min_length=CUTS, max_length=CUTS)]
    bin_left: Annotated[list[PerBin], Meta(min_length=CUTS, max_length=CUTS)]
    bin_right: Annotated[list[PerBin], Meta(min_length=CUTS, max_length=CUTS)]
    bin_nats: Annotated[
        list[Annotated[list[int], Meta(min_length=BINS, max_length=BINS)]],
        Meta(min_length=CUTS, max_length=CUTS, description="-ln density in 2^-32 nats"),
    ]
    tail: Annotated[
        list[float],
        Meta(min_length=1, description="score that a share e^(-position / 4) of windows reaches"),
    ]


def encode(document: ReferenceDocument) -> bytes:
    """The canonical bytes: fields in order, no spaces, shortest floats."""
    return msgspec.json.encode(document)


def decode(data: bytes) -> ReferenceDocument:
    """The document of ``data``. Raises ``ValueError`` for anything else, such as one with a NaN."""
    try:
        document = msgspec.json.decode(data, type=ReferenceDocument)
    except msgspec.MsgspecError as error:
        raise ValueError(f"not a reference file: {error}") from error
    if not all(map(math.isfinite, _numbers(msgspec.structs.astuple(document)))):
        raise ValueError("a reference file holds finite numbers only")
    if document.tail != sorted(document.tail):
        raise ValueError("the tail of a reference file must rise")
    return document


def _numbers(values: Sequence[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, list):
            yield from _numbers(value)
        else:
            yield value
