"""A node: one stage on one partition, driven the same way by the live worker and by replay."""

from streams.node.build import AnyNode, make_node
from streams.node.records import Cut, Output, Record


__all__ = ["AnyNode", "Cut", "Output", "Record", "make_node"]
