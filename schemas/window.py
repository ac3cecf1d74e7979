"""The window summary: what one account did in up to 32 requests or 15 minutes."""

from __future__ import annotations

from msgspec import Struct

from schemas.fields import F4, U1, U2, U4, U8, Millis, layout


class WindowSummary(Struct, frozen=True, array_like=True):
    """One closed window; ``account`` indexes the frame's account table."""

    account: U2
    time: Millis
    """When it closed: the time of its 32nd request, or 15 minutes after its first."""
    opened: Millis
    requests: U2
    refused: U2
    failed: U2
    elicited: U2
    """Requests with an elicitation flag."""
    graded: U2
    """Requests that grade or generate tasks."""
    foreign: U2
    """Requests that present another account's reasoning reference."""
    techniques: U2
    """Bits of ELICITATIONS seen."""
    categories: U4
    """Bits of CATEGORIES seen."""
    input_tokens: U8
    output_tokens: U8
    total_requests: U4
    """The account's requests so far."""
    credential: U8
    """Hash of the last API key, 0 = none."""
    network: U8
    """Hash of the last network, 0 = none."""
    evidence: F4
    """The account's log e-value after this window, nats."""
    rarity: F4
    """Tail probability of the window under the global scorer, as -ln p."""
    drift: U1
    """Bits: 1 PageHinkley on coverage, 2 PageHinkley on likelihood ratio, 4 ADWIN."""


WINDOW = layout(WindowSummary)
