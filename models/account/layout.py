"""The state row of an account: fixed, little-endian, without holes: equal states are equal bytes.

While a window is open only integers accumulate. Floats change when a window closes, in an order
that the records alone decide.
"""

from __future__ import annotations

import numpy as np

from models.evidence import BETS
from schemas.request import ELICITATIONS


VERSION = 1
RECENT = 16
"""Request ids that a duplicate is looked for in; gateways retry within seconds."""
SCORES = 64
"""Window scores that ADWIN is rebuilt from: two days of a busy account."""

COLLECTING, PROBING = 0, 1
"""The e-processes: requests that elicit or grade, and refused requests that elicit."""
COVERAGE, RATIO = 0, 1
"""The signals with a baseline: distinct categories, and likelihood ratio of probing."""

COUNTS = ("requests", "refused", "failed", "elicited", "graded", "foreign", "probing")
"""What a window counts; ``probing`` is refused and eliciting. Positions in ``held``."""
HELD = 0
"""The position of ``requests``: 0 of them means that no window is open."""
BITS = ("categories", "techniques", "refused_techniques")
"""What a window collects as bits. Positions in ``bits``."""

ACCOUNT = np.dtype(
    [
        ("recent", "<u8", RECENT),  # hashes of accepted request ids
        ("opened", "<i8"),  # of the open window, ms
        ("tokens", "<u8", 2),  # of the open window, input and output
        ("last", "<u8", 4),  # payment, network, client, credential: last one that was not 0
        ("evidence", "<f8", (2, BETS)),
        ("mean", "<f8", 2),
        ("square", "<f8", 2),
        ("hinkley_mean", "<f8", 2),
        ("hinkley_total", "<f8", 2),
        ("hinkley_low", "<f8", 2),
        ("total", "<u4", 5),  # so far
        ("technique_time", "<u4", len(ELICITATIONS)),  # last refused use of each, s; 0 = never
        ("count", "<u4", 2),
        ("hinkley_count", "<u4", 2),
        ("ratio", "<i4"),  # of the open window, fixed point
        ("risen", "<u4"),  # since when evidence stands, s; 0 = it does not
        ("bits", "<u2", len(BITS)),  # of the open window
        ("scores", "i1", SCORES),  # ring of z-scored likelihood ratios
        ("hinkley_drift", "?", 2),
        ("held", "u1", len(COUNTS)),  # of the open window
        ("recent_next", "u1"),
        ("scores_next", "u1"),
        ("scores_held", "u1"),
        ("spare", "u1"),
        ("version", "u1"),
    ]
)

PAYMENT, NETWORK, CLIENT, CREDENTIAL = range(4)
"""Positions in ``last``."""
REQUESTS = 0
"""The position in ``total``; elicited, graded, foreign and sentence keys follow."""
