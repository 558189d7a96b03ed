"""Relationships between two of our accounts: every operation, what each side tells, what is refused (transport 12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.accounts import (
    ARBITRARY_CREATION,
    ARBITRARY_TEMPLATE,
    FAR_FUTURE,
    connected,
    running_account,
    running_backbone,
    synchronized,
    template_reference,
)
from tests.usecases.world import a_world, told_from_now_on, two_accounts, two_partners
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.errors import ConnectorError, CoreError, ValidationFailed
from trio_connector.usecases.relationships import (
    accept_relationship,
    accept_relationship_reactivation,
    check_can_create_relationship,
    create_relationship,
    get_relationship,
    reject_relationship,
    reject_relationship_reactivation,
    request_relationship_reactivation,
    revoke_relationship,
    revoke_relationship_reactivation,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

Operation = Callable[[Services, str], Awaitable[Relationship]]
P = "error.transport.relationships."


async def requested(templator: Services, requestor: Services) -> str:
    """A pending relationship that both sides know; its id."""
    template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
    loaded = await load_peer_template(requestor, template_reference(templator, template.id))
    relationship = await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
    await synchronized(templator)
    return relationship.id


async def test_two_accounts_connect_over_real_sockets() -> None:
    async with running_backbone() as url, running_account(url) as templator, running_account(url) as requestor:
        relationship_id = await connected(templator, requestor)
        for services in (templator, requestor):
            assert get_relationship(services, relationship_id).status == "Active"


async def test_both_sides_see_the_same_relationship() -> None:
    async with two_partners() as (_, templator, requestor):
        (mine,), (theirs,) = templator.store.select(RELATIONSHIPS), requestor.store.select(RELATIONSHIPS)
        assert (mine.id, mine.status, mine.template_id) == (theirs.id, "Active", theirs.template_id)
        assert mine.creation_content == theirs.creation_content == ARBITRARY_CREATION
        assert mine.peer == requestor.account.identity
        assert theirs.peer == templator.account.identity
        assert mine.audit_log == theirs.audit_log
        assert [entry.reason for entry in mine.audit_log] == ["Creation", "AcceptanceOfCreation"]


CHANGED = "relationshipChanged"
REQUESTED = "relationshipReactivationRequested"
COMPLETED = "relationshipReactivationCompleted"

LIVES: list[tuple[str, list[tuple[str, Operation, str, list[str], list[str]]]]] = [
    ("accepted", [("templator", accept_relationship, "Active", [CHANGED], [CHANGED])]),
    ("rejected", [("templator", reject_relationship, "Rejected", [CHANGED], [CHANGED])]),
    ("revoked", [("requestor", revoke_relationship, "Revoked", [CHANGED], [CHANGED])]),
    (
        "brought back",
        [
            ("templator", accept_relationship, "Active", [CHANGED], [CHANGED]),
            ("requestor", terminate_relationship, "Terminated", [CHANGED], [CHANGED]),
            ("requestor", request_relationship_reactivation, "Terminated", [CHANGED, REQUESTED], [REQUESTED, CHANGED]),
            ("templator", accept_relationship_reactivation, "Active", [CHANGED, COMPLETED], [COMPLETED, CHANGED]),
        ],
    ),
    (
        "not brought back",
        [
            ("templator", accept_relationship, "Active", [CHANGED], [CHANGED]),
            ("templator", terminate_relationship, "Terminated", [CHANGED], [CHANGED]),
            ("templator", request_relationship_reactivation, "Terminated", [CHANGED, REQUESTED], [REQUESTED, CHANGED]),
            ("requestor", reject_relationship_reactivation, "Terminated", [CHANGED, COMPLETED], [COMPLETED, CHANGED]),
            ("requestor", request_relationship_reactivation, "Terminated", [CHANGED, REQUESTED], [REQUESTED, CHANGED]),
            ("requestor", revoke_relationship_reactivation, "Terminated", [CHANGED, COMPLETED], [COMPLETED, CHANGED]),
        ],
    ),
]


@pytest.mark.parametrize("steps", [steps for _, steps in LIVES], ids=[name for name, _ in LIVES])
async def test_each_step_is_recorded_and_told_on_both_sides(
    steps: list[tuple[str, Operation, str, list[str], list[str]]],
) -> None:
    async with two_accounts() as (_, templator, requestor):
        relationship_id = await requested(templator, requestor)
        for actor, operation, status, told_here, told_there in steps:
            me, peer = (templator, requestor) if actor == "templator" else (requestor, templator)
            mine, theirs = await told_from_now_on(me), await told_from_now_on(peer)
            changed = await operation(me, relationship_id)
            assert changed.status == status
            assert changed == get_relationship(me, relationship_id)
            assert await mine.names() == told_here
            assert await synchronized(peer) == [relationship_id]
            assert get_relationship(peer, relationship_id).status == status
            assert get_relationship(peer, relationship_id).audit_log == changed.audit_log
            assert await theirs.names() == told_there


REFUSED: list[tuple[str, Operation, str]] = [
    ("requestor", accept_relationship, "operationOnlyAllowedForPeer"),
    ("requestor", reject_relationship, "operationOnlyAllowedForPeer"),
    ("templator", revoke_relationship, "operationOnlyAllowedForPeer"),
    ("templator", terminate_relationship, "wrongRelationshipStatus"),
    ("templator", request_relationship_reactivation, "wrongRelationshipStatus"),
    ("templator", accept_relationship_reactivation, "wrongRelationshipStatus"),
]


@pytest.mark.parametrize(("actor", "operation", "code"), REFUSED)
async def test_what_a_pending_relationship_does_not_allow_is_never_asked_for(
    actor: str, operation: Operation, code: str
) -> None:
    async with two_accounts() as (world, templator, requestor):
        relationship_id = await requested(templator, requestor)
        me = templator if actor == "templator" else requestor
        world.wire_of(me).listen()
        with pytest.raises(CoreError) as refused:
            await operation(me, relationship_id)
        assert refused.value.code == P + code
        assert world.wire_of(me).paths == []


async def test_reactivations_have_their_order() -> None:
    async with two_partners() as (_, one, other):
        (relationship,) = one.store.select(RELATIONSHIPS)
        await terminate_relationship(one, relationship.id)
        for operation in (accept_relationship_reactivation, revoke_relationship_reactivation):
            with pytest.raises(CoreError) as nothing:
                await operation(one, relationship.id)
            assert nothing.value.code == P + "reactivationNotRequested"
        await request_relationship_reactivation(one, relationship.id)
        await synchronized(other)
        for services in (one, other):
            with pytest.raises(CoreError) as twice:
                await request_relationship_reactivation(services, relationship.id)
            assert twice.value.code == P + "reactivationAlreadyRequested"
        with pytest.raises(CoreError) as own:
            await accept_relationship_reactivation(one, relationship.id)
        assert own.value.code == P + "operationOnlyAllowedForPeer"


async def test_unknown_relationships_are_not_found() -> None:
    async with a_world() as world, world.account() as services:
        with pytest.raises(ConnectorError) as unknown:
            await accept_relationship(services, "REL" + 17 * "x")
        assert unknown.value.code == "error.runtime.recordNotFound"


async def test_one_relationship_at_a_time() -> None:
    async with two_accounts() as (_, templator, requestor):
        relationship_id = await requested(templator, requestor)
        template_id = get_relationship(requestor, relationship_id).template_id
        with pytest.raises(CoreError) as exists:
            await create_relationship(requestor, template_id, ARBITRARY_CREATION)
        assert exists.value.code == P + "relationshipCurrentlyExists"
        await reject_relationship(templator, relationship_id)
        await synchronized(requestor)
        second = await create_relationship(requestor, template_id, ARBITRARY_CREATION)
        assert second.id != relationship_id
        assert second.relationship_secret_id != get_relationship(requestor, relationship_id).relationship_secret_id


async def test_who_is_about_to_go_takes_no_new_relationships() -> None:
    async with two_accounts() as (_, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        await templator.backbone.identity_deletion_processes.start()
        with pytest.raises(CoreError) as leaving:
            await check_can_create_relationship(requestor, loaded.id)
        assert leaving.value.code == P + "activeIdentityDeletionProcessOfOwnerOfRelationshipTemplate"


async def test_who_is_gone_takes_no_new_relationships() -> None:
    async with two_accounts() as (world, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        await world.change("DELETE FROM identities WHERE address = ?", templator.address)
        with pytest.raises(CoreError) as gone:
            await check_can_create_relationship(requestor, loaded.id)
        assert gone.value.code == P + "deletedOwnerOfRelationshipTemplate"


@pytest.mark.parametrize(
    "content",
    [
        {"@type": "RelationshipCreationContent", "response": {"result": "Accepted", "requestId": "x", "items": []}},
        {"@type": "Mail", "to": [], "subject": "s", "body": "b"},
        {"no": "type"},
        {"@type": "NoSuchType"},
        {"@type": "CoreDate", "date": FAR_FUTURE},
    ],
)
async def test_only_fitting_creation_contents_are_sent(content: Any) -> None:
    async with two_accounts() as (world, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        with pytest.raises((ValidationFailed, ConnectorError)):
            await create_relationship(requestor, loaded.id, content)
        assert await world.rows("SELECT id FROM relationships") == []


async def test_a_relationship_that_was_revoked_before_it_was_seen_is_told_once() -> None:
    async with two_accounts() as (_, templator, requestor):
        template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
        loaded = await load_peer_template(requestor, template_reference(templator, template.id))
        relationship = await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
        await revoke_relationship(requestor, relationship.id)
        told = await told_from_now_on(templator)
        await synchronized(templator)
        assert get_relationship(templator, relationship.id).status == "Revoked"
        assert await told.names() == [CHANGED]


async def test_an_answer_that_crosses_the_peers_step_changes_nothing() -> None:
    async with two_accounts() as (_, templator, requestor):
        relationship_id = await requested(templator, requestor)
        await revoke_relationship(requestor, relationship_id)
        told = await told_from_now_on(templator)
        with pytest.raises(ConnectorError):
            await accept_relationship(templator, relationship_id)
        assert get_relationship(templator, relationship_id).status == "Pending"
        assert await told.names() == []
        await synchronized(templator)
        assert get_relationship(templator, relationship_id).status == "Revoked"
