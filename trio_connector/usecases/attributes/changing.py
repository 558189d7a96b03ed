"""Creating, succeeding, sharing and deleting attributes (runtime spec 5.6).

What peers have to be told is committed together with the change, as a pending notification, and sent at once; should
the Backbone be away, it is sent when it is back (``usecases/notifications.py``).
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from trio_connector.domain.attributes.creation import (
    characters_allowed,
    create_attribute,
    forbidden_characters,
    is_identity_attribute,
    tags_error,
)
from trio_connector.domain.attributes.deletion import (
    check_full_deletion,
    delete_fully,
    deletion_notification_item,
    peers_to_notify,
)
from trio_connector.domain.attributes.forwarding import add_forwarding_details
from trio_connector.domain.attributes.queries import own_identity_attribute_with
from trio_connector.domain.attributes.record import (
    ATTRIBUTE_WAS_VIEWED_AT_CHANGED,
    ATTRIBUTES,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    LocalAttribute,
    LocalAttributeDTO,
    attribute_dto,
)
from trio_connector.domain.attributes.succession import succeed
from trio_connector.domain.attributes.versions import is_earlier, latest_shared
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.contents import IDENTITY_ATTRIBUTE, RELATIONSHIP_ATTRIBUTE, canonical
from trio_connector.domain.identity import Json
from trio_connector.domain.message_rules import check_reachable
from trio_connector.domain.notifications.record import owe_notification
from trio_connector.domain.relationship import RELATIONSHIPS, newest
from trio_connector.domain.requests.incoming import full_text
from trio_connector.errors import ConnectorError, ValidationFailed, runtime_record_not_found
from trio_connector.usecases.attributes.reading import find_attribute
from trio_connector.usecases.consumption import change, current_view, tags_to_check
from trio_connector.usecases.notifications import send_pending_notifications
from trio_connector.usecases.services import Services
from trio_connector.usecases.validation.attributes import identity_value_violation


class CanCreateDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whether something could be created, and if not, why."""

    is_success: bool
    code: str | None = None
    message: str | None = None


class SuccessionResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A succession; ``notification_id`` is there when a peer is told."""

    predecessor: LocalAttributeDTO
    successor: LocalAttributeDTO
    notification_id: str | None = None


class DeletionResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The ids of the notifications that tell peers of the deletion."""

    notification_ids: list[str]


# --- creating ------------------------------------------------------------------------------------------------------


async def can_create_own_identity_attribute(services: Services, content: Json) -> CanCreateDTO:
    """Whether ``content`` (``{value, tags?}``) could become an own identity attribute."""
    violation = identity_value_violation(content.get("value"))
    if violation is not None:
        return _cannot(ValidationFailed(violation))
    try:
        parsed = _own_identity_content(services, content)
    except ConnectorError as refusal:
        return _cannot(ValidationFailed(full_text(refusal, services.now())))
    view = current_view(services, await tags_to_check(services, parsed.get("tags") or ()))
    error = _duplicate_error(view, parsed) or tags_error(parsed, view)
    if error is None and not characters_allowed(parsed):
        error = forbidden_characters()
    return CanCreateDTO(is_success=True) if error is None else _cannot(error, view.now)


def _cannot(error: ConnectorError, at: str = "") -> CanCreateDTO:
    return CanCreateDTO(is_success=False, code=error.code, message=error.shown_message(at))


async def create_own_identity_attribute(services: Services, content: Json) -> LocalAttributeDTO:
    """Create an own identity attribute from ``content`` (``{value, tags?}``), whose schema was checked."""
    parsed = _own_identity_content(services, content)
    tags = await tags_to_check(services, parsed.get("tags") or ())

    def create(changes: Changes) -> LocalAttributeDTO:
        if (error := _duplicate_error(changes, parsed)) is not None:
            raise error
        return attribute_dto(create_attribute(changes, OWN_IDENTITY, parsed))

    return await change(services, create, tags=tags)


def _own_identity_content(services: Services, content: Json) -> Json:
    whole = {**content, "@type": IDENTITY_ATTRIBUTE, "owner": services.address}
    return canonical(whole, IDENTITY_ATTRIBUTE, now=services.clock())


def _duplicate_error(view: View, content: Json) -> ConnectorError | None:
    known = own_identity_attribute_with(view, content["value"])
    if known is None:
        return None
    return ConnectorError(
        "error.runtime.attributes.cannotCreateDuplicateOwnIdentityAttribute",
        "The OwnIdentityAttribute cannot be created because it has the same content.value as the already existing "
        f"OwnIdentityAttribute with id '{known.id}'.",
    )


# --- succeeding ----------------------------------------------------------------------------------------------------


async def succeed_attribute(services: Services, predecessor_id: str, successor_content: Json) -> SuccessionResult:
    """Succeed an attribute as its kind demands. Raises ``error.runtime.recordNotFound`` with the Connector's text."""
    predecessor = services.store.get(ATTRIBUTES, predecessor_id)
    if predecessor is None:
        raise ConnectorError("error.runtime.recordNotFound", f"Predecessor attribute '{predecessor_id}' not found.")
    if is_identity_attribute(predecessor.content):
        return await succeed_own_identity_attribute(services, predecessor_id, successor_content)
    return await succeed_relationship_attribute_and_notify_peer(services, predecessor_id, successor_content)


async def succeed_own_identity_attribute(
    services: Services, predecessor_id: str, successor_content: Json
) -> SuccessionResult:
    """Give an own identity attribute a successor with ``{value, tags?}``; nobody is told."""
    predecessor = find_attribute(services, predecessor_id)
    if predecessor.kind != OWN_IDENTITY:
        raise is_not_own_identity_attribute(predecessor_id)
    parsed = _own_identity_content(services, successor_content)
    tags = await tags_to_check(services, parsed.get("tags") or ())

    def work(changes: Changes) -> SuccessionResult:
        before, after = succeed(changes, _known(changes, predecessor_id), parsed)
        return SuccessionResult(predecessor=attribute_dto(before), successor=attribute_dto(after))

    return await change(services, work, tags=tags)


async def succeed_relationship_attribute_and_notify_peer(
    services: Services, predecessor_id: str, successor_content: Json
) -> SuccessionResult:
    """Give an own relationship attribute a successor with ``{value}`` and tell the peer of its relationship."""
    predecessor = find_attribute(services, predecessor_id)
    if predecessor.kind != OWN_RELATIONSHIP:
        raise is_not_own_relationship_attribute(predecessor_id)
    whole = {**predecessor.content, "value": successor_content.get("value"), "@type": RELATIONSHIP_ATTRIBUTE}
    parsed = canonical(whole, RELATIONSHIP_ATTRIBUTE, now=services.clock())

    def work(changes: Changes) -> SuccessionResult:
        known = _known(changes, predecessor_id)
        peer = known.peer or ""
        _check_notifiable(changes, peer)
        notification_id = changes.new_id("NOT")
        before, after = succeed(changes, known, parsed, source_reference=notification_id)
        owe_notification(changes, peer, _succession_item(before.id, after), notification_id)
        return SuccessionResult(
            predecessor=attribute_dto(before), successor=attribute_dto(after), notification_id=notification_id
        )

    result = await change(services, work)
    await send_pending_notifications(services)
    return result


async def notify_peer_about_succession(services: Services, attribute_id: str, peer: str) -> SuccessionResult:
    """Give ``peer``, who has an earlier version of the own identity attribute, this one."""

    def work(changes: Changes) -> SuccessionResult:
        attribute = changes.get(ATTRIBUTES, attribute_id)
        if attribute is None:
            raise runtime_record_not_found("LocalAttribute")
        if attribute.kind != OWN_IDENTITY:
            raise is_not_own_identity_attribute(attribute_id)
        predecessor = _version_to_succeed(changes, attribute, peer)
        _check_notifiable(changes, peer)
        notification_id = changes.new_id("NOT")
        attribute = add_forwarding_details(changes, attribute, peer, notification_id)
        owe_notification(changes, peer, _succession_item(predecessor.id, attribute), notification_id)
        return SuccessionResult(
            predecessor=attribute_dto(predecessor),
            successor=attribute_dto(attribute),
            notification_id=notification_id,
        )

    result = await change(services, work)
    await send_pending_notifications(services)
    return result


def _version_to_succeed(view: View, attribute: LocalAttribute, peer: str) -> LocalAttribute:
    latest = latest_shared(view, attribute, peer)
    if latest is None:
        raise ConnectorError(
            "error.runtime.attributes.peerHasNoPreviousVersionOfAttribute",
            f"The peer '{peer}' doesn't have any previous version of the Attribute '{attribute.id}'. Either you "
            "haven't shared it before or the peer has deleted it.",
        )
    if latest.id == attribute.id:
        raise ConnectorError(
            "error.runtime.attributes.ownIdentityAttributeHasAlreadyBeenSharedWithPeer",
            f"The OwnIdentityAttribute '{attribute.id}' has already been shared with peer '{peer}'.'.",
        )
    if is_earlier(view, attribute, latest):
        raise ConnectorError(
            "error.runtime.attributes.successorOfOwnIdentityAttributeHasAlreadyBeenSharedWithPeer",
            f"A successor '{latest.id}' of the OwnIdentityAttribute '{attribute.id}' has already been shared with peer "
            f"'{peer}'.'.",
        )
    return latest


def _succession_item(predecessor_id: str, successor: LocalAttribute) -> dict[str, Any]:
    return {
        "@type": "PeerAttributeSucceededNotificationItem",
        "predecessorId": predecessor_id,
        "successorId": successor.id,
        "successorContent": successor.content,
    }


def _check_notifiable(view: View, peer: str) -> None:
    """Nothing is changed that a peer would have to be told of and cannot be told of."""
    check_reachable({peer: newest(view.select(RELATIONSHIPS, peer=peer))}, "Notification")


# --- deleting ------------------------------------------------------------------------------------------------------


async def delete_attribute_and_notify(services: Services, attribute_id: str) -> DeletionResult:
    """Delete an attribute with its earlier versions, and tell everybody who has one of them."""

    def work(changes: Changes) -> DeletionResult:
        attribute = changes.get(ATTRIBUTES, attribute_id)
        if attribute is None:
            raise runtime_record_not_found("LocalAttribute")
        check_full_deletion(changes, attribute)
        recipients = peers_to_notify(changes, attribute)
        delete_fully(changes, attribute)
        ids: list[str] = []
        for recipient in recipients:
            ids.append(changes.new_id("NOT"))
            item = deletion_notification_item(attribute, recipient.attribute_id)
            owe_notification(changes, recipient.peer, item, ids[-1])
        return DeletionResult(notification_ids=ids)

    result = await change(services, work)
    await send_pending_notifications(services)
    return result


async def mark_attribute_as_viewed(services: Services, attribute_id: str) -> LocalAttributeDTO:
    """Note when the attribute was looked at first."""

    def work(changes: Changes) -> LocalAttributeDTO:
        attribute = _known(changes, attribute_id)
        if attribute.was_viewed_at is None:
            attribute = replace(attribute, was_viewed_at=changes.now)
            changes.put(ATTRIBUTES, attribute)
            changes.event(ATTRIBUTE_WAS_VIEWED_AT_CHANGED, attribute_dto(attribute), attribute.peer)
        return attribute_dto(attribute)

    return await change(services, work)


def _known(changes: Changes, attribute_id: str) -> LocalAttribute:
    attribute = changes.get(ATTRIBUTES, attribute_id)
    if attribute is None:
        raise runtime_record_not_found("LocalAttribute")
    return attribute


def is_not_own_identity_attribute(attribute_id: str) -> ConnectorError:
    """Only own identity attributes can be handled so."""
    return ConnectorError(
        "error.runtime.attributes.isNotOwnIdentityAttribute",
        f"The Attribute '{attribute_id}' is not an OwnIdentityAttribute.",
    )


def is_not_own_relationship_attribute(attribute_id: str) -> ConnectorError:
    """Only own relationship attributes can be handled so."""
    return ConnectorError(
        "error.runtime.attributes.isNotOwnRelationshipAttribute",
        f"The Attribute '{attribute_id}' is not an OwnRelationshipAttribute.",
    )
