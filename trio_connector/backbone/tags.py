"""Tags for attributes (backbone spec 15.3)."""

from __future__ import annotations

import msgspec

from trio_connector.backbone.answers import Answer
from trio_connector.backbone.connection import Connection, path_to


class TagAnswer(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """A tag: its names by language, and the tags below it."""

    display_names: dict[str, str]
    children: dict[str, TagAnswer] | None = None


class TagListAnswer(Answer, frozen=True, kw_only=True):
    """All tags, by type of attribute value."""

    supported_languages: list[str] = msgspec.field(default_factory=list)
    tags_for_attribute_value_types: dict[str, dict[str, TagAnswer]] = msgspec.field(default_factory=dict)


class Tags:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def get(self, etag: str | None = None) -> tuple[TagListAnswer, str | None] | None:
        """The tags with their etag; ``None`` when they are still those of ``etag`` (anonymous)."""
        headers = {} if etag is None else {"if-none-match": etag}
        received = await self._connection.exchange(
            "GET", path_to("Tags"), headers=headers, anonymous=True, repeatable=True
        )
        if received.status == 304:
            return None
        return await self._connection.read(received, TagListAnswer), received.etag
