"""A configuration file as an operator wrote it in 2022, taken as it is by the daemon of today (spec 08)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pika
import trio

from tests.accounts import (
    ARBITRARY_CREATION,
    FAR_FUTURE,
    running_account,
    running_backbone,
    synchronized,
)
from tests.daemon.processes import Daemon
from tests.senders.receiver import Receiver, Reply, Request, receiving
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import create_relationship
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import load_peer_template

API_KEY = "xyz"
PUBLISH_SECONDS = 0.3


def configuration(
    base_url: str, folder: Path, port: int, *, old: str, new: str, amqp: dict[str, str]
) -> dict[str, Any]:
    """What stood in ``config/custom.json``, every module of that time switched on."""
    return {
        "transportLibrary": {
            "platformClientId": "test",
            "platformClientSecret": "test",
            "baseUrl": base_url,
            "realm": "id1",
            "addressGenerationHostnameOverride": "localhost",
        },
        "database": {"connectionString": "mongodb://mongodb:27017", "dbName": "shop", "folder": str(folder / "data")},
        "infrastructure": {"httpServer": {"enabled": True, "port": port, "apiKey": API_KEY}},
        "modules": {
            "sync": {"enabled": True, "displayName": "Sync", "location": "sync/SyncModule", "interval": 1},
            "coreHttpApi": {"enabled": True, "location": "coreHttpApi/CoreHttpApiModule"},
            "webhooks": {
                "enabled": True,
                "displayName": "Webhooks",
                "location": "webhooks/WebhooksModule",
                "url": old,
                "headers": {"x-from": "2022"},
                "publishInterval": PUBLISH_SECONDS,
            },
            "webhooksV2": {
                "enabled": True,
                "displayName": "Webhooks V2",
                "location": "webhooksV2/WebhooksModuleV2",
                "targets": {"shop": {"url": f"{new}/{{{{trigger}}}}", "headers": {"x-from": "2022"}}},
                "webhooks": [
                    {"triggers": ["transport.messageReceived", "transport.MessageReceived"], "target": "shop"},
                    {"triggers": ["consumption.attributeSucceded"], "target": {"url": f"{new}/succeded"}},
                    {"triggers": ["**"], "target": {"url": f"{new}/all"}},
                ],
            },
            "amqpPublisher": {"enabled": True, "location": "amqpPublisher/AMQPPublisherModule", **amqp},
            "messageBrokerPublisher": {"enabled": True, "brokers": [{"type": "AMQP", "configuration": amqp}]},
            "autoAcceptRelationshipCreationChanges": {
                "enabled": True,
                "displayName": "Auto Accept",
                "location": "autoAcceptRelationshipCreationChanges/AutoAcceptRelationshipCreationChangesModule",
                "responseContent": {"metadata": {}},
            },
        },
    }


class Queue:
    """All that is published to an exchange of the test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"events-{uuid.uuid4()}"
        self.published: list[tuple[str, str, Any]] = []

    def read(self) -> None:
        """Take what is in the queue: routing key, event id, and data of each message."""
        with self._channel() as channel:
            while (found := channel.basic_get(self.name, auto_ack=True))[0] is not None:
                method, properties, body = found
                self.published.append((method.routing_key, properties.message_id, msgspec.json.decode(body)))

    def declare(self) -> None:
        """Make exchange and queue."""
        with self._channel() as channel:
            channel.exchange_declare(self.name, "topic")
            channel.queue_declare(self.name)
            channel.queue_bind(self.name, self.name, "#")

    def delete(self) -> None:
        """Leave nothing behind."""
        with self._channel() as channel:
            channel.queue_delete(self.name)
            channel.exchange_delete(self.name)

    @contextmanager
    def _channel(self) -> Iterator[Any]:
        with pika.BlockingConnection(pika.URLParameters(self.url)) as connection:
            yield connection.channel()


def body(request: Request) -> Any:
    return msgspec.json.decode(request.body)


async def until(receiver: Receiver, holds: Any) -> list[Request]:
    """Wait until a request arrived for which ``holds``; all such."""
    with trio.fail_after(60):
        while not (found := [request for request in receiver.requests if holds(request)]):
            await trio.sleep(0.02)  # polls
    return found


async def requested(client: httpx.AsyncClient, stranger: Services) -> str:
    """A stranger asks for a relationship, by a template made over the API of 2022; its id."""
    made = await client.post("RelationshipTemplates/Own", json={"content": {"shop": 1}, "expiresAt": FAR_FUTURE})
    assert made.status_code == 201
    loaded = await load_peer_template(stranger, made.json()["result"]["truncatedReference"])
    return (await create_relationship(stranger, loaded.id, ARBITRARY_CREATION)).id


async def test_it_is_understood_and_every_module_does_what_it_did(tmp_path: Path, amqp_url: str) -> None:
    queue = Queue(amqp_url)
    await trio.to_thread.run_sync(queue.declare)
    old, new = Receiver(Reply(204)), Receiver(Reply(204))
    async with (
        running_backbone() as url,
        running_account(url) as stranger,
        receiving(old),
        receiving(new),
    ):
        daemon = Daemon(tmp_path, url)
        amqp = {"url": amqp_url, "exchange": queue.name}
        written = configuration(url, tmp_path, daemon.port, old=f"{old.url}/old", new=new.url, amqp=amqp)
        (tmp_path / "config.json").write_text(json.dumps(written))
        headers = {"X-API-KEY": API_KEY}
        client = httpx.AsyncClient(base_url=f"{daemon.url}/api/v1/", headers=headers, trust_env=False, timeout=60)
        try:
            await daemon.start()
            async with client:
                relationship = await requested(client, stranger)
                # The page of 2022: synchronise by hand, or let the sync module do it.
                answer = await client.post("Account/Sync")
                assert answer.status_code == 200
                with trio.fail_after(60):
                    while (await synchronized(stranger)) == []:
                        await trio.sleep(0.05)  # polls: the daemon accepts by itself
                address = (await client.get("Account/IdentityInfo")).json()["result"]["address"]
                content = {"@type": "ArbitraryMessageContent", "value": {"order": 1}}
                message = await send_message(stranger, recipients=[address], content=content)
                await _v1(old, relationship, message.id)
                await _v2(new, message.id)
                await _names(new, client)
            await trio.to_thread.run_sync(queue.read)
            assert await daemon.stop() == 0
        finally:
            if daemon.is_running:
                daemon.kill()
            await trio.to_thread.run_sync(queue.read)
            await trio.to_thread.run_sync(queue.delete)
    _amqp(queue)
    _log(daemon.log())


async def _v1(receiver: Receiver, relationship: str, message: str) -> None:
    """From time to time one request with relationships and messages in the shape of 2022."""
    (first,) = (await until(receiver, lambda request: body(request)["relationships"]))[:1]
    assert (first.target, first.headers["x-from"]) == ("/old", "2022")
    (shown,) = body(first)["relationships"]
    assert (shown["id"], len(shown["changes"]), shown["template"]["content"]) == (relationship, 1, {"shop": 1})
    (second,) = await until(receiver, lambda request: body(request)["messages"])
    (shown,) = body(second)["messages"]
    assert (shown["id"], shown["content"]) == (message, {"order": 1})


async def _v2(receiver: Receiver, message: str) -> None:
    """One request per event and trigger, in the payload that has not changed since; never a name of 2022 for ``**``."""
    wanted = "/transport.messageReceived"
    with trio.fail_after(60):
        while sum(request.target == wanted for request in receiver.requests) < 2:
            await trio.sleep(0.02)  # polls
    found = [request for request in receiver.requests if request.target == wanted]
    assert [body(request)["trigger"] for request in found] == ["transport.messageReceived"] * 2
    assert {body(request)["data"]["id"] for request in found} == {message}
    assert {request.headers["x-from"] for request in found} == {"2022"}


async def _names(receiver: Receiver, client: httpx.AsyncClient) -> None:
    """Whoever wrote an event's name of 2022 gets it by that name with the data of then; ``**`` gets today's alone."""
    value = {"@type": "GivenName", "value": "Anna"}
    today = f"{str(client.base_url).removesuffix('/api/v1/')}/api/core/v1"
    content = {"content": {"value": value}}
    made = await client.post(f"{today}/Attributes", json=content)
    assert made.status_code == 201, made.text
    succession = {"successorContent": {"value": {**value, "value": "Anne"}}}
    answer = await client.post(f"{today}/Attributes/{made.json()['result']['id']}/Succeed", json=succession)
    assert answer.status_code == 201, answer.text
    (old,) = await until(receiver, lambda request: request.target == "/succeded")
    assert body(old)["trigger"] == "consumption.attributeSucceded"
    assert body(old)["data"] == answer.json()["result"]["successor"]
    is_new = "consumption.attributeSucceeded"
    (new,) = await until(receiver, lambda request: request.target == "/all" and body(request)["trigger"] == is_new)
    assert body(new)["data"].keys() == {"predecessor", "successor"}
    of_all = [request for request in receiver.requests if request.target == "/all"]
    assert len({request.headers["webhook-id"] for request in of_all}) == len(of_all)


def _amqp(queue: Queue) -> None:
    """Each event once, though both the module of 2022 and that of today name the exchange."""
    ids = [id_ for _, id_, _ in queue.published]
    assert len(ids) == len(set(ids))
    keys = [key for key, _, _ in queue.published]
    assert {"transport.messageReceived", "transport.relationshipChanged", "runtime.modulesStarted"} <= set(keys)


def _log(log: str) -> None:
    """It says what is deprecated, and shows no secret."""
    for name in ("webhooksV2", "amqpPublisher", "autoAcceptRelationshipCreationChanges"):
        assert f"The '{name}' configuration is deprecated." in log
    assert "'infrastructure.httpServer.apiKey' is deprecated" in log
    assert "'responseContent' is ignored" in log
    assert "'transportLibrary.realm' is ignored" in log
    assert log.count("was accepted successfully.") == 1
    assert "Traceback" not in log
