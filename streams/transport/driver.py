"""The transport under a URL scheme of its own, so that Faust is extended and not patched."""

from __future__ import annotations

from typing import ClassVar

from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver

from streams.transport.consumer import BatchConsumer


SCHEME = "probewatch"


class Transport(driver.Transport):
    """Faust's aiokafka transport with our consumer."""

    Consumer: ClassVar[type[BatchConsumer]] = BatchConsumer


TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"


def broker_urls(servers: list[str]) -> list[str]:
    """Faust's spelling of ``host:port`` addresses that are to be read through this transport."""
    return [f"{SCHEME}://{server}" for server in servers]
