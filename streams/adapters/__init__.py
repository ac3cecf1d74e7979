"""Gateways in: pure functions from what a gateway sends to request events without text."""
