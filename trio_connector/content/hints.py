"""Hints: how a value is entered and which values make sense (content spec 5). They never take part in validation.

`RenderHints`, `ValueHints` and their overrides are content; `Hints` is what a value class says about itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from trio_connector.content.codes import COUNTRIES, LANGUAGES
from trio_connector.content.javascript import length
from trio_connector.content.kinds import Number, Raw
from trio_connector.content.model import Content
from trio_connector.content.object_kinds import ListOf, MapOf, Nested
from trio_connector.content.refusals import StructureRefused
from trio_connector.content.rules import text


def _key_length(key: Any) -> str | None:
    too_long = isinstance(key, str) and length(key) > 100
    return "The maximum length of a key is 200 characters." if too_long else None  # the official text says 200


def _value_hints() -> type[Content]:
    return ValueHints


def _render_hints() -> type[Content]:
    return RenderHints


class ValueHintsValue(Content):
    """One of the values to choose from."""

    display_name: Annotated[str, text(100)]
    key: Annotated[str | float | bool, Raw(("string", "number", "boolean"), (_key_length,))]


class _AnyValueHints(Content, abstract=True):
    edit_help: Annotated[str, text(500)] | None = None
    min: Annotated[float, Number()] | None = None
    max: Annotated[float, Number()] | None = None
    pattern: Annotated[str, text(1000)] | None = None
    values: Annotated[tuple[ValueHintsValue, ...], ListOf(Nested(ValueHintsValue))] | None = None
    default_value: Annotated[str | float | bool, Raw(("number", "string", "boolean"))] | None = None
    property_hints: Annotated[dict[str, Any], MapOf(_value_hints)] = msgspec.field(default_factory=dict)

    @classmethod
    def _normalised(cls, value: Any) -> Any:
        if isinstance(value, list):
            # The official parser takes the array's own function "values" for the member of that name.
            raise StructureRefused("Value is not an Array.")
        return value


class ValueHints(_AnyValueHints):
    """Limits of a value and the values to choose from; ``propertyHints`` are those of its parts."""


class ValueHintsOverride(_AnyValueHints):
    """What the creator of a proprietary value changes in its hints."""


class RenderHints(Content):
    """Technical type, kind of input field and meaning of a value."""

    technical_type: str
    edit_type: str
    data_type: str | None = None
    property_hints: Annotated[dict[str, Any], MapOf(_render_hints)] = msgspec.field(default_factory=dict)


class RenderHintsOverride(Content):
    """Changes of `RenderHints`."""

    technical_type: str | None = None
    edit_type: str | None = None
    data_type: str | None = None
    property_hints: Annotated[dict[str, Any], MapOf(_render_hints)] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class Hints:
    """The hints of a value class."""

    technical_type: str | None = None
    """``None``: a part without render hints."""
    edit_type: str = "InputLike"
    data_type: str | None = None
    min: int | None = None
    max: int | None = None
    pattern: str | None = None
    edit_help: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    """Pairs of key and display name (a translation key)."""
    parts: Mapping[str, Hints] = field(default_factory=dict)

    def render_hints(self) -> dict[str, Any]:
        """As JSON of `RenderHints`."""
        parts = {name: part.render_hints() for name, part in self.parts.items() if part.technical_type is not None}
        return {
            "@type": "RenderHints",
            **({"dataType": self.data_type} if self.data_type else {}),
            "editType": self.edit_type,
            "propertyHints": parts,
            "technicalType": self.technical_type,
        }

    def value_hints(self) -> dict[str, Any]:
        """As JSON of `ValueHints`."""
        members: dict[str, Any] = {
            "@type": "ValueHints",
            "editHelp": self.edit_help,
            "max": self.max,
            "min": self.min,
            "pattern": self.pattern,
            "propertyHints": {name: part.value_hints() for name, part in self.parts.items()},
            "values": [{"displayName": shown, "key": key} for key, shown in self.values] or None,
        }
        return {name: value for name, value in members.items() if value is not None}


def choices(group: str, keys: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Values to choose from, with the translation keys of ``group``."""
    return tuple((key, f"i18n://attributes.values.{group}.{key}") for key in keys)


LINE = Hints("String", max=100)
"""A line of text."""
UNLIMITED_LINE = Hints("String")
COUNTRY = Hints("String", "SelectLike", "Country", 2, 2, values=choices("countries", COUNTRIES))
LANGUAGE = Hints("String", "SelectLike", "Language", 2, 2, values=choices("languages", LANGUAGES))
