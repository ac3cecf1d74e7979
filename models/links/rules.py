"""The constants of the links stage, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.link import LinkKind


def _gates() -> tuple[Gate, ...]:
    return (
        # Of the keys of four accounts, 3.8 % are one campaign's before any other filter, and 19 %
        # after those below (labelled worlds); of fewer accounts there are too many to look at.
        Gate(LinkKind.SENTENCE, least=4, most=64, share=0.10, tells_time=True),
        # A turn is answered once: many accounts after the same words share an example.
        Gate(LinkKind.CONVERSATION, least=2, most=8),
        # Cards of up to five accounts were attackers' in 34-46 %; an agency's has more.
        Gate(LinkKind.PAYMENT, least=2, most=8),
        # Support only up to 16 accounts, but a classroom must be recognised as one.
        Gate(LinkKind.NETWORK, least=2, most=64),
        # Support only: builds run on thousands of machines, and 4-12 % of keys were attackers'.
        Gate(LinkKind.CLIENT, least=2, most=16),
    )


@dataclass(frozen=True, slots=True)
class Gate:
    """When the keys of one kind may link accounts.

    Between ``least`` accounts of as many organisations and ``most`` accounts, or ``share`` of the
    accounts known if that is more; ``tells_time`` asks for novelty and for changing surroundings.
    """

    kind: LinkKind
    least: int
    most: int
    share: float = 0.0
    tells_time: bool = False


@dataclass(frozen=True, slots=True)
class LinkRules:
    """Bounds and thresholds; sizes are per partition."""

    front_keys: int = 1 << 21
    """First senders kept in each of two generations: 42 MB of journal each, and 50 to 100 MB of map
    for both. At 100 new keys a second, two days' worth; at 1,000, an hour of wordings."""
    upkeep_every: int = 1 << 16
    """Observations between looks at the bounds, which are overshot by at most twice this."""
    most_keys: int = 1 << 18
    """Keys of two organisations or more; 56 bytes each."""
    most_members: int = 1 << 20
    """(account, key) pairs; 40 bytes each, and three map entries of 22."""
    evict_to: float = 0.75
    """What is left of a bound after an eviction, so that evictions are rare."""
    key_idle_days: int = 14
    """Statistics of one to two weeks separated best; longer ones dilute a burst of adoption."""
    account_idle_days: int = 3
    """An account without memberships is forgotten after this; it must outlive the front's two days,
    which refer to it."""
    young_ms: int = 14 * 86_400_000
    """Pools are bought shortly before use; the alert schema fixes fourteen days."""
    settled_ms: int = 86_400_000
    """Before a day of observation, every sentence looks new (4 hours gave 5 false pages of 14)."""
    young_share: float = 0.75
    """A key from before that is believed only if nearly all its senders are young: library text has
    established users. Three of four at the least size."""
    young_share_kept: float = 0.6
    """Hysteresis of ``young_share``: two of four would retire it, three of five not."""
    repeated: float = 0.15
    """At most this share of accounts may have the key's surroundings in common with another: the
    filter between wrapper and payload (reference study: without it, precision 0.53)."""
    repeated_kept: float = 0.30
    """Hysteresis of ``repeated``: the accounts must double before a key can flap."""
    gates: tuple[Gate, ...] = field(default_factory=_gates)
    """By kind, in the order of the kinds' numbers."""
