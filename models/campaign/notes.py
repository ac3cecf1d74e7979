"""What a reader should know of a group beside the evidence."""

from __future__ import annotations

from models.campaign.scale import Scale
from models.eventtime import DAY_MS
from schemas.alert import Evidence
from schemas.edge import Explanation


_SETTLED_MS = DAY_MS
"""The links stage believes that a sentence is new from a day of observation on."""


def explained_note(scale: Scale) -> Evidence | None:
    """Says whose accounts count less, if any."""
    if not scale.explained:
        return None
    names = sorted(
        {
            Explanation(scale.view.explained[organization]).name.lower()
            for account in scale.group.core
            if (organization := scale.view.accounts[account].organization) in scale.view.explained
        }
    )
    return Evidence(
        family="behaviour",
        signal="explained",
        value=float(scale.explained),
        note=f"members of organisations that explain themselves ({', '.join(names)}) count a fifth",
    )


def cold_start_note(scale: Scale) -> Evidence | None:
    """Says so if the instructions were there when observation began."""
    view, group = scale.view, scale.group
    early = sum(
        view.keys[key].first < view.started + _SETTLED_MS
        for template in group.templates
        for key in template.keys
    )
    total = sum(len(template.keys) for template in group.templates)
    if not early:
        return None
    return Evidence(
        family="temporal",
        signal="cold_start",
        value=early / total,
        expected=0.0,
        note="share of the instructions seen within the first day of observation: that they are "
        "new rests on the youth of their users",
    )
