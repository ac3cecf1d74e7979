"""A local Apache Kafka 4.3 (one KRaft node, loopback only) for development and tests.

commands:
  fetch      copy the broker's jars with Maven, once
  start      start it, wait until it answers, print its bootstrap address
  stop       stop it in order; its data stay
  restart    stop, then start
  kill       kill -9, as a crash would
  status     one line; exit status 0 if it runs, 1 if not
  bootstrap  print the address again
  wipe       kill it and remove its data (the jars stay)
"""

from __future__ import annotations

import argparse
import logging
import sys
import time

from collections.abc import Callable
from pathlib import Path

from infra.kafka.broker import Broker
from infra.kafka.errors import BrokerError, MissingError
from infra.kafka.jars import Jars


STATE = Path(__file__).resolve().parents[2] / ".kafka-local"
"""In the clone, so that two clones never share a broker."""
JARS = STATE / "jars"


def main(argv: list[str] | None = None) -> int:
    """Run one command; 0 = done, 1 = failed or not running, 2 = usage or not installed."""
    options = _parser().parse_args(argv)
    # While the broker comes up, aiokafka reports every refused attempt as an error.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    broker = Broker(options.dir, Jars(options.jars))
    try:
        return COMMANDS[options.command](broker, options)
    except BrokerError as error:
        sys.stderr.write(f"kafka: {error}\n")
        return 2 if isinstance(error, MissingError) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kafka", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=COMMANDS, metavar="command")
    add = parser.add_argument
    add("--dir", type=Path, default=STATE, help="state of the broker (.kafka-local)")
    add("--jars", type=Path, default=JARS, help="the jars (.kafka-local/jars)")
    add("--port", type=int, default=0, help="client port at the first start (a free one)")
    add("--timeout", type=float, default=60.0, help="seconds to wait for an answer (60)")
    return parser


def _fetch(broker: Broker, _: argparse.Namespace) -> int:
    if not broker.jars.complete():
        sys.stderr.write("fetching the Kafka jars with Maven (44 MB, once) ...\n")
    broker.jars.fetch()
    return 0


def _start(broker: Broker, options: argparse.Namespace) -> int:
    began = time.monotonic()
    broker.start(port=options.port, timeout_s=options.timeout)
    sys.stderr.write(f"ready after {time.monotonic() - began:.1f} s\n")
    return _bootstrap(broker, options)


def _restart(broker: Broker, options: argparse.Namespace) -> int:
    broker.stop()
    return _start(broker, options)


def _status(broker: Broker, _: argparse.Namespace) -> int:
    pid = broker.pid
    sys.stdout.write("down\n" if pid is None else f"up {broker.bootstrap} pid {pid}\n")
    return 1 if pid is None else 0


def _bootstrap(broker: Broker, _: argparse.Namespace) -> int:
    sys.stdout.write(f"{broker.bootstrap}\n")
    return 0


def _plainly(act: Callable[[Broker], None]) -> Callable[[Broker, argparse.Namespace], int]:
    def command(broker: Broker, _: argparse.Namespace) -> int:
        act(broker)
        return 0

    return command


COMMANDS: dict[str, Callable[[Broker, argparse.Namespace], int]] = {
    "fetch": _fetch,
    "start": _start,
    "stop": _plainly(Broker.stop),
    "restart": _restart,
    "kill": _plainly(Broker.kill),
    "status": _status,
    "bootstrap": _bootstrap,
    "wipe": _plainly(Broker.wipe),
}


if __name__ == "__main__":
    sys.exit(main())
