"""The ``messageBrokerPublisher`` module: what is refused at start, names, and a broker that dies under a subscriber."""

from __future__ import annotations

import json
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.events.receivers import append, running
from tests.senders.parts import first_occurrences, soon
from tests.senders.test_amqp import consuming, until
from tests.services import PrivateRabbitMQ
from trio_connector.errors import ConnectorError
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import BROKER_DELIVERY, SubscriberSpec
from trio_connector.modules import message_broker_publisher
from trio_connector.settings import MessageBrokerOptions
from trio_connector.store import open_store

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def clock() -> datetime:
    return datetime.now(UTC)


def build(*brokers: dict[str, Any]) -> list[SubscriberSpec]:
    options = msgspec.convert({"brokers": list(brokers)}, MessageBrokerOptions)
    return message_broker_publisher.build(options, clock=clock)


def amqp(url: str = "amqp://127.0.0.1", exchange: str = "nmshd", **more: Any) -> dict[str, Any]:
    return {"type": "AMQP", "configuration": {"url": url, "exchange": exchange}, **more}


def refused(*brokers: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ConnectorError) as caught:
        build(*brokers)
    return caught.value.code.removeprefix("error.runtime.modules.messageBrokerPublisher."), caught.value.message


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("pubsub") / "key.json"
    path.write_text(json.dumps({"client_email": "a@b", "private_key": key.decode(), "private_key_id": "k"}))
    return path


@pytest.mark.parametrize(
    ("brokers", "text"),
    [
        ([], "At least one broker must be configured"),
        ([{"type": "AMQP"}], "Cannot start the broker, the 'configuration' is not defined."),
        ([{"type": "AMQP", "configuration": {}}], "Cannot start the module, the ampq url is not defined."),
        ([{"type": "PubSub", "configuration": {}}], "Cannot start the module, the projectId is not defined."),
        (
            [{"type": "PubSub", "configuration": {"projectId": "p"}}],
            "Cannot start the module, the topic is not defined.",
        ),
        (
            [{"type": "PubSub", "configuration": {"projectId": "p", "topicName": "t"}}],
            "Cannot start the module, the keyFile is not defined.",
        ),
    ],
)
def test_official_refusals_have_the_official_texts(brokers: list[dict[str, Any]], text: str) -> None:
    assert refused(*brokers) == ("invalidConfiguration", text)


@pytest.mark.parametrize(
    ("type_", "configuration"),
    [
        ("AMQP", {"url": "http://u:topsecret@h"}),
        ("AMQP", {"url": 7}),
        ("AMQP", {"url": "amqp://h", "exchange": 7}),
        ("AMQP", {"url": "amqp://h", "timeout": "topsecret"}),
        ("AMQP", {"url": "amqp://h", "timeout": 0}),
        ("MQTT", {"url": "http://u:topsecret@h"}),
        ("AMQP", {"url": "amqp://u:topsecret/x@h"}),
        ("MQTT", {"url": "mqtt://u:topsecret/x@h"}),
        ("Redis", {"url": "redis://u:topsecret/x@h"}),
        ("MQTT", {"url": 7}),
        ("Redis", {"url": "http://u:topsecret@h"}),
        ("Redis", {"url": {}}),
        ("PubSub", {"projectId": "p", "topicName": "t", "keyFile": "/no/such/file"}),
        ("PubSub", {"projectId": 1, "topicName": "t", "keyFile": "f"}),
    ],
)
def test_what_cannot_be_used_is_refused_without_being_shown(type_: str, configuration: dict[str, Any]) -> None:
    code, message = refused({"type": type_, "configuration": configuration})
    assert code == "invalidConfiguration"
    assert "topsecret" not in message


@pytest.mark.parametrize("type_", ["Kafka", "amqp", ""])
def test_an_unknown_broker_is_refused(type_: str) -> None:
    code, message = refused({"type": type_, "configuration": {"url": "x"}})
    assert code == "unknownBrokerType"
    assert message == f"The broker type '{type_}' is unknown. Valid types are 'AMQP', 'MQTT', 'PubSub', 'Redis'."


@pytest.mark.parametrize(("type_", "package", "extra"), [("MQTT", "paho", "mqtt"), ("Redis", "coredis", "redis")])
def test_a_client_library_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, type_: str, package: str, extra: str
) -> None:
    monkeypatch.delitem(sys.modules, f"trio_connector.events.senders.{extra}", raising=False)
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Without(package), *sys.meta_path])
    code, message = refused({"type": type_, "configuration": {}})
    assert code == "missingExtra"
    assert f"needs the package '{package}" in message
    assert f"pip install 'trio-connector[{extra}]'" in message


class _Without:
    """An environment in which one package is not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == self._package or name.startswith(self._package + "."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_every_broker_is_a_subscriber_that_gets_everything(key_file: Path) -> None:
    pubsub = {"projectId": "my-project", "topicName": "my-topic", "keyFile": str(key_file)}
    specifications = build(
        amqp("amqp://user:topsecret@rabbit.example:5673/vhost"),
        amqp(exchange=""),
        {"type": "MQTT", "configuration": {}},
        {"type": "Redis", "configuration": {"url": "redis://:topsecret@redis.example"}},
        {"type": "PubSub", "configuration": pubsub},
    )
    names = [specification.name for specification in specifications]
    assert names[0].startswith("amqp:rabbit.example-5673-")
    assert names[0].endswith(":nmshd")
    assert names[1:] == [
        "amqp:127.0.0.1:default",
        "mqtt:localhost-1883",
        "redis:redis.example",
        "pubSub:my-project:my-topic",
    ]
    assert [specification.kind for specification in specifications] == ["amqp", "amqp", "mqtt", "redis", "pubSub"]
    assert {specification.patterns for specification in specifications} == {("**",)}
    assert specifications[0].receiver == "amqp://rabbit.example:5673/vhost exchange 'nmshd'"
    assert "topsecret" not in repr(specifications)


def test_two_entries_for_the_same_exchange_publish_once() -> None:
    assert len(build(amqp(), amqp("amqp://other:credentials@127.0.0.1"))) == 1
    assert len(build(amqp(), amqp(exchange="other"), amqp("amqp://127.0.0.1/vhost"), amqp("amqp://127.0.0.1:1"))) == 4


def test_a_broker_is_tried_until_it_is_back_unless_the_operator_wrote_a_schedule() -> None:
    standard, slow, impatient = build(
        amqp(exchange="1"),
        amqp(exchange="2", delivery={"timeoutSeconds": 60}),
        amqp(exchange="3", delivery={"retryScheduleSeconds": [1]}),
    )
    assert standard.delivery == BROKER_DELIVERY
    assert slow.delivery == msgspec.structs.replace(BROKER_DELIVERY, timeout_seconds=60)
    assert not impatient.delivery.keep_trying


@pytest.mark.parametrize("type_", ["MQTT", "Redis"])
def test_a_secret_is_refused_where_messages_have_no_headers(type_: str) -> None:
    code, message = refused({"type": type_, "configuration": {}, "secret": SECRET})
    assert (code, message) == (
        "invalidSecret",
        f"A 'secret' cannot be used with {type_}: its messages have no headers.",
    )


def test_a_bad_secret_is_refused_without_being_shown() -> None:
    code, message = refused(amqp(secret="topsecret"))
    assert code == "invalidSecret"
    assert "topsecret" not in message


async def test_a_subscriber_delivers_every_event_in_order_though_its_broker_is_killed(
    private_rabbitmq: PrivateRabbitMQ, tmp_path: Path
) -> None:
    count = 3000
    with soon():
        with consuming(private_rabbitmq.url) as consumer:
            consumer.declare(durable=True)
            queue = consumer.queue(consumer.exchange, durable=True)
        async with open_store(tmp_path, "x", [], clock=clock, entropy=secrets.token_bytes) as store:
            bus = EventBus(store.events, clock=clock, entropy=secrets.token_bytes)
            (specification,) = build(amqp(private_rabbitmq.url, consumer.exchange))
            subscriber = bus.subscribe(specification)
            async with running(bus):
                await append(store, *(f"test.n{number}" for number in range(count // 2)))
                await until(lambda: subscriber.accepted >= 300)
                private_rabbitmq.kill()
                await append(store, *(f"test.n{number}" for number in range(count // 2, count)))
                await trio.to_thread.run_sync(private_rabbitmq.start)
                await until(lambda: subscriber.cursor == store.events.head)
        with consuming(private_rabbitmq.url) as reader:
            messages = reader.read(queue)
            reader.channel.queue_delete(queue)
            reader.channel.exchange_delete(consumer.exchange)
    numbers = first_occurrences([int(message.routing_key.removeprefix("test.n")) for message in messages])
    assert numbers == list(range(count))
    assert subscriber.given_up == 0
