"""Compare an object with a struct and name every mistake, in the words operators know (connector spec 2.4).

msgspec stops at the first mistake. This walks the same type information and collects them all; afterwards
``msgspec.convert`` cannot fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import inspect

_JSON_TYPES: dict[type, str] = {
    inspect.BoolType: "boolean",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "string",
    inspect.NoneType: "null",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.ListType: "array",
    inspect.VarTupleType: "array",
}


def mistakes(value: Any, struct: type, path: str) -> list[str]:
    """Every difference between ``value`` (plain JSON data) and ``struct``; ``path`` leads to ``value``."""
    return list(_walk(value, _type_info(struct), path))


@lru_cache(maxsize=64)
def _type_info(struct: type) -> inspect.Type:
    return inspect.type_info(struct)


def _walk(value: Any, expected: inspect.Type, path: str) -> Iterator[str]:
    match expected:
        case inspect.Metadata():
            yield from _walk(value, expected.type, path)
        case inspect.AnyType():
            return
        case inspect.UnionType():
            yield from _union(value, expected, path)
        case inspect.LiteralType():
            if value not in expected.values:
                yield f"{path} is not one of enum values: {','.join(map(str, expected.values))}"
        case _ if not _fits(value, expected):
            yield f"{path} is not of a type(s) {_JSON_TYPES[type(expected)]}"
        case inspect.StructType():
            yield from _struct(value, expected, path)
        case inspect.DictType():
            for key, member in value.items():
                yield from _walk(member, expected.value_type, member_path(path, key))
        case inspect.ListType() | inspect.VarTupleType():
            yield from _length(len(value), expected, path)
            for index, item in enumerate(value):
                yield from _walk(item, expected.item_type, f"{path}[{index}]")
        case inspect.StrType():
            yield from _length(len(value), expected, path)
            if expected.pattern is not None and not re.search(expected.pattern, value):
                yield f"{path} does not match pattern {json.dumps(expected.pattern)}"
        case inspect.IntType() | inspect.FloatType():
            yield from _range(value, expected, path)


def member_path(path: str, key: str) -> str:
    """The path of a member, as the official texts write it."""
    return (
        f"{path}.{key}" if re.fullmatch(r"[A-Za-z_$][\w$]*", key) else f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    )


def _struct(value: dict[str, Any], expected: inspect.StructType, path: str) -> Iterator[str]:
    fields = {field.encode_name: field for field in expected.fields}
    for name, field in fields.items():
        if name in value:
            yield from _walk(value[name], field.type, member_path(path, name))
        elif field.required:
            yield f'{path} requires property "{name}"'
    if expected.forbid_unknown_fields:
        for key in value:
            if key not in fields:
                yield f'{path} is not allowed to have the additional property "{key}"'


def _union(value: Any, expected: inspect.UnionType, path: str) -> Iterator[str]:
    members = [member.type if isinstance(member, inspect.Metadata) else member for member in expected.types]
    for member in members:
        if _fits(value, member):
            yield from _walk(value, member, path)
            return
    named = [_JSON_TYPES[type(member)] for member in members if not isinstance(member, inspect.NoneType)]
    yield f"{path} is not of a type(s) {','.join(named)}"


def _fits(value: Any, expected: inspect.Type) -> bool:
    match expected:
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case inspect.StrType():
            return isinstance(value, str)
        case inspect.NoneType():
            return value is None
        case inspect.StructType() | inspect.DictType():
            return isinstance(value, dict)
        case inspect.ListType() | inspect.VarTupleType():
            return isinstance(value, list)
        case _:
            return True


def _length(
    length: int, expected: inspect.StrType | inspect.ListType | inspect.VarTupleType, path: str
) -> Iterator[str]:
    if expected.min_length is not None and length < expected.min_length:
        yield f"{path} does not meet minimum length of {expected.min_length}"
    if expected.max_length is not None and length > expected.max_length:
        yield f"{path} does not meet maximum length of {expected.max_length}"


def _range(value: float, expected: inspect.IntType | inspect.FloatType, path: str) -> Iterator[str]:
    if expected.ge is not None and value < expected.ge:
        yield f"{path} must be greater than or equal to {expected.ge}"
    if expected.gt is not None and value <= expected.gt:
        yield f"{path} must be strictly greater than {expected.gt}"
    if expected.le is not None and value > expected.le:
        yield f"{path} must be less than or equal to {expected.le}"
    if expected.lt is not None and value >= expected.lt:
        yield f"{path} must be strictly less than {expected.lt}"
