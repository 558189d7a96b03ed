"""The hints of every value type (content spec 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trio_connector.content.hints import Hints
from trio_connector.content.reading import class_of
from trio_connector.content.values import IDENTITY_VALUE_NAMES, UNEDITABLE_VALUE_NAMES, AttributeValue


@dataclass(frozen=True)
class TypeHints:
    """How values of one type are entered."""

    type_name: str
    editable: bool
    """Whether a user can enter it as an identity attribute."""
    hints: Hints

    @property
    def render_hints(self) -> dict[str, Any]:
        """JSON of the type's RenderHints."""
        return self.hints.render_hints()

    @property
    def value_hints(self) -> dict[str, Any]:
        """JSON of the type's ValueHints."""
        return self.hints.value_hints()


def hints(type_name: str) -> TypeHints:
    """The hints of the value type, or part of one; raises `KeyError` for other names."""
    cls = class_of(type_name)
    if cls is None or not issubclass(cls, AttributeValue):
        raise KeyError(type_name)
    editable = type_name in IDENTITY_VALUE_NAMES and type_name not in UNEDITABLE_VALUE_NAMES
    return TypeHints(type_name, editable, cls.HINTS)
