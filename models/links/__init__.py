"""Links: one first-sender front, one table of shared keys, one gate."""

from models.links.rules import LinkRules
from models.links.stage import LinksStage


__all__ = ["LinkRules", "LinksStage"]
