"""Labelled traffic out of built-in grammars: ordinary customers, odd ones, and one campaign."""

from streams.simulate.cast import WorldSpec
from streams.simulate.world import Label, labels, simulate


__all__ = ["Label", "WorldSpec", "labels", "simulate"]
