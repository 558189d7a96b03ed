"""Announcements of the Backbone's operator (backbone spec 15.1)."""

from __future__ import annotations

from typing import Literal

import msgspec

from trio_connector.backbone.answers import Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class AnnouncementActionAnswer(Answer, frozen=True, kw_only=True):
    """A link under an announcement."""

    display_name: str
    link: str


class AnnouncementAnswer(Answer, frozen=True, kw_only=True):
    """An announcement in one language."""

    id: Id
    created_at: Date
    severity: Literal["Low", "Medium", "High"]
    title: str
    body: str
    actions: list[AnnouncementActionAnswer] = msgspec.field(default_factory=list)
    expires_at: Date | None = None
    iql_query: str | None = None


class Announcements:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, language: str) -> list[AnnouncementAnswer]:
        """All announcements for this identity, expired ones too; ``language`` is an ISO 639-1 code."""
        return await self._connection.pages(path_to("Announcements"), AnnouncementAnswer, query={"language": language})
