"""What receivers that hang cost the others: ``python -m tests.bench.bench_hanging``.

A hundred webhooks on one log, in one process; the receivers are in another. The same deliveries to the ninety healthy
ones are measured without and with the ten that take a connection, read the request and never answer.
"""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import structlog
import trio

from tests.store.conftest import now
from trio_connector.events.bus import EventBus
from trio_connector.events.model import NewEvent
from trio_connector.events.subscriber import Subscriber
from trio_connector.modules import webhooks
from trio_connector.settings import WebhooksOptions
from trio_connector.store import Store, Unit, open_store

HEALTHY, HANGING = 90, 10
EVENTS = 40
ROUNDS = 3
EVENT = NewEvent(namespace="transport.messageSent", data={"body": "x" * 1000})


async def receivers() -> None:
    """Answer every request but those to ``/hang``; say the port."""

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            buffer = b""
            while received := await stream.receive_some(65536):
                buffer += received
                head, found, rest = buffer.partition(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                if found and len(rest) >= length:
                    buffer = b""
                    if not head.startswith(b"POST /hang"):
                        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=500)
    print(listener.socket.getsockname()[1], flush=True)  # noqa: T201 - the parent reads it
    await trio.serve_listeners(serve, [listener])


def options(url: str, hanging: int) -> WebhooksOptions:
    paths = [f"/healthy/{number}" for number in range(HEALTHY)] + [f"/hang/{number}" for number in range(hanging)]
    configured = [{"triggers": ["**"], "target": {"url": url + path}} for path in paths]
    return msgspec.convert({"webhooks": configured}, WebhooksOptions)


async def rate(url: str, hanging: int) -> tuple[float, float]:
    """Deliveries per second to the healthy receivers, and the CPU time that each costs in microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), "bench", [], clock=now, entropy=secrets.token_bytes) as store:
            return await _rate(store, url, hanging)


async def _rate(store: Store, url: str, hanging: int) -> tuple[float, float]:
    bus = EventBus(store.events, clock=now, entropy=secrets.token_bytes)
    async with trio.open_nursery() as nursery:
        for specification in webhooks.build(options(url, hanging), clock=now):
            await nursery.start(bus.subscribe(specification).run)
        healthy = [subscriber for subscriber in bus.subscribers.values() if "/hang" not in subscriber.spec.receiver]

        def one(unit: Unit) -> None:
            unit.append(EVENT)

        await store.transact(one)  # connections are made by the first
        await _all_have(1, healthy)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(EVENTS):
            await store.transact(one)
        await _all_have(EVENTS + 1, healthy)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        nursery.cancel_scope.cancel("measured")
    return EVENTS * HEALTHY / took, cpu / (EVENTS * HEALTHY) * 1e6


async def _all_have(count: int, subscribers: list[Subscriber]) -> None:
    while any(subscriber.accepted < count for subscriber in subscribers):
        await trio.sleep(0.001)


async def main() -> None:
    # Nothing else runs that this could hold up.
    with subprocess.Popen([sys.executable, "-m", __spec__.name, "receivers"], stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - see above
        try:
            port = int(process.stdout.readline() if process.stdout else 0)
            url = f"http://127.0.0.1:{port}"
            ratios = []
            for _ in range(ROUNDS):
                (alone, cpu_alone), (beside, cpu_beside) = await rate(url, 0), await rate(url, HANGING)
                ratios.append((beside / alone, cpu_beside / cpu_alone))
                print(  # noqa: T201 - the result
                    f"{HEALTHY} healthy webhooks: {alone:6,.0f} deliveries/s at {cpu_alone:4.0f} us CPU alone, "
                    f"{beside:6,.0f}/s at {cpu_beside:4.0f} us beside {HANGING} that hang"
                )
            rates, cpus = (sorted(values)[ROUNDS // 2] for values in zip(*ratios, strict=True))
            print(f"beside hanging ones: {rates:.2f} of the rate at {cpus:.2f} of the CPU time")  # noqa: T201 - the result
        finally:
            process.terminate()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    trio.run(receivers if sys.argv[1:] == ["receivers"] else main)
