"""The thread that owns the Kafka consumer: how the broker is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faust.transport.drivers import aiokafka as driver


if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer


FETCH_WAIT_MS = 50
"""How long a broker holds back an empty answer. Faust says 1,500, and a partition whose records
were still buffered when the request left waits for the next one."""


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """Reads committed records only, and often."""

    mundane_level = "debug"

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Faust hard-codes both; aiokafka reads them when the consumer starts, which is later.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        return consumer
