"""Kinds of members that hold objects and arrays (content spec 1.5 and 1.9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trio_connector.content.javascript import index_map, shown
from trio_connector.content.kinds import Kind, Reader, Rule, Text, Writer
from trio_connector.content.moments import read_moment
from trio_connector.content.refusals import StructureRefused, not_an_object, reason_of, refused
from trio_connector.errors import ConnectorError


@dataclass(frozen=True)
class CoreText(Kind):
    """An id or an address: a string, or an object around it. No format is checked here."""

    class_name: str
    member: str

    keeps_null = True

    @property
    def label(self) -> str:  # type: ignore[override]  # a constant of the other kinds, here it names the class
        return self.class_name

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> str:
        if isinstance(value, str):
            return value
        if names_its_type(value):
            found = reader.unknown(value)
            if type(found).__name__ != self.class_name:
                raise refused(owner, name, f"Parsed object is not an instance of any allowed types {self.class_name}.")
            return str(getattr(found, self.member))
        if not isinstance(value, (dict, list)):
            raise not_an_object(self.class_name, shown(value))
        inner = value.get(self.member) if isinstance(value, dict) else None
        if inner is None:
            raise refused(self.class_name, self.member, "Value is not defined")
        return Text().read(self.class_name, self.member, inner, reader)


@dataclass(frozen=True)
class Moment(Kind):
    """A date; stored and printed as ``2025-01-02T03:04:05.678Z``."""

    keeps_null = True

    label = "CoreDate"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> str:
        if names_its_type(value):
            found = reader.unknown(value)
            if type(found).__name__ != "CoreDate":
                raise refused(owner, name, "Parsed object is not an instance of any allowed types CoreDate.")
            return str(found.date)
        return read_moment(value)


@dataclass(frozen=True)
class Nested(Kind):
    """Content of exactly one class; printed without ``@type`` unless ``with_type`` (or it is of a subclass)."""

    cls: type[Any]
    with_type: bool = False

    plain = False
    keeps_null = True

    @property
    def label(self) -> str:  # type: ignore[override]  # a constant of the other kinds, here it names the class
        return self.cls.__name__

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        if names_its_type(value):
            found = reader.unknown(value)
            if not isinstance(found, self.cls):
                raise refused(
                    owner, name, f"Parsed object is not an instance of any allowed types {self.cls.__name__}."
                )
            return found
        return reader.known(self.cls, value)

    def write(self, value: Any, writer: Writer) -> Any:
        return writer.printed(value, self.with_type or type(value) is not self.cls)


@dataclass(frozen=True)
class OneOf(Kind):
    """Content that must name its class by ``@type``, out of ``names`` (in the order in which messages list them)."""

    names: tuple[str, ...]

    plain = False

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        if names_its_type(value):
            found = reader.unknown(value)
            if type(found).__name__ in self.names:
                return found
        allowed = "|".join(self.names)
        raise refused(owner, name, f"Parsed object is not an instance of any allowed types ({allowed}).")

    def write(self, value: Any, writer: Writer) -> Any:
        return writer.printed(value, True)


@dataclass(frozen=True)
class Child(Kind):
    """A component of a complex value, e.g. the street of an address: a value class of its own, stored as its primitive.

    It may come as the primitive, as ``{"value": ...}`` or with ``@type``.
    """

    cls: type[Any]

    keeps_null = True

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        return Nested(self.cls).read(owner, name, value, reader).value


@dataclass(frozen=True)
class Typed(Kind):
    """An element that is any content; without ``@type`` it is kept as plain JSON."""

    plain = False

    label = "Serializable"

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        return reader.unknown(value)

    def write(self, value: Any, writer: Writer) -> Any:
        return writer.printed(value, True)


@dataclass(frozen=True)
class Item(Kind):
    """An element of ``items``: content of one of ``classes`` (or a subclass), always with its ``@type``.

    The official parser lets any content and even plain JSON through here and fails later; we refuse it at once.
    """

    classes: tuple[type[Any], ...]
    listed_as: str = "Serializable"

    plain = False

    @property
    def label(self) -> str:  # type: ignore[override]  # a constant of the other kinds, here it names the class
        return self.listed_as

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> Any:
        found = reader.unknown(value)
        if not isinstance(found, self.classes):
            names = "|".join(cls.__name__ for cls in self.classes)
            shown_names = f"({names})" if len(self.classes) > 1 else names
            raise refused(owner, name, f"Parsed object is not an instance of any allowed types {shown_names}.")
        return found

    def write(self, value: Any, writer: Writer) -> Any:
        return writer.printed(value, True)


@dataclass(frozen=True)
class ListOf(Kind):
    """An array, stored as a tuple; ``rules`` see the whole of it."""

    element: Kind
    rules: tuple[Rule, ...] = ()

    label = "Array"
    plain = False

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise StructureRefused("Value is not an Array.")
        read, inner, found = self.element.read, f"{name}[]", []
        for index, item in enumerate(value):
            try:
                if item is None and not isinstance(self.element, Text):
                    # The official parser keeps it and fails later, when somebody uses the element.
                    raise not_an_object(self.element.label, "null")
                found.append(read(owner, inner, item, reader))
            except ConnectorError as error:
                label, reason = self.element.label, reason_of(error)
                raise refused(
                    owner, name, f"Item with index {index} could not be deserialized to a {label} ({reason})"
                ) from error
        self._check(owner, name, found, self.rules)
        return tuple(found)

    def write(self, value: Any, writer: Writer) -> Any:
        if self.element.plain:
            return list(value)
        write = self.element.write
        return [write(item, writer) for item in value]


@dataclass(frozen=True)
class MapOf(Kind):
    """``propertyHints``: an object whose members are all of class ``cls``, whatever ``@type`` they name."""

    cls: Callable[[], type[Any]]
    """A function, because the class is the one that is being declared."""

    plain = False

    def read(self, owner: str, name: str, value: Any, reader: Reader) -> dict[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, (dict, list)):
            # The official software makes a hint of the name "_value" from it, which nobody ever looks up.
            raise not_an_object(self.cls().__name__, shown(value))
        return {key: reader.known(self.cls(), item) for key, item in index_map(value).items()}

    def write(self, value: Any, writer: Writer) -> Any:
        return {key: writer.printed(item, True) for key, item in value.items()}


def names_its_type(value: Any) -> bool:
    """Whether ``value`` is an object with an ``@type`` that JavaScript takes for true."""
    if not isinstance(value, dict):
        return False
    type_name = value.get("@type")
    return bool(type_name) or isinstance(type_name, (dict, list))
