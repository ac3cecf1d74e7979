"""The live worker as a process: what must hold before it starts, and how it ends.

=====  ==========================================================================
exit
=====  ==========================================================================
0      stopped in order (SIGTERM, SIGINT): everything folded is written
2      settings, or topics that do not fit them
69     no broker answers
70     fenced, a barrier failed, broken state, anything unforeseen: start it again
=====  ==========================================================================
"""

from __future__ import annotations

import asyncio

import faust

from schemas.errors import ConfigError
from schemas.frame import StageName
from streams import log, metrics
from streams.admin import UnreachableError, count_problems, partition_counts
from streams.live import LiveWorker
from streams.node.build import make_node
from streams.reference import load_for
from streams.settings import Settings
from streams.transport import failure
from streams.transport.node import MakeNode, StageNode
from streams.transport.wiring import Wiring, wiring


_log = log.get_logger(__name__)


def run_worker(settings: Settings) -> int:
    """Run the stages of DESIGN 2 until told to stop; returns the exit status.

    Raises :class:`ConfigError` before anything is started. A failure later never returns.
    """
    reference, references = load_for(settings)

    def node(stage: StageName, partition: int) -> StageNode:
        return make_node(
            stage,
            partition,
            settings.deployment,
            reference,
            budget=settings.budget,
            digest_key=settings.keys().current,
            references=references,
        )

    return run(settings, node, wiring(settings))


def run(settings: Settings, make_node: MakeNode, plan: Wiring) -> int:
    """As :func:`run_worker`, with any nodes between any topics."""
    log.configure(settings.log_format, settings.log_level)
    settings.refuse_demo_key()
    # One loop for everything: Faust and aiokafka tie their objects to the current one.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(check_partitions(settings, plan))
    except UnreachableError as error:
        _log.error("no_broker", reason=str(error))
        return failure.EXIT_UNAVAILABLE
    try:
        metrics.serve(settings.metrics_port)
    except OSError as error:
        raise ConfigError(f"metrics_port {settings.metrics_port}: {error.strerror}") from error
    worker = LiveWorker(settings, plan, make_node)
    worker.readiness.wait()
    _log.info("starts", stages=[spec.stage for spec in plan.stages], app=settings.app_id)
    return _execute(worker, loop)


async def check_partitions(settings: Settings, plan: Wiring) -> None:
    """Raise :class:`ConfigError` unless the topics exist with the partitions of the settings."""
    problems = count_problems(dict(plan.topics), await partition_counts(settings.kafka))
    if problems:
        raise ConfigError("\n".join(problems))


def _execute(worker: LiveWorker, loop: asyncio.AbstractEventLoop) -> int:
    program = faust.Worker(
        worker.app, loop=loop, quiet=True, override_logging=False, redirect_stdouts=False
    )
    program.spinner = None
    try:
        program.execute_from_commandline()
    except SystemExit as end:
        if end.code:
            # Faust crashed: whatever was not committed is done again by the next start.
            failure.die("the app crashed", program.crash_reason)
    _log.info("stopped")
    log.flush()
    return 0
