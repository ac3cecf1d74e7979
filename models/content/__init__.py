"""Fingerprints of text: the only room that sees messages, and none leave it."""

from models.content.fingerprint import CONTENT_VERSION, fingerprint
from models.content.keyed import Keys


__all__ = ["CONTENT_VERSION", "Keys", "fingerprint"]
