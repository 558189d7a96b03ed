"""Deleting the own identity, and what peers see of it (transport 14, runtime 5.1)."""

from __future__ import annotations

import pytest

from tests.accounts import synchronized
from tests.usecases.world import a_world, told_from_now_on, two_partners
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.embedded.api.admin import run_deletion_job
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.usecases.identity_deletion import (
    cancel_identity_deletion,
    get_active_identity_deletion_process,
    initiate_identity_deletion,
)
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services

CONTENT = {"@type": "ArbitraryMessageContent", "value": 1}
RUNTIME = "error.runtime.identityDeletionProcess."


def relationship_of(services: Services) -> Relationship:
    """The only one there is."""
    (relationship,) = services.store.select(RELATIONSHIPS)
    return relationship


async def test_a_process_is_started_shown_and_cancelled() -> None:
    async with a_world() as world, world.account() as services:
        with pytest.raises(ConnectorError) as nothing:
            get_active_identity_deletion_process(services)
        assert nothing.value.code == RUNTIME + "noActiveIdentityDeletionProcess"
        with pytest.raises(ConnectorError) as nothing:
            await cancel_identity_deletion(services)
        assert nothing.value.code == RUNTIME + "noActiveIdentityDeletionProcess"
        told = await told_from_now_on(services)
        started = await initiate_identity_deletion(services, 3)
        assert started.status == "Active"
        assert started.grace_period_ends_at is not None
        assert get_active_identity_deletion_process(services) == started
        with pytest.raises(ConnectorError) as twice:
            await initiate_identity_deletion(services)
        assert twice.value.code == RUNTIME + "activeIdentityDeletionProcessAlreadyExists"
        with pytest.raises(BackboneRequestError) as no_sync:
            await synchronized(services)
        assert no_sync.value.code.endswith("cannotStartSyncRunWhileIdentityIsToBeDeleted")
        cancelled = await cancel_identity_deletion(services)
        assert (cancelled.id, cancelled.status) == (started.id, "Cancelled")
        assert await told.names() == 2 * ["identityDeletionProcessStatusChanged"]
        await synchronized(services)


async def test_peers_see_the_going_the_staying_and_the_end() -> None:
    async with two_partners() as (world, leaving, staying):
        told = await told_from_now_on(staying)
        process = await initiate_identity_deletion(leaving, 1)
        await synchronized(staying)
        info = relationship_of(staying).peer_deletion_info
        assert info is not None
        assert (info.deletion_status, info.deletion_date) == ("ToBeDeleted", process.grace_period_ends_at)
        with pytest.raises(ConnectorError) as refused:
            await send_message(staying, recipients=[leaving.address], content=CONTENT)
        assert refused.value.code == "error.runtime.messages.peerIsInDeletion"
        await cancel_identity_deletion(leaving)
        await synchronized(staying)
        assert relationship_of(staying).peer_deletion_info is None
        await send_message(staying, recipients=[leaving.address], content=CONTENT)
        assert await told.names() == ["peerToBeDeleted", "peerDeletionCancelled", "messageSent"]

        await initiate_identity_deletion(leaving, 1)
        world.time_passes(25 * 3600)
        await run_deletion_job(world.database, "localhost")
        await synchronized(staying)
        info = relationship_of(staying).peer_deletion_info
        assert info is not None
        assert info.deletion_status == "Deleted"
        assert relationship_of(staying).status == "DeletionProposed"
        assert relationship_of(staying).last_entry.reason == "DecompositionDueToIdentityDeletion"
        assert sorted(set(await told.names())) == ["peerDeleted", "peerToBeDeleted", "relationshipChanged"]
        assert await world.reported(staying) == []


@pytest.mark.parametrize(
    ("type_", "days"), [("PeerToBeDeleted", 14), ("PeerDeleted", 0)], ids=["to be deleted", "deleted"]
)
async def test_without_a_date_the_usual_one_is_taken(type_: str, days: int) -> None:
    async with two_partners() as (world, _, staying):
        await world.add_event(staying, type_, {"relationshipId": relationship_of(staying).id})
        earliest = world.in_seconds(days * 24 * 3600)
        await synchronized(staying)
        info = relationship_of(staying).peer_deletion_info
        assert info is not None
        assert earliest <= info.deletion_date <= world.in_seconds(days * 24 * 3600)


async def test_dates_of_the_backbone_get_their_one_form() -> None:
    async with two_partners() as (world, _, staying):
        payload = {"relationshipId": relationship_of(staying).id, "deletionDate": "2030-01-02T03:04:05.6789012Z"}
        await world.add_event(staying, "PeerToBeDeleted", payload)
        await world.add_event(staying, "PeerToBeDeleted", {**payload, "deletionDate": "soon"})
        await synchronized(staying)
        info = relationship_of(staying).peer_deletion_info
        assert info is not None
        assert info.deletion_date == "2030-01-02T03:04:05.678Z"
        assert await world.reported(staying) == [("PeerToBeDeleted", "error.transport.unknown")]


@pytest.mark.parametrize("type_", ["PeerToBeDeleted", "PeerDeletionCancelled", "PeerDeleted"])
async def test_news_of_unknown_peers_fail(type_: str) -> None:
    async with a_world() as world, world.account() as services:
        await world.add_event(services, type_, {"relationshipId": "REL" + 17 * "x"})
        await synchronized(services)
        assert await world.reported(services) == [(type_, "error.transport.recordNotFound")]


@pytest.mark.parametrize("type_", ["IdentityDeletionProcessStarted", "IdentityDeletionProcessStatusChanged"])
async def test_a_process_that_somebody_else_started_is_taken_over(type_: str) -> None:
    async with a_world() as world, world.account() as services:
        started = await services.backbone.identity_deletion_processes.start()
        await services.backbone.identity_deletion_processes.cancel(started.id)
        told = await told_from_now_on(services)
        await world.add_event(services, type_, {"deletionProcessId": started.id})
        assert await synchronized(services) == [started.id]
        assert await told.names() == ["identityDeletionProcessStatusChanged"]


async def test_a_process_whose_start_was_not_recorded_is_taken_up() -> None:
    async with a_world() as world, world.account() as services:
        lost = await services.backbone.identity_deletion_processes.start()
        assert (await initiate_identity_deletion(services)).id == lost.id
        await services.backbone.identity_deletion_processes.cancel(lost.id)
        assert (await cancel_identity_deletion(services)).status == "Cancelled"
