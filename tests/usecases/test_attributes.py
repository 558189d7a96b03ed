"""Attributes through their use cases: lists, successions that peers learn of, deletions, tags, metadata."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.accounts import connected, running_account, running_backbone, synchronized
from tests.connectors import running_connector, told, until
from trio_connector.domain.attributes.record import ATTRIBUTES, FORWARDING_DETAILS
from trio_connector.domain.notifications.record import NOTIFICATIONS, PENDING_NOTIFICATIONS
from trio_connector.domain.query import Query, equals
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.record import REQUESTS
from trio_connector.errors import ConnectorError
from trio_connector.usecases.attributes import (
    attributes_of_relationship,
    can_create_own_identity_attribute,
    create_own_identity_attribute,
    delete_attribute_and_notify,
    execute_identity_attribute_query,
    execute_iql_query,
    execute_relationship_attribute_query,
    get_attribute,
    list_attributes,
    list_forwarding_details,
    list_own_attributes_shared_with_peer,
    list_own_identity_attributes,
    list_peer_attributes,
    mark_attribute_as_viewed,
    notify_peer_about_succession,
    shared_versions_of_attribute,
    succeed_attribute,
    validate_iql_query,
    versions_of_attribute,
)
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.identity_metadata import (
    delete_identity_metadata,
    get_identity_metadata,
    upsert_identity_metadata,
)
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import terminate_relationship
from trio_connector.usecases.requests import accept_incoming_request, create_outgoing_request
from trio_connector.usecases.services import Services


def name(value: str, **members: Any) -> dict[str, Any]:
    return {"value": {"@type": "GivenName", "value": value}, **members}


async def shared(sender: Services, recipient: Services, *items: dict[str, Any]) -> None:
    """Ask for ``items``, let the recipient accept them all, and bring the answer back."""
    draft = await create_outgoing_request(sender, {"content": {"items": list(items)}, "peer": recipient.address})
    await send_message(sender, recipients=[recipient.address], content=draft.content)
    await told(sender, "consumption.outgoingRequestStatusChanged", where=about(draft.id, "Open"))
    await synchronized(recipient)
    waiting = about(draft.id, "ManualDecisionRequired")
    await told(recipient, "consumption.incomingRequestStatusChanged", where=waiting)
    await accept_incoming_request(recipient, draft.id, {"items": [{"accept": True} for _ in items]})
    await told(recipient, "consumption.incomingRequestStatusChanged", where=about(draft.id, "Completed"))
    await synchronized(sender)
    await told(sender, "consumption.outgoingRequestStatusChanged", where=about(draft.id, "Completed"))


def about(request_id: str, status: str) -> Any:
    return lambda data: data["request"]["id"] == request_id and data["newStatus"] == status


def share_item(attribute: Any) -> dict[str, Any]:
    return {
        "@type": "ShareAttributeRequestItem",
        "mustBeAccepted": True,
        "attribute": attribute.content,
        "attributeId": attribute.id,
    }


RELATIONSHIP_ITEM = {
    "@type": "CreateAttributeRequestItem",
    "mustBeAccepted": True,
    "attribute": {
        "@type": "RelationshipAttribute",
        "owner": "",
        "key": "customerId",
        "isTechnical": True,
        "confidentiality": "public",
        "value": {"@type": "ProprietaryString", "title": "Customer", "value": "C-1"},
    },
}


def ids(listed: bytes) -> list[str]:
    return [item["id"] for item in json.loads(listed)]


async def test_own_identity_attributes_are_created_once_listed_and_queried() -> None:
    async with running_backbone() as url, running_account(url) as services:
        first = await create_own_identity_attribute(services, name(" Ada ", tags=["x:a"]))
        assert first.content == {
            "@type": "IdentityAttribute",
            "owner": services.address,
            "tags": ["x:a"],
            "value": {"@type": "GivenName", "value": "Ada"},
        }
        assert first.number_of_forwards == 0
        with pytest.raises(ConnectorError) as caught:
            await create_own_identity_attribute(services, name("Ada"))
        assert caught.value.code == "error.runtime.attributes.cannotCreateDuplicateOwnIdentityAttribute"

        async def refusal(content: dict[str, Any]) -> tuple[str | None, str | None]:
            result = await can_create_own_identity_attribute(services, content)
            return result.code, result.message

        invalid = "error.runtime.validation.invalidPropertyValue"
        assert (await can_create_own_identity_attribute(services, name("Eve"))).is_success
        assert (await refusal(name("Ada")))[0] == "error.runtime.attributes.cannotCreateDuplicateOwnIdentityAttribute"
        assert (await refusal(name("Eve", tags=["bad"])))[0] == "error.consumption.attributes.invalidTags"
        assert await refusal({"value": {"@type": "GivenName", "value": 1}}) == (
            invalid,
            "GivenName :: value must be string",
        )
        date = {"@type": "BirthDate", "day": 1, "month": 13, "year": 2000}
        assert await refusal({"value": date}) == (
            invalid,
            "BirthMonth.value:Number :: must be an integer value between 1 and 12",
        )
        future = {"@type": "BirthDate", "day": 1, "month": 1, "year": 9998}
        assert (await refusal({"value": future}))[1] == (
            "BirthDate :: You cannot enter a BirthDate that is in the future."
        )
        assert (await refusal(name("名前")))[0] == "error.consumption.attributes.forbiddenCharactersInAttribute"

        result = await succeed_attribute(services, first.id, name("Augusta", tags=["x:b"]))
        assert result.notification_id is None
        second = result.successor
        assert ids(await list_own_identity_attributes(services)) == [second.id]
        everything = await list_own_identity_attributes(services, only_latest_versions=False)
        assert ids(everything) == [first.id, second.id]
        assert ids(await list_attributes(services, Query((equals("content.tags", "x:b"),)))) == [second.id]
        assert [version.id for version in await versions_of_attribute(services, first.id)] == [second.id, first.id]

        query = {"query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName", "tags": ["x:a"]}}
        assert [a.id for a in await execute_identity_attribute_query(services, query)] == [first.id]
        iql = {"query": {"@type": "IQLQuery", "queryString": "GivenName=Augusta"}}
        assert [a.id for a in await execute_iql_query(services, iql)] == [second.id]
        assert await validate_iql_query(services, iql) == {"isValid": True}
        with pytest.raises(ConnectorError, match="invalid IQL query at character offset"):
            await validate_iql_query(services, {"query": {"@type": "IQLQuery", "queryString": "("}})
        missing = {
            "query": {
                "@type": "RelationshipAttributeQuery",
                "key": "k",
                "owner": "",
                "attributeCreationHints": {
                    "title": "t",
                    "valueType": "ProprietaryString",
                    "confidentiality": "public",
                },
            }
        }
        with pytest.raises(ConnectorError) as caught:
            await execute_relationship_attribute_query(services, missing)
        assert caught.value.status == 404

        viewed = await mark_attribute_as_viewed(services, second.id)
        assert viewed.was_viewed_at is not None
        assert (await mark_attribute_as_viewed(services, second.id)).was_viewed_at == viewed.was_viewed_at
        with pytest.raises(ConnectorError) as caught:
            await succeed_attribute(services, "ATTunknown", name("x"))
        assert caught.value.message == "Predecessor attribute 'ATTunknown' not found."


async def test_a_peer_learns_of_successions_and_deletions() -> None:
    async with running_backbone() as url, running_connector(url) as owner, running_connector(url) as peer:
        relationship_id = await connected(owner, peer)
        attribute = await create_own_identity_attribute(owner, name("Ada"))
        await shared(owner, peer, share_item(attribute))
        await shared(peer, owner, RELATIONSHIP_ITEM)
        (number,) = owner.store.select(ATTRIBUTES, peer=peer.address)
        assert (number.kind, number.owner) == ("OwnRelationshipAttribute", owner.address)

        # A later version of an identity attribute is given on demand.
        successor = (await succeed_attribute(owner, attribute.id, name("Augusta"))).successor
        with pytest.raises(ConnectorError) as caught:
            await notify_peer_about_succession(owner, attribute.id, peer.address)
        assert caught.value.code == "error.runtime.attributes.ownIdentityAttributeHasAlreadyBeenSharedWithPeer"
        notified = await notify_peer_about_succession(owner, successor.id, peer.address)
        assert notified.predecessor.id == attribute.id
        with pytest.raises(ConnectorError) as caught:
            await notify_peer_about_succession(owner, attribute.id, peer.address)
        assert caught.value.code.endswith("successorOfOwnIdentityAttributeHasAlreadyBeenSharedWithPeer")
        await synchronized(peer)
        succession = await told(peer, "consumption.attributeSucceeded")
        assert succession["successor"]["id"] == successor.id
        assert succession["successor"]["sourceReference"] == notified.notification_id
        notification = peer.store.get(NOTIFICATIONS, notified.notification_id or "")
        assert notification is not None
        assert notification.status == "Completed"

        # A later version of a relationship attribute is told at once.
        value = {"@type": "ProprietaryString", "title": "Customer", "value": "C-2"}
        renumbered = await succeed_attribute(owner, number.id, {"value": value})
        assert renumbered.notification_id is not None
        await synchronized(peer)
        await told(peer, "consumption.attributeSucceeded", count=2)

        # What both sides list.
        everything = await list_own_attributes_shared_with_peer(owner, peer.address, only_latest_versions=False)
        assert ids(everything) == [attribute.id, successor.id, number.id, renumbered.successor.id]
        latest = await list_own_attributes_shared_with_peer(owner, peer.address)
        assert ids(latest) == [successor.id, renumbered.successor.id]
        plain = await list_own_attributes_shared_with_peer(owner, peer.address, hide_technical=True)
        assert ids(plain) == [successor.id]
        only = Query((equals("@type", "OwnRelationshipAttribute"),))
        assert ids(await list_own_attributes_shared_with_peer(owner, peer.address, only)) == [renumbered.successor.id]
        assert ids(await list_peer_attributes(peer, owner.address)) == [successor.id, renumbered.successor.id]
        assert ids(await list_peer_attributes(peer, owner.address, hide_technical=True)) == [successor.id]
        assert ids(await attributes_of_relationship(owner, relationship_id)) == [successor.id, renumbered.successor.id]
        details = json.loads(await list_forwarding_details(owner, successor.id))
        assert details == [
            {"peer": peer.address, "sourceReference": notified.notification_id, "sharedAt": details[0]["sharedAt"]}
        ]
        shared_ids = [version.id for version in await shared_versions_of_attribute(owner, attribute.id, peer.address)]
        assert shared_ids == [successor.id]
        with pytest.raises(ConnectorError, match="The `attributeId` property must belong to"):
            await shared_versions_of_attribute(peer, attribute.id, owner.address)
        assert (await get_attribute(owner, successor.id)).number_of_forwards == 1

        # Deletions, in both directions.
        deleted = await delete_attribute_and_notify(owner, successor.id)
        assert len(deleted.notification_ids) == 1
        await synchronized(peer)
        gone = await told(peer, "consumption.ownAttributeDeletedByOwner")
        assert (gone["id"], gone["deletionInfo"]["deletionStatus"]) == (successor.id, "DeletedByEmitter")
        await delete_attribute_and_notify(peer, renumbered.successor.id)
        await synchronized(owner)
        gone = await told(owner, "consumption.peerRelationshipAttributeDeletedByPeer")
        assert gone["deletionInfo"]["deletionStatus"] == "DeletedByRecipient"
        assert owner.store.select(PENDING_NOTIFICATIONS) == []


async def test_the_end_of_a_relationship_ends_what_was_exchanged() -> None:
    async with running_backbone() as url, running_connector(url) as left, running_connector(url) as right:
        relationship_id = await connected(left, right)
        attribute = await create_own_identity_attribute(left, name("Ada"))
        await shared(left, right, share_item(attribute))
        await shared(right, left, RELATIONSHIP_ITEM)
        await upsert_identity_metadata(left, reference=right.address, key=None, value={"a": 1})
        await terminate_relationship(left, relationship_id)
        await decompose_relationship(left, relationship_id)
        assert left.store.select(RELATIONSHIPS) == []
        assert [known.id for known in left.store.select(ATTRIBUTES)] == [attribute.id]
        assert left.store.select(FORWARDING_DETAILS) == []
        assert left.store.select(REQUESTS) == []
        with pytest.raises(ConnectorError):
            await get_identity_metadata(left, right.address, None)
        known = left.store.get(ATTRIBUTES, attribute.id)
        assert known is not None
        assert known.number_of_forwards == 0

        await synchronized(right)
        await told(right, "transport.relationshipChanged", where=lambda data: data["status"] == "DeletionProposed")
        # The reaction to the status changes attributes without an event.
        await until(right, lambda: all(a.deletion_info is not None for a in right.store.select(ATTRIBUTES)))
        copies = {known.id: known.deletion_status for known in right.store.select(ATTRIBUTES)}
        assert copies[attribute.id] == "DeletedByEmitter"
        assert list(copies.values()) == ["DeletedByEmitter", "DeletedByEmitter"]


async def test_identity_metadata_has_one_value_per_identity_and_key() -> None:
    async with running_backbone() as url, running_account(url) as services:
        me = services.address
        first = await upsert_identity_metadata(services, reference=me, key="k", value={"a": 1})
        assert msgspec.to_builtins(first) == {"reference": me, "key": "k", "value": {"a": 1}}
        await upsert_identity_metadata(services, reference=me, key=None, value=[1])
        await upsert_identity_metadata(services, reference=me, key="k", value="new")
        assert (await get_identity_metadata(services, me, "k")).value == "new"
        assert (await get_identity_metadata(services, me, None)).value == [1]
        await delete_identity_metadata(services, me, "k")
        for attempt in (get_identity_metadata, delete_identity_metadata):
            with pytest.raises(ConnectorError) as caught:
                await attempt(services, me, "k")
            assert caught.value.code == "error.runtime.identityMetadata.notFound"
        with pytest.raises(ConnectorError) as caught:
            await upsert_identity_metadata(services, reference="did:e:stranger", key=None, value=1)
        assert caught.value.code == "error.runtime.identityMetadata.unfamiliarReferencedIdentity"
        with pytest.raises(ConnectorError):
            await upsert_identity_metadata(services, reference=me, key=None, value=None)
