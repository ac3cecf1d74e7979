"""What the population looks like: frozen, lagged, and the same for every stage that reads it."""

from __future__ import annotations

import hashlib

from dataclasses import dataclass

import numpy as np

from numpy.typing import NDArray

from models.reference.document import ReferenceDocument, decode, encode
from models.reference.scorer import Scorer


RATIO_FIXED_POINT = 1 << 16
"""The likelihood ratio of a request is a whole number of 2^-16 nats: windows add integers."""
TAIL_STEP = 0.25
"""The rarity of a window is told in steps of this many nats."""


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The file's numbers as arrays. Build it with :meth:`of` or :meth:`from_bytes`."""

    document: ReferenceDocument
    sha256: str
    """Hash of the canonical bytes, 64 hex digits: the reference's name."""
    ratio: NDArray[np.int64]
    """[categories] log-likelihood ratio of one request in fixed point."""
    collecting: NDArray[np.float64]
    """[cohorts] composite null of the share of collecting requests."""
    probing: NDArray[np.float64]
    """[cohorts] composite null of the share of refused requests that elicit."""
    scorer: Scorer
    tail: NDArray[np.float64]

    @classmethod
    def of(cls, document: ReferenceDocument) -> Reference:
        """The reference that ``document`` describes."""
        return cls(
            document=document,
            sha256=hashlib.sha256(encode(document)).hexdigest(),
            ratio=np.array(document.log_likelihood_ratio, np.int64),
            collecting=np.array(document.collecting),
            probing=np.array(document.probing),
            scorer=Scorer(
                mean=np.array(document.feature_mean),
                sd=np.array(document.feature_sd),
                projections=np.array(document.projections),
                left=np.array(document.bin_left),
                right=np.array(document.bin_right),
                nats=np.array(document.bin_nats, np.int64),
            ),
            tail=np.array(document.tail),
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """The reference of a file. Raises ``ValueError`` for anything else."""
        return cls.of(decode(data))

    def to_bytes(self) -> bytes:
        """The canonical bytes of the file."""
        return encode(self.document)

    def rarity(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """How rare windows are: -ln of their tail probability, float64[n], in steps of 1/4 nat."""
        scores = self.scorer.scores(vectors)
        # The first level is what every window reaches: p = 1.
        level = np.searchsorted(self.tail, scores, side="right") - 1
        rarity: NDArray[np.float64] = np.maximum(level, 0) * TAIL_STEP
        return rarity
