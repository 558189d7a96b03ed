"""A Backbone that misbehaves at every single request of a use case: the right error, and in the end all is well."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.accounts import ARBITRARY_CREATION, ARBITRARY_TEMPLATE, FAR_FUTURE, synchronized, template_reference
from tests.backbone.doubles import backbone_of
from tests.usecases.breaks import BREAKS, SOME, break_each_request
from tests.usecases.test_files import reference_to, upload
from tests.usecases.world import BASE_URL, Wire, World, a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.crypto.encoding import from_base64url
from trio_connector.domain.collections import referenced_collections
from trio_connector.domain.file import File
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.store import open_store
from trio_connector.usecases.account import ensure_datawallet, open_account, stored_credentials
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.files import claim_ownership, delete_file, download_file, get_file, get_or_load_file
from trio_connector.usecases.identity_deletion import cancel_identity_deletion, initiate_identity_deletion
from trio_connector.usecases.messages import PENDING_MESSAGES, send_message
from trio_connector.usecases.opening import all_collections
from trio_connector.usecases.relationships import (
    accept_relationship,
    create_relationship,
    get_relationship,
    reject_relationship,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

CONTENT = {"@type": "ArbitraryMessageContent", "value": 1}


async def message_ids(services: Services) -> list[str]:
    """All stored messages."""
    return [message.id for message in await services.store.list(MESSAGES)]


async def test_a_message_is_sent_and_told_once_whatever_happens() -> None:
    async with two_partners(max_unreceived_messages=10_000) as (world, one, other):
        mine, theirs = await told_from_now_on(one), await told_from_now_on(other)
        sent: list[str] = []

        async def send() -> None:
            await send_message(one, recipients=[other.address], content=CONTENT)

        async def heal(told: ConnectorError | None) -> None:
            await synchronized(one)
            world.time_passes(11 * 60)
            await synchronized(one)
            assert one.store.values(PENDING_MESSAGES) == {}
            at_the_backbone = [id_ for (id_,) in await world.rows("SELECT id FROM messages ORDER BY created_at")]
            assert await message_ids(one) == at_the_backbone
            assert told is not None or len(at_the_backbone) == len(sent) + 1
            new = len(at_the_backbone) - len(sent)
            sent[:] = at_the_backbone
            await synchronized(other)
            assert await message_ids(other) == sent
            assert await mine.names() == new * ["messageSent"]
            assert await theirs.names() == new * ["messageReceived"]

        assert await break_each_request(world.wire_of(one), send, heal=heal) > 10


async def test_messages_with_files_are_received_and_told_once_whatever_happens() -> None:
    async with two_partners(max_unreceived_messages=10_000) as (world, one, other):
        told_of = await told_from_now_on(other)
        sent: list[str] = []

        async def send() -> None:
            file = await upload(one)
            sent.append(
                (await send_message(one, recipients=[other.address], content=CONTENT, attachments=[file.id])).id
            )
            sent.append((await send_message(one, recipients=[other.address], content=CONTENT)).id)

        async def receive() -> None:
            await synchronized(other)

        async def heal(_told: ConnectorError | None) -> None:
            await synchronized(other)
            assert sorted(await message_ids(other)) == sorted(sent)
            assert await told_of.names() == 2 * ["messageReceived"]

        assert await break_each_request(world.wire_of(other), receive, prepare=send, heal=heal, kinds=SOME) > 20


class Meeting:
    """Two accounts that meet again and again."""

    def __init__(self, world: World, templator: Services, requestor: Services) -> None:
        self.world, self.templator, self.requestor = world, templator, requestor
        self.template_id = ""
        self.relationship_id = ""

    async def offer(self) -> None:
        """A template that the requestor has."""
        template = await create_own_template(self.templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(self.requestor, template_reference(self.templator, template.id))
        self.template_id = loaded.id

    async def ask(self) -> None:
        """A pending relationship that only the requestor has recorded."""
        await self.offer()
        self.relationship_id = (await create_relationship(self.requestor, self.template_id, ARBITRARY_CREATION)).id

    async def pending(self) -> None:
        """A pending relationship."""
        await self.ask()
        await synchronized(self.templator)

    async def accepted(self) -> None:
        """A relationship of whose acceptance the requestor has not heard."""
        await self.pending()
        await accept_relationship(self.templator, self.relationship_id)

    async def active(self) -> None:
        """An active relationship."""
        await self.accepted()
        await synchronized(self.requestor)

    async def terminated(self) -> None:
        """A relationship that has ended."""
        await self.active()
        await terminate_relationship(self.templator, self.relationship_id)
        await synchronized(self.requestor)

    def statuses(self) -> list[str]:
        """How both see the newest relationship."""
        return [
            get_relationship(services, self.relationship_id).status for services in (self.templator, self.requestor)
        ]

    async def refuse(self) -> None:
        """End a pending relationship, so that they can meet again."""
        await reject_relationship(self.templator, self.relationship_id)
        await synchronized(self.requestor)
        assert self.statuses() == ["Rejected", "Rejected"]

    async def talk_and_part(self) -> None:
        """Use the channel in both directions, then end and forget it."""
        assert self.statuses() == ["Active", "Active"]
        for sender, receiver in ((self.templator, self.requestor), (self.requestor, self.templator)):
            message = await send_message(sender, recipients=[receiver.address], content=CONTENT)
            await synchronized(receiver)
            assert receiver.store.get(MESSAGES, message.id) is not None
        await terminate_relationship(self.templator, self.relationship_id)
        await synchronized(self.requestor)
        await self.forget()

    async def forget(self) -> None:
        """Decompose on both sides."""
        for services in (self.templator, self.requestor):
            if services.store.get(RELATIONSHIPS, self.relationship_id) is not None:
                await decompose_relationship(services, self.relationship_id)
                for both in (self.templator, self.requestor):
                    await synchronized(both)
        assert self.templator.store.select(RELATIONSHIPS, status="Active") == []


async def test_asking_for_a_relationship_is_taken_up_whatever_happens() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        told_of = await told_from_now_on(requestor)

        async def prepare() -> None:
            await meeting.offer()
            await told_of.skip()

        async def ask() -> None:
            await create_relationship(requestor, meeting.template_id, ARBITRARY_CREATION)

        async def heal(told: ConnectorError | None) -> None:
            found = await world.rows("SELECT id FROM relationships WHERE template_id = ?", meeting.template_id)
            if not found:
                assert told is not None
                await ask()
                found = await world.rows("SELECT id FROM relationships WHERE template_id = ?", meeting.template_id)
            ((meeting.relationship_id,),) = found
            await synchronized(templator)
            await meeting.refuse()
            relationship = get_relationship(requestor, meeting.relationship_id)
            assert relationship.creation_content == ARBITRARY_CREATION
            assert relationship.peer == templator.account.identity
            assert await told_of.names() == 2 * ["relationshipChanged"]
            assert requestor.store.values("PendingCreations") == {}

        assert await break_each_request(world.wire_of(requestor), ask, prepare=prepare, heal=heal) > 10


async def test_a_lost_request_for_a_relationship_leads_to_a_working_channel() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        await meeting.offer()
        for break_ in ("no answer", "a reset after"):
            world.wire_of(requestor).listen({2: BREAKS[break_]()})
            with pytest.raises(BackboneRequestError):
                await create_relationship(requestor, meeting.template_id, ARBITRARY_CREATION)
        world.wire_of(requestor).listen()
        await synchronized(templator)
        (relationship,) = templator.store.select(RELATIONSHIPS)
        meeting.relationship_id = relationship.id
        await accept_relationship(templator, relationship.id)
        await synchronized(requestor)
        await meeting.talk_and_part()


async def test_a_request_for_a_relationship_is_received_once_whatever_happens() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        told_of = await told_from_now_on(templator)

        async def receive() -> None:
            await synchronized(templator)

        async def heal(_told: ConnectorError | None) -> None:
            await synchronized(templator)
            assert await told_of.names() == ["relationshipChanged"]
            await meeting.refuse()
            await told_of.skip()

        assert (
            await break_each_request(world.wire_of(templator), receive, prepare=meeting.ask, heal=heal, kinds=SOME) > 10
        )


async def test_an_acceptance_is_recorded_once_whatever_happens() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        told_of = await told_from_now_on(templator)

        async def prepare() -> None:
            await meeting.pending()
            await told_of.skip()

        async def accept() -> None:
            await accept_relationship(templator, meeting.relationship_id)

        async def heal(told: ConnectorError | None) -> None:
            if told is not None:
                await accept()
            assert await told_of.names() == ["relationshipChanged"]
            await synchronized(requestor)
            await meeting.talk_and_part()

        assert await break_each_request(world.wire_of(templator), accept, prepare=prepare, heal=heal, kinds=SOME) >= 5


async def test_an_acceptance_is_heard_once_whatever_happens() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        told_of = await told_from_now_on(requestor)

        async def prepare() -> None:
            await meeting.accepted()
            await told_of.skip()

        async def hear() -> None:
            await synchronized(requestor)

        async def heal(_told: ConnectorError | None) -> None:
            await synchronized(requestor)
            assert await told_of.names() == ["relationshipChanged"]
            await meeting.talk_and_part()

        assert await break_each_request(world.wire_of(requestor), hear, prepare=prepare, heal=heal, kinds=SOME) > 10


async def test_decomposing_ends_well_whatever_happens() -> None:
    async with two_accounts() as (world, templator, requestor):
        meeting = Meeting(world, templator, requestor)
        told_of = await told_from_now_on(templator)

        async def prepare() -> None:
            await meeting.terminated()
            await told_of.skip()

        async def decompose() -> None:
            await decompose_relationship(templator, meeting.relationship_id)

        async def heal(told: ConnectorError | None) -> None:
            if told is not None:
                await decompose()
            assert await told_of.names() == ["relationshipDecomposedBySelf"]
            await synchronized(requestor)
            await meeting.forget()

        assert (
            await break_each_request(world.wire_of(templator), decompose, prepare=prepare, heal=heal, kinds=SOME) >= 5
        )


async def test_a_deletion_process_starts_and_ends_once_whatever_happens() -> None:
    async with a_world() as world, world.account() as services:
        told_of = await told_from_now_on(services)

        async def start() -> None:
            await initiate_identity_deletion(services)

        async def cancel() -> None:
            await cancel_identity_deletion(services)

        async def started(told: ConnectorError | None) -> None:
            if told is not None:
                await start()
            await cancel()
            assert await told_of.names() == 2 * ["identityDeletionProcessStatusChanged"]

        async def cancelled(told: ConnectorError | None) -> None:
            if told is not None:
                await cancel()
            assert await told_of.names() == 2 * ["identityDeletionProcessStatusChanged"]
            assert await world.rows("SELECT id FROM deletion_processes WHERE status = 'Active'") == []

        wire = world.wire_of(services)
        assert await break_each_request(wire, start, heal=started) >= 10
        assert await break_each_request(wire, cancel, prepare=start, heal=cancelled) >= 10


async def test_files_end_where_they_belong_whatever_happens() -> None:
    async with two_partners() as (world, owner, peer):
        files: list[File] = []

        async def offer() -> None:
            files.append(await upload(owner))
            await get_or_load_file(peer, reference_to(owner, files[-1]))

        async def claim() -> None:
            await claim_ownership(peer, files[-1].id, files[-1].ownership_token or "")

        async def claimed(told: ConnectorError | None) -> None:
            if told is not None:
                await claim()
            mine = get_file(peer, files[-1].id)
            ((token,),) = await world.rows("SELECT ownership_token FROM files WHERE id = ?", mine.id)
            assert (mine.is_own, mine.ownership_token) == (True, token)
            await synchronized(owner)
            assert not get_file(owner, mine.id).is_own

        async def offer_own() -> None:
            files.append(await upload(owner))

        async def delete() -> None:
            await delete_file(owner, files[-1].id)

        async def deleted(told: ConnectorError | None) -> None:
            if told is not None:
                await delete()
            assert owner.store.get(owner.collections.files, files[-1].id) is None
            assert await world.rows("SELECT id FROM files WHERE id = ?", files[-1].id) == []

        async def fetch() -> None:
            loaded = await get_or_load_file(peer, reference_to(owner, files[-1]))
            assert (await download_file(peer, loaded.id))[1] == b"Hello"

        async def fetched(_told: ConnectorError | None) -> None:
            await fetch()

        assert await break_each_request(world.wire_of(peer), claim, prepare=offer, heal=claimed) > 10
        assert await break_each_request(world.wire_of(owner), delete, prepare=offer_own, heal=deleted) >= 10
        assert await break_each_request(world.wire_of(peer), fetch, prepare=offer_own, heal=fetched) > 10


async def test_an_account_is_made_whatever_happens() -> None:
    async with a_world() as world, httpx.AsyncClient(transport=Wire(world.app)) as client:
        wire = client._transport
        assert isinstance(wire, Wire)
        collections = all_collections(referenced_collections(BASE_URL))
        async with AsyncExitStack() as stores:
            store, backbone = None, None

            async def prepare() -> None:
                nonlocal store, backbone
                store = opened = await stores.enter_async_context(
                    open_store(None, "account", collections, clock=world.now, entropy=os.urandom)
                )
                backbone = backbone_of(
                    client, BASE_URL, client_secret="test", credentials=lambda: stored_credentials(opened)
                )

            async def open_it() -> None:
                assert store is not None
                assert backbone is not None
                await open_account(
                    store,
                    backbone,
                    hostname="localhost",
                    allow_identity_creation=True,
                    clock=world.now,
                    entropy=os.urandom,
                )

            async def heal(told: ConnectorError | None) -> None:
                assert store is not None
                assert backbone is not None
                if told is not None:
                    await open_it()
                await ensure_datawallet(store, backbone)
                assert (await backbone.sync_runs.start_external_event_sync()).status == "NoNewEvents"

            assert await break_each_request(wire, open_it, prepare=prepare, heal=heal, kinds=SOME) > 15


async def test_no_counter_of_a_channel_is_ever_used_twice(tmp_path: Path) -> None:
    """With one counter two texts would be encrypted under the same key stream."""
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as other:
        wire = Wire(world.app)
        counters: Counters = {}

        async def collect(services: Services) -> None:
            async def send() -> None:
                await send_message(services, recipients=[other.address], content=CONTENT)

            async def heal(_told: ConnectorError | None) -> None:
                await synchronized(services)

            await break_each_request(_Recording(wire, counters), send, heal=heal, kinds=SOME)

        async with world.account(tmp_path, wire) as one:
            meeting = Meeting(world, one, other)
            await meeting.pending()
            wire.listen()
            await accept_relationship(one, meeting.relationship_id)
            _collect(wire, counters)
            await synchronized(other)
            await collect(one)
        for _ in range(3):  # started anew
            async with world.account(tmp_path, wire) as one:
                await collect(one)
        assert len(counters) > 25
        assert all(len(ciphers) == 1 for ciphers in counters.values())
        assert 0 not in counters


Counters = dict[int, set[str]]
"""Which ciphers were sent under which counter."""


class _Recording(Wire):
    """Hands over to another wire, and keeps the counters of all that went out before they are forgotten."""

    def __init__(self, wire: Wire, counters: Counters) -> None:
        self._wire, self._counters = wire, counters

    def listen(self, breaks: Any = None) -> None:
        _collect(self._wire, self._counters)
        self._wire.listen(breaks)

    @property
    def requests(self) -> Any:
        return self._wire.requests

    @requests.setter
    def requests(self, value: Any) -> None:
        self._wire.requests = value


def _collect(wire: Wire, counters: Counters) -> None:
    for request in wire.requests:
        body = json.loads(request.content) if request.content[:1] == b"{" else {}
        ciphers = [json.loads(from_base64url(recipient["encryptedKey"])) for recipient in body.get("recipients", ())]
        if "creationResponseContent" in body:
            ciphers.append(json.loads(from_base64url(body["creationResponseContent"]))["cipher"])
        for cipher in ciphers:  # a request whose token was refused is sent again as it is
            counters.setdefault(cipher["cnt"], set()).add(cipher["cph"])
    wire.requests = []
