"""Finding the route of a path: case does not matter, ``{}`` stands for one segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from trio_connector.embedded.api.call import Route

_ARGUMENT = "{}"


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """A tree of path segments. A fixed segment wins over an argument."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.path.strip("/").lower().split("/"):
                node = node.children.setdefault(segment, _Node())
            if route.method in node.routes:
                raise ValueError(f"{route.method} {route.path} is routed twice")
            node.routes[route.method] = route

    def find(self, raw_path: str) -> tuple[dict[str, Route], list[str]] | None:
        """The routes by method, and the arguments; ``None`` when the path leads nowhere."""
        segments = [unquote(segment) for segment in raw_path.strip("/").split("/")]
        return self._find(self._root, segments, 0, [])

    def _find(
        self, node: _Node, segments: list[str], depth: int, arguments: list[str]
    ) -> tuple[dict[str, Route], list[str]] | None:
        if depth == len(segments):
            return (node.routes, arguments) if node.routes else None
        segment = segments[depth]
        fixed = node.children.get(segment.lower())
        if fixed is not None and segment != _ARGUMENT:
            found = self._find(fixed, segments, depth + 1, arguments)
            if found is not None:
                return found
        variable = node.children.get(_ARGUMENT)
        if variable is None or not segment:
            return None
        return self._find(variable, segments, depth + 1, [*arguments, segment])
