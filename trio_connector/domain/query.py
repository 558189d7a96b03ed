"""Which records a list asks for: conditions on documents, and how they match (runtime spec section 4.2).

Pure. Owned here: the conditions and the reference answer `matches`. Not here: the texts API users write
(``domain/query_language.py``), the fields of each list (``domain/query_fields.py``) and SQL (``store``), which must
find exactly the documents for which `matches` is true.

Matching is that of a document database: a dotted path descends objects and fans out over arrays, one level each;
at its end an array stands for its elements too. Values of different types never equal and never compare; text
compares by code point, which is right for ISO dates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

MAX_PATTERN_LENGTH = 256
"""Longer patterns are refused."""

MAX_SEARCHED_LENGTH = 64 * 1024
"""Only so many first characters of a value are searched."""

Scalar: TypeAlias = str | int | float | bool
Operator: TypeAlias = Literal[">", ">=", "<", "<="]


@dataclass(frozen=True)
class Exists:
    """The path leads somewhere, also to ``null``; or, not ``present``, nowhere."""

    path: str
    present: bool = True


@dataclass(frozen=True)
class AnyOf:
    """Some value at the path equals one of ``values``. Nothing equals ``()``."""

    path: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class NoneOf:
    """No value at the path equals one of ``values``; also true where the path leads nowhere."""

    path: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Compare:
    """Some value at the path is of the type of ``value`` and on that side of it."""

    path: str
    operator: Operator
    value: Scalar


@dataclass(frozen=True)
class Search:
    """Some text at the path contains the regular expression ``pattern``, ignoring case.

    Construction raises ValueError for a pattern that is too long or no regular expression.
    """

    path: str
    pattern: str

    def __post_init__(self) -> None:
        compiled(self.pattern)


@dataclass(frozen=True)
class NotEmpty:
    """The path leads to an array with at least one element."""

    path: str


@dataclass(frozen=True)
class Either:
    """At least one of ``conditions`` holds; `NOTHING` has none."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Both:
    """All ``conditions`` hold."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Exists | AnyOf | NoneOf | Compare | Search | NotEmpty | Either | Both

NOTHING = Either(())
"""Matches no document."""


def equals(path: str, value: Scalar) -> Condition:
    """Some value at ``path`` is ``value``."""
    return AnyOf(path, (value,))


def differs(path: str, value: Scalar) -> Condition:
    """No value at ``path`` is ``value``."""
    return NoneOf(path, (value,))


@dataclass(frozen=True)
class Query:
    """All ``conditions`` hold; answers come in the order of insertion, or ascending by the path ``order_by``."""

    conditions: tuple[Condition, ...] = ()
    order_by: str | None = None

    def where(self, *conditions: Condition) -> Query:
        """This query, narrowed by ``conditions``."""
        return Query(self.conditions + conditions, self.order_by)

    def forced(self, condition: Condition) -> Query:
        """This query with ``condition`` in place of whatever a client asked of the same path."""
        if isinstance(condition, Either | Both):
            raise TypeError("a condition on several paths replaces none")
        kept = tuple(
            known for known in self.conditions if isinstance(known, Either | Both) or known.path != condition.path
        )
        return Query((*kept, condition), self.order_by)

    def ordered_by(self, path: str) -> Query:
        """This query, with answers ascending by ``path``."""
        return Query(self.conditions, path)


EVERYTHING = Query()
"""Every record, in the order of insertion."""


class _Pattern:
    """A compiled pattern; re2 has no type information, so its one use is wrapped here."""

    def __init__(self, pattern: str) -> None:
        # Linear time: a stranger's pattern cannot stall the process. Large, and not before the first pattern.
        import re2  # type: ignore[import-untyped]

        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False  # the errors are a stranger's; they are answered, not logged by a C++ library
        options.max_mem = 1 << 20
        try:
            self._search: Callable[[str], object] = re2.compile(pattern, options).search
        except re2.error as error:
            raise ValueError(f"not a regular expression: {pattern[:80]}") from error

    def found_in(self, text: str) -> bool:
        """Whether ``text`` contains the pattern."""
        return self._search(text[:MAX_SEARCHED_LENGTH]) is not None


@lru_cache(maxsize=256)
def compiled(pattern: str) -> _Pattern:
    """``pattern`` ready for use, case-insensitive.

    Raises ValueError when it is longer than `MAX_PATTERN_LENGTH` or no regular expression (look-around and
    back-references are none: they cannot be searched in bounded time).
    """
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise ValueError(f"a regular expression can have at most {MAX_PATTERN_LENGTH} characters")
    return _Pattern(pattern)


# --- the reference answer ----------------------------------------------------------------------------------------


def matches(query: Query, document: Any) -> bool:
    """Whether ``document`` (decoded JSON) is one that ``query`` asks for."""
    return all(holds(condition, document) for condition in query.conditions)


def holds(condition: Condition, document: Any) -> bool:
    """Whether ``condition`` holds for ``document``."""
    match condition:
        case Exists(path, present):
            return any(True for _ in _ends(document, path)) is present
        case AnyOf(path, values):
            return any(_equal(found, value) for found in _values(document, path) for value in values)
        case NoneOf(path, values):
            return not holds(AnyOf(path, values), document)
        case Compare(path, operator, value):
            return any(_compares(found, operator, value) for found in _values(document, path))
        case Search(path, pattern):
            found_in = compiled(pattern).found_in
            return any(isinstance(found, str) and found_in(found) for found in _values(document, path))
        case NotEmpty(path):
            return any(isinstance(end, list) and bool(end) for end in _ends(document, path))
        case Either(conditions):
            return any(holds(each, document) for each in conditions)
        case Both(conditions):
            return all(holds(each, document) for each in conditions)


def segments(path: str) -> list[str]:
    """The member names of a dotted path."""
    return path.split(".")


def _ends(document: Any, path: str) -> Iterator[Any]:
    """What ``path`` leads to: one value, or one for each object of an array on the way."""
    ends = [document]
    for name in segments(path):
        below: list[Any] = []
        for end in ends:
            candidates = end if isinstance(end, list) else (end,)
            below.extend(each[name] for each in candidates if isinstance(each, dict) and name in each)
        ends = below
    return iter(ends)


def _values(document: Any, path: str) -> Iterator[Any]:
    for end in _ends(document, path):
        if isinstance(end, list):
            yield from end
        else:
            yield end


def kind_of(value: Any) -> str | None:
    """``boolean``, ``number`` or ``text``; None for what cannot be compared."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None


def _equal(found: Any, value: Scalar) -> bool:
    return kind_of(found) == kind_of(value) and bool(found == value)


def _compares(found: Any, operator: Operator, value: Any) -> bool:
    if kind_of(found) != kind_of(value):
        return False
    match operator:
        case ">":
            return bool(found > value)
        case ">=":
            return bool(found >= value)
        case "<":
            return bool(found < value)
        case "<=":
            return bool(found <= value)
