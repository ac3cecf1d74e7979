"""What can go wrong with the local broker.

BrokerError         it does not start, stop or answer
└── MissingError    java, mvn or the jars are not there: not broken, only not installed
"""

from __future__ import annotations


class BrokerError(Exception):
    """The broker does not do as told."""


class MissingError(BrokerError):
    """A prerequisite is not installed; the message says which and how to get it."""
