"""Kinds of members: how a value is read from JSON, checked and printed (content spec 1.4 to 1.9). Primitives here.

A class of content declares its members with these, inside ``Annotated``. A kind knows nothing of the class it is used
in; ``owner`` and ``name`` come along for the texts of refusals only. What a kind reads is immutable: text, numbers,
other content, tuples; raw JSON is kept as it came and must not be changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from trio_connector.content.javascript import index_map, length, longer_than
from trio_connector.content.refusals import refused

Rule = Callable[[Any], str | None]
"""A custom rule: the reason of the refusal, ``None`` when the value is fine."""


class Reader(Protocol):
    """Reads nested content; made by `trio_connector.content.reading`."""

    now: datetime | None
    """What "in the future" means; without it nothing is."""

    def unknown(self, value: Any) -> Any:
        """The content ``value`` is, by its ``@type``."""

    def known(self, cls: type[Any], value: Any) -> Any:
        """``value`` as content of class ``cls``."""


class Writer(Protocol):
    """Prints nested content; made by `trio_connector.content.writing`."""

    def printed(self, content: Any, with_type: bool) -> Any:
        """``content`` as JSON."""


class Kind:
    """A member of any JSON value. ``label`` names it in rule texts; ``plain`` values print as they are stored."""

    label = "Object"
    plain = True
    keeps_null = False
    """Whether an optional member may be an explicit ``null``, which is then printed again (spec 1.7)."""

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        """The value to store; raises the refusals of spec 1.4."""
        raise NotImplementedError

    def write(self, value: Any, writer: Writer) -> Any:
        """The JSON of a stored value; only asked when not ``plain``."""
        return value

    def _check(self, owner: str, name: str, value: Any, rules: tuple[Rule, ...]) -> None:
        for rule in rules:
            if (reason := rule(value)) is not None:
                raise refused(owner, f"{name}:{self.label}", reason)


@dataclass(frozen=True)
class Pattern:
    """A regular expression: ``shown`` as the ecosystem's messages show it, with flags, and ours, for ``search``."""

    source: str
    """As JavaScript writes it, without slashes."""
    flags: str
    regex: re.Pattern[str]

    @property
    def shown(self) -> str:
        """``/source/flags``."""
        return f"/{self.source}/{self.flags}"


@dataclass(frozen=True)
class Text(Kind):
    """A string; limits count UTF-16 code units."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    allowed: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()

    label = "String"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> str:
        if not isinstance(value, str):
            raise refused(owner, name, "Value is not a string")
        if self.min_length is not None and length(value) < self.min_length:
            raise refused(owner, name, f"Value is shorter than {self.min_length} characters")
        if self.max_length is not None and longer_than(value, self.max_length):
            raise refused(owner, name, f"Value is longer than {self.max_length} characters")
        if self.pattern is not None and self.pattern.regex.search(value) is None:
            raise refused(owner, name, f"Value does not match regular expression {self.pattern.shown}")
        if self.allowed is not None and value not in self.allowed:
            raise refused(owner, name, "Value is not within the list of allowed values.")
        if self.rules:
            self._check(owner, name, value, self.rules)
        return value


@dataclass(frozen=True)
class Number(Kind):
    """A number that is no boolean; whole numbers are stored as `int`, as JavaScript prints them."""

    minimum: int | None = None
    maximum: int | None = None
    rules: tuple[Rule, ...] = ()

    label = "Number"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> int | float:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            raise refused(owner, name, "Value is not a number.")
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        if self.minimum is not None and value < self.minimum:
            raise refused(owner, name, f"Value is below threshold of {self.minimum}")
        if self.maximum is not None and value > self.maximum:
            raise refused(owner, name, f"Value is above threshold of {self.maximum}")
        self._check(owner, name, value, self.rules)
        number: int | float = value
        return number


@dataclass(frozen=True)
class Flag(Kind):
    """A boolean."""

    label = "Boolean"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> bool:
        if not isinstance(value, bool):
            raise refused(owner, name, "Value is not a boolean")
        return value


@dataclass(frozen=True)
class Raw(Kind):
    """Any JSON but ``null``, verbatim; ``allowed`` restricts it to some JSON types."""

    allowed: tuple[str, ...] | None = None
    rules: tuple[Rule, ...] = ()

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        if self.allowed is not None and _json_type(value) not in self.allowed:
            raise refused(owner, name, "Value is not an allowed type.")
        self._check(owner, name, value, self.rules)
        return value


@dataclass(frozen=True)
class PlainObject(Kind):
    """``metadata``: an object, verbatim, whatever ``@type`` it may have."""

    keeps_null = True

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        return value if isinstance(value, (dict, list)) else index_map(value)


_JSON_TYPES: dict[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}


def _json_type(value: Any) -> str:
    return _JSON_TYPES.get(type(value), "object")
