"""A node: one stage on one partition, driven the same way by the live worker and by replay."""

from streams.node.build import make_node
from streams.node.node import Node
from streams.node.records import Cut, Output, Record


__all__ = ["Cut", "Node", "Output", "Record", "make_node"]
