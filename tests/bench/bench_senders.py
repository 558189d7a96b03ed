"""How many events a second the senders move: ``python -m tests.bench.bench_senders [amqp|webhook|mqtt|redis]``.

Needs the brokers of ``tests/services.py``. The webhook receiver runs in a process of its own. Prints rates and the CPU
time that the sending process spends per event.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import msgspec
import structlog
import trio

from trio_connector.events.delivery import DEFAULT_DELIVERY
from trio_connector.events.model import Event, Sender
from trio_connector.events.senders.amqp import AmqpTarget, open_amqp
from trio_connector.events.senders.signing import parse_secrets
from trio_connector.events.senders.webhook import WebhookTarget, open_webhook

AMQP_URL = os.environ.get("TRIO_CONNECTOR_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672")
MQTT_URL = os.environ.get("TRIO_CONNECTOR_TEST_MQTT_URL", "mqtt://127.0.0.1:1883")
REDIS_URL = os.environ.get("TRIO_CONNECTOR_TEST_REDIS_URL", "redis://127.0.0.1:6379")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROUNDS = 3

EVENTS = [
    Event(
        position=number,
        id=f"EVT{number:017d}",
        namespace="transport.messageReceived",
        occurred_at="2026-05-04T03:02:01.500Z",
        correlation_id="6f9b0c5e-8a0f-4a55-9a0b-0d6a1a2b3c4d",
        data=msgspec.Raw(msgspec.json.encode({"content": "x" * 1000})),
    )
    for number in range(200)
]


def clock() -> datetime:
    return datetime.now(UTC)


async def measure(what: str, count: int, work: Callable[[], Awaitable[None]]) -> None:
    best: tuple[float, float] = (0.0, 0.0)
    for _ in range(ROUNDS):
        began, cpu = time.perf_counter(), time.process_time()
        await work()
        rate = count / (time.perf_counter() - began)
        best = max(best, (rate, (time.process_time() - cpu) / count * 1e6))
    print(f"{what:58} {best[0]:9,.0f}/s {best[1]:8.0f} us CPU")  # noqa: T201 - the result


async def batches(what: str, sender: Sender, size: int, count: int) -> None:
    async def work() -> None:
        for _ in range(count // size):
            for answer in await sender.send(EVENTS[:size]):
                if not answer.accepted:
                    raise RuntimeError(answer.reason)

    await work()
    await measure(f"{what}, batches of {size}", count, work)


async def amqp() -> None:
    for keys, what in (((), "AMQP"), (parse_secrets(SECRET), "AMQP, signed")):
        async with open_amqp(AmqpTarget(url=AMQP_URL, exchange="amq.topic", keys=keys), clock) as sender:
            await batches(what, sender, 1, 2_000)
            await batches(what, sender, 50, 10_000)
            await batches(what, sender, 200, 20_000)


async def mqtt() -> None:
    from trio_connector.events.senders.mqtt import MqttTarget, open_mqtt

    async with open_mqtt(MqttTarget(MQTT_URL)) as sender:
        await batches("MQTT", sender, 200, 20_000)


async def redis() -> None:
    from trio_connector.events.senders.redis import RedisTarget, open_redis

    async with open_redis(RedisTarget(REDIS_URL)) as sender:
        await batches("Redis", sender, 200, 20_000)


async def receiver() -> None:
    """Answer every request with 204, as cheaply as can be."""

    async def serve(stream: trio.SocketStream) -> None:
        buffer = b""
        while received := await stream.receive_some(65536):
            buffer += received
            head, found, rest = buffer.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
            if found and len(rest) >= length:
                buffer = rest[length:]
                await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=500)
    print(listener.socket.getsockname()[1], flush=True)  # noqa: T201 - the parent reads it
    await trio.serve_listeners(serve, [listener])


async def webhook() -> None:
    # Nothing else runs that this could hold up.
    with subprocess.Popen([sys.executable, "-m", __spec__.name, "receiver"], stdout=subprocess.PIPE) as process:  # noqa: ASYNC220 - see above
        try:
            port = int(process.stdout.readline() if process.stdout else 0)
            await webhooks(f"http://127.0.0.1:{port}/hook")
        finally:
            process.terminate()


async def webhooks(url: str) -> None:
    for keys, what in (((), "webhook"), (parse_secrets(SECRET), "webhook, signed")):
        async with open_webhook(WebhookTarget(url=url, keys=keys), DEFAULT_DELIVERY, clock) as sender:
            await batches(what, sender, 1, 2_000)
    for count in (10, 50, 200):
        await parallel(url, count, 4_000 // count)


async def parallel(url: str, subscribers: int, each: int) -> None:
    async with AsyncExitStack() as stack:
        senders = [
            await stack.enter_async_context(open_webhook(WebhookTarget(url=url), DEFAULT_DELIVERY, clock))
            for _ in range(subscribers)
        ]

        async def one(sender: Sender) -> None:
            for number in range(each):
                await sender.send([EVENTS[number % len(EVENTS)]])

        async def work() -> None:
            async with trio.open_nursery() as nursery:
                for sender in senders:
                    nursery.start_soon(one, sender)

        await work()
        await measure(f"{subscribers} webhook subscribers in parallel", subscribers * each, work)


async def main(names: list[str]) -> None:
    benchmarks = {"amqp": amqp, "webhook": webhook, "mqtt": mqtt, "redis": redis}
    for name in names or list(benchmarks):
        await (benchmarks | {"receiver": receiver})[name]()


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    trio.run(main, sys.argv[1:])
