"""How fast Connectors are, side by side: ``python -m tests.bench``.

``--connector URL[=KEY]`` measures running Connectors, the first with the second as its peer and the other way round:
give two at the same Backbone. ``--spawn`` starts a Backbone and this Connector, with ``--official CHECKOUT`` also the
official one, built, with the database that needs no server. Only those that are started here can be told to start
again and where to send events. ``store``, ``events``, ``senders`` and ``hanging`` run those benchmarks alone.

The best of all ``--rounds`` counts, for the machine may have other things to do.
"""

from __future__ import annotations

import argparse
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench import measures
from tests.bench.connectors import Connector, given, official, ours, running_backbone
from tests.bench.measures import Amounts, Destination, Figures, measure
from tests.bench.receivers import amqp_queue, webhooks
from tests.bench.table import better, printed

PARTS = ("store", "events", "senders", "hanging")
AMQP_URL = os.environ.get("TRIO_CONNECTOR_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the result


def main(arguments: Sequence[str]) -> None:
    """The command."""
    if arguments and arguments[0] in PARTS:
        sys.argv = list(arguments)
        runpy.run_module(f"tests.bench.bench_{arguments[0]}", run_name="__main__", alter_sys=True)
        return
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--connector", action="append", default=[], metavar="URL[=KEY]", help="a running Connector")
    parser.add_argument("--spawn", action="store_true", help="start this Connector and a Backbone")
    parser.add_argument("--official", type=Path, metavar="CHECKOUT", help="with --spawn: the official one as well")
    parser.add_argument("--node", default=shutil.which("node"), help="the Node.js that runs the official one")
    parser.add_argument("--rounds", type=int, default=1, help="how often; the best counts")
    parser.add_argument("--effort", type=float, default=1.0, help="0.1 makes a tenth of the requests")
    options = parser.parse_args(arguments)
    amounts = Amounts().reduced(options.effort)
    _stay_apart()
    results: dict[str, Figures] = {}
    for round_ in range(options.rounds):
        for name, figures in (
            _spawned(options.official, options.node, amounts)
            if options.spawn
            else _given([given(argument) for argument in options.connector], amounts, parser)
        ):
            results[name] = better(results.get(name), figures)
            say(f"round {round_ + 1}: {name} is done; load of the machine {os.getloadavg()[0]:.1f}")
    say(printed(results))


def _stay_apart() -> None:
    """Whoever measures keeps to the last CPU; what is started to be measured may use all."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) > 1:
        os.sched_setaffinity(0, {cpus[-1]})


def _given(connectors: list[Connector], amounts: Amounts, parser: argparse.ArgumentParser) -> list[tuple[str, Figures]]:
    if len(connectors) != 2:
        parser.error("give two Connectors at the same Backbone, or --spawn")
    one, other = connectors
    return [(one.name, measure(one, other, [], amounts)), (other.name, measure(other, one, [], amounts))]


def _spawned(checkout: Path | None, node: str | None, amounts: Amounts) -> list[tuple[str, Figures]]:
    results = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        backbone = stack.enter_context(running_backbone())
        destinations = _destinations(stack)
        peer = ours("peer", folder / "peer", backbone)
        measured = [ours("trio-connector", folder / "ours", backbone)]
        if checkout is not None:
            if node is None:
                raise SystemExit("There is no Node.js in the PATH: give --node.")
            measured.append(official("official", folder / "official", backbone, checkout=checkout, node=node))
        for spawned in (peer, *measured):
            stack.callback(spawned.stop)
        peer.restart({})
        for connector in measured:
            connector.restart({})
            results.append((connector.name, measure(connector, peer, destinations, amounts)))
            connector.stop()
    return results


def _destinations(stack: ExitStack) -> list[Destination]:
    """A web server and a queue; without a broker no queue."""
    hooks = stack.enter_context(webhooks())
    destinations = [
        Destination(
            measures.WEBHOOKS,
            hooks,
            {
                "webhooks": {
                    "enabled": True,
                    "targets": {"bench": {"url": hooks.url}},
                    "webhooks": [{"triggers": [measures.RECEIVED_EVENT], "target": "bench"}],
                }
            },
        )
    ]
    try:
        queue = stack.enter_context(amqp_queue(AMQP_URL, measures.RECEIVED_EVENT))
    except OSError as error:
        say(f"There is no AMQP broker to measure with: {error}")
        return destinations
    broker = {"type": "AMQP", "configuration": {"url": AMQP_URL, "exchange": queue.exchange}}
    modules = {"messageBrokerPublisher": {"enabled": True, "brokers": [broker]}}
    return [*destinations, Destination(measures.AMQP, queue, modules)]


if __name__ == "__main__":
    main(sys.argv[1:])
