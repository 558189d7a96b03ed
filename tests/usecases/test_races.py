"""Two things at once: nothing is lost, overwritten or told twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
import trio

from tests.accounts import ARBITRARY_CREATION, ARBITRARY_TEMPLATE, FAR_FUTURE, synchronized, template_reference
from tests.usecases.breaks import BREAKS, Through
from tests.usecases.world import World, told_from_now_on, two_accounts, two_partners
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.usecases import protection
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.messages import (
    FORGOTTEN_AFTER,
    PENDING_MESSAGES,
    mark_message_as_read,
    recover_pending_messages,
    send_message,
)
from trio_connector.usecases.relationships import (
    PENDING_CREATIONS,
    accept_relationship,
    create_relationship,
    get_relationship,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

CONTENT = {"@type": "ArbitraryMessageContent", "value": 1}


class HeldAnswer:
    """Lets the first request to ``path`` be done, and keeps its answer back."""

    def __init__(self, world: World, services: Services, path: str) -> None:
        self.path = path
        self.done = trio.Event()
        self.go_on = trio.Event()
        world.wire_of(services).always = self

    async def __call__(self, request: httpx.Request, through: Through) -> httpx.Response:
        answer = await through()
        if f"{request.method} {request.url.path}" == self.path and not self.done.is_set():
            self.done.set()
            await self.go_on.wait()
        return answer


async def during(
    held: HeldAnswer, act: Callable[[], Awaitable[object]], meanwhile: Callable[[], Awaitable[None]]
) -> None:
    """Do ``meanwhile`` while the answer to a request of ``act`` is on its way."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(act)
        await held.done.wait()
        await meanwhile()
        held.go_on.set()


async def test_a_synchronisation_leaves_messages_on_their_way_alone() -> None:
    async with two_partners() as (world, services, peer):
        told = await told_from_now_on(services)

        async def send() -> None:
            await send_message(services, recipients=[peer.address], content=CONTENT)

        async def meanwhile() -> None:
            world.time_passes(3600)
            await synchronized(services)
            assert len(services.store.values(PENDING_MESSAGES)) == 1
            assert services.store.select(MESSAGES) == []

        await during(HeldAnswer(world, services, "POST /api/v2/Messages"), send, meanwhile)
        assert await told.names() == ["messageSent"]
        assert services.store.values(PENDING_MESSAGES) == {}
        assert services.messages_on_their_way == set()


async def test_a_peer_that_is_quicker_than_the_answer_changes_nothing() -> None:
    async with two_accounts() as (world, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        told = await told_from_now_on(requestor)

        async def ask() -> None:
            assert (await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)).status == "Active"

        async def meanwhile() -> None:
            await synchronized(templator)
            (pending,) = templator.store.select(RELATIONSHIPS)
            await accept_relationship(templator, pending.id)
            await synchronized(requestor)

        await during(HeldAnswer(world, requestor, "POST /api/v2/Relationships"), ask, meanwhile)
        (relationship,) = requestor.store.select(RELATIONSHIPS)
        assert relationship.status == "Active"
        assert await told.names() == 2 * ["relationshipChanged"]
        assert requestor.store.values(PENDING_CREATIONS) == {}
        message = await send_message(requestor, recipients=[templator.address], content=CONTENT)
        assert await synchronized(templator) == [message.id]


async def test_a_creation_whose_template_is_gone_is_taken_up_all_the_same() -> None:
    async with two_accounts() as (world, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        world.wire_of(requestor).listen({2: BREAKS["a reset after"]()})
        with pytest.raises(BackboneRequestError):
            await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
        await synchronized(templator)
        (pending,) = templator.store.select(RELATIONSHIPS)
        await accept_relationship(templator, pending.id)
        await world.change("UPDATE relationships SET template_id = NULL")
        assert await synchronized(requestor) == [pending.id]
        assert get_relationship(requestor, pending.id).status == "Active"
        assert get_relationship(requestor, pending.id).template_id == loaded.id


async def test_one_of_two_questions_at_once_is_asked() -> None:
    async with two_accounts() as (world, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        outcomes: list[str] = []

        async def ask() -> None:
            try:
                outcomes.append((await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)).status)
            except ConnectorError as error:
                outcomes.append(error.code)

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
        assert outcomes.count("Pending") == 1
        assert len(await world.rows("SELECT id FROM relationships")) == 1
        await synchronized(templator)
        (pending,) = templator.store.select(RELATIONSHIPS)
        await accept_relationship(templator, pending.id)
        await synchronized(requestor)
        assert get_relationship(requestor, pending.id).status == "Active"


async def test_the_same_step_at_once_is_told_once() -> None:
    async with two_partners() as (_, services, _peer):
        (relationship,) = services.store.select(RELATIONSHIPS)
        told = await told_from_now_on(services)
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(terminate_relationship, services, relationship.id)
        assert await told.names() == ["relationshipChanged"]
        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(decompose_relationship, services, relationship.id)
        assert await told.names() == ["relationshipDecomposedBySelf"]


async def test_many_messages_at_once_are_all_sent_under_counters_of_their_own() -> None:
    async with two_partners(max_unreceived_messages=1000) as (_, services, peer):
        async with trio.open_nursery() as nursery:
            for number in range(100):
                content = {"@type": "ArbitraryMessageContent", "value": number}

                async def send(content: dict[str, object] = content) -> None:
                    await send_message(services, recipients=[peer.address], content=content)

                nursery.start_soon(send)
        sent = services.store.select(MESSAGES)
        assert len({message.recipients[0].encrypted_key["cnt"] for message in sent}) == 100
        await synchronized(peer)
        assert sorted(message.content["value"] for message in peer.store.select(MESSAGES)) == list(range(100))


async def test_reading_and_synchronising_lose_nothing() -> None:
    async with two_partners() as (_, services, peer):
        message = await send_message(peer, recipients=[services.address], content=CONTENT)
        await synchronized(services)
        told = await told_from_now_on(services)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(mark_message_as_read, services, message.id)
        assert await told.names() == ["messageWasReadAtChanged"]


async def test_only_messages_of_the_right_time_are_looked_through_for_a_lost_one() -> None:
    async with two_partners(max_unreceived_messages=1000) as (world, services, peer):
        for _ in range(120):
            await send_message(services, recipients=[peer.address], content=CONTENT)
        world.time_passes(24 * 3600)
        await synchronized(services)  # with a new token
        wire = world.wire_of(services)
        wire.listen({1: BREAKS["no answer"]()})
        with pytest.raises(BackboneRequestError):
            await send_message(services, recipients=[peer.address], content=CONTENT)
        wire.listen()
        await recover_pending_messages(services)
        assert len(wire.paths) == 2, "the first page tells how many there are, the last one is old enough"
        assert len(services.store.values(PENDING_MESSAGES)) == 1
        world.time_passes(FORGOTTEN_AFTER.total_seconds() + 1)
        await recover_pending_messages(services)
        assert services.store.values(PENDING_MESSAGES) == {}
        wire.listen()
        await recover_pending_messages(services)
        assert wire.paths == []


async def test_messages_that_cannot_be_looked_through_do_not_stop_the_synchronisation() -> None:
    async with two_partners() as (world, services, peer):
        wire = world.wire_of(services)
        wire.listen({1: BREAKS["a reset after"]()})
        with pytest.raises(BackboneRequestError):
            await send_message(services, recipients=[peer.address], content=CONTENT)
        received = await send_message(peer, recipients=[services.address], content=CONTENT)

        async def broken(request: httpx.Request, through: Through) -> httpx.Response:
            if request.url.path == "/api/v2/Messages" and not request.url.query.startswith(b"ids"):
                return httpx.Response(500, json={"error": {"code": "error.platform.test", "message": "broken"}})
            return await through()

        wire.always = broken
        assert await synchronized(services) == [received.id]
        wire.always = None
        told = await told_from_now_on(services)
        await synchronized(services)
        assert await told.names() == ["messageSent"]


async def test_who_waits_too_long_for_a_hash_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "HASHING_SECONDS", 0)
    async with two_accounts() as (world, services, _):
        world.wire_of(services).listen()
        with pytest.raises(ConnectorError) as busy:
            await create_own_template(
                services,
                content=ARBITRARY_TEMPLATE,
                expires_at=FAR_FUTURE,
                password_protection=PasswordProtectionParameters(password="x"),
            )
        assert (busy.value.code, busy.value.status) == ("error.connector.unavailable", 503)
        assert world.wire_of(services).paths == []
