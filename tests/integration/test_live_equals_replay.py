"""The same events through a real broker and through a replay: the same alerts, byte for byte."""

from __future__ import annotations

import msgspec
import orjson
import pytest

from schemas.alert import Alert
from schemas.topics import ALERTS, DEAD_LETTERS
from streams.adapters.raw import Wire, to_wire
from streams.replay.file import closing_time
from tests.integration.live import Live
from tests.unit.replay.worlds import KEYS, lines, replayed, written


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


@pytest.mark.parametrize("workers", [1, 2])
def test_live_alerts_equal_replayed_ones_and_carry_no_text(live: Live, workers: int) -> None:
    events = planted()
    expected = replayed([*events, *broken()])
    assert expected.alerts, "a world without alerts proves nothing"
    wires = [to_wire(line, KEYS) for line in events]
    live.fill([*wires, *(Wire("a", line) for line in broken())], closing_time(expected))
    for _ in range(workers):
        live.start()
    live.wait_for(ALERTS, len(expected.alerts), LIVE_S)

    found = [msgspec.json.decode(value, type=Alert) for value in live.alerts()]
    assert written(found) == written(expected.alerts)
    again = live.run("replay", "--from-topic", "--alerts", "-")
    assert again.stdout == written(expected.alerts) + b"\n", again.stderr.decode()
    assert len(live.read(DEAD_LETTERS)) == len(expected.dead_letters) == 2
    assert live.stop() == [0] * workers
    everything = live.read_everything()
    assert CANARY.encode() not in everything + live.logs()
    # Once each in what the gateway wrote, and nowhere else.
    assert (everything.count(BROKEN.encode()), live.logs().count(BROKEN.encode())) == (2, 0)
