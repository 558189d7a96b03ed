"""The grammar of IQL: from text to a tree of frozen nodes (content spec 8.1 and 8.3).

`parse_iql` raises `IqlError` with the message and the place that the official parser gives. ``iql.py`` evaluates trees.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeAlias

_BLANKS = frozenset(" \t\n\r")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_CAPITALS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_NAME = _LETTERS | _CAPITALS | frozenset("0123456789")
_MAX_NESTING = 64
"""Deepest nesting of parentheses; deeper queries are refused, because each level costs stack."""


@dataclass(frozen=True)
class Place:
    """Where in the query: ``offset`` from 0, ``line`` and ``column`` from 1, in UTF-16 code units."""

    offset: int
    line: int
    column: int


class IqlError(ValueError):
    """The query is no IQL; ``message`` and the places are the official ones."""

    def __init__(self, message: str, start: Place, end: Place) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end


@dataclass(frozen=True)
class Predicate:
    """``operator`` is one of ``= > < ~ ?``; ``operand`` is unescaped, empty for ``?``."""

    operator: str
    operand: str = ""


@dataclass(frozen=True)
class Primary:
    """``Type``, ``Type=x``, ``Type.part=x``: attributes with this value type (and a predicate on the value)."""

    value_type: str
    path: tuple[str, ...] = ()
    predicate: Predicate | None = None


@dataclass(frozen=True)
class Metadata:
    """``owner=x``: a predicate on a path of the attribute itself."""

    path: tuple[str, ...]
    predicate: Predicate


@dataclass(frozen=True)
class Tag:
    """``#tag``."""

    tag: str


@dataclass(frozen=True)
class Not:
    """``!x``."""

    operand: Expression


@dataclass(frozen=True)
class And:
    """``a && b && ...``."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True)
class Or:
    """``a || b || ...``."""

    operands: tuple[Expression, ...]


Expression: TypeAlias = Primary | Metadata | Tag | Not | And | Or


def parse_iql(query: str) -> Expression:
    """The tree of ``query``; raises `IqlError`."""
    parser = _Parser(query)
    found = parser.expression(0, 0)
    if found is not None:
        tree, end = found
        if end == len(query):
            return tree
        parser.expect(end, "end of input")
    raise parser.error()


_Found: TypeAlias = "tuple[Expression, int] | None"


class _Parser:
    """Recursive descent with ordered choice; remembers what was expected at the furthest place that failed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.furthest = 0
        self.expected: set[str] = set()

    def expect(self, at: int, what: str) -> None:
        if at > self.furthest:
            self.furthest = at
            self.expected.clear()
        if at == self.furthest:
            self.expected.add(what)

    def error(self) -> IqlError:
        at = self.furthest
        texts = sorted(self.expected)
        listed = " or ".join(texts) if len(texts) < 3 else f"{', '.join(texts[:-1])}, or {texts[-1]}"
        found = f'"{_shown(self.text[at])}"' if at < len(self.text) else "end of input"
        start = _place(self.text, at)
        return IqlError(f"Expected {listed} but {found} found.", start, _after(start, self.text[at : at + 1]))

    def expression(self, at: int, depth: int) -> _Found:
        return self._chain(at, depth, "||")

    def _chain(self, at: int, depth: int, operator: str) -> _Found:
        first = self._part(at, depth, operator)
        if first is None:
            return None
        tree, at = first
        operands = [tree]
        while (start := self._blanks(at)) is not None:
            if not self._literal(start, operator) or (start := self._blanks(start + 2)) is None:
                break
            if (following := self._part(start, depth, operator)) is None:
                break
            tree, at = following
            operands.append(tree)
        if len(operands) == 1:
            return operands[0], at
        return (Or(tuple(operands)) if operator == "||" else And(tuple(operands))), at

    def _part(self, at: int, depth: int, operator: str) -> _Found:
        return self._chain(at, depth, "&&") if operator == "||" else self._negation(at, depth)

    def _negation(self, at: int, depth: int) -> _Found:
        start = at
        while self._literal(at, "!"):
            at += 1
        found = self._group(at, depth)
        if found is None:
            return None
        tree, end = found
        return (Not(tree) if (at - start) % 2 else tree), end  # an even number of complements changes nothing

    def _group(self, at: int, depth: int) -> _Found:
        if self._literal(at, "(") and depth < _MAX_NESTING and (start := self._blanks(at + 1)) is not None:
            inner = self.expression(start, depth + 1)
            if inner is not None:
                tree, end = inner
                closing = self._blanks(end)
                if closing is not None and self._literal(closing, ")"):
                    return tree, closing + 1
        return self._term(at)

    def _term(self, at: int) -> _Found:
        primary = self._primary(at)
        if primary is not None:
            return primary
        self.expect(at, "primary field term")
        metadata = self._metadata(at)
        if metadata is not None:
            return metadata
        self.expect(at, "metadata field term")
        if self.text[at : at + 1] == "#":
            tag, end = self._operand(at + 1)
            return Tag(tag), end
        self.expect(at, "tag term")
        return None

    def _primary(self, at: int) -> _Found:
        text = self.text
        if at >= len(text) or text[at] not in _CAPITALS:
            return None
        end = self._name_end(at + 1)
        value_type = text[at:end]
        path, after_path = self._dotted(end)
        if path and (found := self._predicate(after_path)) is not None:
            return Primary(value_type, path, found[0]), found[1]
        if (found := self._predicate(end)) is not None:
            return Primary(value_type, (), found[0]), found[1]
        return Primary(value_type), end

    def _metadata(self, at: int) -> _Found:
        end = self._segment_end(at)
        if end is None:
            return None
        path, after = self._dotted(end)
        found = self._predicate(after)
        return None if found is None else (Metadata((self.text[at:end], *path), found[0]), found[1])

    def _dotted(self, at: int) -> tuple[tuple[str, ...], int]:
        path: list[str] = []
        while self.text[at : at + 1] == "." and (end := self._segment_end(at + 1)) is not None:
            path.append(self.text[at + 1 : end])
            at = end
        return tuple(path), at

    def _segment_end(self, at: int) -> int | None:
        if at >= len(self.text) or self.text[at] not in _LETTERS:
            return None
        end = self._name_end(at + 1)
        return end if end > at + 1 else None

    def _name_end(self, at: int) -> int:
        while at < len(self.text) and self.text[at] in _NAME:
            at += 1
        return at

    def _predicate(self, at: int) -> tuple[Predicate, int] | None:
        operator = self.text[at : at + 1]
        if operator == "?":
            return Predicate("?"), at + 1
        if operator and operator in "=><~":
            operand, end = self._operand(at + 1)
            return Predicate(operator, operand), end
        return None

    def _operand(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] == "'":
            quoted, end = self._characters(at + 1, "'")
            if self.text[end : end + 1] == "'":
                return quoted, end + 1
        return self._characters(at, "' ")

    def _characters(self, at: int, stop: str) -> tuple[str, int]:
        """Characters up to one of ``stop`` or a backslash that escapes nothing."""
        text = self.text
        found: list[str] = []
        while at < len(text) and text[at] not in stop:
            if text[at] == "\\":
                at += 1
                if text[at : at + 1] not in ("\\", "'"):
                    return "".join(found), at - 1
            found.append(text[at])
            at += 1
        return "".join(found), at

    def _blanks(self, at: int) -> int | None:
        """The end of one or more blanks."""
        end = at
        while end < len(self.text) and self.text[end] in _BLANKS:
            end += 1
        self.expect(end, "whitespace")
        return end if end > at else None

    def _literal(self, at: int, literal: str) -> bool:
        if self.text.startswith(literal, at):
            return True
        self.expect(at, f'"{literal}"')
        return False


def _place(text: str, at: int) -> Place:
    before = text[:at]
    line_start = before.rfind("\n") + 1
    return Place(_units(before), before.count("\n") + 1, _units(before[line_start:]) + 1)


def _after(start: Place, character: str) -> Place:
    """One code unit further, however many the character has."""
    if not character:
        return start
    if character == "\n":
        return Place(start.offset + 1, start.line + 1, 1)
    return Place(start.offset + 1, start.line, start.column + 1)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"}
_INVISIBLE = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Mc", "Me", "Mn", "Zl", "Zp"))


def _shown(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    code = ord(character)
    if code < 0x20 or 0x7F <= code <= 0x9F:
        return f"\\x{code:02X}"
    return f"\\u{{{code:X}}}" if unicodedata.category(character) in _INVISIBLE else character
