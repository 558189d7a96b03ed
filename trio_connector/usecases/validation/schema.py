"""A small schema language whose refusals read like those of the official validator (runtime spec 2.1).

A schema answers the *first* violation of a value, because that is all an API user ever sees, and describes itself as
JSON Schema for the OpenAPI document. Order within an object: type, required members, unknown members, members depth
first in declared order; within an array: length, elements, duplicates.

Values are what JSON decodes to. Python's ``True`` is not a number here, and ``nan`` and infinities are none either.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from trio_connector.usecases.validation.patterns import JsPattern

JsonSchema: TypeAlias = dict[str, Any]
Definitions: TypeAlias = dict[str, JsonSchema]

DUPLICATES_LATER: Final = "later"
DUPLICATES_EARLIER: Final = "earlier"


class Violation(NamedTuple):
    """What is wrong, and where: ``path`` is a JSON pointer, empty at the root."""

    path: str
    text: str

    @property
    def message(self) -> str:
        """As API users see it: path without its leading slash, a blank, the text; without quotation marks."""
        return f"{self.path} {self.text}".removeprefix("/").replace('"', "").strip()


class Schema(ABC):
    """What a value must look like."""

    @abstractmethod
    def violation(self, value: Any, path: str = "") -> Violation | None:
        """The first thing wrong with ``value``, or nothing. Never raises for a JSON value."""

    @abstractmethod
    def json_schema(self, definitions: Definitions) -> JsonSchema:
        """The same rules as JSON Schema; named parts are added to ``definitions``."""


@dataclass(frozen=True)
class Anything(Schema):
    """Any JSON value, ``null`` too."""

    def violation(self, value: Any, path: str = "") -> Violation | None:
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {}


@dataclass(frozen=True)
class Text(Schema):
    """A string; ``pattern`` is searched in it, not matched against all of it."""

    pattern: JsPattern | None = None
    min_length: int = 0

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, str):
            return Violation(path, "must be string")
        if len(value) < self.min_length:
            return Violation(path, f"must NOT have fewer than {self.min_length} characters")
        if self.pattern is not None and not self.pattern.found_in(value):
            return Violation(path, f'must match pattern "{self.pattern.source}"')
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        schema: JsonSchema = {"type": "string"}
        if self.min_length:
            schema["minLength"] = self.min_length
        if self.pattern is not None:
            schema["pattern"] = self.pattern.source
        return schema


@dataclass(frozen=True)
class Number(Schema):
    """A finite number."""

    minimum: float | None = None

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not is_number(value):
            return Violation(path, "must be number")
        if self.minimum is not None and value < self.minimum:
            return Violation(path, f"must be >= {self.minimum:g}")
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": "number"} if self.minimum is None else {"type": "number", "minimum": self.minimum}


@dataclass(frozen=True)
class Boolean(Schema):
    """``true`` or ``false``, or only the one given."""

    only: bool | None = None

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, bool):
            return Violation(path, "must be boolean")
        if self.only is not None and value is not self.only:
            return Violation(path, "must be equal to constant")
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": "boolean"} if self.only is None else {"type": "boolean", "const": self.only}


@dataclass(frozen=True)
class Constant(Schema):
    """Exactly this string."""

    value: str

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, str):
            return Violation(path, "must be string")
        return None if value == self.value else Violation(path, "must be equal to constant")

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": "string", "const": self.value}


@dataclass(frozen=True)
class Choice(Schema):
    """One of these strings."""

    values: tuple[str, ...]

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, str):
            return Violation(path, "must be string")
        return None if value in self.values else Violation(path, "must be equal to one of the allowed values")

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True)
class Scalar(Schema):
    """A string, a number or a boolean."""

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if isinstance(value, str | bool) or is_number(value):
            return None
        return Violation(path, "must be string,number,boolean")

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"type": ["string", "number", "boolean"]}


@dataclass(frozen=True)
class ListOf(Schema):
    """An array of ``element``.

    ``unique`` refuses equal strings and says how the two are named: by default the last element that has an equal one
    later on and its next occurrence, with ``DUPLICATES_EARLIER`` the last one that has an equal one before it and the
    nearest before it. Elements other than strings are never compared: their own schema has refused them.
    """

    element: Schema
    min_items: int = 0
    unique: Literal["", "later", "earlier"] = ""

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, list):
            return Violation(path, "must be array")
        if len(value) < self.min_items:
            return Violation(path, f"must NOT have fewer than {self.min_items} items")
        for index, element in enumerate(value):
            if found := self.element.violation(element, f"{path}/{index}"):
                return found
        if self.unique and (pair := _duplicates(value, self.unique)):
            return Violation(path, f"must NOT have duplicate items (items ## {pair[0]} and {pair[1]} are identical)")
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        schema: JsonSchema = {"type": "array", "items": self.element.json_schema(definitions)}
        if self.min_items:
            schema["minItems"] = self.min_items
        if self.unique:
            schema["uniqueItems"] = True
        return schema


@dataclass(frozen=True)
class Shape(Schema):
    """An object with these members; a name that ends in ``?`` is optional.

    ``required`` gives another order in which missing members are reported than the declared one. An ``open_`` object
    may have more members; ``of_more`` is what those must look like.
    """

    members: Mapping[str, Schema]
    required: tuple[str, ...] = ()
    open_: bool = False
    of_more: Schema | None = None
    _members: Mapping[str, Schema] = field(init=False, repr=False, compare=False)
    _required: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        needed = tuple(name for name in self.members if not name.endswith("?"))
        if self.required and set(self.required) != set(needed):
            raise ValueError(f"{self.required} names other members than {needed}")
        object.__setattr__(self, "_members", {name.removesuffix("?"): part for name, part in self.members.items()})
        object.__setattr__(self, "_required", self.required or needed)

    def violation(self, value: Any, path: str = "") -> Violation | None:
        if not isinstance(value, dict):
            return Violation(path, "must be object")
        for name in self._required:
            if name not in value:
                return Violation(path, f"must have required property '{name}'")
        if not self.open_ and any(name not in self._members for name in value):
            return Violation(path, "must NOT have additional properties")
        if self.of_more is not None:
            for name, member in value.items():
                if name not in self._members and (found := self.of_more.violation(member, f"{path}/{_escaped(name)}")):
                    return found
        for name, part in self._members.items():
            if name in value and (found := part.violation(value[name], f"{path}/{_escaped(name)}")):
                return found
        return None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        schema: JsonSchema = {"type": "object"}
        if self._members:
            schema["properties"] = {name: part.json_schema(definitions) for name, part in self._members.items()}
        if self._required:
            schema["required"] = list(self._required)
        if self.of_more is not None:
            schema["additionalProperties"] = self.of_more.json_schema(definitions)
        elif not self.open_:
            schema["additionalProperties"] = False
        return schema


@dataclass(frozen=True)
class AnyOf(Schema):
    """What at least one of ``branches`` accepts; when none does, the first branch's refusal is reported."""

    branches: tuple[Schema, ...]

    def violation(self, value: Any, path: str = "") -> Violation | None:
        first: Violation | None = None
        for branch in self.branches:
            found = branch.violation(value, path)
            if found is None:
                return None
            first = first or found
        return first

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return {"anyOf": [branch.json_schema(definitions) for branch in self.branches]}


@dataclass(frozen=True)
class Worded(Schema):
    """``inner``, but every refusal of it or of its parts reads ``text``, at the place of ``inner``."""

    inner: Schema
    text: str

    def violation(self, value: Any, path: str = "") -> Violation | None:
        return Violation(path, self.text) if self.inner.violation(value, path) else None

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        return self.inner.json_schema(definitions)


@dataclass(frozen=True)
class Named(Schema):
    """A part with a name in the OpenAPI document. ``make`` is asked when needed, so a part may contain itself."""

    name: str
    make: Callable[[], Schema]

    def violation(self, value: Any, path: str = "") -> Violation | None:
        return self.make().violation(value, path)

    def json_schema(self, definitions: Definitions) -> JsonSchema:
        if self.name not in definitions:
            definitions[self.name] = {}  # marks the name as taken while its own parts are described
            definitions[self.name] = self.make().json_schema(definitions)
        return {"$ref": f"#/components/schemas/{self.name}"}


def is_number(value: Any) -> bool:
    """Whether ``value`` is what JSON calls a number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def any_of(*branches: Schema) -> AnyOf:
    """What at least one of ``branches`` accepts."""
    return AnyOf(branches)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _duplicates(values: Sequence[Any], order: str) -> tuple[int, int] | None:
    if order == DUPLICATES_LATER:
        next_place: dict[str, int] = {}
        for index in range(len(values) - 1, -1, -1):
            value = values[index]
            if isinstance(value, str):
                if value in next_place:
                    return next_place[value], index
                next_place[value] = index
        return None
    last_pair: tuple[int, int] | None = None
    place_before: dict[str, int] = {}
    for index, value in enumerate(values):
        if isinstance(value, str):
            if value in place_before:
                last_pair = (place_before[value], index)
            place_before[value] = index
    return last_pair
