"""How API users write conditions: one text per field, or several (runtime spec section 4.1 and 4.2).

Pure. Owned here: from texts to a `Query`. Which fields a list has is said in ``domain/query_fields.py``.

The rules of conversion are those of JavaScript's ``parseInt``, ``Number``, ``parseFloat`` and ``String``, because that
is what clients of the ecosystem have learnt: ``007`` asks for the number 7, ``1e3`` for 1000, ``5abc`` for a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from trio_connector.domain.query import (
    AnyOf,
    Compare,
    Condition,
    Exists,
    NoneOf,
    Query,
    Scalar,
    Search,
    differs,
    equals,
)
from trio_connector.errors import ValidationFailed

FieldValue: TypeAlias = str | Sequence[str]
"""What a query has for one field: one text, or a list of them when the parameter is repeated."""

Custom: TypeAlias = Callable[[FieldValue], Condition | None]
"""A field with a meaning of its own; None asks for nothing."""

MAX_VALUES = 1000
"""How many values one field may be given."""

_JS_WHITESPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_OTHER_RADIX = re.compile(r"0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_LEADING_INTEGER = re.compile(r"[+-]?[0-9]", re.ASCII)
_MAX_EXACT = 2**53


@dataclass(frozen=True)
class ListFields:
    """The fields by which one list can be filtered.

    ``names`` are in the order in which the schema checks them. ``paths`` maps those names whose path in the document is
    another one. ``single`` are those that cannot be repeated; ``allowed`` restricts the texts of a field. A list that
    is not ``strict`` ignores fields it does not know. Answers come ascending by the path ``order_by``, or in the order
    of insertion.
    """

    names: tuple[str, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    custom: Mapping[str, Custom] = field(default_factory=dict)
    single: frozenset[str] = frozenset()
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strict: bool = True
    order_by: str | None = None


def parse_query(flat: Mapping[str, FieldValue], fields: ListFields) -> Query:
    """What ``flat`` (field name to text or texts) asks of a list with these fields.

    Raises `ValidationFailed` as the schema of the list does, and for regular expressions that are none.
    """
    _check(flat, fields)
    conditions: dict[str, tuple[Condition, ...]] = {}
    for given_name, value in flat.items():
        name = given_name if isinstance(value, str) else given_name.removesuffix("[]")
        if name not in fields.names:
            continue
        path = fields.paths.get(name, name)
        custom = fields.custom.get(name)
        try:
            if custom is not None:
                condition = custom(_valid(value) if isinstance(value, str) else [_valid(each) for each in value])
                conditions[path] = () if condition is None else (condition,)
            elif isinstance(value, str):
                conditions[path] = (condition_of(path, value),)
            elif value:
                conditions[path] = conditions_of_all(path, value)
        except ValueError as error:
            raise ValidationFailed(f"query/{name} must match format regex") from error
    return Query(tuple(each for group in conditions.values() for each in group), fields.order_by)


def condition_of(path: str, text: str) -> Condition:
    """What one text asks of ``path``; raises ValueError when it has a regular expression that is none."""
    text = _valid(text)
    rest = text[2:] if text[1:2] == "=" else text[1:]
    match text[:1]:
        case "":
            return Exists(path)
        case "!":
            return differs(path, convert(rest)) if rest else Exists(path, present=False)
        case "<" | ">" | "^" | "$" | "~":
            return _operation(path, text)[1]
        case _:
            return equals(path, convert(text))


def conditions_of_all(path: str, texts: Sequence[str]) -> tuple[Condition, ...]:
    """What several texts ask of ``path`` together: of each kind of comparison only the last one counts."""
    wanted: list[Scalar] = []
    unwanted: list[Scalar] = []
    operations: dict[str, Condition] = {}
    for text in map(_valid, texts):
        if text.startswith("!"):
            unwanted.append(convert(text[2:] if text[1:2] == "=" else text[1:]))
        elif text[:1] and text[:1] in "<>^$~":
            kind, condition = _operation(path, text)
            operations[kind] = condition
        else:
            wanted.append(convert(text))
    conditions: list[Condition] = []
    if wanted:
        conditions.append(AnyOf(path, tuple(wanted)))
    if unwanted:
        conditions.append(NoneOf(path, tuple(unwanted)))
    return (*conditions, *operations.values())


def convert(text: str) -> Scalar:
    """``text`` as the value it is compared with: a boolean, a number, or itself."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    stripped = text.strip(_JS_WHITESPACE)
    if _LEADING_INTEGER.match(stripped):
        if _OTHER_RADIX.fullmatch(stripped):
            return 0  # its leading decimal number
        if _DECIMAL.fullmatch(stripped):
            number = float(stripped)
            if abs(number) != float("inf"):
                return int(number) if number.is_integer() and abs(number) <= _MAX_EXACT else number
    return text


def text_of(value: Scalar) -> str:
    """``value`` as JavaScript writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | str):
        return str(value)
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    return re.sub(r"e([+-])0+", r"e\1", repr(value).replace(".0e", "e"))


def _operation(path: str, text: str) -> tuple[str, Condition]:
    """The kind and the condition of a text that begins with one of ``< > ^ $ ~``."""
    or_equal = text[1:2] == "="
    value = convert(text[2:] if or_equal else text[1:])
    match text[0]:
        case ">":
            return (">=", Compare(path, ">=", value)) if or_equal else (">", Compare(path, ">", value))
        case "<":
            return ("<=", Compare(path, "<=", value)) if or_equal else ("<", Compare(path, "<", value))
        case "^":
            return "search", Search(path, f"^{text_of(value)}")
        case "$":
            return "search", Search(path, f"{text_of(value)}$")
        case _:
            return "search", Search(path, text_of(value))


def _check(flat: Mapping[str, FieldValue], fields: ListFields) -> None:
    if fields.strict and any(name not in fields.names for name in flat):
        raise ValidationFailed("query must NOT have additional properties")
    for name in fields.names:
        value = flat.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            if name in fields.single:
                raise ValidationFailed(f"query/{name} must be string")
            if len(value) > MAX_VALUES:
                raise ValidationFailed(f"query/{name} must NOT have more than {MAX_VALUES} items")
        elif name in fields.allowed and value not in fields.allowed[name]:
            raise ValidationFailed(f"query/{name} must be equal to one of the allowed values")


def _valid(text: str) -> str:
    """``text`` without lone surrogates, which no document can contain."""
    return text.encode("utf-8", "replace").decode()
