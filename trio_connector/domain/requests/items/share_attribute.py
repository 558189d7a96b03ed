"""ShareAttributeRequestItem: offers the peer an attribute that we have (consumption spec 3.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.domain.attributes.creation import create_attribute, is_identity_attribute, tags_error
from trio_connector.domain.attributes.deletion import set_own_deletion_info
from trio_connector.domain.attributes.forwarding import (
    add_forwarding_details,
    is_forwarded,
    set_forwarded_deletion_info,
)
from trio_connector.domain.attributes.queries import peer_identity_attribute_with, third_party_attribute_with
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDABLE,
    OWN_IDENTITY,
    PEER_IDENTITY,
    THIRD_PARTY,
    Kind,
    LocalAttribute,
)
from trio_connector.domain.attributes.versions import predecessors, successors
from trio_connector.domain.changes import Changes, Reader, View
from trio_connector.domain.identity import Json
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.items.processor import (
    REJECTIONS,
    FileFacts,
    ItemProcessor,
    RequestContext,
    accepted,
    invalid_request_item,
    pending_relationship,
)
from trio_connector.errors import ConnectorError

FORWARDABLE_KINDS = "an OwnIdentityAttribute, an OwnRelationshipAttribute or a PeerRelationshipAttribute"


def stands_or_stood(reader: Reader, peer: str) -> bool:
    """Whether there is a relationship to ``peer`` that was accepted once."""
    return any(
        relationship.status in ("Active", "Terminated", "DeletionProposed")
        for relationship in reader.select(RELATIONSHIPS, peer=peer)
    )


class ShareAttributeProcessor(ItemProcessor):
    """Processes ShareAttributeRequestItems."""

    def can_create(
        self, view: View, item: Json, recipient: str | None, files: Mapping[str, FileFacts]
    ) -> ConnectorError | None:
        """The attribute must be ours to share, as it is stored, and new to the recipient."""
        id_ = item["attributeId"]
        attribute = view.get(ATTRIBUTES, id_)
        if attribute is None:
            return invalid_request_item(f"The Attribute with the given attributeId '{id_}' could not be found.")
        if attribute.kind not in FORWARDABLE:
            return invalid_request_item(f"The Attribute with the given attributeId '{id_}' is not {FORWARDABLE_KINDS}.")
        if attribute.content != item["attribute"]:
            return invalid_request_item(
                f"The Attribute with the given attributeId '{id_}' does not match the given Attribute."
            )
        if recipient is not None and (error := _known_to_recipient(view, attribute, recipient)) is not None:
            return error
        if attribute.kind == OWN_IDENTITY:
            return _identity_error(view, item)
        return _relationship_error(view, item, attribute, recipient)

    def can_accept(self, view: View, item: Json, entry: Json, request: RequestContext) -> ConnectorError | None:
        """Attribute and initial peer must belong together."""
        attribute = item["attribute"]
        if (error := tags_error(attribute, view)) is not None:
            return invalid_request_item(error.message)
        third_party = item.get("initialAttributePeer") is not None
        if third_party and is_identity_attribute(attribute):
            return invalid_request_item(
                "The RequestItem is invalid, since it must contain a RelationshipAttribute if initialAttributePeer is "
                "defined."
            )
        if not third_party and not is_identity_attribute(attribute):
            return invalid_request_item(
                "The RequestItem is invalid, since it must contain an IdentityAttribute if initialAttributePeer is "
                "undefined."
            )
        return None

    def accept(self, changes: Changes, item: Json, entry: Json, request: RequestContext) -> Json:
        """Take the attribute, unless we have it already."""
        content: Json = item["attribute"]
        initial_peer: str | None = item.get("initialAttributePeer")
        kind: Kind
        if initial_peer is not None:
            kind, existing = THIRD_PARTY, third_party_attribute_with(changes, content, request.peer)
        else:
            kind, existing = PEER_IDENTITY, peer_identity_attribute_with(changes, content["value"], request.peer)
        if existing is not None:
            if existing.deletion_status == "ToBeDeleted":
                set_own_deletion_info(changes, existing, None, override=True)
            return accepted("AttributeAlreadySharedAcceptResponseItem", attributeId=existing.id)
        create_attribute(
            changes,
            kind,
            content,
            id_=item["attributeId"],
            peer=request.peer,
            source_reference=request.id,
            initial_attribute_peer=initial_peer,
        )
        return accepted("AcceptResponseItem")

    def apply(self, changes: Changes, item: Json, answer: Json, request: RequestContext) -> None:
        """The peer has the attribute now, or had it before."""
        attribute = changes.get(ATTRIBUTES, item["attributeId"])
        if answer.get("@type") in REJECTIONS or attribute is None:
            return
        if answer.get("@type") == "AttributeAlreadySharedAcceptResponseItem" and is_forwarded(
            changes, attribute, request.peer
        ):
            set_forwarded_deletion_info(changes, attribute, request.peer, None, override=True)
            return
        add_forwarding_details(changes, attribute, request.peer, request.id)


def _known_to_recipient(view: View, attribute: LocalAttribute, recipient: str) -> ConnectorError | None:
    if is_forwarded(view, attribute, recipient, exclude_to_be_deleted=True):
        return invalid_request_item(
            f"The Attribute with the given attributeId '{attribute.id}' is already shared with the peer."
        )
    successor = next((s for s in successors(view, attribute) if is_forwarded(view, s, recipient)), None)
    if successor is not None:
        return invalid_request_item(
            f"The provided Attribute is outdated. Its successor '{successor.id}' is already shared with the peer."
        )
    predecessor = next((p for p in predecessors(view, attribute) if is_forwarded(view, p, recipient)), None)
    if predecessor is not None:
        return invalid_request_item(
            f"The predecessor '{predecessor.id}' of the Attribute is already shared with the peer. Instead of sharing "
            "it, you should notify the peer about the Attribute succession."
        )
    return None


def _identity_error(view: View, item: Json) -> ConnectorError | None:
    if item.get("initialAttributePeer") is not None:
        return invalid_request_item("When sharing an OwnIdentityAttribute, no initialAttributePeer may be specified.")
    error = tags_error(item["attribute"], view)
    return None if error is None else invalid_request_item(error.message)


def _relationship_error(
    view: View, item: Json, attribute: LocalAttribute, recipient: str | None
) -> ConnectorError | None:
    if recipient is not None and recipient == attribute.peer:
        return invalid_request_item(
            "The provided RelationshipAttribute already exists in the context of the Relationship with the peer."
        )
    if not stands_or_stood(view, attribute.peer or ""):
        return pending_relationship()
    if item.get("initialAttributePeer") != attribute.peer:
        return invalid_request_item(
            "When sharing a RelationshipAttribute with another Identity, the address of the peer of the Relationship "
            "in which the RelationshipAttribute exists must be specified as initialAttributePeer."
        )
    if recipient is not None and attribute.owner == recipient:
        return invalid_request_item("It doesn't make sense to share a RelationshipAttribute with its owner.")
    if attribute.content["confidentiality"] == "private":
        return invalid_request_item(
            "The confidentiality of the given `attribute` is private. Therefore you are not allowed to share it."
        )
    return None
