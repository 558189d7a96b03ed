"""From JSON to content (content spec 1.2 to 1.7)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

from trio_connector.content.javascript import shown
from trio_connector.content.model import REGISTRY, Content, JSONWrapper, plan
from trio_connector.content.refusals import StructureRefused, not_an_object, refused
from trio_connector.errors import ConnectorError, DeserializationError, UnexpectedCondition, UnknownType

C = TypeVar("C", bound=Content)

_ABSENT: Any = object()
_LEADING_INTEGER = re.compile(r"\s*([+-]?[0-9]+)")


class ContentReader:
    """Reads content; ``now`` (aware) is what "in the future" means, without it nothing is."""

    __slots__ = ("now",)

    def __init__(self, now: datetime | None) -> None:
        self.now = now

    def unknown(self, value: Any) -> Content:
        """The content ``value`` is, by its ``@type``."""
        if isinstance(value, dict) and "@type" in value:
            name = value["@type"]
            if not isinstance(name, str):
                raise StructureRefused("@type is not a string.")
            version = _version(value.get("@version"))
            cls = REGISTRY.get(name) if version == 1 else None
            if cls is None:
                raise _unknown_type(name, version, value)
            return JSONWrapper.of(value) if cls is JSONWrapper else self.known(cls, value)
        if value is None:
            raise UnexpectedCondition("Cannot read properties of null (reading 'hasOwnProperty')")
        return JSONWrapper.of(value)

    def known(self, cls: type[C], value: Any) -> C:
        """``value`` as content of class ``cls``."""
        value = cls._normalised(value)
        declared = plan(cls).members
        if not isinstance(value, dict):
            if value is None or (declared and not isinstance(value, list)):
                raise not_an_object(cls.__name__, shown(value))
            value = {}
        found: dict[str, Any] = {}
        nulls: list[str] = []
        for member in declared:
            item = value.get(member.name, _ABSENT)
            if item is _ABSENT and member.former_name is not None:
                item = value.get(member.former_name, _ABSENT)
            if item is None:
                if member.required:
                    raise refused(cls.__name__, member.name, "Value is not defined")
                if member.kind.keeps_null:
                    nulls.append(member.name)
                    continue
            elif item is _ABSENT:
                if member.required:
                    raise refused(cls.__name__, member.name, "Value is not defined")
                continue
            found[member.attribute] = member.kind.read(cls.__name__, member.name, item, self)
        if nulls:
            found["null_members"] = frozenset(nulls)
        content = cls(**found)
        if (problem := content._problem(self)) is not None:
            raise DeserializationError(problem)
        return content


def parse(value: Any, *, now: datetime | None = None) -> Content:
    """The content that parsed JSON ``value`` is, by its ``@type``; without one, a `JSONWrapper`.

    Raises `DeserializationError`, `UnknownType`, `StructureRefused` or `UnexpectedCondition` (a date that is none) with
    the official texts. With ``now`` a birth date in the future is refused.
    """
    try:
        return ContentReader(now).unknown(value)
    except RecursionError as error:
        raise DeserializationError("The content is nested too deeply.") from error


def parse_as(cls: type[C], value: Any, *, now: datetime | None = None) -> C:
    """``value`` as content of class ``cls``, whatever ``@type`` it may have; raises like `parse`."""
    try:
        return ContentReader(now).known(cls, value)
    except RecursionError as error:
        raise DeserializationError("The content is nested too deeply.") from error


def class_of(type_name: str) -> type[Content] | None:
    """The class that the ``@type`` names."""
    return REGISTRY.get(type_name)


def _version(value: Any) -> int | None:
    """The version as ``parseInt`` reads it; ``None`` when it is no number."""
    if not value:
        return 1
    found = _LEADING_INTEGER.match(shown(value))
    return int(found[1][:20]) if found else None  # the cut bounds the work for absurdly long numbers


_INTERNAL_RECORDS = {
    "Device": "createdAt",
    "File": "secretKey",
    "Identity": "address",
    "LocalAttribute": "content",
    "LocalNotification": "isOwn",
    "LocalRequest": "isOwn",
    "Message": "secretKey",
    "Relationship": "relationshipSecretId",
    "RelationshipTemplate": "secretKey",
    "Token": "secretKey",
}
"""Records that the official software knows by ``@type`` too, and the first member that it misses in them."""


def _unknown_type(name: str, version: int | None, value: dict[str, Any]) -> ConnectorError:
    if version == 1 and (member := _INTERNAL_RECORDS.get(name)) is not None and value.get(member) is None:
        return refused(name, member, "Value is not defined")
    if version is not None:
        return UnknownType(name, version)
    return StructureRefused(
        f"Type '{name}' with version NaN was not found within reflection classes. "
        "You might have to install a module first."
    )
