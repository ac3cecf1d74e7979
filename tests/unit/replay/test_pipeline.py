"""The four stages together: what comes out depends on the records and on nothing else."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, pairwise

import msgspec

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.alert import Alert
from schemas.topics import ALERTS, REQUESTS
from streams.node import AnyNode, Record
from streams.node.build import SOURCE_OF
from streams.replay.file import FileReplay
from streams.replay.pipeline import Pipeline
from tests.unit.replay.worlds import KEYS, NOW_MS, pipeline, wires, written


def run(cuts: list[int]) -> Pipeline:
    """Feed the world in pieces, as a consumer might be handed them."""
    records, made = wires(), pipeline()
    replay = FileReplay(made, NOW_MS, KEYS.current)
    for start, stop in pairwise(sorted({0, *cuts, len(records)})):
        replay._feed(replay._place(list(records[start:stop]), NOW_MS))
    return made


def rows(made: Pipeline) -> dict[tuple[str, int], dict[bytes, bytes]]:
    return {
        (stage, node.partition): node.snapshot()
        for stage, nodes in made.nodes.items()
        for node in nodes
    }


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 3999), max_size=40))
def test_cuts_change_neither_alerts_nor_state(cuts: list[int]) -> None:
    plain, cut = run(list(range(0, 4000, 1000))), run(cuts)
    assert written(cut.alerts) == written(plain.alerts)
    assert rows(cut) == rows(plain)


def test_the_world_of_these_tests_raises_an_alert() -> None:
    assert run([3000]).alerts


class Cluster:
    """Topics and changelogs that outlive the nodes, as Kafka's do."""

    def __init__(self) -> None:
        self.topics: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.changelogs: dict[tuple[str, int], dict[bytes, bytes]] = defaultdict(dict)
        self.restart()

    def restart(self) -> None:
        """New nodes that know only what was written."""
        self.nodes = [node for nodes in pipeline().nodes.values() for node in nodes]
        for node in self.nodes:
            node.restore(self.changelogs[node.stage, node.partition].items())

    def poll(self, most: int) -> None:
        """Every node reads up to ``most`` records and writes a barrier."""
        for node in self.nodes:
            log = self.topics[SOURCE_OF[node.stage], node.partition]
            node.offer(log[node.position : node.position + most])
            if node.dirty:
                self._commit(node)

    def _commit(self, node: AnyNode) -> None:
        cut = node.cut()
        for output in cut.outputs:
            log = self.topics[output.topic, output.partition]
            log.append(Record(len(log), output.key, output.value, output.headers, 0))
        rows = self.changelogs[node.stage, node.partition]
        for key, row in cut.rows:
            if row is None:
                rows.pop(key, None)
            else:
                rows[key] = row

    def alerts(self) -> list[Alert]:
        found = [log for (topic, _), log in self.topics.items() if topic == ALERTS]
        return [msgspec.json.decode(r.value or b"", type=Alert) for r in chain.from_iterable(found)]


def test_restarts_from_the_changelog_change_neither_alerts_nor_state() -> None:
    whole = run(list(range(0, 4000, 1000)))
    cluster = Cluster()
    for number, wire in enumerate(wires()):
        for partition in FileReplay(pipeline(), NOW_MS, b"k").partitions(wire):
            log = cluster.topics[REQUESTS, partition]
            log.append(Record(len(log), wire.account.encode() or None, wire.value, (), NOW_MS))
        if number % 1500 == 1499:
            cluster.restart()
        if number % 250 == 249:
            cluster.poll(37)
    for _ in range(200):
        cluster.poll(500)
    assert written(cluster.alerts()) == written(whole.alerts)
    assert {(n.stage, n.partition): n.snapshot() for n in cluster.nodes} == rows(whole)
