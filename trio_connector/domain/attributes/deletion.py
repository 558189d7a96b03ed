"""Deleting attributes, and recording what others delete (consumption spec 4.8, 3.7). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from trio_connector.domain.attributes.forwarding import (
    delete_forwarding_details,
    forwarding_peers,
    set_forwarded_deletion_info,
)
from trio_connector.domain.attributes.record import (
    ATTRIBUTE_DELETED,
    ATTRIBUTES,
    FORWARDABLE,
    FORWARDING_DETAILS,
    GONE,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_RELATIONSHIP,
    RECEIVED,
    DeletionInfo,
    LocalAttribute,
    attribute_dto,
    attribute_error,
)
from trio_connector.domain.attributes.succession import SUCCESSOR_DOES_NOT_EXIST
from trio_connector.domain.attributes.versions import predecessors
from trio_connector.domain.changes import Changes, Reader
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.errors import ConnectorError


def check_full_deletion(reader: Reader, attribute: LocalAttribute) -> None:
    """Refuse to delete an attribute whose successor is missing. Raises CoreError ``successorDoesNotExist``."""
    if attribute.succeeded_by is not None and reader.get(ATTRIBUTES, attribute.succeeded_by) is None:
        raise SUCCESSOR_DOES_NOT_EXIST


def delete_fully(changes: Changes, attribute: LocalAttribute) -> None:
    """Delete the attribute, all its predecessors and their forwarding details; its successor stays without them."""
    check_full_deletion(changes, attribute)
    if attribute.succeeded_by is not None:
        successor = changes.get(ATTRIBUTES, attribute.succeeded_by)
        if successor is not None:
            changes.put(ATTRIBUTES, replace(successor, succeeds=None))
    for version in [*predecessors(changes, attribute), attribute]:
        delete_one(changes, version)
        changes.event(ATTRIBUTE_DELETED, attribute_dto(version), version.peer)


def delete_one(changes: Changes, attribute: LocalAttribute) -> None:
    """Delete this version alone with its forwarding details, and tell nobody."""
    for details in changes.select(FORWARDING_DETAILS, attribute_id=attribute.id):
        changes.delete(FORWARDING_DETAILS, details.id)
    changes.delete(ATTRIBUTES, attribute.id)


class ToNotify(NamedTuple):
    """A peer who has a version of a deleted attribute: whom to tell, and the id of the version it has."""

    peer: str
    attribute_id: str


def peers_to_notify(reader: Reader, attribute: LocalAttribute) -> list[ToNotify]:
    """Who must learn that ``attribute`` and its predecessors are deleted.

    Peers who only have predecessors are told the id of the newest one they have. Raises ConnectorError when the
    relationship to one of them is still pending.
    """
    versions = [attribute, *predecessors(reader, attribute)]
    told: dict[str, str] = {}
    for version in versions if attribute.kind in FORWARDABLE else versions[:1]:
        candidates = forwarding_peers(reader, version) if attribute.kind in FORWARDABLE else []
        if version is attribute and attribute.kind != OWN_IDENTITY and attribute.peer is not None:
            candidates.append(attribute.peer)
        for peer in candidates:
            told.setdefault(peer, version.id)
    return [ToNotify(peer, id_) for peer, id_ in told.items() if _reachable(reader, peer, attribute.id)]


def _reachable(reader: Reader, peer: str, attribute_id: str) -> bool:
    alive = [
        relationship
        for relationship in reader.select(RELATIONSHIPS, peer=peer)
        if relationship.status in ("Pending", "Active", "Terminated")
        and not (
            relationship.peer_deletion_info is not None and relationship.peer_deletion_info.deletion_status == "Deleted"
        )
    ]
    if any(relationship.status == "Pending" for relationship in alive):
        raise ConnectorError(
            "error.runtime.attributes.cannotDeleteSharedAttributeWhileRelationshipIsPending",
            f"The shared Attribute '{attribute_id}' cannot be deleted while the Relationship to a peer is in status "
            "'Pending'. If you want to delete it now, you'll have to accept, reject or revoke the pending "
            "Relationship.",
        )
    return bool(alive)


def deletion_notification_item(attribute: LocalAttribute, attribute_id: str) -> dict[str, str]:
    """The notification item that tells a peer of the deletion of ``attribute``, which it knows as ``attribute_id``."""
    if attribute.kind in (OWN_IDENTITY, OWN_RELATIONSHIP):
        name = "OwnAttributeDeletedByOwnerNotificationItem"
    elif attribute.kind == PEER_RELATIONSHIP:
        name = "PeerRelationshipAttributeDeletedByPeerNotificationItem"
    else:
        name = "ForwardedAttributeDeletedByPeerNotificationItem"
    return {"@type": name, "attributeId": attribute_id}


# --- deletion infos ------------------------------------------------------------------------------------------------


def set_own_deletion_info(
    changes: Changes, attribute: LocalAttribute, info: DeletionInfo | None, *, override: bool = False
) -> None:
    """Set the deletion info of this version; without ``override`` one that says (to be) deleted is kept."""
    if attribute.deletion_status in GONE and not override:
        return
    changes.put(ATTRIBUTES, replace(attribute, deletion_info=info))


def set_deletion_info_of_versions(
    changes: Changes, attribute: LocalAttribute, info: DeletionInfo | None, *, override: bool = False
) -> None:
    """Set the deletion info of ``attribute`` and all its predecessors."""
    for version in [attribute, *predecessors(changes, attribute)]:
        set_own_deletion_info(changes, version, info, override=override)


def set_deletion_info_for_peer(
    changes: Changes, attribute: LocalAttribute, peer: str, info: DeletionInfo | None, *, override: bool = False
) -> None:
    """Record what ``peer`` does with its copies of ``attribute`` and its predecessors (3.7).

    It stands on the attribute if ``peer`` is the other side of its relationship, else on the forwarding details;
    versions that were never forwarded to ``peer`` say nothing.
    """
    for version in [attribute, *predecessors(changes, attribute)]:
        if version.kind == OWN_RELATIONSHIP and version.peer == peer:
            set_own_deletion_info(changes, version, info, override=override)
        else:
            set_forwarded_deletion_info(changes, version, peer, info, override=override)


# --- the end of a relationship -------------------------------------------------------------------------------------


def forwarded_to(reader: Reader, peer: str) -> list[LocalAttribute]:
    """All attributes that have forwarding details for ``peer``."""
    ids = dict.fromkeys(details.attribute_id for details in reader.select(FORWARDING_DETAILS, peer=peer))
    found: Iterable[LocalAttribute | None] = (reader.get(ATTRIBUTES, id_) for id_ in ids)
    return [attribute for attribute in found if attribute is not None and attribute.kind in FORWARDABLE]


def delete_after_failed_relationship(changes: Changes, peer: str) -> None:
    """The relationship to ``peer`` was rejected or revoked: nothing that was exchanged with it remains."""
    for attribute in changes.select(ATTRIBUTES, peer=peer):
        current = changes.get(ATTRIBUTES, attribute.id)
        if current is not None:  # not deleted as the predecessor of another one
            delete_fully(changes, current)
    for attribute in forwarded_to(changes, peer):
        delete_forwarding_details(changes, attribute, peer)


def delete_after_decomposition(changes: Changes, peer: str) -> None:
    """The relationship to ``peer`` was decomposed: attributes go silently, forwarding details with their event."""
    for attribute in changes.select(ATTRIBUTES, peer=peer):
        delete_one(changes, attribute)
    for attribute in forwarded_to(changes, peer):
        delete_forwarding_details(changes, attribute, peer)


def mark_deleted_by_peer(changes: Changes, relationship: Relationship) -> None:
    """The peer decomposed ``relationship``: what was exchanged counts as deleted on its side since then.

    Raises CoreError when the relationship is not in status DeletionProposed.
    """
    if relationship.status != "DeletionProposed":
        raise attribute_error(
            "wrongRelationshipStatusToSetDeletionInfo",
            "In order to manually set the deletionInfo of an Attribute, the corresponding Relationship must have "
            "status 'DeletionProposed'.",
        )
    peer, date = relationship.peer.address, relationship.last_entry.created_at
    by_recipient = DeletionInfo(deletion_status="DeletedByRecipient", deletion_date=date)
    by_emitter = DeletionInfo(deletion_status="DeletedByEmitter", deletion_date=date)
    for attribute in forwarded_to(changes, peer):
        set_forwarded_deletion_info(changes, attribute, peer, by_recipient)
    for attribute in changes.select(ATTRIBUTES, peer=peer):
        set_own_deletion_info(changes, attribute, by_emitter if attribute.kind in RECEIVED else by_recipient)
