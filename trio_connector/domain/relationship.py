"""Relationships: record, look-ups, the rules of every operation, and the DTO (transport 12, runtime 3).

The Backbone owns the state machine; what is checked here is what the client must refuse before it asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Identity, IdentityDTO, identity_dto
from trio_connector.errors import ConnectorError, CoreError

Status = Literal["Pending", "Active", "Rejected", "Revoked", "Terminated", "DeletionProposed"]
Reason = Literal[
    "Creation",
    "AcceptanceOfCreation",
    "RejectionOfCreation",
    "RevocationOfCreation",
    "Termination",
    "ReactivationRequested",
    "AcceptanceOfReactivation",
    "RejectionOfReactivation",
    "RevocationOfReactivation",
    "Decomposition",
    "DecompositionDueToIdentityDeletion",
]
Operation = Literal[
    "accept",
    "reject",
    "revoke",
    "terminate",
    "requestReactivation",
    "acceptReactivation",
    "rejectReactivation",
    "revokeReactivation",
    "decompose",
]

EXISTING: frozenset[str] = frozenset({"Pending", "Active", "Terminated", "DeletionProposed"})
"""Statuses in which no second relationship to the same peer can be created (transport 12.1)."""


class AuditLogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One step in the life of a relationship, as the Backbone recorded it."""

    created_at: str
    created_by: str
    created_by_device: str | None = None
    reason: Reason
    old_status: Status | None = None
    new_status: Status


class PeerDeletionInfo(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The peer's identity is about to be deleted, or is."""

    deletion_status: Literal["ToBeDeleted", "Deleted"]
    deletion_date: str


class Relationship(Record, frozen=True, kw_only=True):
    """A relationship of this identity to one peer (transport spec section 12)."""

    relationship_secret_id: str
    peer: Identity
    peer_deletion_info: PeerDeletionInfo | None = None
    status: Status
    audit_log: list[AuditLogEntry]
    template_id: str
    creation_content: Any
    metadata: Any = None
    metadata_modified_at: str | None = None

    @property
    def created_at(self) -> str:
        """When the creation was recorded."""
        return self.audit_log[0].created_at

    @property
    def last_entry(self) -> AuditLogEntry:
        """The newest audit log entry."""
        return self.audit_log[-1]


def ordered_audit_log(entries: Sequence[AuditLogEntry]) -> list[AuditLogEntry]:
    """``entries`` by creation time, stable (transport spec section 12)."""
    return sorted(entries, key=lambda entry: entry.created_at)


def newest(relationships: Sequence[Relationship]) -> Relationship | None:
    """The most recently created one (transport 12.1)."""
    return max(relationships, key=lambda relationship: relationship.created_at, default=None)


def existing(relationships: Sequence[Relationship]) -> Relationship | None:
    """The first one that blocks a new relationship to its peer (transport 12.1)."""
    return next((relationship for relationship in relationships if relationship.status in EXISTING), None)


# --- what each operation demands ---------------------------------------------------------------------------------

_ALLOWED_IN: dict[Operation, frozenset[str]] = {
    "accept": frozenset({"Pending"}),
    "reject": frozenset({"Pending"}),
    "revoke": frozenset({"Pending"}),
    "terminate": frozenset({"Active"}),
    "requestReactivation": frozenset({"Terminated"}),
    "acceptReactivation": frozenset({"Terminated"}),
    "rejectReactivation": frozenset({"Terminated"}),
    "revokeReactivation": frozenset({"Terminated"}),
    "decompose": frozenset({"Terminated", "DeletionProposed"}),
}

_LAST_STEP_BY_PEER: dict[Operation, bool] = {
    "accept": True,
    "reject": True,
    "revoke": False,
    "acceptReactivation": True,
    "rejectReactivation": True,
    "revokeReactivation": False,
}

# The wording of the revoke texts reads inverted; clients know it that way.
_ONLY_PEER: dict[Operation, str] = {
    "accept": "Only your peer can accept the relationship {id}",
    "reject": "Only your peer can reject the relationship {id}. Revoke the relationship instead.",
    "revoke": "Only your peer can revoke the relationship {id}. Reject the relationship instead.",
    "acceptReactivation": "Only your peer can accept the reactivation of the relationship {id}.",
    "rejectReactivation": "Only your peer can reject the reactivation of the relationship {id}. "
    "Revoke the relationship reactivation instead.",
    "revokeReactivation": "Only your peer can revoke the reactivation of the relationship {id}. "
    "Reject the relationship reactivation instead.",
}

_ANSWERS_TO_REACTIVATION: frozenset[Operation] = frozenset(
    {"acceptReactivation", "rejectReactivation", "revokeReactivation"}
)


def permit(operation: Operation, relationship: Relationship) -> None:
    """Refuse ``operation`` when the relationship's state does not allow it (transport 12.4).

    Raises CoreError with ``wrongRelationshipStatus``, ``reactivationNotRequested``, ``reactivationAlreadyRequested`` or
    ``operationOnlyAllowedForPeer``, in this order of checks.
    """
    if relationship.status not in _ALLOWED_IN[operation]:
        raise wrong_relationship_status(relationship.id, relationship.status)
    last = relationship.last_entry
    by_peer = last.created_by == relationship.peer.address
    if operation in _ANSWERS_TO_REACTIVATION and last.reason != "ReactivationRequested":
        raise CoreError(
            "error.transport.relationships.reactivationNotRequested",
            f"The Relationship '{relationship.id}' has no reactivation Request to respond to.",
        )
    if operation == "requestReactivation" and last.reason == "ReactivationRequested":
        text = (
            f"Your peer has already requested the reactivation of the relationship {relationship.id}. "
            "You can accept the reactivation instead."
            if by_peer
            else f"You have already requested the reactivation of the relationship {relationship.id}."
        )
        raise CoreError("error.transport.relationships.reactivationAlreadyRequested", text)
    if operation in _LAST_STEP_BY_PEER and by_peer != _LAST_STEP_BY_PEER[operation]:
        raise CoreError(
            "error.transport.relationships.operationOnlyAllowedForPeer",
            _ONLY_PEER[operation].format(id=relationship.id),
        )


def wrong_relationship_status(id_: str, status: str) -> CoreError:
    """The relationship is in no status in which the operation is possible."""
    return CoreError(
        "error.transport.relationships.wrongRelationshipStatus",
        f"The Relationship '{id_}' has the wrong status '{status}' to run this operation.",
    )


def relationship_currently_exists(status: str) -> CoreError:
    """Only one relationship to a peer can exist at a time."""
    return CoreError(
        "error.transport.relationships.relationshipCurrentlyExists",
        f"No new Relationship to the peer can be created as a Relationship in status '{status}' currently exists.",
    )


def relationship_template_is_expired(template_id: str) -> CoreError:
    """The template can no longer be used."""
    return CoreError(
        "error.transport.relationships.relationshipTemplateIsExpired",
        f"The RelationshipTemplate '{template_id}' is already expired and therefore cannot be used to create a "
        "Relationship.",
    )


def cannot_create(backbone_code: str | None) -> CoreError:
    """Why the Backbone would refuse a new relationship, from the code of its CanCreate answer (transport 12.2)."""
    match backbone_code:
        case "error.platform.validation.relationship.relationshipToTargetAlreadyExists":
            return CoreError(
                "error.transport.relationships.relationshipNotYetDecomposedByPeer",
                "No new Relationship can be created as the former Relationship is not yet decomposed by the peer.",
            )
        case "error.platform.validation.relationship.peerIsToBeDeleted":
            return CoreError(
                "error.transport.relationships.activeIdentityDeletionProcessOfOwnerOfRelationshipTemplate",
                "The Identity that created the RelationshipTemplate is currently in the process of deleting itself. "
                "Thus, it is not possible to establish a Relationship to it.",
            )
        case _:
            return CoreError(
                backbone_code or "error.transport.unknown", "The Backbone refuses a new Relationship to this Identity."
            )


def deleted_owner_of_relationship_template() -> ConnectorError:
    """The templator's identity does not exist any more."""
    return CoreError(
        "error.transport.relationships.deletedOwnerOfRelationshipTemplate",
        "The Identity that created the RelationshipTemplate has been deleted in the meantime. Thus, it is not "
        "possible to establish a Relationship to it.",
    )


# --- DTO -----------------------------------------------------------------------------------------------------------

CREATION_CONTENT_TYPES = frozenset({"RelationshipCreationContent", "ArbitraryRelationshipCreationContent"})


class RelationshipDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A relationship as the API and events show it (runtime spec section 3)."""

    id: str
    template_id: str
    status: Status
    peer: str
    peer_identity: IdentityDTO
    peer_deletion_info: PeerDeletionInfo | None = None
    creation_content: Any
    audit_log: list[AuditLogEntry]


def relationship_dto(relationship: Relationship) -> RelationshipDTO:
    """What API users see; unknown creation content is wrapped into its Arbitrary form."""
    return RelationshipDTO(
        id=relationship.id,
        template_id=relationship.template_id,
        status=relationship.status,
        peer=relationship.peer.address,
        peer_identity=identity_dto(relationship.peer),
        peer_deletion_info=relationship.peer_deletion_info,
        creation_content=wrapped(
            relationship.creation_content, CREATION_CONTENT_TYPES, "ArbitraryRelationshipCreationContent"
        ),
        audit_log=relationship.audit_log,
    )


def wrapped(content: Any, known: frozenset[str], arbitrary: str) -> Any:
    """``content`` when its ``@type`` is ``known``, else the ``arbitrary`` content type around it."""
    if isinstance(content, dict) and content.get("@type") in known:
        return content
    return {"@type": arbitrary, "value": content}


RELATIONSHIPS: Collection[Relationship] = Collection(
    name="Relationships",
    record=Relationship,
    kind="Relationship",
    keys={
        "peer": lambda relationship: relationship.peer.address,
        "status": lambda relationship: relationship.status,
        "template_id": lambda relationship: relationship.template_id,
    },
    indexed=("peer.address", "status", "templateId"),
    prepare=relationship_dto,
)
