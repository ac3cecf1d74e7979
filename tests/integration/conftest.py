"""What integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.kafka.broker import Broker
from tests.integration.live import Live, deployment


@pytest.fixture
def live(kafka: Broker, tmp_path: Path) -> Iterator[Live]:
    """A whole deployment on a broker of its own; ``kafka`` decides whether there can be one."""
    with deployment(tmp_path) as made:
        yield made
