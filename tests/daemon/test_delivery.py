"""Nothing that happens is lost on the way to webhooks and RabbitMQ: not with both away, not with the daemon killed."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pika
import trio

from tests.accounts import connected_over_api, running_account, running_backbone
from tests.daemon.processes import Daemon, running_daemon
from tests.senders.receiver import Receiver, Reply, receiving
from tests.services import PrivateRabbitMQ, free_port
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services

MESSAGES = 300
KILLS = 20
IMPATIENT = {"retryScheduleSeconds": [0.1], "keepTrying": True, "timeoutSeconds": 5}


class Broker:
    """An exchange and a queue of one test, which nobody else reads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.exchange = f"events-{uuid.uuid4()}"
        self.deliveries: list[dict[str, Any]] = []

    def declare(self) -> None:
        """Make both, durable."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel: Any = connection.channel()
            channel.exchange_declare(self.exchange, "topic", durable=True)
            channel.queue_declare(self.exchange, durable=True)
            channel.queue_bind(self.exchange, self.exchange, "transport.messageReceived")

    def read(self) -> None:
        """Take what is in the queue."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel: Any = connection.channel()
            while True:
                method, properties, body = channel.basic_get(self.exchange, auto_ack=True)
                if method is None:
                    return
                self.deliveries.append({"id": properties.message_id, "data": msgspec.json.decode(body)})

    def delete(self) -> None:
        """Leave nothing behind."""
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            channel: Any = connection.channel()
            channel.queue_delete(self.exchange)
            channel.exchange_delete(self.exchange)


def modules(receiver_port: int, broker: Broker) -> dict[str, Any]:
    """Sync, a webhook and RabbitMQ."""
    return {
        "sync": {"enabled": True, "interval": 0.2},
        "webhooks": {
            "enabled": True,
            "targets": {"shop": {"url": f"http://127.0.0.1:{receiver_port}/", "delivery": IMPATIENT}},
            "webhooks": [{"triggers": ["transport.messageReceived"], "target": "shop"}],
        },
        "messageBrokerPublisher": {
            "enabled": True,
            "brokers": [
                {
                    "type": "AMQP",
                    "configuration": {"url": broker.url, "exchange": broker.exchange},
                    "delivery": IMPATIENT,
                }
            ],
        },
    }


def numbers(deliveries: list[dict[str, Any]]) -> list[int]:
    """The numbers of the messages delivered, each once, in the order of their first arrival."""
    first: dict[str, int] = {}
    for delivery in deliveries:
        first.setdefault(delivery["id"], delivery["data"]["content"]["value"]["number"])
    return list(first.values())


def received(receiver: Receiver) -> list[dict[str, Any]]:
    """What the webhook receiver got, in order."""
    return [
        {"id": request.headers["webhook-id"], "data": msgspec.json.decode(request.body)["data"]}
        for request in receiver.requests
    ]


async def send(sender: Services, recipient: str, count: int) -> None:
    """Numbered messages, one after the other."""
    for number in range(count):
        content = {"@type": "ArbitraryMessageContent", "value": {"number": number}}
        await send_message(sender, recipients=[recipient], content=content)


async def all_stored(daemon: Daemon, count: int) -> None:
    """Wait until the daemon has so many messages."""
    async with daemon.client() as client:
        while len((await client.get("Messages")).json()["result"]) < count:
            await trio.sleep(0.1)  # polls another process


@asynccontextmanager
async def world(tmp_path: Path, broker: Broker, port: int) -> AsyncIterator[tuple[Daemon, Services, str]]:
    """A daemon with an active relationship to a sender; and the daemon's address."""
    async with (
        running_backbone(max_unreceived_messages=10_000) as url,
        running_account(url) as sender,
        running_daemon(tmp_path, url, modules=modules(port, broker)) as daemon,
        daemon.client() as client,
    ):
        address = (await client.get("Account/IdentityInfo")).json()["result"]["address"]
        await connected_over_api(client, sender)
        yield daemon, sender, address


async def test_events_wait_for_receivers_that_are_away(tmp_path: Path, private_rabbitmq: PrivateRabbitMQ) -> None:
    broker = Broker(private_rabbitmq.url)
    await trio.to_thread.run_sync(broker.declare)
    receiver, port = Receiver(Reply(204)), free_port()
    async with world(tmp_path, broker, port) as (daemon, sender, address):
        await trio.to_thread.run_sync(private_rabbitmq.kill)
        await send(sender, address, MESSAGES)
        with trio.fail_after(120):
            await all_stored(daemon, MESSAGES)
            await trio.to_thread.run_sync(private_rabbitmq.start)
            async with receiving(receiver, port=port):
                await all_delivered(receiver, broker)
        assert await daemon.stop() == 0


async def test_nothing_is_lost_though_the_daemon_is_killed_again_and_again(tmp_path: Path, amqp_url: str) -> None:
    broker = Broker(amqp_url)
    await trio.to_thread.run_sync(broker.declare)
    chance = random.Random(20)
    receiver, port = Receiver(Reply(204)), free_port()
    async with world(tmp_path, broker, port) as (daemon, sender, address), receiving(receiver, port=port):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(send, sender, address, MESSAGES)
            for _ in range(KILLS):
                # Killed while it starts, while it synchronises, and while it delivers.
                await trio.sleep(chance.uniform(0.2, 2.5))
                daemon.kill()
                daemon.launch()
        daemon.kill()
        await daemon.start()  # so that the last signal finds something to stop
        with trio.fail_after(180):
            await all_delivered(receiver, broker)
        assert await daemon.stop() == 0
    await trio.to_thread.run_sync(broker.delete)


async def all_delivered(receiver: Receiver, broker: Broker) -> None:
    """Wait until both have every message; each has them in order, whatever came more than once."""
    while len(numbers(received(receiver))) < MESSAGES or len(numbers(broker.deliveries)) < MESSAGES:
        await trio.to_thread.run_sync(broker.read)
        await trio.sleep(0.05)  # polls
    assert numbers(received(receiver)) == list(range(MESSAGES))
    assert numbers(broker.deliveries) == list(range(MESSAGES))
