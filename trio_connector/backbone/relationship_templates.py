"""Relationship templates (backbone spec 7)."""

from __future__ import annotations

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class NewRelationshipTemplate(Answer, frozen=True, kw_only=True):
    """The id of a template that was created."""

    id: Id
    created_at: Date


class RelationshipTemplateAnswer(Answer, frozen=True, kw_only=True):
    """A template; ``content`` is the encrypted content in base64url."""

    id: Id
    created_by: Address
    created_by_device: Id
    created_at: Date
    content: str
    max_number_of_allocations: int | None = None
    expires_at: Date | None = None
    for_identity: Address | None = None


class RelationshipTemplates:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(
        self,
        *,
        content: str,
        expires_at: str | None = None,
        max_number_of_allocations: int | None = None,
        for_identity: str | None = None,
        password: str | None = None,
    ) -> NewRelationshipTemplate:
        """Create a template; ``password`` is the hash in base64."""
        body = {
            "content": content,
            "expiresAt": expires_at,
            "maxNumberOfAllocations": max_number_of_allocations,
            "forIdentity": for_identity,
            "password": password,
        }
        return await self._connection.send("POST", path_to("RelationshipTemplates"), NewRelationshipTemplate, body=body)

    async def get(self, template_id: str, *, password: str | None = None) -> RelationshipTemplateAnswer:
        """Read a template; the first successful reading allocates it to this identity."""
        return await self._connection.get(
            path_to("RelationshipTemplates", template_id),
            RelationshipTemplateAnswer,
            query={"password": password},
            repeatable=password is None,
        )

    async def delete(self, template_id: str) -> None:
        """Delete an own template."""
        await self._connection.send_without_answer("DELETE", path_to("RelationshipTemplates", template_id))
