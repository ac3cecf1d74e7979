"""Every kind of bad record on a real topic: a dead letter each, and the worker goes on."""

from __future__ import annotations

import urllib.request

from collections import Counter

import pytest

from schemas.topics import DEAD_LETTERS, LINKS
from tests.integration.live import Live, free_port
from tests.unit.node.test_source import BAD, CANARY, event, record


pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

LIVE_S = 90.0


def test_every_bad_record_ends_in_the_dead_letters_and_is_counted_by_reason(live: Live) -> None:
    # The broker stamps records with its own clock, so one kind needs a date that stays ahead.
    future = record(event(time="2999-01-01T00:00:00.000Z"))
    bad = {name: entry for name, (entry, _) in BAD.items()} | {"far future": future}
    reasons = Counter(reason.value for _, reason in BAD.values())
    live.fill_raw([record(event(id="before")), *bad.values(), record(event(id="after"))])
    port = free_port()
    live.start(PROBEWATCH_METRICS_PORT=str(port))
    live.wait_for(DEAD_LETTERS, len(bad), LIVE_S)

    letters = live.read(DEAD_LETTERS)
    assert Counter(dict(letter.headers)["dlq.reason"].decode() for letter in letters) == reasons
    positions = [int(dict(letter.headers)["__streams.errors.offset"]) for letter in letters]
    assert sorted(positions) == list(range(1, len(bad) + 1)), "in order, none lost, none twice"
    counted = _metrics(port)
    for reason, count in reasons.items():
        assert counted[f'probewatch_dead_letters_total{{reason="{reason}"}}'] == count
    assert live.read(LINKS), "what came before and after was folded in"
    assert live.stop() == [0]
    spoken = b"".join(
        (letter.value or b"") + b"".join(value for _, value in letter.headers) for letter in letters
    )
    assert CANARY.encode() not in spoken + live.logs()


def _metrics(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    samples = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in samples}
