"""The official runtime as our partner in requests, attributes and notifications, with its modules running.

Each side asks the other for every kind of item that connectors exchange; what both store must agree.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.accounts import ARBITRARY_CREATION, ARBITRARY_TEMPLATE, FAR_FUTURE, synchronized, template_reference
from tests.connectors import request_with_status, running_modules, told, until
from tests.interop.peers import Peer, Peers
from trio_connector.domain.attributes.record import ATTRIBUTES, FORWARDING_DETAILS
from trio_connector.domain.requests.record import REQUESTS, LocalRequest
from trio_connector.usecases.attributes import (
    create_own_identity_attribute,
    delete_attribute_and_notify,
    notify_peer_about_succession,
    succeed_attribute,
)
from trio_connector.usecases.files import upload_own_file
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import accept_relationship, create_relationship
from trio_connector.usecases.requests import (
    accept_incoming_request,
    can_accept_incoming_request,
    create_outgoing_request,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

MODULES: dict[str, Any] = {
    "request": {"enabled": True},
    "decider": {"enabled": True},
    "notification": {"enabled": True},
}
PATIENCE_SECONDS = 20
GIVEN_NAME = {"@type": "GivenName", "value": "Ada"}
ACCEPT = {"accept": True}


@asynccontextmanager
async def partners(ours: Services, peers: Peers, name: str = "partner") -> AsyncIterator[Peer]:
    """An official account with its modules, in a relationship with ours, whose modules run too."""
    peer = await peers.open(name, **MODULES)
    async with running_modules(ours):
        await relate(ours, peer)
        yield peer


async def relate(ours: Services, peer: Peer) -> str:
    template = await create_own_template(ours, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
    reference = {"reference": template_reference(ours, template.id)}
    loaded = await peer.transport("relationshipTemplates.loadPeerRelationshipTemplate", reference)
    creation = {"templateId": loaded["id"], "creationContent": ARBITRARY_CREATION}
    created = await peer.transport("relationships.createRelationship", creation)
    await synchronized(ours)
    await accept_relationship(ours, created["id"])
    await peer.sync()
    return str(created["id"])


async def eventually(ask: Callable[[], Awaitable[Any]], holds: Callable[[Any], bool]) -> Any:
    """Ask the official side, whose modules work on their own time, until its answer is as it will be."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            answer = await ask()
            if holds(answer):
                return answer
            await trio.lowlevel.checkpoint()


async def their_request(peer: Peer, request_id: str, status: str, *, own: bool) -> Any:
    side = "outgoingRequests" if own else "incomingRequests"

    async def ask() -> Any:
        found = await peer.consumption(f"{side}.getRequests", {"query": {"id": request_id}})
        return found[0] if found else {"status": "unknown"}

    return await eventually(ask, lambda request: request["status"] == status)


async def their_attribute(peer: Peer, attribute_id: str) -> Any:
    return await peer.consumption("attributes.getAttribute", {"id": attribute_id})


async def asked_by_us(ours: Services, peer: Peer, item: dict[str, Any], entry: dict[str, Any]) -> LocalRequest:
    """We ask, the official runtime accepts with ``entry``; our completed request."""
    draft = await create_outgoing_request(ours, {"content": {"items": [item]}, "peer": peer.address})
    await send_message(ours, recipients=[peer.address], content=draft.content)
    await until(ours, lambda: status_of(ours, draft.id) == "Open")
    await peer.sync()
    await their_request(peer, draft.id, "ManualDecisionRequired", own=False)
    params = {"requestId": draft.id, "items": [entry]}
    checked = await peer.consumption("incomingRequests.canAccept", params)
    assert checked["isSuccess"], checked
    await peer.consumption("incomingRequests.accept", params)
    await their_request(peer, draft.id, "Completed", own=False)
    await synchronized(ours)
    await until(ours, lambda: status_of(ours, draft.id) == "Completed")
    found = ours.store.get(REQUESTS, draft.id)
    assert found is not None
    return found


def status_of(ours: Services, request_id: str) -> str | None:
    found = ours.store.get(REQUESTS, request_id)
    return None if found is None else found.status


async def asked_by_peer(ours: Services, peer: Peer, item: dict[str, Any], entry: dict[str, Any]) -> Any:
    """The official runtime asks, we accept with ``entry``; its completed request."""
    created = await peer.consumption("outgoingRequests.create", {"content": {"items": [item]}, "peer": ours.address})
    sent = {"recipients": [ours.address], "content": created["content"]}
    await peer.transport("messages.sendMessage", sent)
    await their_request(peer, created["id"], "Open", own=True)
    await synchronized(ours)
    await until(ours, lambda: status_of(ours, created["id"]) == "ManualDecisionRequired")
    checked = await can_accept_incoming_request(ours, created["id"], {"items": [entry]})
    assert checked.is_success, checked
    await accept_incoming_request(ours, created["id"], {"items": [entry]})
    await until(ours, lambda: status_of(ours, created["id"]) == "Completed")
    await peer.sync()
    return await their_request(peer, created["id"], "Completed", own=True)


def relationship_attribute(key: str, owner: str = "") -> dict[str, Any]:
    return {
        "@type": "RelationshipAttribute",
        "owner": owner,
        "key": key,
        "confidentiality": "public",
        "value": {"@type": "ProprietaryString", "title": "Customer", "value": "C-1"},
    }


def relationship_query(key: str) -> dict[str, Any]:
    hints = {"title": "Customer", "valueType": "ProprietaryString", "confidentiality": "public"}
    return {"@type": "RelationshipAttributeQuery", "key": key, "owner": "", "attributeCreationHints": hints}


IDENTITY_QUERY = {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}

ITEMS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    (
        "authentication",
        {"@type": "AuthenticationRequestItem", "mustBeAccepted": True, "title": "Login"},
        ACCEPT,
        "AcceptResponseItem",
    ),
    (
        "consent",
        {"@type": "ConsentRequestItem", "mustBeAccepted": True, "consent": "I agree"},
        ACCEPT,
        "AcceptResponseItem",
    ),
    (
        "form field",
        {
            "@type": "FormFieldRequestItem",
            "mustBeAccepted": True,
            "title": "Colours",
            "settings": {
                "@type": "SelectionFormFieldSettings",
                "options": ["red", "blue"],
                "allowMultipleSelection": True,
            },
        },
        {**ACCEPT, "response": ["blue"]},
        "FormFieldAcceptResponseItem",
    ),
    (
        "create relationship attribute",
        {
            "@type": "CreateAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": relationship_attribute("created"),
        },
        ACCEPT,
        "CreateAttributeAcceptResponseItem",
    ),
    (
        "create identity attribute",
        {
            "@type": "CreateAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": {"@type": "IdentityAttribute", "owner": "", "value": GIVEN_NAME, "tags": ["x:a"]},
        },
        ACCEPT,
        "CreateAttributeAcceptResponseItem",
    ),
    (
        "read identity attribute",
        {"@type": "ReadAttributeRequestItem", "mustBeAccepted": True, "query": IDENTITY_QUERY},
        {**ACCEPT, "newAttribute": {"@type": "IdentityAttribute", "owner": "", "value": GIVEN_NAME}},
        "ReadAttributeAcceptResponseItem",
    ),
    (
        "read relationship attribute",
        {"@type": "ReadAttributeRequestItem", "mustBeAccepted": True, "query": relationship_query("read")},
        {**ACCEPT, "newAttribute": relationship_attribute("read")},
        "ReadAttributeAcceptResponseItem",
    ),
    (
        "propose",
        {
            "@type": "ProposeAttributeRequestItem",
            "mustBeAccepted": True,
            "query": IDENTITY_QUERY,
            "attribute": {"@type": "IdentityAttribute", "owner": "", "value": GIVEN_NAME},
        },
        {**ACCEPT, "attribute": {"@type": "IdentityAttribute", "owner": "", "value": GIVEN_NAME}},
        "ProposeAttributeAcceptResponseItem",
    ),
]


async def attributes_agree(ours: Services, peer: Peer) -> int:
    """Every attribute of ours that the official side has too has the same content there; how many there are."""
    common = 0
    theirs = {attribute["id"]: attribute for attribute in await peer.consumption("attributes.getAttributes", {})}
    for attribute in ours.store.select(ATTRIBUTES):
        if attribute.id in theirs:
            assert theirs[attribute.id]["content"] == attribute.content
            common += 1
    return common


@pytest.mark.parametrize(("item", "entry", "answer"), [row[1:] for row in ITEMS], ids=[row[0] for row in ITEMS])
async def test_both_sides_ask_and_answer(
    ours: Services, peers: Peers, item: dict[str, Any], entry: dict[str, Any], answer: str
) -> None:
    async with partners(ours, peers) as peer:
        mine = await asked_by_us(ours, peer, item, entry)
        assert mine.response is not None
        assert mine.response.content["items"][0]["@type"] == answer
        # The other way round the key must be another one.
        if item["@type"] == "CreateAttributeRequestItem" and "key" in item["attribute"]:
            item = {**item, "attribute": {**item["attribute"], "key": "other"}}
        theirs = await asked_by_peer(ours, peer, item, entry)
        assert theirs["response"]["content"]["items"][0]["@type"] == answer
        expected = 0 if answer in ("AcceptResponseItem", "FormFieldAcceptResponseItem") else 2
        if "query" in item and item["query"]["@type"] == "RelationshipAttributeQuery":
            expected = 2
        assert await attributes_agree(ours, peer) == expected


async def test_our_template_is_answered_by_the_official_runtime(ours: Services, peers: Peers) -> None:
    peer = await peers.open("requestor", **MODULES)
    item = {"@type": "CreateAttributeRequestItem", "mustBeAccepted": True, "attribute": relationship_attribute("k")}
    content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"items": [item]}}
    async with running_modules(ours):
        template = await create_own_template(ours, content=content, expires_at=FAR_FUTURE)
        reference = {"reference": template_reference(ours, template.id)}
        await peer.transport("relationshipTemplates.loadPeerRelationshipTemplate", reference)

        async def received() -> Any:
            return await peer.consumption("incomingRequests.getRequests", {})

        (request,) = await eventually(
            received, lambda found: bool(found) and found[0]["status"] == "ManualDecisionRequired"
        )
        await peer.consumption("incomingRequests.accept", {"requestId": request["id"], "items": [ACCEPT]})
        await their_request(peer, request["id"], "Completed", own=False)
        await synchronized(ours)
        completed = await told(ours, "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted")
        assert completed["id"] == request["id"]
        assert await attributes_agree(ours, peer) == 1


async def test_we_answer_a_template_of_the_official_runtime(ours: Services, peers: Peers) -> None:
    peer = await peers.open("templator", **MODULES)
    item = {"@type": "CreateAttributeRequestItem", "mustBeAccepted": True, "attribute": relationship_attribute("k")}
    content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"items": [item]}}
    async with running_modules(ours):
        template = await peer.transport(
            "relationshipTemplates.createOwnRelationshipTemplate", {"content": content, "expiresAt": FAR_FUTURE}
        )
        await load_peer_template(ours, template["reference"]["truncated"])
        processed = await told(ours, "consumption.relationshipTemplateProcessed")
        await accept_incoming_request(ours, processed["requestId"], {"items": [ACCEPT]})
        await request_with_status(ours, "Completed", own=False)
        await peer.sync()
        theirs = await their_request(peer, processed["requestId"], "Completed", own=True)
        assert theirs["response"]["source"]["type"] == "Relationship"
        assert await attributes_agree(ours, peer) == 1


async def test_shared_attributes_are_succeeded_and_deleted_in_both_directions(ours: Services, peers: Peers) -> None:
    async with partners(ours, peers) as peer:
        # Ours, shared with them.
        attribute = await create_own_identity_attribute(ours, {"value": GIVEN_NAME})
        share = {"@type": "ShareAttributeRequestItem", "mustBeAccepted": True}
        item = {**share, "attribute": attribute.content, "attributeId": attribute.id}
        await asked_by_us(ours, peer, item, ACCEPT)
        successor = (await succeed_attribute(ours, attribute.id, {"value": {**GIVEN_NAME, "value": "Eve"}})).successor
        await notify_peer_about_succession(ours, successor.id, peer.address)
        await peer.sync()

        async def known() -> Any:
            found = await peer.consumption("attributes.getAttributes", {})
            return {entry["id"]: entry for entry in found}

        theirs = await eventually(known, lambda found: successor.id in found)
        assert theirs[successor.id]["succeeds"] == attribute.id
        assert theirs[successor.id]["content"] == successor.content
        await delete_attribute_and_notify(ours, successor.id)
        await peer.sync()
        theirs = await eventually(known, lambda found: "deletionInfo" in found[successor.id])
        assert theirs[successor.id]["deletionInfo"]["deletionStatus"] == "DeletedByEmitter"

        # Theirs, shared with us.
        value = {"@type": "Surname", "value": "Lovelace"}
        created = await peer.consumption("attributes.createOwnIdentityAttribute", {"content": {"value": value}})
        item = {**share, "attribute": created["content"], "attributeId": created["id"]}
        await asked_by_peer(ours, peer, item, ACCEPT)
        succeeded = await peer.consumption(
            "attributes.succeedOwnIdentityAttribute",
            {"predecessorId": created["id"], "successorContent": {"value": {**value, "value": "Byron"}}},
        )
        await peer.consumption(
            "attributes.notifyPeerAboutOwnIdentityAttributeSuccession",
            {"attributeId": succeeded["successor"]["id"], "peer": ours.address},
        )
        await synchronized(ours)
        told_succession = await told(
            ours, "consumption.attributeSucceeded", where=lambda data: data["predecessor"]["id"] == created["id"]
        )
        assert told_succession["successor"]["content"] == succeeded["successor"]["content"]

        # We delete what we have; they learn of it.
        await delete_attribute_and_notify(ours, succeeded["successor"]["id"])
        await peer.sync()

        async def details() -> Any:
            return await peer.consumption(
                "attributes.getForwardingDetailsForAttribute", {"attributeId": succeeded["successor"]["id"]}
            )

        (detail,) = await eventually(details, lambda found: "deletionInfo" in found[0])
        assert detail["deletionInfo"]["deletionStatus"] == "DeletedByRecipient"


async def test_the_deletion_of_attributes_is_agreed_in_both_directions(ours: Services, peers: Peers) -> None:
    async with partners(ours, peers) as peer:
        attribute = await create_own_identity_attribute(ours, {"value": GIVEN_NAME})
        share = {
            "@type": "ShareAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": attribute.content,
            "attributeId": attribute.id,
        }
        await asked_by_us(ours, peer, share, ACCEPT)
        delete = {"@type": "DeleteAttributeRequestItem", "mustBeAccepted": True, "attributeId": attribute.id}
        await asked_by_us(ours, peer, delete, {**ACCEPT, "deletionDate": FAR_FUTURE})
        (details,) = ours.store.select(FORWARDING_DETAILS)
        assert details.deletion_info is not None
        assert details.deletion_info.deletion_date == FAR_FUTURE
        assert (await their_attribute(peer, attribute.id))["deletionInfo"]["deletionStatus"] == "ToBeDeleted"

        created = await peer.consumption(
            "attributes.createOwnIdentityAttribute", {"content": {"value": {"@type": "Surname", "value": "L"}}}
        )
        await asked_by_peer(
            ours, peer, {**share, "attribute": created["content"], "attributeId": created["id"]}, ACCEPT
        )
        delete = {**delete, "attributeId": created["id"]}
        await asked_by_peer(ours, peer, delete, {**ACCEPT, "deletionDate": FAR_FUTURE})
        copy = ours.store.get(ATTRIBUTES, created["id"])
        assert copy is not None
        assert copy.deletion_status == "ToBeDeleted"


async def test_files_change_hands_in_both_directions(ours: Services, peers: Peers) -> None:
    async with partners(ours, peers) as peer:
        file = await upload_own_file(ours, content=b"text", filename="a.txt", mimetype="text/plain")
        prepare = ours.collections.files.prepare
        assert prepare is not None
        dto: Any = prepare(file)
        item = {
            "@type": "TransferFileOwnershipRequestItem",
            "mustBeAccepted": True,
            "fileReference": dto.reference.truncated,
            "ownershipToken": file.ownership_token,
        }
        await asked_by_us(ours, peer, item, ACCEPT)
        theirs = await peer.transport("files.getFile", {"id": file.id})
        assert theirs["owner"] == peer.address

        uploaded = await peer.transport(
            "files.uploadOwnFile", {"content": b"more", "filename": "b.txt", "mimetype": "text/plain"}
        )
        item = {
            **item,
            "fileReference": uploaded["reference"]["truncated"],
            "ownershipToken": uploaded["ownershipToken"],
        }
        await asked_by_peer(ours, peer, item, ACCEPT)
        mine = ours.store.get(ours.collections.files, uploaded["id"])
        assert mine is not None
        assert mine.owner == ours.address
        assert await attributes_agree(ours, peer) == 2


async def test_a_third_party_is_named_in_the_words_of_older_peers_too(ours: Services, peers: Peers) -> None:
    async with partners(ours, peers) as peer:
        other = await peers.open("other", **MODULES)
        await relate(ours, other)
        create = {
            "@type": "CreateAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": relationship_attribute("k", owner=ours.address),
        }
        await asked_by_us(ours, other, create, ACCEPT)
        (attribute,) = ours.store.select(ATTRIBUTES)
        share = {
            "@type": "ShareAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": attribute.content,
            "attributeId": attribute.id,
            "initialAttributePeer": other.address,
        }
        await asked_by_us(ours, peer, share, ACCEPT)
        theirs = await their_attribute(peer, attribute.id)
        assert theirs["@type"] == "ThirdPartyRelationshipAttribute"
        assert await attributes_agree(ours, peer) == 1


async def test_an_official_relationship_from_our_creation_content_is_readable(ours: Services, peers: Peers) -> None:
    peer = await peers.open("arbitrary", **MODULES)
    template = await peer.transport(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {"content": ARBITRARY_TEMPLATE, "expiresAt": FAR_FUTURE},
    )
    loaded = await load_peer_template(ours, template["reference"]["truncated"])
    async with running_modules(ours):
        assert (await told(ours, "consumption.relationshipTemplateProcessed"))["result"] == "NoRequest"
        await create_relationship(ours, loaded.id, ARBITRARY_CREATION)
