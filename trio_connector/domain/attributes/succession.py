"""Successions: what makes a successor acceptable, and what recording it changes (consumption spec 4.7). Pure."""

from __future__ import annotations

from msgspec.structs import replace

from trio_connector.domain.attributes.creation import (
    characters_allowed,
    forbidden_characters,
    is_identity_attribute,
    tags_error,
    trimmed,
)
from trio_connector.domain.attributes.record import (
    ATTRIBUTE_SUCCEEDED,
    ATTRIBUTES,
    FORWARDABLE,
    OWN_IDENTITY,
    PEER_IDENTITY,
    LocalAttribute,
    attribute_error,
    succession_dto,
)
from trio_connector.domain.changes import Changes, View
from trio_connector.domain.identity import Json
from trio_connector.errors import ConnectorError, CoreError

_CONTENT_TYPE = {True: "IdentityAttribute", False: "RelationshipAttribute"}

PREDECESSOR_DOES_NOT_EXIST = attribute_error("predecessorDoesNotExist", "The predecessor does not exist.")
SUCCESSOR_DOES_NOT_EXIST = attribute_error("successorDoesNotExist", "The successor does not exist.")
CONTENT_TYPE_CHANGED = attribute_error(
    "successionMustNotChangeContentType",
    "The successor Attribute's content type does not match that of the predecessor. An Attribute succession must not "
    "change the Attribute's content type, i.e. an IdentityAttribute must not be succeeded by a RelationshipAttribute "
    "and v.v.",
)
PEER_IS_NOT_OWNER = attribute_error(
    "successionPeerIsNotOwner",
    "The peer of the succeeded Attribute is not its owner. This may be an attempt of spoofing.",
)


def not_a_valid_attribute(data: object) -> CoreError:
    """The successor's content is none that the kind of attribute can have."""
    return attribute_error("successorIsNotAValidAttribute", "Validation failed during creation of successor.", data)


def succession_error(
    view: View, predecessor: LocalAttribute, content: Json, successor_id: str | None = None
) -> ConnectorError | None:
    """Why ``content`` cannot succeed ``predecessor``; None when it can. ``content`` is parsed and printed.

    For an own identity attribute invalid tags are *raised*, as the official software does.
    """
    identity = predecessor.kind in (OWN_IDENTITY, PEER_IDENTITY)
    if content.get("@type") != _CONTENT_TYPE[identity]:
        return not_a_valid_attribute(None)
    if predecessor.kind == OWN_IDENTITY and (error := tags_error(content, view)) is not None:
        raise error
    if not identity and content["key"] != predecessor.key:
        return attribute_error(
            "successionMustNotChangeKey",
            "The predecessor RelationshipAttribute's key does not match that of the successor. The succession of a "
            "RelationshipAttribute must not change the key.",
        )
    if predecessor.deletion_status in ("DeletedByRecipient", "DeletedByEmitter"):
        return attribute_error(
            "cannotSucceedSharedAttributesDeletedByPeer",
            "You cannot succeed shared Attributes that are already deleted by the peer.",
        )
    return _common_error(view, predecessor, content, successor_id)


def _common_error(
    view: View, predecessor: LocalAttribute, content: Json, successor_id: str | None
) -> ConnectorError | None:
    if successor_id is not None and view.get(ATTRIBUTES, successor_id) is not None:
        return attribute_error(
            "successorMustNotYetExist",
            "The predecessor Attribute's successor must not exist. It will be created by the succession handlers and "
            "must not be created manually.",
        )
    if predecessor.succeeded_by is not None:
        return attribute_error(
            "cannotSucceedAttributesWithASuccessor",
            f"The Attribute you want to succeed has a successor (id: {predecessor.succeeded_by}). You cannot succeed "
            "Attributes with a successor. Instead, succeed the successor.",
        )
    if content == predecessor.content:
        return attribute_error(
            "successionMustChangeContent",
            "The content of the successor matches that of the predecessor. An Attribute succession must change the "
            "Attribute's content.",
        )
    if content["owner"] != predecessor.owner:
        return attribute_error(
            "successionMustNotChangeOwner",
            "The successor Attribute's owner does not match that of the predecessor. An Attribute succession must not "
            "change the Attribute's owner.",
        )
    if content["@type"] != predecessor.content["@type"]:
        return CONTENT_TYPE_CHANGED
    if content["value"]["@type"] != predecessor.value_type:
        return attribute_error(
            "successionMustNotChangeValueType",
            "The successor Attribute's value type does not match that of the predecessor. An Attribute succession "
            "must not change the Attribute's value type.",
        )
    if not characters_allowed(content):
        return forbidden_characters("The successor contains forbidden characters.")
    return None


def succeed(
    changes: Changes,
    predecessor: LocalAttribute,
    content: Json,
    *,
    successor_id: str | None = None,
    source_reference: str | None = None,
) -> tuple[LocalAttribute, LocalAttribute]:
    """Record that ``content`` succeeds ``predecessor`` and tell of it; returns predecessor and successor.

    Forwarding details and deletion info stay with the predecessor. Raises what ``succession_error`` finds.
    """
    error = succession_error(changes, predecessor, content, successor_id)
    if error is not None:
        raise error
    successor = LocalAttribute(
        id=successor_id or changes.new_id("ATT"),
        kind=predecessor.kind,
        content=trimmed(content) if is_identity_attribute(content) else content,
        created_at=changes.now,
        succeeds=predecessor.id,
        is_default=predecessor.is_default,
        peer=predecessor.peer,
        source_reference=None if predecessor.kind == OWN_IDENTITY else source_reference,
        initial_attribute_peer=predecessor.initial_attribute_peer,
        number_of_forwards=0 if predecessor.kind in FORWARDABLE else None,
    )
    predecessor = replace(predecessor, succeeded_by=successor.id, is_default=None)
    changes.insert(ATTRIBUTES, successor)
    changes.put(ATTRIBUTES, predecessor)
    changes.event(ATTRIBUTE_SUCCEEDED, succession_dto(predecessor, successor), predecessor.peer)
    return predecessor, successor
