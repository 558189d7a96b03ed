"""A process that dies at any step: opened again from its folder, the account goes on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

from tests.accounts import (
    ARBITRARY_CREATION,
    ARBITRARY_TEMPLATE,
    FAR_FUTURE,
    connected,
    synchronized,
    template_reference,
)
from tests.usecases.deaths import die_at_each_step
from tests.usecases.test_files import reference_to, upload
from tests.usecases.world import World, a_world
from trio_connector.domain.file import File
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.events.log import EventQuery
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.files import claim_ownership, get_file, get_or_load_file
from trio_connector.usecases.identity_deletion import (
    active_deletion_process,
    cancel_identity_deletion,
    initiate_identity_deletion,
)
from trio_connector.usecases.messages import PENDING_MESSAGES, send_message
from trio_connector.usecases.relationships import (
    PENDING_CREATIONS,
    accept_relationship,
    create_relationship,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

CONTENT = {"@type": "ArbitraryMessageContent", "value": 1}


async def told(services: Services, namespace: str) -> int:
    """How often this was told, ever."""
    events = await services.store.events.list(EventQuery(limit=1000))
    return sum(event.namespace == f"transport.{namespace}" for event in events)


async def sync(services: Services) -> None:
    """One synchronisation that must succeed."""
    await synchronized(services)


def only_relationship(services: Services, *statuses: str) -> Relationship:
    """The one in one of these statuses."""
    found = [relationship for relationship in services.store.select(RELATIONSHIPS) if relationship.status in statuses]
    (relationship,) = found
    return relationship


async def talk(one: Services, other: Services) -> None:
    """Use the channel in both directions."""
    for sender, receiver in ((one, other), (other, one)):
        message = await send_message(sender, recipients=[receiver.address], content=CONTENT)
        await synchronized(receiver)
        assert receiver.store.get(MESSAGES, message.id) is not None


async def test_a_half_made_account_is_completed(tmp_path: Path) -> None:
    async with a_world() as world:

        async def check(services: Services) -> None:
            await synchronized(services)
            assert (await world.rows("SELECT version FROM datawallets WHERE address = ?", services.address)) == [(1,)]

        assert await die_at_each_step(world, tmp_path, act=sync, check=check, from_birth=True) > 15


async def test_a_message_that_was_sent_is_recorded_once(tmp_path: Path) -> None:
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as other:
        async with world.account(tmp_path) as services:
            await connected(services, other)

        async def send(services: Services) -> None:
            await send_message(services, recipients=[other.address], content=CONTENT)

        async def check(services: Services) -> None:
            await synchronized(services)
            sent = [id_ for (id_,) in await world.rows("SELECT id FROM messages ORDER BY created_at")]
            assert [message.id for message in services.store.select(MESSAGES)] == sent
            assert await told(services, "messageSent") == len(sent)
            world.time_passes(11 * 60)
            await synchronized(services)
            assert services.store.values(PENDING_MESSAGES) == {}
            await synchronized(other)
            assert await told(other, "messageReceived") == len(sent)

        assert await die_at_each_step(world, tmp_path, act=send, check=check) >= 8


async def test_an_interrupted_request_for_a_relationship_is_taken_up(tmp_path: Path) -> None:
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as templator:
        template_id = ""

        async def prepare(services: Services) -> None:
            nonlocal template_id
            template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
            template_id = (await load_peer_template(services, template_reference(templator, template.id))).id

        async def ask(services: Services) -> None:
            await create_relationship(services, template_id, ARBITRARY_CREATION)

        async def check(services: Services) -> None:
            if not await world.rows("SELECT id FROM relationships WHERE template_id = ?", template_id):
                await ask(services)
            await synchronized(templator)
            await accept_relationship(templator, only_relationship(templator, "Pending").id)
            await synchronized(services)
            assert services.store.values(PENDING_CREATIONS) == {}
            await part(services, templator)

        assert await die_at_each_step(world, tmp_path, act=ask, check=check, prepare=prepare) >= 6


async def part(one: Services, other: Services) -> None:
    """Talk, and end it on both sides."""
    await talk(one, other)
    relationship = only_relationship(one, "Active")
    await terminate_relationship(one, relationship.id)
    await synchronized(other)
    for services in (one, other):
        await decompose_relationship(services, relationship.id)
        for both in (one, other):
            await synchronized(both)


async def test_an_interrupted_acceptance_is_finished(tmp_path: Path) -> None:
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as requestor:

        async def prepare(services: Services) -> None:
            template = await create_own_template(services, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
            loaded = await load_peer_template(requestor, template_reference(services, template.id))
            await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
            await synchronized(services)

        async def accept(services: Services) -> None:
            await accept_relationship(services, only_relationship(services, "Pending").id)

        async def check(services: Services) -> None:
            if only_relationship(services, "Pending", "Active").status == "Pending":
                await accept(services)
            await synchronized(requestor)
            await part(services, requestor)

        assert await die_at_each_step(world, tmp_path, act=accept, check=check, prepare=prepare) >= 6


async def fill(world: World, services: Services, peer: Services, stranger: Services) -> None:
    """Let a bit of everything wait for ``services``."""
    file = await upload(peer)
    await send_message(peer, recipients=[services.address], content=CONTENT, attachments=[file.id])
    await send_message(peer, recipients=[services.address], content=CONTENT)
    template = await create_own_template(
        services, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE, max_number_of_allocations=1
    )
    loaded = await load_peer_template(stranger, template_reference(services, template.id))
    await create_relationship(stranger, loaded.id, ARBITRARY_CREATION)
    own = await upload(services)
    await get_or_load_file(peer, reference_to(services, own))
    await claim_ownership(peer, own.id, own.ownership_token or "")
    await send_message(peer, recipients=[services.address], content=CONTENT)
    await world.add_event(services, "SomethingNew", {})


async def test_an_interrupted_synchronisation_is_finished_by_the_next(tmp_path: Path) -> None:
    """Every event is told once, and none is ever counted as failed, even when the process stays away for long."""
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as peer, world.account() as stranger:
        async with world.account(tmp_path) as services:
            await connected(services, peer)
        rounds = 0

        async def prepare(services: Services) -> None:
            nonlocal rounds
            rounds += 1
            await fill(world, services, peer, stranger)

        async def check(services: Services) -> None:
            if services.store.value("SyncInfo", "OpenSyncRun") is not None:
                world.time_passes(11)  # else the id of a run is only known for as long as it runs
            await synchronized(services)
            assert await world.reported(services) == []
            assert await told(services, "messageReceived") == 3 * rounds
            assert await told(services, "relationshipTemplateAllocationsExhausted") == rounds
            assert await told(services, "fileOwnershipClaimed") == rounds
            mine = only_relationship(services, "Pending")
            assert await told(services, "relationshipChanged") == 3 * rounds
            await accept_relationship(services, mine.id)
            await synchronized(stranger)
            await terminate_relationship(services, mine.id)
            await synchronized(stranger)
            for one in (services, stranger):
                await decompose_relationship(one, mine.id)
                for both in (services, stranger):
                    await synchronized(both)

        assert await die_at_each_step(world, tmp_path, act=sync, check=check, prepare=prepare) >= 30


async def test_an_interrupted_decomposition_is_finished(tmp_path: Path) -> None:
    async with a_world(max_unreceived_messages=10_000) as world, world.account() as peer:
        rounds = 0

        async def prepare(services: Services) -> None:
            nonlocal rounds
            rounds += 1
            await connected(services, peer)
            await talk(services, peer)
            await terminate_relationship(services, only_relationship(services, "Active").id)
            await synchronized(peer)

        async def decompose(services: Services) -> None:
            await decompose_relationship(services, only_relationship(services, "Terminated").id)

        async def check(services: Services) -> None:
            if services.store.select(RELATIONSHIPS):
                await decompose(services)
            assert services.store.select(RELATIONSHIPS) == []
            assert await told(services, "relationshipDecomposedBySelf") == rounds
            await synchronized(services)
            await synchronized(peer)
            await decompose_relationship(peer, only_relationship(peer, "DeletionProposed").id)
            await synchronized(services)
            assert services.store.select(MESSAGES) == []

        assert await die_at_each_step(world, tmp_path, act=decompose, check=check, prepare=prepare) >= 6


async def test_an_interrupted_deletion_process_is_found_again(tmp_path: Path) -> None:
    async with a_world() as world:

        async def start_and_cancel(services: Services) -> None:
            await initiate_identity_deletion(services)
            await cancel_identity_deletion(services)

        async def check(services: Services) -> None:
            if active_deletion_process(services.store) is None and await world.rows(
                "SELECT id FROM deletion_processes WHERE status = 'Active'"
            ):
                await initiate_identity_deletion(services)
            if active_deletion_process(services.store) is not None:
                await cancel_identity_deletion(services)
            await synchronized(services)

        assert await die_at_each_step(world, tmp_path, act=start_and_cancel, check=check) >= 8


async def test_an_interrupted_change_of_ownership_is_finished(tmp_path: Path) -> None:
    async with a_world() as world, world.account() as owner:
        files: list[File] = []

        async def prepare(services: Services) -> None:
            files.append(await upload(owner))
            await get_or_load_file(services, reference_to(owner, files[-1]))

        async def claim(services: Services) -> None:
            await claim_ownership(services, files[-1].id, files[-1].ownership_token or "")

        async def check(services: Services) -> None:
            if not get_file(services, files[-1].id).is_own:
                await claim(services)
            ((token,),) = await world.rows("SELECT ownership_token FROM files WHERE id = ?", files[-1].id)
            assert get_file(services, files[-1].id).ownership_token == token

        assert await die_at_each_step(world, tmp_path, act=claim, check=check, prepare=prepare) >= 6
