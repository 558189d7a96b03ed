"""The route table: what is served under which path, and how a path is looked up (connector spec 3.3 and 7). Pure.

Literal segments ignore case, a trailing slash may be there or not, literals win over parameters.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import unquote

from trio_connector.api.answer import PNG_TYPE, Answer
from trio_connector.usecases.validation.schema import Schema

if TYPE_CHECKING:
    from trio_connector.api.call import Call


class Accept(Enum):
    """What a route can answer; the value is what it offers to negotiate about (connector spec 3.6)."""

    JSON = ("application/json",)
    JSON_OR_PNG = ("application/json", PNG_TYPE)
    ANY = ()


class Kind(Enum):
    """What is in the body of a successful answer, for the OpenAPI document."""

    JSON = "json"
    LIST = "list"
    QR = "json or QR code"
    BYTES = "bytes"
    TEXT = "text"
    NOTHING = "nothing"


Answering: TypeAlias = "Callable[[Call], Awaitable[Answer]]"


@dataclass(frozen=True)
class Route:
    """One operation of the API.

    ``path`` is relative to its table's prefix, parameters in braces. ``answer`` runs after authentication, the role
    check against ``roles`` (one of them suffices; none: every authenticated caller) and content negotiation.
    ``changes`` routes change something: once begun they are finished, whether the client stays or not.
    ``query`` and ``body`` describe the input for the OpenAPI document; what is checked is up to ``answer``.
    """

    method: str
    path: str
    answer: Answering = field(repr=False)
    summary: str
    kind: Kind = Kind.JSON
    status: int = 200
    accept: Accept = Accept.JSON
    changes: bool = False
    roles: tuple[str, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict, repr=False)
    required_query: tuple[str, ...] = ()
    body: Schema | None = field(default=None, repr=False)
    optional_members: tuple[str, ...] = ()
    """Members of the body that clients may leave out although the use case needs them."""
    multipart: Schema | None = field(default=None, repr=False)
    result: str | None = None
    """Name of the result's schema in the OpenAPI document."""
    public: bool = False
    """Served without authentication."""
    waits: bool = False
    """Asks somebody else than the store, so it may take a while."""
    names_methods: bool = True
    """Another method on this path is 405; otherwise it is as if the path did not exist."""
    successor: str | None = None
    """Of a deprecated route: the path of the one that replaces it, relative to the prefix of today's API."""

    @property
    def quick(self) -> bool:
        """Whether the store alone answers."""
        return not self.changes and not self.waits


@dataclass(frozen=True)
class Match:
    """What a path and a method lead to.

    ``route`` is None when the path is served with other methods only; ``allowed`` names those as declared.
    ``parameters`` are percent-decoded.
    """

    route: Route | None
    parameters: Mapping[str, str]
    allowed: str = ""


_NO_PARAMETERS: Final[Mapping[str, str]] = {}


class _Node:
    __slots__ = ("literals", "names", "parameter", "routes")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, Route] = {}
        self.names: tuple[str, ...] = ()


class RouteTable:
    """Finds routes. Each is declared under one path; two routes for one method and path are a mistake."""

    def __init__(self) -> None:
        self._root = _Node()
        self._without_parameters: dict[tuple[str, str], Match] = {}
        self.routes: list[tuple[str, Route]] = []

    def add(self, prefix: str, routes: Iterable[Route]) -> None:
        """Serve ``routes`` below ``prefix`` (``/api/core/v1/Files``; may be empty)."""
        for route in routes:
            path = "/".join(part for part in (prefix.rstrip("/"), route.path.strip("/")) if part)
            self._insert(path if path.startswith("/") else f"/{path}", route)

    def _insert(self, path: str, route: Route) -> None:
        node = self._root
        names: list[str] = []
        for segment in path.strip("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        if route.method in node.routes or (node.names and node.names != tuple(names)):
            raise ValueError(f"{route.method} {path} is declared twice, or with other parameter names")
        node.routes[route.method] = route
        node.names = tuple(names)
        self.routes.append((path, route))
        if not names:
            self._without_parameters[route.method, path.lower()] = Match(route, _NO_PARAMETERS)

    def match(self, method: str, raw_path: str) -> Match | None:
        """What is served under ``raw_path``, which is still percent-encoded; None when nothing is.

        A literal segment wins over a parameter when it has the method, so ``GET Attributes/CanCreate`` reads the
        attribute of that id although ``PUT Attributes/CanCreate`` exists. HEAD is served by GET.
        """
        if method == "HEAD":
            method = "GET"
        path = (
            raw_path.rstrip("/").lower() if raw_path.endswith("/") and not raw_path.endswith("//") else raw_path.lower()
        )
        found = self._without_parameters.get((method, path))
        if found is not None:
            return found
        segments = (raw_path[1:-1] if raw_path.endswith("/") else raw_path[1:]).split("/")
        allowed: dict[str, Route] = {}
        for node, values in self._search(self._root, segments, 0, ()):
            decoded = _decoded(values)
            if decoded is None:
                continue
            if method in node.routes:
                return Match(node.routes[method], dict(zip(node.names, decoded, strict=True)))
            allowed |= {name: route for name, route in node.routes.items() if route.names_methods}
        return Match(None, _NO_PARAMETERS, ", ".join(allowed)) if allowed else None

    def _search(
        self, node: _Node, segments: list[str], index: int, values: tuple[str, ...]
    ) -> Iterator[tuple[_Node, tuple[str, ...]]]:
        if index == len(segments):
            if node.routes:
                yield node, values
            return
        segment = segments[index]
        literal = node.literals.get(segment.lower())
        if literal is not None:
            yield from self._search(literal, segments, index + 1, values)
        if node.parameter is not None and segment:
            yield from self._search(node.parameter, segments, index + 1, (*values, segment))


def _decoded(values: tuple[str, ...]) -> list[str] | None:
    try:
        return [value if "%" not in value else unquote(value, errors="strict") for value in values]
    except UnicodeDecodeError:
        return None
