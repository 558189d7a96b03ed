"""Requests between two connectors whose modules run, over the embedded Backbone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.accounts import FAR_FUTURE, connected, running_backbone, synchronized, template_reference
from tests.connectors import events_of, request_with_status, running_connector, told
from trio_connector.domain.attributes.record import ATTRIBUTES, FORWARDING_DETAILS
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.automation import AutomationRule
from trio_connector.domain.requests.record import REQUESTS
from trio_connector.usecases.attributes import create_own_identity_attribute
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import accept_relationship
from trio_connector.usecases.requests import (
    accept_incoming_request,
    can_accept_incoming_request,
    create_outgoing_request,
    reject_incoming_request,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

AUTHENTICATION = {"@type": "AuthenticationRequestItem", "mustBeAccepted": False, "title": "Login"}
GIVEN_NAME = {"value": {"@type": "GivenName", "value": "Ada"}}


@asynccontextmanager
async def two_partners(
    rules: tuple[AutomationRule, ...] = (),
) -> AsyncIterator[tuple[Services, Services]]:
    async with (
        running_backbone() as url,
        running_connector(url) as sender,
        running_connector(url, rules=rules) as recipient,
    ):
        await connected(sender, recipient)
        yield sender, recipient


async def ask(sender: Services, recipient: Services, *items: Any) -> str:
    """Create and send a request with ``items``; its id once it waits for a decision."""
    draft = await create_outgoing_request(sender, {"content": {"items": list(items)}, "peer": recipient.address})
    await send_message(sender, recipients=[recipient.address], content=draft.content)
    await request_with_status(sender, "Open", own=True)
    await synchronized(recipient)
    await told(recipient, "consumption.messageProcessed", where=lambda data: data["result"] != "NoRequest")
    return draft.id


async def answered(sender: Services, recipient: Services) -> Any:
    """The sender's request once the recipient's answer arrived."""
    await request_with_status(recipient, "Completed", own=False)
    await synchronized(sender)
    return await request_with_status(sender, "Completed", own=True)


async def test_an_attribute_is_shared_and_both_sides_tell_every_step() -> None:
    async with two_partners() as (sender, recipient):
        attribute = await create_own_identity_attribute(sender, GIVEN_NAME)
        item = {
            "@type": "ShareAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": attribute.content,
            "attributeId": attribute.id,
        }
        request_id = await ask(sender, recipient, item)
        await accept_incoming_request(recipient, request_id, {"items": [{"accept": True}]})
        completed = await answered(sender, recipient)
        assert completed["response"]["content"]["result"] == "Accepted"
        assert completed["response"]["source"]["type"] == "Message"

        copy = recipient.store.get(ATTRIBUTES, attribute.id)
        assert copy is not None
        assert copy.kind == "PeerIdentityAttribute"
        assert copy.source_reference == request_id
        details = sender.store.select(FORWARDING_DETAILS, attribute_id=attribute.id)
        assert [detail.peer for detail in details] == [recipient.address]
        shared = sender.store.get(ATTRIBUTES, attribute.id)
        assert shared is not None
        assert shared.number_of_forwards == 1

        told_by_sender = [event.namespace for event in await events_of(sender, "consumption.")]
        assert told_by_sender == [
            "consumption.attributeCreated",
            "consumption.outgoingRequestCreated",
            "consumption.outgoingRequestStatusChanged",
            "consumption.messageProcessed",
            "consumption.attributeForwardingDetailsChanged",
            "consumption.outgoingRequestStatusChanged",
        ] or told_by_sender == [
            "consumption.attributeCreated",
            "consumption.outgoingRequestCreated",
            "consumption.outgoingRequestStatusChanged",
            "consumption.attributeForwardingDetailsChanged",
            "consumption.outgoingRequestStatusChanged",
            "consumption.messageProcessed",
        ]
        assert [event.namespace for event in await events_of(recipient, "consumption.")] == [
            "consumption.relationshipTemplateProcessed",
            "consumption.incomingRequestReceived",
            "consumption.incomingRequestStatusChanged",
            "consumption.incomingRequestStatusChanged",
            "consumption.messageProcessed",
            "consumption.attributeCreated",
            "consumption.incomingRequestStatusChanged",
            "consumption.incomingRequestStatusChanged",
        ]


async def test_a_rejected_request_comes_back_with_the_reason() -> None:
    async with two_partners() as (sender, recipient):
        request_id = await ask(sender, recipient, AUTHENTICATION)
        reason = {"accept": False, "code": "x.no", "message": "Not today"}
        await reject_incoming_request(recipient, request_id, {"items": [reason]})
        completed = await answered(sender, recipient)
        assert completed["response"]["content"]["items"] == [
            {"@type": "RejectResponseItem", "code": "x.no", "message": "Not today", "result": "Rejected"}
        ]


async def test_a_template_with_a_request_leads_to_a_relationship_and_a_completed_request() -> None:
    async with running_backbone() as url, running_connector(url) as templator, running_connector(url) as requestor:
        create = {
            "@type": "CreateAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": {
                "@type": "RelationshipAttribute",
                "owner": "",
                "key": "customerId",
                "confidentiality": "public",
                "value": {"@type": "ProprietaryString", "title": "Customer", "value": "C-1"},
            },
        }
        content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"items": [create]}}
        template = await create_own_template(templator, content=content, expires_at=FAR_FUTURE)
        await load_peer_template(requestor, template_reference(templator, template.id))
        processed = await told(requestor, "consumption.relationshipTemplateProcessed")
        assert processed["result"] == "ManualRequestDecisionRequired"
        decided = await accept_incoming_request(requestor, processed["requestId"], {"items": [{"accept": True}]})
        assert decided.status == "Decided"
        await request_with_status(requestor, "Completed", own=False)
        await synchronized(templator)
        created = await told(templator, "consumption.outgoingRequestCreatedAndCompleted")
        await told(templator, "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted")
        assert created["id"] == processed["requestId"]
        assert created["response"]["source"]["type"] == "Relationship"
        (relationship,) = templator.store.select(RELATIONSHIPS, peer=requestor.address)
        await accept_relationship(templator, relationship.id)
        await synchronized(requestor)

        (mine,) = requestor.store.select(ATTRIBUTES, peer=templator.address)
        (theirs,) = templator.store.select(ATTRIBUTES, peer=requestor.address)
        assert mine.id == theirs.id
        assert (mine.kind, theirs.kind) == ("OwnRelationshipAttribute", "PeerRelationshipAttribute")
        assert mine.owner == theirs.owner == requestor.address


async def test_a_configured_decision_needs_nobody() -> None:
    rule = AutomationRule(
        request_config={"content.item.@type": "ReadAttributeRequestItem"},
        response_config={
            "accept": True,
            "newAttribute": {"@type": "IdentityAttribute", "owner": "", **GIVEN_NAME},
        },
    )
    async with two_partners((rule,)) as (sender, recipient):
        read = {
            "@type": "ReadAttributeRequestItem",
            "mustBeAccepted": True,
            "query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName"},
        }
        request_id = await ask(sender, recipient, read)
        await answered(sender, recipient)
        request = recipient.store.get(REQUESTS, request_id)
        assert request is not None
        assert request.was_automatically_decided is True
        (copy,) = sender.store.select(ATTRIBUTES, peer=recipient.address)
        assert copy.content["value"] == {"@type": "GivenName", "value": "Ada"}
        processed = await told(recipient, "consumption.messageProcessed")
        assert processed["result"] == "RequestAutomaticallyDecided"


async def test_people_decide_about_authentication_even_when_everything_is_rejected_by_rule() -> None:
    rule = AutomationRule(request_config={}, response_config={"accept": False})
    async with two_partners((rule,)) as (sender, recipient):
        request_id = await ask(sender, recipient, AUTHENTICATION)
        request = recipient.store.get(REQUESTS, request_id)
        assert request is not None
        assert request.status == "ManualDecisionRequired"
        result = await can_accept_incoming_request(recipient, request_id, {"items": [{"accept": True}]})
        assert result.is_success
