"""How clients reach the cluster, in the words of aiokafka and of Faust."""

from __future__ import annotations

import ssl

from typing import Any

from faust.auth import SASLCredentials, SSLCredentials

from schemas.errors import ConfigError
from streams.settings import KafkaSettings


MESSAGE_BYTES = 16 << 20
"""The largest record on any topic: a campaign alert that names every member."""


def client_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes. Raises :class:`ConfigError`."""
    return {
        "bootstrap_servers": kafka.servers,
        "security_protocol": kafka.security_protocol,
        "ssl_context": ssl_context(kafka),
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.sasl_username,
        "sasl_plain_password": kafka.password(),
    }


def faust_credentials(kafka: KafkaSettings) -> SASLCredentials | SSLCredentials | None:
    """The same for Faust's own consumer. Raises :class:`ConfigError`."""
    context = ssl_context(kafka)
    if kafka.security_protocol.startswith("SASL"):
        return SASLCredentials(
            username=kafka.sasl_username,
            password=kafka.password(),
            mechanism=kafka.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context=context) if context is not None else None


def ssl_context(kafka: KafkaSettings) -> ssl.SSLContext | None:
    """Trust and identity for TLS, None without TLS. Raises :class:`ConfigError`."""
    if not kafka.security_protocol.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_cafile)
        if kafka.ssl_certfile is not None:
            password = kafka.ssl_password
            context.load_cert_chain(
                kafka.ssl_certfile,
                kafka.ssl_keyfile,
                password.get_secret_value() if password is not None else None,
            )
    except OSError as error:
        # ssl.SSLError is one, and its text names the cause, not the key.
        raise ConfigError(f"kafka.ssl_*: {error}") from error
    return context
