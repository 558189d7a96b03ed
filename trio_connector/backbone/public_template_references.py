"""Templates the Backbone's operator publishes (backbone spec 15.4)."""

from __future__ import annotations

from trio_connector.backbone.answers import Answer
from trio_connector.backbone.connection import Connection
from trio_connector.errors import BackboneRequestError

_PATH = "/api/poc/PublicRelationshipTemplateReferences"


class PublicTemplateReferenceAnswer(Answer, frozen=True, kw_only=True):
    """A template anybody may use."""

    title: str
    description: str
    truncated_reference: str


class PublicTemplateReferences:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[PublicTemplateReferenceAnswer]:
        """What is published; nothing where the Backbone does not know this resource."""
        try:
            return await self._connection.pages(_PATH, PublicTemplateReferenceAnswer)
        except BackboneRequestError as error:
            if error.backbone_status == 404:
                return []
            raise
