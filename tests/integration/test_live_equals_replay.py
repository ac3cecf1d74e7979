"""The same events through a real broker and through a replay: the same alerts, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import orjson
import pytest

from infra.kafka.broker import Broker
from infra.kafka.cli import JARS
from infra.kafka.jars import Jars
from schemas.alert import Alert
from schemas.topics import DEAD_LETTERS
from streams.adapters.raw import Wire, to_wire
from streams.replay.file import closing_time
from streams.replay.pipeline import ordered
from tests.integration.live import Live
from tests.unit.replay.worlds import DEPLOYMENT, KEYS, lines, replayed


pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

CANARY = "xylocanary"
BROKEN = "xylobroken"
LIVE_S = 120.0


def planted() -> list[bytes]:
    """The test world with a canary in what every seventh request says."""
    found = []
    for number, line in enumerate(lines()):
        event = orjson.loads(line)
        if number % 7 == 0 and event.get("messages"):
            event["messages"][-1]["content"] += f" Do remember {CANARY}{number} for me."
            event["tools"] = [{"name": f"{CANARY}_{number}"}]
        found.append(orjson.dumps(event))
    return found


def broken() -> list[bytes]:
    """Records that a gateway should not have written, with text in them."""
    event = {"id": BROKEN, "time": "yesterday", "account.id": "a", "organization.id": "o"}
    return [orjson.dumps(event), f"{{{BROKEN}".encode()]


@pytest.fixture
def deploy(kafka: Broker, tmp_path: Path) -> Iterator[Callable[[], Live]]:
    """Deployments on brokers of their own (``kafka`` decides whether there can be any)."""
    started: list[Live] = []

    def make() -> Live:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        broker = Broker(folder / "kafka", Jars(JARS))
        live = Live(broker, DEPLOYMENT, folder, KEYS.current.decode())
        started.append(live)
        broker.start()
        created = live.run("topics", "create")
        assert created.returncode == 0, created.stderr.decode()
        return live

    yield make
    for live in started:
        live.end()


@pytest.mark.parametrize("workers", [1, 2])
def test_live_alerts_equal_replayed_ones_and_carry_no_text(
    deploy: Callable[[], Live], workers: int
) -> None:
    events = planted()
    expected = replayed([*events, *broken()])
    assert expected.alerts, "a world without alerts proves nothing"
    live = deploy()
    wires = [to_wire(line, KEYS) for line in events]
    live.fill([*wires, *(Wire("a", line) for line in broken())], closing_time(expected))
    for _ in range(workers):
        live.start()
    live.wait_for_alerts(len(expected.alerts), LIVE_S)

    found = [msgspec.json.decode(value, type=Alert) for value in live.alerts()]
    assert [msgspec.json.encode(alert) for alert in ordered(found)] == [
        msgspec.json.encode(alert) for alert in ordered(expected.alerts)
    ]
    assert len(live.read(DEAD_LETTERS)) == len(expected.dead_letters) == 2
    assert live.stop() == [0] * workers
    written = live.read_everything()
    assert CANARY.encode() not in written + live.logs()
    # Once each in what the gateway wrote, and nowhere else.
    assert (written.count(BROKEN.encode()), live.logs().count(BROKEN.encode())) == (2, 0)
