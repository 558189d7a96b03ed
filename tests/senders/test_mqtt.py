"""The MQTT sender against Mosquitto, and against what is not an MQTT broker."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec
import pytest
import trio
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from tests.senders.parts import deliver_all, first_occurrences, make_event, soon
from tests.services import PrivateMosquitto
from trio_connector.events.model import Answer
from trio_connector.events.senders import mqtt
from trio_connector.events.senders.mqtt import MqttTarget, open_mqtt


class Subscriber:
    """A subscription with QoS 1, with a connection and thread of its own."""

    def __init__(self, url: str, topic: str, client_id: str = "") -> None:
        host, port = url.removeprefix("mqtt://").split(":")
        self.messages: list[tuple[str, bytes, int]] = []
        self._token = trio.lowlevel.current_trio_token()
        self._changed = trio.Event()
        self._topic = topic
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=not client_id)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        self._client.on_subscribe = lambda *_: self._token.run_sync_soon(self._changed.set)
        self._client.on_message = self._on_message
        self._client.connect(host, int(port))
        self._client.loop_start()

    def _on_message(self, _: Any, __: Any, message: paho.MQTTMessage) -> None:
        self._token.run_sync_soon(self._take, (message.topic, bytes(message.payload), message.qos))

    def _take(self, message: tuple[str, bytes, int]) -> None:
        self.messages.append(message)
        self._changed.set()

    async def changed(self) -> None:
        """Wait until it is subscribed, or until a message came."""
        await self._changed.wait()
        self._changed = trio.Event()

    async def count(self, count: int) -> None:
        """Wait for this many messages."""
        while len(self.messages) < count:
            await self.changed()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@contextmanager
def subscribing(url: str, topic: str, client_id: str = "") -> Iterator[Subscriber]:
    subscriber = Subscriber(url, topic, client_id)
    try:
        yield subscriber
    finally:
        subscriber.close()


async def test_the_topic_is_the_namespace_with_slashes_and_the_payload_the_data_alone(mqtt_url: str) -> None:
    name = f"test{uuid.uuid4().hex}"
    with soon(), subscribing(mqtt_url, f"{name}/#") as subscriber:
        await subscriber.changed()
        async with open_mqtt(MqttTarget(mqtt_url)) as sender:
            events = [
                make_event(1, {"text": "ü"}, namespace=f"{name}.relationshipEvent.REL1"),
                make_event(2, msgspec.UNSET, namespace=f"{name}.modulesStarted"),
            ]
            assert await sender.send(events) == [Answer(accepted=True)] * 2
        await subscriber.count(2)
    assert subscriber.messages == [
        (f"{name}/relationshipEvent/REL1", '{"text":"ü"}'.encode(), 1),
        (f"{name}/modulesStarted", b"{}", 1),
    ]


async def test_batches_arrive_in_order(mqtt_url: str) -> None:
    name = f"test{uuid.uuid4().hex}"
    events = [make_event(number, namespace=f"{name}.x") for number in range(900)]
    with soon(), subscribing(mqtt_url, f"{name}/#") as subscriber:
        await subscriber.changed()
        async with open_mqtt(MqttTarget(mqtt_url)) as sender:
            assert await deliver_all(sender, events) == []
        await subscriber.count(900)
    assert [msgspec.json.decode(body)["number"] for _, body, _ in subscriber.messages] == list(range(900))


async def test_a_broker_that_is_away_stops_nothing_and_is_found_when_it_comes(
    private_mosquitto: PrivateMosquitto,
) -> None:
    private_mosquitto.kill()
    with soon():
        async with open_mqtt(MqttTarget(private_mosquitto.url)) as sender:
            (answer,) = await sender.send([make_event()])
            assert answer.reason.startswith(f"Could not connect to MQTT at '{private_mosquitto.url}' (")
            await trio.to_thread.run_sync(private_mosquitto.start)
            await deliver_all(sender, [make_event()])


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_every_event_arrives_in_order_though_the_broker_goes_away_in_mid_stream(
    private_mosquitto: PrivateMosquitto, end: str
) -> None:
    events = [make_event(number) for number in range(3000)]
    reasons: list[str] = []
    with soon(), subscribing(private_mosquitto.url, "#", client_id="a-session-that-stays") as subscriber:
        await subscriber.changed()
        async with open_mqtt(MqttTarget(private_mosquitto.url)) as sender, trio.open_nursery() as nursery:

            async def deliver() -> None:
                reasons.extend(await deliver_all(sender, events, batch=50))

            nursery.start_soon(deliver)
            await subscriber.count(200)
            getattr(private_mosquitto, end)()
            await trio.to_thread.run_sync(private_mosquitto.start)
        while end == "stop" and len(numbers_of(subscriber)) < 3000:
            await subscriber.changed()
    assert reasons, "it hit nothing"
    numbers = numbers_of(subscriber)
    # A broker that is killed forgets sessions, and with them what it has confirmed and not passed on.
    assert numbers == list(range(3000)) if end == "stop" else numbers == sorted(numbers)


def numbers_of(subscriber: Subscriber) -> list[int]:
    return first_occurrences([msgspec.json.decode(body)["number"] for _, body, _ in subscriber.messages])


async def test_closing_the_sender_says_goodbye(private_mosquitto: PrivateMosquitto) -> None:
    with soon():
        async with open_mqtt(MqttTarget(private_mosquitto.url)) as sender:
            assert (await sender.send([make_event()]))[0].accepted
        private_mosquitto.stop()
    lines = (private_mosquitto.folder / "output.log").read_text().splitlines()
    last = [line for line in lines if "Client " in line][-1]
    assert re.search(r"Client auto-\S+ disconnected\.$", last)


async def test_a_cancelled_batch_leaves_the_sender_usable(mqtt_url: str) -> None:
    namespace = f"test{uuid.uuid4().hex}.x"
    with soon():
        async with open_mqtt(MqttTarget(mqtt_url)) as sender:
            await sender.send([make_event(0, namespace=namespace)])
            for number in range(20):
                with trio.CancelScope() as scope:
                    scope.cancel("the test says so")
                    await sender.send([make_event(number, namespace=namespace)] * sender.max_batch)
            assert await deliver_all(sender, [make_event(1, namespace=namespace)]) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x20\x02\x00\x05", "Not authorized"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ""),
        (b"\x20\xff\xff\xff\xff\xff", ""),
        (b"\x20\x00", ""),
        (b"\x20\x02\x00\x00\x40\x01\x00", ""),
        (bytes(range(256)), ""),
        (b"", "does not answer"),
    ],
)
async def test_a_stranger_that_talks_nonsense_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, data: bytes, why: str
) -> None:
    monkeypatch.setattr(mqtt, "HANDSHAKE_SECONDS", 0.5)

    async def talk(stream: trio.SocketStream) -> None:
        try:
            await stream.receive_some(1000)
            if data:
                await stream.send_all(data)
                await stream.aclose()
            while await stream.receive_some(1000):
                pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    with soon():
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, talk, 0, host="127.0.0.1"))
            port = listener.socket.getsockname()[1]
            async with open_mqtt(MqttTarget(f"mqtt://user:topsecret@127.0.0.1:{port}")) as sender:
                answers = [(await sender.send([make_event()]))[0]]
                while why not in answers[-1].reason:
                    answers.append((await sender.send([make_event()]))[0])
            nursery.cancel_scope.cancel("the test is over")
    assert not any(answer.accepted for answer in answers)
    assert "topsecret" not in answers[-1].reason


def test_without_a_url_it_is_the_usual_port_of_this_machine() -> None:
    assert MqttTarget().url == "mqtt://localhost:1883"
    MqttTarget().check()


@pytest.mark.parametrize("url", ["", "127.0.0.1:1883", "http://topsecret", "mqtt://", "mqtt://u:topsecret@h:0"])
def test_a_url_that_cannot_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="MQTT URL") as caught:
        MqttTarget(url).check()
    assert "topsecret" not in str(caught.value)
