"""Relationships (backbone spec 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to

RelationshipStatus = Literal[
    "Pending", "Active", "Rejected", "Revoked", "Terminated", "DeletionProposed", "ReadyForDeletion"
]
RelationshipReason = Literal[
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


class AuditLogEntryAnswer(Answer, frozen=True, kw_only=True):
    """One step in the life of a relationship."""

    created_at: Date
    created_by: Address
    created_by_device: Id | None = None
    reason: RelationshipReason
    old_status: RelationshipStatus | None = None
    new_status: RelationshipStatus


class RelationshipAnswer(Answer, frozen=True, kw_only=True):
    """A relationship; the contents only come with `Relationships.get`, and are ``None`` when there is none."""

    id: Id
    from_: Address = msgspec.field(name="from")
    to: Address
    created_at: Date
    status: RelationshipStatus
    audit_log: list[AuditLogEntryAnswer]
    relationship_template_id: Id | None = None
    creation_content: str | None = None
    creation_response_content: str | None = None

    def __post_init__(self) -> None:
        Answer.__post_init__(self)
        if self.creation_response_content == "":  # what the Backbone keeps when none was sent
            msgspec.structs.force_setattr(self, "creation_response_content", None)


class CanCreateAnswer(Answer, frozen=True, kw_only=True):
    """Whether a relationship to a peer can be created, and the code of what stands against it."""

    can_create: bool
    code: str | None = None


class Relationships:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def can_create(self, peer: str) -> CanCreateAnswer:
        """Whether a relationship to ``peer`` can be created."""
        return await self._connection.get(path_to("Relationships", "CanCreate"), CanCreateAnswer, query={"peer": peer})

    async def create(self, relationship_template_id: str, creation_content: str | None = None) -> RelationshipAnswer:
        """Ask the owner of a template for a relationship.

        A cancellation or a lost response leaves open whether there is one; `can_create` and the next sync tell.
        """
        body = {"relationshipTemplateId": relationship_template_id, "creationContent": creation_content}
        return await self._connection.send("POST", path_to("Relationships"), RelationshipAnswer, body=body)

    async def get(self, relationship_id: str) -> RelationshipAnswer:
        """One relationship, with its contents."""
        return await self._connection.get(path_to("Relationships", relationship_id), RelationshipAnswer)

    async def list(self, ids: Sequence[str]) -> list[RelationshipAnswer]:
        """The relationships with these ids, as far as they are visible; at least one id."""
        return await self._connection.pages(path_to("Relationships"), RelationshipAnswer, query={"ids": ids})

    async def accept(self, relationship_id: str, creation_response_content: str) -> RelationshipAnswer:
        """Templator: accept a pending relationship."""
        return await self._do(relationship_id, "Accept", creation_response_content)

    async def reject(self, relationship_id: str) -> RelationshipAnswer:
        """Templator: reject a pending relationship."""
        return await self._do(relationship_id, "Reject")

    async def revoke(self, relationship_id: str) -> RelationshipAnswer:
        """Requestor: take a pending relationship back."""
        return await self._do(relationship_id, "Revoke")

    async def terminate(self, relationship_id: str) -> RelationshipAnswer:
        """End an active relationship."""
        return await self._do(relationship_id, "Terminate")

    async def reactivate(self, relationship_id: str) -> RelationshipAnswer:
        """Ask for the reactivation of a terminated relationship."""
        return await self._do(relationship_id, "Reactivate")

    async def accept_reactivation(self, relationship_id: str) -> RelationshipAnswer:
        """Agree to the reactivation the peer asked for."""
        return await self._do(relationship_id, "Reactivate/Accept")

    async def reject_reactivation(self, relationship_id: str) -> RelationshipAnswer:
        """Refuse the reactivation the peer asked for."""
        return await self._do(relationship_id, "Reactivate/Reject")

    async def revoke_reactivation(self, relationship_id: str) -> RelationshipAnswer:
        """Take one's own request for reactivation back."""
        return await self._do(relationship_id, "Reactivate/Revoke")

    async def decompose(self, relationship_id: str) -> RelationshipAnswer:
        """Give a relationship up for good."""
        return await self._do(relationship_id, "Decompose")

    async def _do(
        self, relationship_id: str, operation: str, creation_response_content: str | None = None
    ) -> RelationshipAnswer:
        """A step of the state machine; a lost response leaves open whether it was done: `get` tells."""
        path = path_to("Relationships", relationship_id, *operation.split("/"))
        body = {"creationResponseContent": creation_response_content}
        return await self._connection.send("PUT", path, RelationshipAnswer, body=body)
