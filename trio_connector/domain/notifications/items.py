"""What each kind of notification item means (consumption spec section 5). Pure.

An item about an attribute that we do not have is done without effect. Whoever sends it must be the one who may.
"""

from __future__ import annotations

from collections.abc import Callable

from trio_connector.domain.attributes.deletion import set_deletion_info_for_peer, set_deletion_info_of_versions
from trio_connector.domain.attributes.forwarding import is_forwarded
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDABLE,
    FORWARDED_ATTRIBUTE_DELETED_BY_PEER,
    OWN_ATTRIBUTE_DELETED_BY_OWNER,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    PEER_RELATIONSHIP_ATTRIBUTE_DELETED_BY_PEER,
    RECEIVED,
    THIRD_PARTY,
    DeletionInfo,
    DeletionStatus,
    LocalAttribute,
    attribute_dto,
    attribute_error,
)
from trio_connector.domain.attributes.succession import (
    CONTENT_TYPE_CHANGED,
    PEER_IS_NOT_OWNER,
    PREDECESSOR_DOES_NOT_EXIST,
    succeed,
)
from trio_connector.domain.changes import Changes
from trio_connector.domain.identity import Json
from trio_connector.errors import CoreError, UnexpectedCondition


def process_item(changes: Changes, item: Json, *, notification_id: str, sender: str) -> None:
    """Do what ``item`` says. Raises ConnectorError when ``sender`` may not say it or it cannot be done."""
    if item.get("@type") == "PeerAttributeSucceededNotificationItem":
        _succeeded(changes, item, notification_id, sender)
        return
    process = _DELETIONS.get(item.get("@type", ""))
    if process is None:
        raise UnexpectedCondition(f"There was no item processor registered for '{item.get('@type')}'.")
    attribute = changes.get(ATTRIBUTES, item["attributeId"])
    if attribute is not None:
        process(changes, attribute, sender)


def _succeeded(changes: Changes, item: Json, notification_id: str, sender: str) -> None:
    content: Json = item["successorContent"]
    if content["owner"] != sender:
        raise PEER_IS_NOT_OWNER
    predecessor = changes.get(ATTRIBUTES, item["predecessorId"])
    if predecessor is None:
        raise PREDECESSOR_DOES_NOT_EXIST
    if predecessor.kind not in (PEER_IDENTITY, PEER_RELATIONSHIP):
        raise _wrong_type(predecessor.id, "a PeerIdentityAttribute or a PeerRelationshipAttribute")
    if content["@type"] != predecessor.content["@type"]:
        raise CONTENT_TYPE_CHANGED
    succeed(changes, predecessor, content, successor_id=item["successorId"], source_reference=notification_id)


def _deleted_by_owner(changes: Changes, attribute: LocalAttribute, sender: str) -> None:
    if attribute.kind not in RECEIVED:
        raise _wrong_type(
            attribute.id, "a PeerIdentityAttribute, a PeerRelationshipAttribute or a ThirdPartyRelationshipAttribute"
        )
    _demand_sender(attribute, sender, attribute.peer == sender)
    if attribute.deletion_status == "ToBeDeleted":
        return
    set_deletion_info_of_versions(changes, attribute, _now(changes, "DeletedByEmitter"))
    _tell(changes, OWN_ATTRIBUTE_DELETED_BY_OWNER, attribute.id)


def _deleted_by_holder(changes: Changes, attribute: LocalAttribute, sender: str) -> None:
    if attribute.kind not in (OWN_RELATIONSHIP, THIRD_PARTY):
        raise _wrong_type(attribute.id, "an OwnRelationshipAttribute or a ThirdPartyRelationshipAttribute")
    _demand_sender(attribute, sender, attribute.peer == sender)
    status: DeletionStatus = "DeletedByRecipient" if attribute.kind == OWN_RELATIONSHIP else "DeletedByEmitter"
    set_deletion_info_of_versions(changes, attribute, _now(changes, status), override=True)
    _tell(changes, PEER_RELATIONSHIP_ATTRIBUTE_DELETED_BY_PEER, attribute.id)


def _deleted_by_recipient(changes: Changes, attribute: LocalAttribute, sender: str) -> None:
    if attribute.kind not in FORWARDABLE:
        raise _wrong_type(
            attribute.id, "an OwnIdentityAttribute, an OwnRelationshipAttribute or a PeerRelationshipAttribute"
        )
    _demand_sender(attribute, sender, is_forwarded(changes, attribute, sender))
    set_deletion_info_for_peer(changes, attribute, sender, _now(changes, "DeletedByRecipient"), override=True)
    _tell(changes, FORWARDED_ATTRIBUTE_DELETED_BY_PEER, attribute.id)


_DELETIONS: dict[str, Callable[[Changes, LocalAttribute, str], None]] = {
    "OwnAttributeDeletedByOwnerNotificationItem": _deleted_by_owner,
    "PeerRelationshipAttributeDeletedByPeerNotificationItem": _deleted_by_holder,
    "ForwardedAttributeDeletedByPeerNotificationItem": _deleted_by_recipient,
}


def _now(changes: Changes, status: DeletionStatus) -> DeletionInfo:
    return DeletionInfo(deletion_status=status, deletion_date=changes.now)


def _tell(changes: Changes, namespace: str, attribute_id: str) -> None:
    attribute = changes.get(ATTRIBUTES, attribute_id)
    if attribute is not None:
        changes.event(namespace, attribute_dto(attribute), attribute.peer)


def _demand_sender(attribute: LocalAttribute, sender: str, may: bool) -> None:
    if not may:
        raise attribute_error(
            "senderIsNotPeerOfSharedAttribute",
            f"The sender (id: '{sender}') of the Notification is not the peer you shared the Attribute (id: "
            f"'{attribute.id}') with.",
        )


def _wrong_type(attribute_id: str, kinds: str) -> CoreError:
    return attribute_error("wrongTypeOfAttribute", f"The Attribute {attribute_id} is not {kinds}.")
