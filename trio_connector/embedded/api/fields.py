"""Reading what strangers send: JSON bodies, forms and query strings, property by property (Backbone spec 1.3).

Names are compared without case, unknown properties are ignored, ``null`` is absence. Whatever has the wrong shape
becomes ``error.platform.inputCannotBeParsed`` with the name of the property.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from trio_connector.embedded.domain.errors import PlatformError, cannot_be_parsed
from trio_connector.embedded.domain.moments import Moment, parsed
from trio_connector.errors import DeserializationError

T = TypeVar("T")

_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_MAX_INTEGER = 2**31 - 1
_MAX_QUERY_FIELDS = 2_000


class Fields:
    """The properties of one JSON object (or form, or query string)."""

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = {name.lower(): value for name, value in values.items()}
        self._path = path

    def has(self, name: str) -> bool:
        """Whether the property is there and not null."""
        return self._values.get(name.lower()) is not None

    def mentions(self, name: str) -> bool:
        """Whether the property is there, even as null."""
        return name.lower() in self._values

    def text(self, name: str) -> str:
        """A string that must be there."""
        return self._needed(name, self.optional_text(name))

    def optional_text(self, name: str) -> str | None:
        """A string, or ``None``."""
        value = self._values.get(name.lower())
        if value is not None and not isinstance(value, str):
            raise self._wrong(name, "a string")
        return value

    def data(self, name: str) -> bytes:
        """Bytes in base64url (padding optional) or base64 that must be there."""
        return self._needed(name, self.optional_data(name))

    def optional_data(self, name: str) -> bytes | None:
        """Bytes, or ``None``."""
        value = self.optional_text(name)
        return None if value is None else decoded(self._named(name), value)

    def integer(self, name: str) -> int:
        """A whole number that must be there."""
        return self._needed(name, self.optional_integer(name))

    def optional_integer(self, name: str) -> int | None:
        """A whole number of 32 bits, or ``None``."""
        value = self._values.get(name.lower())
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or abs(value) > _MAX_INTEGER):
            raise self._wrong(name, "an integer")
        return value

    def optional_number(self, name: str) -> float | None:
        """A finite number, or ``None``."""
        value = self._values.get(name.lower())
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise self._wrong(name, "a number")
        return float(value)

    def flag(self, name: str) -> bool:
        """A boolean, false when absent."""
        value = self._values.get(name.lower())
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "a boolean")
        return bool(value)

    def moment(self, name: str) -> Moment:
        """A date that must be there."""
        return self._needed(name, self.optional_moment(name))

    def optional_moment(self, name: str) -> Moment | None:
        """An ISO 8601 date, or ``None``."""
        value = self.optional_text(name)
        if value is None:
            return None
        try:
            return parsed(value)
        except DeserializationError as error:
            raise self._wrong(name, "a date") from error

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of ``choices``, whatever its case."""
        value = self.optional_text(name)
        if value is None:
            value = default
        found = {choice.lower(): choice for choice in choices}.get(self._needed(name, value).lower())
        if found is None:
            raise self._wrong(name, f"one of {', '.join(choices)}")
        return found

    def object(self, name: str) -> Fields:
        """A JSON object that must be there."""
        value = self._needed(name, self._values.get(name.lower()))
        if not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return Fields(value, f"{self._named(name)}.")

    def items(self, name: str, *, required: bool = False) -> list[Fields]:
        """A list of JSON objects; absent it is empty, unless ``required``."""
        return [
            Fields(value, f"{self._named(name)}[{position}].")
            if isinstance(value, dict)
            else self._raise(name, "a list of objects")
            for position, value in enumerate(self._list(name, required))
        ]

    def texts(self, name: str, *, required: bool = False) -> list[str]:
        """A list of strings; absent it is empty, unless ``required``."""
        return [
            value if isinstance(value, str) else self._raise(name, "a list of strings")
            for value in self._list(name, required)
        ]

    def flags_by_name(self) -> dict[str, bool]:
        """The object itself, when all its values are booleans. Names are in lower case."""
        for name, value in self._values.items():
            if not isinstance(value, bool):
                raise self._wrong(name, "a boolean")
        return dict(self._values)

    def texts_by_name(self, name: str) -> dict[str, str]:
        """A JSON object whose values are strings; absent it is empty. Its names keep their case."""
        value = self._values.get(name.lower())
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise self._wrong(name, "an object of strings")
        return value

    def _list(self, name: str, required: bool) -> list[Any]:
        value = self._values.get(name.lower())
        if value is None and not required:
            return []
        items = self._needed(name, value)
        if not isinstance(items, list):
            raise self._wrong(name, "a list")
        return items

    def _needed(self, name: str, value: T | None) -> T:
        if value is None:
            raise cannot_be_parsed(self._named(name), "The property is required.")
        return value

    def _named(self, name: str) -> str:
        return self._path + name

    def _wrong(self, name: str, expected: str) -> PlatformError:
        return cannot_be_parsed(self._named(name), f"The value is not {expected}.")

    def _raise(self, name: str, expected: str) -> Any:
        raise self._wrong(name, expected)


class Query:
    """The query string; names are compared without case."""

    def __init__(self, query_string: bytes) -> None:
        self._values: dict[str, list[str]] = {}
        try:
            pairs = parse_qsl(
                query_string.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_MAX_QUERY_FIELDS,
            )
        except ValueError as error:
            raise cannot_be_parsed("", "The query string cannot be parsed.") from error
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def text(self, name: str) -> str | None:
        """The first value of that name."""
        values = self._values.get(name.lower())
        return values[0] if values else None

    def texts(self, name: str) -> list[str]:
        """All values of that name (``ids=A&ids=B``, and also ``ids[]=`` and ``ids[0]=``)."""
        lowered = name.lower()
        found = list(self._values.get(lowered, ()))
        for key, values in self._values.items():
            if key.startswith(f"{lowered}["):
                found.extend(values)
        return found

    def integer(self, name: str) -> int | None:
        """A whole number of 32 bits, ``None`` when absent."""
        value = self.text(name)
        if value is None:
            return None
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 10) or int(digits) > _MAX_INTEGER:
            raise cannot_be_parsed(name, f"The value '{value[:40]}' is not valid.")
        return int(value)

    def data(self, name: str) -> bytes | None:
        """Bytes in standard base64, ``None`` when absent."""
        value = self.text(name)
        return None if value is None else decoded(name, value)

    def indexed(self, name: str) -> list[Fields]:
        """``name.0.id=A&name.0.password=B`` (or ``name[0].id``) as one `Fields` for each index, in their order."""
        items: dict[int, dict[str, str]] = {}
        for key, values in self._values.items():
            prefix, _, member = key.replace("[", ".").replace("]", "").partition(".")
            index, _, property_name = member.partition(".")
            if prefix == name.lower() and index.isascii() and index.isdigit() and len(index) < 6 and property_name:
                items.setdefault(int(index), {})[property_name] = values[0]
        return [Fields(items[index], f"{name}[{index}].") for index in sorted(items)]


def decoded(name: str, text: str) -> bytes:
    """The bytes of base64url or base64, with or without padding."""
    try:
        raw = text.encode("ascii").translate(_TO_STANDARD).rstrip(b"=")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise cannot_be_parsed(name, "The value is not valid base64.") from error


def json_fields(body: bytes, *, may_be_empty: bool = False) -> Fields:
    """The body as a JSON object; an empty one is an empty object where the endpoint needs none."""
    if not body.strip():
        if may_be_empty:
            return Fields({})
        raise cannot_be_parsed("", "A non-empty request body is required.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise cannot_be_parsed("$", "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise cannot_be_parsed("$", "The body is not a JSON object.")
    return Fields(value)
