"""Server-sent events (Backbone spec section 14)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h11
import pytest
import trio

from tests.embedded.backbone import Backbone, Identity, result, running_backbone


class Listener:
    """One open stream; reads the names of the events one by one."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT)
        self._text = ""
        self.headers: dict[str, str] = {}

    async def open(self, identity: Identity, version: str) -> None:
        headers = [("host", "localhost"), *identity.headers.items()]
        request = h11.Request(method="GET", target=f"/api/{version}/sse", headers=headers)
        await self._stream.send_all(self._http.send(request) + self._http.send(h11.EndOfMessage()))
        response = await self._event()
        assert isinstance(response, h11.Response)
        assert response.status_code == 200
        self.headers = {name.decode(): value.decode() for name, value in response.headers}

    async def name(self) -> str | None:
        """The name of the next event; ``None`` when the stream has ended as it should."""
        while "\n\n" not in self._text:
            event = await self._event()
            if isinstance(event, h11.EndOfMessage):
                return None
            assert isinstance(event, h11.Data), event
            self._text += event.data.decode()
        block, _, self._text = self._text.partition("\n\n")
        name, data = block.split("\n")
        assert data == "data: _"
        return name.removeprefix("event: ")

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._stream.receive_some())
        return event


@asynccontextmanager
async def listening(identity: Identity, version: str = "v1") -> AsyncIterator[Listener]:
    port = int(identity.backbone.url.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        listener = Listener(stream)
        await listener.open(identity, version)
        assert await listener.name() == "ConnectionOpened"
        yield listener


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_stream_says_that_it_is_open(backbone: Backbone, version: str) -> None:
    identity = await backbone.identity()
    async with listening(identity, version) as listener:
        assert listener.headers["content-type"] == "text/event-stream"
        assert listener.headers["cache-control"] == "no-cache"


async def test_a_stream_needs_an_access_token(backbone: Backbone) -> None:
    response = await backbone.client.get("/api/v1/sse")
    assert (response.status_code, response.content) == (401, b"")


async def test_an_external_event_is_announced_on_all_streams_of_its_identity(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    async with listening(owner) as first, listening(owner) as second, listening(requester) as other:
        await requester.request_relationship(owner)
        assert await first.name() == "ExternalEventCreated"
        assert await second.name() == "ExternalEventCreated"
        assert (await requester.post("/Devices/Self/PushNotifications/SendTestNotification")).status_code == 204
        assert await other.name() == "Test", "nothing else was said here before"


async def test_a_blocked_event_is_not_announced(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    relationship_id = await requester.request_relationship(owner)
    async with listening(owner) as listener, listening(requester) as other:
        result(await requester.send(owner), 201)
        assert (await owner.post("/Devices/Self/PushNotifications/SendTestNotification")).status_code == 204
        assert await listener.name() == "Test"
        result(await owner.put(f"/Relationships/{relationship_id}/Accept", {}))
        assert await other.name() == "ExternalEventCreated"


async def test_a_refused_request_announces_nothing(backbone: Backbone) -> None:
    owner, requester = await backbone.identity(), await backbone.identity()
    async with listening(owner) as listener:
        template_id = await owner.template(maxNumberOfAllocations=1)
        own = {"relationshipTemplateId": template_id}
        assert (await owner.post("/Relationships", own)).status_code == 400
        assert (await owner.post("/Devices/Self/PushNotifications/SendTestNotification")).status_code == 204
        assert await listener.name() == "Test"
        result(await requester.post("/Relationships", own), 201)
        assert await listener.name() == "ExternalEventCreated"


async def test_pushed_modifications_are_announced(backbone: Backbone) -> None:
    identity = await backbone.identity()
    await identity.make_datawallet()
    second = await identity.add_device()
    async with listening(identity) as own, listening(second) as listener:
        item = {"objectIdentifier": "o", "collection": "c", "type": "Create", "datawalletVersion": 1}
        body: dict[str, Any] = {"localIndex": None, "modifications": [item]}
        result(await identity.post("/Datawallet/Modifications", body), 201)
        assert await listener.name() == "DatawalletModificationsCreated"
        assert (await identity.post("/Devices/Self/PushNotifications/SendTestNotification")).status_code == 204
        assert await own.name() == "Test", "who pushed is not told"


async def test_the_use_of_the_backup_device_is_announced(backbone: Backbone) -> None:
    identity = await backbone.identity()
    backup = result(await identity.post("/Devices", await identity.new_device(isBackupDevice=True)), 201)
    async with listening(identity) as listener:
        assert (await backbone.log_in(backup["username"])).status_code == 200
        assert await listener.name() == "BackupDeviceUsed"


async def test_the_steps_of_a_deletion_are_announced(backbone: Backbone) -> None:
    identity = await backbone.identity()
    async with listening(identity) as listener:
        process = result(await identity.post("/Identities/Self/DeletionProcesses", {}), 201)
        assert await listener.name() == "DeletionProcessStarted"
        result(await identity.put(f"/Identities/Self/DeletionProcesses/{process['id']}/Cancel"))
        assert await listener.name() == "DeletionProcessCancelledByOwner"
        result(await identity.post("/Identities/Self/DeletionProcesses", {"lengthOfGracePeriodInDays": 0}), 201)
        assert await listener.name() == "DeletionProcessStarted"
        await backbone.run_deletion_job()
        assert await listener.name() == "DeletionStarts"


async def test_an_idle_stream_is_kept_alive() -> None:
    async with running_backbone(keep_alive_interval=0.05) as backbone, listening(await backbone.identity()) as listener:
        assert await listener.name() == "keep-alive"
        assert await listener.name() == "keep-alive"


async def test_a_stop_ends_the_streams_properly() -> None:
    async with running_backbone(graceful_timeout=1000) as backbone:
        identity = await backbone.identity()
        async with listening(identity) as listener:
            backbone.shutdown.set()
            assert await listener.name() is None


async def test_a_client_that_goes_away_is_forgotten(backbone: Backbone) -> None:
    identity, other = await backbone.identity(), await backbone.identity()
    for _ in range(3):
        async with listening(identity):
            pass
    async with listening(identity) as listener:
        template_id = await identity.template(maxNumberOfAllocations=1)
        result(await other.get(f"/RelationshipTemplates/{template_id}"))
        assert await listener.name() == "ExternalEventCreated"


async def test_a_listener_that_does_not_read_delays_nobody(backbone: Backbone) -> None:
    identity = await backbone.identity()
    async with listening(identity), listening(identity) as reader:
        for _ in range(200):
            assert (await identity.post("/Devices/Self/PushNotifications/SendTestNotification")).status_code == 204
            with trio.fail_after(10):
                assert await reader.name() == "Test"
