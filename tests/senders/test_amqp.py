"""The AMQP sender against RabbitMQ, and against what is not RabbitMQ."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import pika
import pika.exceptions
import pytest
import trio
from standardwebhooks import Webhook

from tests.senders.parts import SetClock, deliver_all, first_occurrences, make_event, soon
from tests.services import PrivateRabbitMQ
from trio_connector.events.model import Answer
from trio_connector.events.senders.amqp import THREAD_NAME, AmqpTarget, open_amqp
from trio_connector.events.senders.signing import parse_secrets

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Message:
    """What a consumer got."""

    routing_key: str
    properties: Any
    body: bytes

    @property
    def number(self) -> int:
        number: int = msgspec.json.decode(self.body)["number"]
        return number


class Consumer:
    """Declares an exchange and reads from queues bound to it, with a connection of its own."""

    def __init__(self, url: str) -> None:
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel: Any = self.connection.channel()
        self.exchange = f"test-{uuid.uuid4()}"

    def declare(self, *, durable: bool = False) -> None:
        """Make the exchange."""
        self.channel.exchange_declare(self.exchange, "topic", durable=durable, auto_delete=not durable)

    def queue(
        self, name: str = "", *, bind: str = "#", durable: bool = False, arguments: dict[str, object] | None = None
    ) -> str:
        """Make a queue, bound for routing keys like ``bind``."""
        declared = self.channel.queue_declare(name, durable=durable, exclusive=not durable, arguments=arguments or {})
        queue: str = declared.method.queue
        if bind:
            self.channel.queue_bind(queue, self.exchange, bind)
        return queue

    def read(self, queue: str) -> list[Message]:
        """Everything that is in the queue."""
        messages: list[Message] = []
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if method is None:
                return messages
            messages.append(Message(method.routing_key, properties, body))


@contextmanager
def consuming(url: str) -> Iterator[Consumer]:
    consumer = Consumer(url)
    try:
        yield consumer
    finally:
        # A test may have killed the broker.
        with suppress(pika.exceptions.AMQPError):
            consumer.connection.close()


def opened(url: str, exchange: str, **more: Any) -> Any:
    return open_amqp(AmqpTarget(url=url, exchange=exchange, **more), SetClock())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what tells nobody when it changes."""
    while not condition():
        await trio.sleep(0.01)


async def test_a_message_is_the_data_alone_with_properties_that_identify_the_event(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender:
            (answer,) = await sender.send([make_event(5, {"id": "MSG1", "text": "ü"}, correlation_id="corr-1")])
        (message,) = consumer.read(queue)
    assert answer == Answer(accepted=True)
    assert message.routing_key == "transport.messageReceived"
    assert message.body == '{"id":"MSG1","text":"ü"}'.encode()
    properties = message.properties
    assert properties.message_id == "EVT00000000000000005"
    assert properties.type == "transport.messageReceived"
    assert properties.timestamp == int(datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC).timestamp())
    assert properties.content_type == "application/json"
    assert properties.delivery_mode == 2
    assert properties.correlation_id == "corr-1"
    assert properties.headers is None


async def test_an_event_without_data_is_an_empty_object(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender:
            await sender.send([make_event(1, msgspec.UNSET)])
        (message,) = consumer.read(queue)
    assert message.body == b"{}"
    assert message.properties.correlation_id is None


@pytest.mark.parametrize("correlation_id", ["ü" * 300, "x" * 255, "\ud800"])
async def test_any_correlation_id_fits(amqp_url: str, correlation_id: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender:
            assert (await sender.send([make_event(1, correlation_id=correlation_id)]))[0].accepted
        (message,) = consumer.read(queue)
    assert len(message.properties.correlation_id) == {"ü": 127, "x": 255, "\ud800": 1}[correlation_id[0]]


async def test_an_event_that_can_be_no_message_is_refused_for_good_and_holds_up_no_other(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender:
            events = [make_event(1), make_event(2, namespace="x" * 300), make_event(3)]
            answers = await sender.send(events)
        assert [(answer.accepted, answer.permanent) for answer in answers] == [
            (True, False),
            (False, True),
            (True, False),
        ]
        assert [message.number for message in consumer.read(queue)] == [1, 3]


async def test_with_a_secret_messages_carry_a_signature(amqp_url: str) -> None:
    clock = SetClock()
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        target = AmqpTarget(url=amqp_url, exchange=consumer.exchange, keys=parse_secrets(SECRET))
        async with open_amqp(target, clock) as sender:
            await sender.send([make_event(1)])
        (message,) = consumer.read(queue)
    assert Webhook(SECRET).verify(message.body, message.properties.headers) == {"number": 1}


async def test_batches_arrive_in_order(amqp_url: str) -> None:
    events = [make_event(number) for number in range(1000)]
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender:
            for start in range(0, 1000, sender.max_batch):
                answers = await sender.send(events[start : start + sender.max_batch])
                assert all(answer.accepted for answer in answers)
        assert [message.number for message in consumer.read(queue)] == list(range(1000))


async def test_parallel_lanes_are_each_answered(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue()
        async with opened(amqp_url, consumer.exchange) as sender, trio.open_nursery() as nursery:
            for number in range(300):
                nursery.start_soon(sender.send, [make_event(number)])
        assert sorted(message.number for message in consumer.read(queue)) == list(range(300))


async def test_an_event_that_nobody_has_bound_a_queue_for_counts_as_delivered(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue(bind="consumption.#")
        async with opened(amqp_url, consumer.exchange) as sender:
            answers = await sender.send([make_event(1), make_event(2, namespace="consumption.mailReceived")])
        (message,) = consumer.read(queue)
    assert [answer.accepted for answer in answers] == [True, True]
    assert message.routing_key == "consumption.mailReceived"


async def test_without_an_exchange_the_default_one_is_used(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        namespace = f"test.{uuid.uuid4()}"
        queue = consumer.queue(namespace, bind="")
        async with opened(amqp_url, "") as sender:
            (answer,) = await sender.send([make_event(1, namespace=namespace)])
        assert answer.accepted
        assert len(consumer.read(queue)) == 1


async def test_a_missing_exchange_is_told_and_used_as_soon_as_it_is_there(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        async with opened(amqp_url, consumer.exchange) as sender:
            (answer,) = await sender.send([make_event(1)])
            assert answer == Answer(
                accepted=False, reason=f"The configured exchange '{consumer.exchange}' does not exist."
            )
            consumer.declare()
            queue = consumer.queue()
            await deliver_all(sender, [make_event(2)])
        assert [message.number for message in consumer.read(queue)] == [2]


async def test_an_exchange_that_disappears_fails_what_is_not_confirmed(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        async with opened(amqp_url, consumer.exchange) as sender:
            assert (await sender.send([make_event(1)]))[0].accepted
            consumer.channel.exchange_delete(consumer.exchange)
            answers = await sender.send([make_event(number) for number in range(10)])
            assert {answer.reason for answer in answers} == {
                f"The configured exchange '{consumer.exchange}' does not exist."
            }
            consumer.declare()
            queue = consumer.queue()
            await deliver_all(sender, [make_event(3)])
        assert [message.number for message in consumer.read(queue)] == [3]


async def test_a_full_queue_refuses_the_message(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        queue = consumer.queue(arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
        async with opened(amqp_url, consumer.exchange) as sender:
            answers = [(await sender.send([make_event(number)]))[0] for number in range(3)]
        assert [answer.accepted for answer in answers] == [True, True, False]
        assert answers[2].reason == "The broker refused the message."
        assert [message.number for message in consumer.read(queue)] == [0, 1]


async def test_wrong_credentials_are_told_without_being_shown(amqp_url: str) -> None:
    host = pika.URLParameters(amqp_url)
    with soon():
        url = f"amqp://nobody:topsecret@{host.host}:{host.port}/"
        async with opened(url, "amq.topic") as sender:
            (answer,) = await sender.send([make_event()])
    assert not answer.accepted
    assert answer.reason.startswith(f"Could not connect to RabbitMQ at 'amqp://{host.host}:{host.port}/' (")
    assert "ACCESS_REFUSED" in answer.reason
    assert "topsecret" not in answer.reason


async def test_a_broker_that_is_away_stops_nothing_and_is_found_when_it_comes(
    private_rabbitmq: PrivateRabbitMQ,
) -> None:
    private_rabbitmq.kill()
    with soon():
        async with opened(private_rabbitmq.url, "") as sender:
            (answer,) = await sender.send([make_event()])
            assert not answer.accepted
            assert "Connection refused" in answer.reason
            await trio.to_thread.run_sync(private_rabbitmq.start)
            await deliver_all(sender, [make_event()])


async def test_every_event_arrives_in_order_though_the_broker_is_killed_in_mid_stream(
    private_rabbitmq: PrivateRabbitMQ,
) -> None:
    events = [make_event(number) for number in range(6000)]
    with soon():
        with consuming(private_rabbitmq.url) as consumer:
            consumer.declare(durable=True)
            queue = consumer.queue(consumer.exchange, durable=True)
        async with opened(private_rabbitmq.url, consumer.exchange) as sender, trio.open_nursery() as nursery:
            reasons: list[str] = []

            async def deliver() -> None:
                reasons.extend(await deliver_all(sender, events, batch=50))

            nursery.start_soon(deliver)
            with consuming(private_rabbitmq.url) as watcher:
                # Some are there, and many are on their way.
                await until(partial(_holds, watcher, queue, 500))
            private_rabbitmq.kill()
            await trio.to_thread.run_sync(private_rabbitmq.start)
        with consuming(private_rabbitmq.url) as reader:
            numbers = [message.number for message in reader.read(queue)]
            reader.channel.queue_delete(queue)
            reader.channel.exchange_delete(consumer.exchange)
    assert reasons, "the kill hit nothing"
    assert first_occurrences(numbers) == list(range(6000))


def _holds(watcher: Consumer, queue: str, count: int) -> bool:
    declared = watcher.channel.queue_declare(queue, passive=True)
    return bool(declared.method.message_count >= count)


async def test_while_the_broker_blocks_publishers_events_wait(private_rabbitmq: PrivateRabbitMQ) -> None:
    with soon():
        async with opened(private_rabbitmq.url, "") as sender:
            assert (await sender.send([make_event(1)]))[0].accepted
            await trio.to_thread.run_sync(private_rabbitmq.control, "set_vm_memory_high_watermark", "0.00001")
            try:
                # The first one after it makes the broker tell that it blocks, and may wait for its confirmation.
                with trio.move_on_after(1):
                    await sender.send([make_event(2)])
                (answer,) = await sender.send([make_event(3)])
                assert not answer.accepted
                assert answer.reason.startswith("The broker blocks publishers (")
            finally:
                await trio.to_thread.run_sync(private_rabbitmq.control, "set_vm_memory_high_watermark", "0.4")
            await deliver_all(sender, [make_event(4)])


async def test_a_message_that_is_too_large_for_the_broker_is_refused_for_good(
    private_rabbitmq: PrivateRabbitMQ,
) -> None:
    events = [make_event(1), make_event(2, {"text": "x" * 1_500_000}), make_event(3)]
    with soon():
        async with opened(private_rabbitmq.url, "") as sender:
            answers = await sender.send(events)
            assert answers[1].permanent
            assert "message size" in answers[1].reason
            assert not answers[2].permanent
            await deliver_all(sender, [events[2]])


async def test_closing_the_sender_closes_the_connection_and_ends_its_thread(amqp_url: str) -> None:
    def link_threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name == THREAD_NAME]

    with soon():
        async with opened(amqp_url, "") as sender:
            assert (await sender.send([make_event()]))[0].accepted
            assert len(link_threads()) == 1
    assert link_threads() == []


async def test_a_cancelled_batch_leaves_the_sender_usable(amqp_url: str) -> None:
    with soon(), consuming(amqp_url) as consumer:
        consumer.declare()
        async with opened(amqp_url, consumer.exchange) as sender:
            await sender.send([make_event(0)])
            for number in range(20):
                with trio.CancelScope() as scope:
                    scope.cancel("the test says so")
                    await sender.send([make_event(number)] * sender.max_batch)
            queue = consumer.queue()
            await deliver_all(sender, [make_event(99)])
        assert consumer.read(queue)[-1].number == 99


# --- strangers at the broker's address ------------------------------------------------------------------------------


async def says(data: bytes, stream: trio.SocketStream) -> None:
    """Send ``data`` and leave; without data say nothing until the other side leaves."""
    try:
        async with stream:
            await stream.receive_some(65536)
            await stream.send_all(data)
            while not data and await stream.receive_some(65536):
                pass
    except trio.BrokenResourceError:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"AMQP\x00\x00\x08\x00",
        bytes(range(256)) * 100,
        b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\xce" * 50,
        b"\x01\xff\xff\xff\xff\xff\xff" + b"\xce" * 1000,
    ],
)
async def test_a_stranger_that_talks_nonsense_is_a_refusal(data: bytes) -> None:
    with soon():
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, partial(says, data), 0, host="127.0.0.1"))
            port = listener.socket.getsockname()[1]
            async with opened(f"amqp://127.0.0.1:{port}", "") as sender:
                (answer,) = await sender.send([make_event()])
            nursery.cancel_scope.cancel("the test is over")
    assert not answer.accepted


async def test_a_silent_stranger_delays_neither_opening_nor_closing() -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, partial(says, b""), 0, host="127.0.0.1"))
            port = listener.socket.getsockname()[1]
            async with opened(f"amqp://127.0.0.1:{port}", ""):
                pass
            nursery.cancel_scope.cancel("the test is over")


# --- URLs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "rabbitmq",
        "http://127.0.0.1",
        "amqp://",
        "amqp://user:topsecret@127.0.0.1:notaport",
        "amqp://127.0.0.1?topsecret=1",
        "amqp://127.0.0.1?heartbeat=topsecret",
        "amqp://127.0.0.1?ssl_options={topsecret",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="AMQP URL") as caught:
        AmqpTarget(url=url).parameters()
    assert "topsecret" not in str(caught.value)


def test_urls_are_understood_as_officially() -> None:
    parameters = AmqpTarget(url="amqp://user%40a:p%2Fw@rabbit/my%2Fhost?frameMax=8192&heartbeat=30").parameters()
    assert (parameters.host, parameters.port, parameters.virtual_host) == ("rabbit", 5672, "my/host")
    assert (parameters.frame_max, parameters.heartbeat) == (8192, 30)
    credentials: Any = parameters.credentials
    assert (credentials.username, credentials.password) == ("user@a", "p/w")
    assert AmqpTarget(url="amqps://rabbit").parameters().port == 5671
    assert AmqpTarget(url="amqp://rabbit/").parameters().virtual_host == "/"
    assert AmqpTarget(url="amqp://user@rabbit").parameters().host == "rabbit"
