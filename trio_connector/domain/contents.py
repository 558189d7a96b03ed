"""Content as consumption works with it: canonical JSON of an expected type (content spec chapter 1). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from trio_connector.content import parse, to_json
from trio_connector.domain.identity import Json
from trio_connector.errors import DeserializationError

IDENTITY_ATTRIBUTE = "IdentityAttribute"
RELATIONSHIP_ATTRIBUTE = "RelationshipAttribute"
ATTRIBUTE_TYPES = (IDENTITY_ATTRIBUTE, RELATIONSHIP_ATTRIBUTE)


def canonical(value: Any, *types: str, where: str = "Content", now: datetime | None = None) -> Json:
    """``value`` parsed and printed: unknown members dropped, members sorted, dates normalised.

    It must be of one of ``types``; a missing ``@type`` means the only one. ``where`` stands in the error text. With
    ``now`` dates of birth in the future are refused. Raises DeserializationError, UnknownType or UnexpectedCondition.
    """
    if isinstance(value, dict) and not value.get("@type") and len(types) == 1:
        value = {**value, "@type": types[0]}
    if not isinstance(value, dict) or value.get("@type") not in types:
        allowed = "|".join(types) if len(types) == 1 else f"({'|'.join(types)})"
        raise DeserializationError(f"{where} :: Parsed object is not an instance of any allowed types {allowed}.")
    printed: Json = to_json(parse(value, now=now))
    return printed


def is_group(item: Json) -> bool:
    """Whether this item of a request is a RequestItemGroup."""
    return item.get("@type") == "RequestItemGroup"


def single_items(items: Sequence[Json]) -> Iterator[Json]:
    """All items of a request in order, those of groups included."""
    for item in items:
        if is_group(item):
            yield from item["items"]
        else:
            yield item
