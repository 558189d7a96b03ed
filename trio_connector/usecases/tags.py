"""The Backbone's tag collection, kept for some minutes (transport spec section 15, consumption spec 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from trio_connector.backbone.shared import Shared
from trio_connector.domain.attributes.tags import TagCollection, check_tags, needs_collection

if TYPE_CHECKING:
    from trio_connector.usecases.services import Services

LIFETIME = timedelta(minutes=5)
FILE_VALUE_TYPE = "IdentityFileReference"
"""Files carry the tags that an attribute referring to them could carry."""


class TagCache:
    """The collection as it was last fetched; callers that come at once share one request."""

    def __init__(self) -> None:
        self._collection = TagCollection()
        self._etag: str | None = None
        self._fetched_at: datetime | None = None
        self._fetching: Shared[TagCollection] = Shared()

    async def get(self, services: Services) -> TagCollection:
        """The collection, at most some minutes old. Raises BackboneRequestError when it must be fetched and cannot."""
        if self._is_fresh(services):
            return self._collection
        return await self._fetching.run(partial(self._fetch, services))

    def _is_fresh(self, services: Services) -> bool:
        return self._fetched_at is not None and services.clock() - self._fetched_at < LIFETIME

    async def _fetch(self, services: Services) -> TagCollection:
        answer = await services.backbone.tags.get(self._etag)
        if answer is not None:
            collection, self._etag = answer
            self._collection = msgspec.convert(msgspec.to_builtins(collection), TagCollection)
        self._fetched_at = services.clock()
        return self._collection


async def get_tag_collection(services: Services) -> TagCollection:
    """Which tags the Backbone knows."""
    return await services.tags.get(services)


async def check_file_tags(services: Services, tags: Sequence[str]) -> None:
    """Raise ``error.consumption.attributes.invalidTags`` when a file may not carry one of ``tags``."""
    collection = await get_tag_collection(services) if needs_collection(tags) else TagCollection()
    error = check_tags(tags, FILE_VALUE_TYPE, collection)
    if error is not None:
        raise error
