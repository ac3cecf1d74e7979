"""The catalogue: every metric probewatch publishes, in one place.

Base units, and no label that names an account, an organisation or a partition: such labels have no
bound, and the first two do not belong in a monitoring system.
"""

from __future__ import annotations

from collections import Counter as Counts
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from schemas.frame import StageName


REGISTRY = CollectorRegistry()
"""Our own, so that what a library registers by itself is not published by accident."""
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

EVENTS = Counter("probewatch_events", "Records a stage has read.", ["stage"], registry=REGISTRY)
FRAMES = Counter("probewatch_frames", "Frames a stage has read.", ["stage"], registry=REGISTRY)
DUPLICATES = Counter(
    "probewatch_duplicate_events",
    "Events dropped because their account has sent their id before.",
    registry=REGISTRY,
)
LATE = Counter(
    "probewatch_late_events",
    "Events behind the watermark, folded into the tick that was open.",
    registry=REGISTRY,
)
DEAD_LETTERS = Counter(
    "probewatch_dead_letters", "Records that could not be folded in.", ["reason"], registry=REGISTRY
)
ALERTS = Counter(
    "probewatch_alerts", "Alert revisions written.", ["kind", "severity"], registry=REGISTRY
)
OTHER = Counter(
    "probewatch_stage_counts",
    "What stages count and the catalogue has no metric of its own for.",
    ["stage", "count"],
    registry=REGISTRY,
)

BARRIER_SECONDS = Histogram(
    "probewatch_barrier_seconds",
    "From the begin of a barrier's transaction to its commit.",
    ["stage"],
    # Measured: 40-60 ms, 325 on a busy machine; the last two are where a broker is in trouble.
    buckets=(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.3, 5, 20),
    registry=REGISTRY,
)
STATE_ROWS = Counter(
    "probewatch_state_rows", "State rows written to a changelog.", ["stage"], registry=REGISTRY
)
OUTPUTS = Counter(
    "probewatch_outputs", "Records written to other topics.", ["stage"], registry=REGISTRY
)

PARTITIONS = Gauge(
    "probewatch_partitions", "Partitions this worker owns.", ["stage"], registry=REGISTRY
)
LAG_TICKS = Gauge(
    "probewatch_lag_ticks",
    "Ticks between the furthest source and what is folded, worst partition. Offsets cannot tell: "
    "the markers of transactions take some, and frames wait for their tick.",
    ["stage"],
    registry=REGISTRY,
)
GATED = Gauge(
    "probewatch_gated_partitions",
    "Source partitions held back because they are too far ahead of the slowest.",
    registry=REGISTRY,
)
RECOVERY_SECONDS = Gauge(
    "probewatch_recovery_seconds", "How long the last recovery took.", ["stage"], registry=REGISTRY
)
RECOVERED_ROWS = Counter(
    "probewatch_recovered_rows",
    "Live state rows taken over from a changelog.",
    ["stage"],
    registry=REGISTRY,
)
REBALANCES = Counter(
    "probewatch_rebalances", "Assignments this worker has received.", registry=REGISTRY
)
HEARTBEATS = Counter(
    "probewatch_heartbeats", "Heartbeats written into idle partitions.", registry=REGISTRY
)
BATCH_GAPS = Counter(
    "probewatch_batch_gaps",
    "Irregular fetches: repeated (dropped), rewound (fetched again), or lost (records that "
    "retention took before they were read).",
    ["kind"],
    registry=REGISTRY,
)

_OF_STAGE = {"events": EVENTS, "frames": FRAMES}
_PLAIN = {"duplicate": DUPLICATES, "late": LATE}
_LABELLED = {"dead_letter": DEAD_LETTERS, "alert": ALERTS}


def count(stage: StageName, counts: Counts[str]) -> None:
    """Publish what a node has counted: ``name`` or ``name:label:label``, and clear it."""
    for key, amount in counts.items():
        name, *labels = key.split(":")
        if name in _OF_STAGE:
            _OF_STAGE[name].labels(stage).inc(amount)
        elif name in _PLAIN:
            _PLAIN[name].inc(amount)
        elif name in _LABELLED:
            _LABELLED[name].labels(*labels).inc(amount)
        else:
            OTHER.labels(stage, key).inc(amount)
    counts.clear()


def serve(port: int) -> tuple[WSGIServer, Thread] | None:
    """Publish over HTTP on ``port``, 0 = not at all. Raises ``OSError`` if the port is taken."""
    if not port:
        return None
    return start_http_server(port, registry=REGISTRY)
