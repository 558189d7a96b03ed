"""Whatever instant a process dies at: the modules go on where they were, and doing a step twice changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE, connected, running_account, running_backbone, synchronized, template_reference
from tests.connectors import events_of, request_with_status, running_connector, running_modules, told, until
from trio_connector.domain.attributes.record import ATTRIBUTES
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.notifications.record import PENDING_NOTIFICATIONS
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.record import REQUESTS, LocalRequest
from trio_connector.errors import BackboneRequestError
from trio_connector.events.model import Event
from trio_connector.modules import decider, message, notification, request
from trio_connector.usecases.answers import send_answer
from trio_connector.usecases.attributes import create_own_identity_attribute, delete_attribute_and_notify
from trio_connector.usecases.files import claim_ownership, upload_own_file
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.notifications import deliver_pending_notifications
from trio_connector.usecases.relationships import create_relationship, reject_relationship
from trio_connector.usecases.requests import (
    accept_incoming_request,
    can_accept_incoming_request,
    create_outgoing_request,
    reject_incoming_request,
)
from trio_connector.usecases.requests.files import FILE_CLAIMS
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

CONSENT = {"@type": "ConsentRequestItem", "mustBeAccepted": False, "consent": "c"}
NAME = {"value": {"@type": "GivenName", "value": "Ada"}}
YES = {"items": [{"accept": True}]}


@asynccontextmanager
async def partners() -> AsyncIterator[tuple[Services, Services]]:
    """Two related accounts without modules: tests drive them step by step."""
    async with running_backbone() as url, running_account(url) as left, running_account(url) as right:
        await connected(left, right)
        yield left, right


async def react(services: Services, event: Event) -> None:
    """Let every module that wants ``event`` react to it."""
    for module in (request, notification, message):
        if event.namespace in module.PATTERNS:
            await module.react_to(services, event)
    if event.namespace in decider.PATTERNS:
        await decider.react_to(services, (), event)


async def drive(services: Services, *, times: int = 1) -> None:
    """React to all events, also to those that the reactions tell, each ``times`` times in a row."""
    done = 0
    while events := [event for event in await events_of(services) if event.position > done]:
        for event in events:
            for _ in range(times):
                await react(services, event)
            done = event.position


def state(services: Services) -> Any:
    """Everything the consumption layer stores."""
    collections = (REQUESTS, ATTRIBUTES, MESSAGES, RELATIONSHIPS, PENDING_NOTIFICATIONS)
    return [services.store.select(collection) for collection in collections]


async def sent_request(sender: Services, recipient: Services, item: dict[str, Any] = CONSENT) -> str:
    draft = await create_outgoing_request(sender, {"content": {"items": [item]}, "peer": recipient.address})
    await send_message(sender, recipients=[recipient.address], content=draft.content)
    await synchronized(recipient)
    return draft.id


def stored(services: Services, request_id: str) -> LocalRequest:
    found = services.store.get(REQUESTS, request_id)
    assert found is not None
    return found


def answers(services: Services) -> list[str]:
    return [known.id for known in services.store.select(MESSAGES) if known.content["@type"] == "ResponseWrapper"]


async def test_every_reaction_can_be_repeated() -> None:
    async with partners() as (sender, recipient):
        attribute = await create_own_identity_attribute(sender, NAME)
        share = {
            "@type": "ShareAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": attribute.content,
            "attributeId": attribute.id,
        }
        request_id = await sent_request(sender, recipient, share)
        await drive(recipient, times=2)
        assert stored(recipient, request_id).status == "ManualDecisionRequired"
        await accept_incoming_request(recipient, request_id, YES)
        await drive(recipient, times=2)
        await synchronized(sender)
        await drive(sender, times=2)
        await delete_attribute_and_notify(sender, attribute.id)
        await synchronized(recipient)
        await drive(recipient, times=2)
        assert stored(recipient, request_id).status == stored(sender, request_id).status == "Completed"
        assert len(answers(recipient)) == 1
        for services in (sender, recipient):
            before, told_before = state(services), len(await events_of(services))
            for event in await events_of(services):
                await react(services, event)
            assert state(services) == before
            assert len(await events_of(services)) == told_before
        (copy,) = recipient.store.select(ATTRIBUTES)
        assert copy.deletion_status == "DeletedByEmitter"


async def test_an_answer_that_was_sent_before_the_crash_is_not_sent_again() -> None:
    async with partners() as (sender, recipient):
        request_id = await sent_request(sender, recipient)
        await drive(recipient)
        await accept_incoming_request(recipient, request_id, YES)
        decided = stored(recipient, request_id)
        assert decided.source is not None
        assert decided.response is not None
        wrapper = {
            "@type": "ResponseWrapper",
            "requestId": request_id,
            "requestSourceReference": decided.source.reference,
            "requestSourceType": "Message",
            "response": decided.response.content,
        }
        sent = await send_message(recipient, recipients=[sender.address], content=wrapper)
        await send_answer(recipient, request_id)
        assert answers(recipient) == [sent.id]
        completed = stored(recipient, request_id)
        assert completed.status == "Completed"
        assert completed.response is not None
        assert completed.response.source is not None
        assert completed.response.source.reference == sent.id


async def test_the_event_of_a_sent_answer_completes_a_request_that_was_left_behind() -> None:
    async with partners() as (sender, recipient):
        request_id = await sent_request(sender, recipient)
        await drive(recipient)
        await accept_incoming_request(recipient, request_id, YES)
        decided = stored(recipient, request_id)
        await send_answer(recipient, request_id)
        await recipient.store.transact(lambda unit: unit.put(REQUESTS, decided))  # as if it had died before that
        (sent,) = await events_of(recipient, "transport.messageSent")
        await request.react_to(recipient, sent)
        assert stored(recipient, request_id).status == "Completed"


async def test_a_relationship_that_was_requested_before_the_crash_is_not_requested_again() -> None:
    async with running_backbone() as url, running_account(url) as templator, running_account(url) as requestor:
        content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"items": [CONSENT]}}
        template = await create_own_template(templator, content=content, expires_at=FAR_FUTURE)
        await load_peer_template(requestor, template_reference(templator, template.id))
        await drive(requestor)
        (received,) = requestor.store.select(REQUESTS)
        await accept_incoming_request(requestor, received.id, YES)
        response = stored(requestor, received.id).response
        assert response is not None
        creation = {"@type": "RelationshipCreationContent", "response": response.content}
        relationship = await create_relationship(requestor, template.id, creation)
        await send_answer(requestor, received.id)
        completed = stored(requestor, received.id)
        assert completed.status == "Completed"
        assert completed.response is not None
        assert completed.response.source is not None
        assert completed.response.source.reference == relationship.id

        # The template loaded once more finds the relationship; the answer recorded twice is one request.
        await synchronized(templator)
        await drive(templator, times=2)
        (own,) = templator.store.select(REQUESTS)
        assert (own.id, own.status) == (received.id, "Completed")
        await load_peer_template(requestor, template_reference(templator, template.id))
        await drive(requestor, times=2)
        processed = await events_of(requestor, "consumption.relationshipTemplateProcessed")
        assert b'"RelationshipExists"' in bytes(processed[-1].data)
        await reject_relationship(templator, relationship.id)
        await synchronized(requestor)
        await drive(requestor, times=2)
        assert requestor.store.select(ATTRIBUTES) == []


async def test_a_rejected_request_of_a_template_ends_in_silence_and_can_come_again() -> None:
    async with running_backbone() as url, running_account(url) as templator, running_account(url) as requestor:
        content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"items": [CONSENT]}}
        template = await create_own_template(templator, content=content, expires_at=FAR_FUTURE)
        await load_peer_template(requestor, template_reference(templator, template.id))
        await drive(requestor)
        await load_peer_template(requestor, template_reference(templator, template.id))
        await drive(requestor)
        (received,) = requestor.store.select(REQUESTS)
        processed = await events_of(requestor, "consumption.relationshipTemplateProcessed")
        results = [event.data for event in processed]
        assert b'"ManualRequestDecisionRequired"' in bytes(results[0])
        assert b'"NonCompletedRequestExists"' in bytes(results[1])
        await reject_incoming_request(requestor, received.id, {"items": [{"accept": False}]})
        await drive(requestor)
        assert stored(requestor, received.id).status == "Completed"
        assert requestor.store.select(RELATIONSHIPS) == []
        await load_peer_template(requestor, template_reference(templator, template.id))
        await drive(requestor)
        assert len(requestor.store.select(REQUESTS)) == 2


AWAY = BackboneRequestError("error.transport.request.addressNotFound", "away", backbone_status=503)


class CutOff:
    """A Backbone that takes and shows no messages; everything else is the real one."""

    def __init__(self, backbone: Any) -> None:
        self._backbone = backbone

    def __getattr__(self, name: str) -> Any:
        return self if name == "messages" else getattr(self._backbone, name)

    async def send(self, **message: Any) -> Any:
        raise AWAY

    async def newest_first(self) -> AsyncIterator[Any]:
        for error in (AWAY,):
            raise error
            yield  # type: ignore[unreachable]  # makes it a generator, which fails when it is asked


async def test_what_a_peer_must_be_told_is_told_once_when_the_backbone_is_back() -> None:
    async with partners() as (owner, peer):
        attribute = await create_own_identity_attribute(owner, NAME)
        read = {
            "@type": "ReadAttributeRequestItem",
            "mustBeAccepted": True,
            "query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName"},
        }
        request_id = await sent_request(peer, owner, read)
        await drive(owner)
        params = {"items": [{"accept": True, "existingAttributeId": attribute.id}]}
        await accept_incoming_request(owner, request_id, params)
        backbone: Any = CutOff(owner.backbone)
        cut_off = replace(owner, backbone=backbone)
        with pytest.raises(BackboneRequestError):
            await send_answer(cut_off, request_id)
        assert stored(owner, request_id).status == "Decided"
        await drive(owner)
        assert stored(owner, request_id).status == "Completed"
        await synchronized(peer)
        await drive(peer)

        deleted = await delete_attribute_and_notify(cut_off, attribute.id)
        assert len(deleted.notification_ids) == 1
        assert owner.store.get(ATTRIBUTES, attribute.id) is None
        (pending,) = owner.store.select(PENDING_NOTIFICATIONS)
        with pytest.raises(BackboneRequestError):
            await deliver_pending_notifications(cut_off)
        await deliver_pending_notifications(owner)
        await owner.store.transact(lambda unit: unit.put(PENDING_NOTIFICATIONS, pending))  # as if it had died before
        await deliver_pending_notifications(owner)
        assert owner.store.select(PENDING_NOTIFICATIONS) == []
        carried = [known for known in owner.store.select(MESSAGES) if known.content["@type"] == "Notification"]
        assert [known.content["id"] for known in carried] == deleted.notification_ids
        await synchronized(peer)
        await drive(peer)
        (copy,) = peer.store.select(ATTRIBUTES)
        assert copy.deletion_status == "DeletedByEmitter"


async def test_a_stranger_cannot_answer_somebody_elses_request() -> None:
    async with running_backbone() as url, running_account(url) as sender, running_account(url) as recipient:
        await connected(sender, recipient)
        async with running_account(url) as stranger:
            await connected(sender, stranger)
            request_id = await sent_request(sender, recipient)
            await drive(sender)
            wrapper = {
                "@type": "ResponseWrapper",
                "requestId": request_id,
                "requestSourceReference": "MSG1",
                "requestSourceType": "Message",
                "response": {
                    "@type": "Response",
                    "requestId": request_id,
                    "result": "Accepted",
                    "items": [{"@type": "AcceptResponseItem", "result": "Accepted"}],
                },
            }
            await send_message(stranger, recipients=[sender.address], content=wrapper)
            await synchronized(sender)
            await drive(sender, times=2)
            assert stored(sender, request_id).status == "Open"
            processed = await events_of(sender, "consumption.messageProcessed")
            assert len(processed) == 1


async def test_a_file_changes_hands_even_when_the_claim_was_cut_off() -> None:
    async with partners() as (owner, taker):
        file = await upload_own_file(owner, content=b"text", filename="a.txt", mimetype="text/plain", tags=["x:a"])
        collection = owner.collections.files
        assert collection.prepare is not None
        dto: Any = collection.prepare(file)
        transfer = {
            "@type": "TransferFileOwnershipRequestItem",
            "mustBeAccepted": True,
            "fileReference": dto.reference.truncated,
            "ownershipToken": file.ownership_token,
        }
        request_id = await sent_request(owner, taker, transfer)
        await drive(owner)
        await drive(taker)
        assert (await can_accept_incoming_request(taker, request_id, YES)).is_success
        # The claim reaches the Backbone, and the process dies before it is recorded.
        unclaimed = taker.store.get(taker.collections.files, file.id)
        assert unclaimed is not None
        await taker.store.transact(lambda unit: unit.put_value(FILE_CLAIMS, file.id, request_id))
        await claim_ownership(taker, file.id, file.ownership_token or "")
        await taker.store.transact(lambda unit: unit.put(taker.collections.files, unclaimed))

        await accept_incoming_request(taker, request_id, YES)
        await drive(taker)
        owned = taker.store.get(taker.collections.files, file.id)
        assert owned is not None
        assert owned.is_own
        assert owned.ownership_token not in (None, file.ownership_token)
        (mine,) = taker.store.select(ATTRIBUTES)
        assert (mine.kind, mine.content["tags"]) == ("OwnIdentityAttribute", ["x:a"])
        assert mine.number_of_forwards == 1
        await synchronized(owner)
        await drive(owner)
        (theirs,) = owner.store.select(ATTRIBUTES)
        assert (theirs.id, theirs.kind, theirs.value_type) == (
            mine.id,
            "PeerIdentityAttribute",
            "IdentityFileReference",
        )
        assert stored(owner, request_id).status == "Completed"


async def test_a_wrong_token_moves_no_file() -> None:
    async with partners() as (owner, taker):
        file = await upload_own_file(owner, content=b"text", filename="a.txt", mimetype="text/plain")
        collection = owner.collections.files
        assert collection.prepare is not None
        dto: Any = collection.prepare(file)
        transfer = {
            "@type": "TransferFileOwnershipRequestItem",
            "mustBeAccepted": True,
            "fileReference": dto.reference.truncated,
            "ownershipToken": "wrong",
        }
        content = {"content": {"items": [transfer]}, "peer": taker.address}
        with pytest.raises(Exception, match="Some child items have errors"):
            await create_outgoing_request(owner, content)


async def test_modules_take_up_what_happened_while_they_did_not_run(tmp_path: Path) -> None:
    async with running_backbone() as url, running_connector(url) as sender:
        async with running_account(url, tmp_path) as recipient:
            await connected(sender, recipient)
            request_id = await sent_request(sender, recipient)
        async with running_connector(url, tmp_path) as recipient:
            await until(recipient, lambda: recipient.store.get(REQUESTS, request_id) is not None)
            await request_with_status(recipient, "ManualDecisionRequired", own=False)
        async with running_account(url, tmp_path) as recipient:
            await accept_incoming_request(recipient, request_id, YES)
            async with running_modules(recipient):
                await request_with_status(recipient, "Completed", own=False)
                assert len(answers(recipient)) == 1
                await synchronized(sender)
                await request_with_status(sender, "Completed", own=True)


async def test_a_mail_is_told_under_names_of_its_own() -> None:
    async with running_backbone() as url, running_connector(url) as sender, running_connector(url) as recipient:
        relationship_id = await connected(sender, recipient)
        mail = {"@type": "Mail", "to": [recipient.address], "subject": "Hello", "body": "Text"}
        sent = await send_message(sender, recipients=[recipient.address], content=mail)
        await synchronized(recipient)
        assert (await told(recipient, "consumption.mailReceived"))["id"] == sent.id
        assert (await told(recipient, f"consumption.relationshipEvent.{relationship_id}"))["id"] == relationship_id
        assert (await told(recipient, "consumption.messageProcessed"))["result"] == "NoRequest"
