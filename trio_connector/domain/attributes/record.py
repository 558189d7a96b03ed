"""Local attributes and forwarding details: records, DTOs, collections (consumption spec 4.1, runtime 3)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.errors import CoreError, RecordNotFound

Kind = Literal[
    "OwnIdentityAttribute",
    "PeerIdentityAttribute",
    "OwnRelationshipAttribute",
    "PeerRelationshipAttribute",
    "ThirdPartyRelationshipAttribute",
]
DeletionStatus = Literal[
    "DeletionRequestSent",
    "DeletionRequestRejected",
    "ToBeDeleted",
    "ToBeDeletedByRecipient",
    "DeletedByRecipient",
    "DeletedByEmitter",
]

OWN_IDENTITY: Kind = "OwnIdentityAttribute"
PEER_IDENTITY: Kind = "PeerIdentityAttribute"
OWN_RELATIONSHIP: Kind = "OwnRelationshipAttribute"
PEER_RELATIONSHIP: Kind = "PeerRelationshipAttribute"
THIRD_PARTY: Kind = "ThirdPartyRelationshipAttribute"

FORWARDABLE: frozenset[str] = frozenset({OWN_IDENTITY, OWN_RELATIONSHIP, PEER_RELATIONSHIP})
"""Kinds that can be shared with a peer and therefore have forwarding details."""
RECEIVED: frozenset[str] = frozenset({PEER_IDENTITY, PEER_RELATIONSHIP, THIRD_PARTY})
"""Kinds that a peer owns or sent: their deletion info is ToBeDeleted or DeletedByEmitter."""
OWN: frozenset[str] = frozenset({OWN_IDENTITY, OWN_RELATIONSHIP})

GONE_AT_RECIPIENT: frozenset[str] = frozenset({"ToBeDeletedByRecipient", "DeletedByRecipient"})
GONE: frozenset[str] = GONE_AT_RECIPIENT | {"ToBeDeleted", "DeletedByEmitter"}
"""Deletion statuses of attributes that are, or soon will be, of no further use."""

ATTRIBUTE_CREATED = "consumption.attributeCreated"
ATTRIBUTE_DELETED = "consumption.attributeDeleted"
ATTRIBUTE_SUCCEEDED = "consumption.attributeSucceeded"
ATTRIBUTE_WAS_VIEWED_AT_CHANGED = "consumption.attributeWasViewedAtChanged"
FORWARDING_DETAILS_CHANGED = "consumption.attributeForwardingDetailsChanged"
OWN_ATTRIBUTE_DELETED_BY_OWNER = "consumption.ownAttributeDeletedByOwner"
PEER_RELATIONSHIP_ATTRIBUTE_DELETED_BY_PEER = "consumption.peerRelationshipAttributeDeletedByPeer"
FORWARDED_ATTRIBUTE_DELETED_BY_PEER = "consumption.forwardedAttributeDeletedByPeer"


class DeletionInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was said about deleting one party's copy of an attribute, and when that is or was."""

    deletion_status: DeletionStatus
    deletion_date: str


class LocalAttribute(Record, frozen=True, kw_only=True):
    """An attribute in our hands. The id is the same at its owner and all peers; ``kind`` is the JSON's ``@type``.

    ``number_of_forwards`` counts the forwarding details of forwardable kinds, deleted ones included; it is ours.
    """

    kind: Kind = msgspec.field(name="@type")
    content: Json
    created_at: str
    succeeds: str | None = None
    succeeded_by: str | None = None
    was_viewed_at: str | None = None
    is_default: bool | None = None
    peer: str | None = None
    source_reference: str | None = None
    deletion_info: DeletionInfo | None = None
    initial_attribute_peer: str | None = None
    number_of_forwards: int | None = None

    @property
    def owner(self) -> str:
        """Whose attribute it is."""
        return str(self.content["owner"])

    @property
    def value_type(self) -> str:
        """The ``@type`` of its value."""
        return str(self.content["value"]["@type"])

    @property
    def key(self) -> str | None:
        """The key of a relationship attribute."""
        key: str | None = self.content.get("key")
        return key

    @property
    def is_identity_attribute(self) -> bool:
        """Whether the content is an IdentityAttribute, else it is a RelationshipAttribute."""
        return self.kind in (OWN_IDENTITY, PEER_IDENTITY)

    @property
    def deletion_status(self) -> DeletionStatus | None:
        """The status of its own deletion info, if it has one."""
        return self.deletion_info.deletion_status if self.deletion_info else None


class ForwardingDetails(Record, frozen=True, kw_only=True):
    """That an attribute was forwarded to ``peer``, by which request or notification, and what became of it there."""

    attribute_id: str
    peer: str
    source_reference: str
    shared_at: str
    deletion_info: DeletionInfo | None = None

    @property
    def deletion_status(self) -> DeletionStatus | None:
        """What became of the peer's copy, if anything."""
        return self.deletion_info.deletion_status if self.deletion_info else None


class LocalAttributeDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An attribute as the API and events show it."""

    kind: Kind = msgspec.field(name="@type")
    id: str
    content: Json
    created_at: str
    succeeds: str | None = None
    succeeded_by: str | None = None
    was_viewed_at: str | None = None
    is_default: bool | None = None
    peer: str | None = None
    source_reference: str | None = None
    deletion_info: DeletionInfo | None = None
    initial_attribute_peer: str | None = None
    number_of_forwards: int | None = None


class ForwardingDetailsDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Forwarding details as the API shows them."""

    peer: str
    source_reference: str
    shared_at: str
    deletion_info: DeletionInfo | None = None


class SuccessionDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The data of ``consumption.attributeSucceeded``."""

    predecessor: LocalAttributeDTO
    successor: LocalAttributeDTO


def attribute_dto(attribute: LocalAttribute) -> LocalAttributeDTO:
    """What API users see of ``attribute``."""
    return LocalAttributeDTO(
        kind=attribute.kind,
        id=attribute.id,
        content=attribute.content,
        created_at=attribute.created_at,
        succeeds=attribute.succeeds,
        succeeded_by=attribute.succeeded_by,
        was_viewed_at=attribute.was_viewed_at,
        is_default=attribute.is_default,
        peer=attribute.peer,
        source_reference=attribute.source_reference,
        deletion_info=attribute.deletion_info,
        initial_attribute_peer=attribute.initial_attribute_peer,
        number_of_forwards=attribute.number_of_forwards if attribute.kind in FORWARDABLE else None,
    )


def forwarding_details_dto(details: ForwardingDetails) -> ForwardingDetailsDTO:
    """What API users see of ``details``."""
    return ForwardingDetailsDTO(
        peer=details.peer,
        source_reference=details.source_reference,
        shared_at=details.shared_at,
        deletion_info=details.deletion_info,
    )


def succession_dto(predecessor: LocalAttribute, successor: LocalAttribute) -> SuccessionDTO:
    """What the event of a succession says."""
    return SuccessionDTO(predecessor=attribute_dto(predecessor), successor=attribute_dto(successor))


ATTRIBUTES: Collection[LocalAttribute] = Collection(
    name="Attributes",
    record=LocalAttribute,
    kind="LocalAttribute",
    keys={
        "kind": lambda attribute: attribute.kind,
        "peer": lambda attribute: attribute.peer,
        "value_type": lambda attribute: attribute.value_type,
        "attribute_key": lambda attribute: attribute.key,
        "succeeds": lambda attribute: attribute.succeeds,
    },
    indexed=("@type", "createdAt", "peer", "content.value.@type", "succeededBy"),
    prepare=attribute_dto,
)

FORWARDING_DETAILS: Collection[ForwardingDetails] = Collection(
    name="AttributeForwardingDetails",
    record=ForwardingDetails,
    kind="AttributeForwardingDetails",
    keys={"attribute_id": lambda details: details.attribute_id, "peer": lambda details: details.peer},
    indexed=("attributeId", "peer"),
    prepare=forwarding_details_dto,
)


def attribute_not_found(attribute_id: str) -> CoreError:
    """No attribute has this id."""
    return RecordNotFound("LocalAttribute", attribute_id)


def attribute_error(code: str, reason: str, data: Any = None) -> CoreError:
    """A CoreError ``error.consumption.attributes.<code>``."""
    return CoreError(f"error.consumption.attributes.{code}", reason, data=data)
