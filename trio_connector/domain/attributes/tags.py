"""Which tags an attribute may carry (consumption spec 4.4, content spec section 6). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from trio_connector.content.codes import LANGUAGES
from trio_connector.errors import ConnectorError

_MIMETYPE = re.compile(r"[a-z*-]+/[a-z*-]+")


class Tag(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One level of a ``bkb:`` tag: its names by language, and what can follow it."""

    display_names: dict[str, str] = {}
    children: dict[str, Tag] | None = None


class TagCollection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The tags that the Backbone knows, per value type. Also the DTO of ``GET Attributes/TagCollection``."""

    supported_languages: list[str] = []
    tags_for_attribute_value_types: dict[str, dict[str, Tag]] = {}


def needs_collection(tags: Iterable[str]) -> bool:
    """Whether the validity of ``tags`` depends on what the Backbone knows."""
    return any(tag.lower().startswith("bkb:") for tag in tags)


def is_valid(tag: str, value_type: str, collection: TagCollection) -> bool:
    """Whether an attribute with a value of ``value_type`` may carry ``tag``."""
    lowered = tag.lower()
    if lowered.startswith("x:") or tag.startswith("urn:"):
        return True
    if tag.startswith("language:"):
        return tag.removeprefix("language:") in LANGUAGES
    if tag.startswith("mimetype:"):
        return _MIMETYPE.fullmatch(tag.removeprefix("mimetype:")) is not None
    if not lowered.startswith("bkb:"):
        return False
    level: dict[str, Tag] | None = collection.tags_for_attribute_value_types.get(value_type)
    for part in tag.split(":")[1:]:
        if not level or part not in level:
            return False
        level = level[part].children
    return level is None


def invalid_tags(tags: Sequence[str], value_type: str, collection: TagCollection) -> list[str]:
    """Those of ``tags`` that are not valid, in order."""
    return [tag for tag in tags if not is_valid(tag, value_type, collection)]


def check_tags(tags: Sequence[str] | None, value_type: str, collection: TagCollection) -> ConnectorError | None:
    """The error for ``tags``, or None when all are valid; no tags are valid tags."""
    invalid = invalid_tags(tags or (), value_type, collection)
    if not invalid:
        return None
    listed = ", ".join(f"'{tag}'" for tag in invalid)
    return ConnectorError(
        "error.consumption.attributes.invalidTags", f"Detected invalidity of the following tags: {listed}."
    )
