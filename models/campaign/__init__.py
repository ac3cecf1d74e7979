"""Campaigns: one graph, three rules, cases with a lineage."""

from models.campaign.rules import Bounds, Priors, Rules, Weights
from models.campaign.stage import CampaignStage


__all__ = ["Bounds", "CampaignStage", "Priors", "Rules", "Weights"]
