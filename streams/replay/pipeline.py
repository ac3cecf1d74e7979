"""The four stages in one process: the nodes of the live worker, with lists for topics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from models.evidence import Budget
from models.reference.reference import Reference
from models.stage import Deployment
from schemas.alert import Alert
from schemas.frame import StageName
from schemas.topics import ALERTS, DEAD_LETTERS
from streams.node import AnyNode, Output, Record, make_node
from streams.node.build import SOURCE_OF, partitions_of
from streams.node.records import SourceRecord


class Pipeline:
    """Feed records by partition with :meth:`offer`; :meth:`advance` lets the rest follow."""

    def __init__(
        self,
        deployment: Deployment,
        reference: Reference,
        *,
        budget: Budget,
        digest_key: bytes,
        references: Mapping[str, Reference] | None = None,
    ) -> None:
        self.deployment = deployment
        self.alerts: list[Alert] = []
        self.dead_letters: list[Output] = []
        self.nodes: dict[StageName, list[AnyNode]] = {
            stage: [
                make_node(
                    stage,
                    partition,
                    deployment,
                    reference,
                    budget=budget,
                    digest_key=digest_key,
                    references=references,
                )
                for partition in range(partitions_of(stage, deployment))
            ]
            for stage in SOURCE_OF
        }
        self._logs: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self._offsets: Counter[tuple[str, int]] = Counter()

    @property
    def watermark(self) -> int:
        """Greatest event time of any source partition, ms."""
        return max(node.watermark for node in self.nodes["account"])

    def counts(self) -> Counter[str]:
        """Counts of all nodes so far, by the names of the metric catalogue."""
        total: Counter[str] = Counter()
        for nodes in self.nodes.values():
            for node in nodes:
                total += node.counts
        return total

    def offer(self, partition: int, records: Sequence[SourceRecord]) -> None:
        """Fold records of one partition of the request topic, in order."""
        self.nodes["account"][partition].offer(records)

    def advance(self) -> None:
        """Carry everything that is due from stage to stage, in the order data flows."""
        for stage, topic in SOURCE_OF.items():
            for node in self.nodes[stage]:
                records = self._logs.pop((topic, node.partition), None)
                if records:
                    node.offer(records)
                for output in node.outputs():
                    self._append(output)

    def _append(self, output: Output) -> None:
        if output.topic == ALERTS:
            self.alerts.append(msgspec.json.decode(output.value, type=Alert))
        elif output.topic == DEAD_LETTERS:
            self.dead_letters.append(output)
        elif output.topic in SOURCE_OF.values():
            place = output.topic, output.partition
            record = Record(self._offsets[place], output.key, output.value, output.headers, 0)
            self._logs[place].append(record)
            self._offsets[place] += 1


def ordered(alerts: Sequence[Alert]) -> list[Alert]:
    """Alerts in the order that is defined for comparing runs: (time, id, revision)."""
    return sorted(alerts, key=lambda alert: (alert.time, alert.id, alert.revision))
