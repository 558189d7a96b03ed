"""From conditions on documents to SQL that finds exactly the documents for which `domain.query.matches` is true.

Most paths lead through objects to one scalar: that scalar is compared first, from its generated column where there is
one. Only when there is no such scalar (`direct_value` is NULL) the path is walked step by step over arrays.

Values keep their types in SQL: text as TEXT, numbers as INTEGER or REAL, booleans as the blobs ``x'00'`` and
``x'01'``. SQLite orders numbers before texts before blobs, so a comparison needs one more bound to stay in its type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from trio_connector.domain.query import (
    AnyOf,
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    NoneOf,
    NotEmpty,
    Query,
    Scalar,
    Search,
    kind_of,
    segments,
)
from trio_connector.store.rows import SqlValue
from trio_connector.store.tables import direct_value, json_path, quoted

_LEAF_VALUE = "CASE leaf.type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' ELSE leaf.atom END"
_MAX_EXACT_INTEGER = 1 << 63


@dataclass(frozen=True)
class Selection:
    """The tail of a SELECT: ``WHERE ... ORDER BY ...`` and its arguments."""

    clause: str
    arguments: tuple[SqlValue, ...]
    searches: bool
    """Whether a regular expression is involved, whose cost depends on the length of the documents."""


def compile_query(query: Query, generated_columns: dict[str, str]) -> Selection:
    """The selection for ``query`` on a table with these generated columns (path -> column)."""
    compiler = _Compiler(generated_columns)
    conditions = [compiler.condition(condition) for condition in query.conditions]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = f"{compiler.direct(query.order_by)}, seq" if query.order_by is not None else "seq"
    return Selection(f"{where} ORDER BY {order}", tuple(compiler.arguments), compiler.searches)


class _Compiler:
    def __init__(self, generated_columns: dict[str, str]) -> None:
        self._generated = generated_columns
        self.arguments: list[SqlValue] = []
        self.searches = False

    def condition(self, condition: Condition) -> str:
        match condition:
            case Exists(path, present):
                found = self._walk(path, lambda end: f"{end} IS NOT NULL")
                return found if present else f"NOT {found}"
            case AnyOf(path, values):
                return self._some(path, lambda value: self._equals(value, values))
            case NoneOf(path, values):
                return f"NOT {self._some(path, lambda value: self._equals(value, values))}"
            case Compare(path, operator, operand):
                return self._some(path, lambda value: self._compares(value, operator, operand))
            case Search(path, pattern):
                self.searches = True
                return self._some(path, lambda value: f"search({self._bind(pattern)}, {value})")
            case NotEmpty(path):
                return self._walk(path, lambda end: f"json_array_length({end}) > 0")
            case Either(conditions):
                return f"({' OR '.join(map(self.condition, conditions))})" if conditions else "FALSE"
            case Both(conditions):
                return f"({' AND '.join(map(self.condition, conditions))})" if conditions else "TRUE"

    def direct(self, path: str) -> str:
        """The scalar at ``path``, or NULL."""
        column = self._generated.get(path)
        return quoted(column) if column is not None else f"({direct_value('doc', path)})"

    def _some(self, path: str, holds: Callable[[str], str]) -> str:
        """Some value at ``path`` - the scalar itself, or an element of an array at its end - is as ``holds`` says."""
        direct = self.direct(path)
        at_once = holds(direct)
        closer = self._walk(
            path,
            lambda end: f"EXISTS (SELECT 1 FROM {_elements(end)} AS leaf WHERE {holds(_LEAF_VALUE)})",
        )
        return f"({direct} IS NOT NULL AND {at_once} OR {direct} IS NULL AND {closer})"

    def _walk(self, path: str, holds: Callable[[str], str]) -> str:
        """Something ``path`` leads to, as JSON text, is as ``holds`` says; arrays on the way are looked through."""
        first, *rest = segments(path)
        end = f"(doc -> {json_path(first)})"
        sources = []
        for number, name in enumerate(rest):
            step = f"step{number}"
            sources.append(f"{_elements(end)} AS {step}")
            end = f"(CASE {step}.type WHEN 'object' THEN {step}.value -> {json_path(name)} END)"
        condition = holds(end)
        if not sources:
            return f"coalesce({condition}, FALSE)"
        return f"EXISTS (SELECT 1 FROM {', '.join(sources)} WHERE {condition})"

    def _equals(self, value: str, values: Sequence[Scalar]) -> str:
        if not values:
            return "FALSE"
        return f"{value} IN ({', '.join(self._bind(each) for each in values)})"

    def _compares(self, value: str, operator: str, operand: Scalar) -> str:
        bound = self._bind(operand)
        match kind_of(operand):
            case "number":
                within = f"{value} < ''"
            case "text":
                within = f"{value} >= '' AND {value} < x''"
            case _:
                within = f"{value} >= x''"
        return f"({value} {operator} {bound} AND {within})"

    def _bind(self, value: Scalar) -> str:
        self.arguments.append(_sql_value(value))
        return "?"


def _elements(value: str) -> str:
    """A table of the elements of an array, or of the one value that is none."""
    return f"json_each(CASE json_type({value}) WHEN 'array' THEN {value} ELSE json_array(json({value})) END)"


def _sql_value(value: Scalar) -> SqlValue:
    if isinstance(value, bool):
        return b"\x01" if value else b"\x00"
    if isinstance(value, int) and not -_MAX_EXACT_INTEGER <= value < _MAX_EXACT_INTEGER:
        return float(value)
    return value
