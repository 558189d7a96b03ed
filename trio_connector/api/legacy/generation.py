"""One earlier generation of the API: its prefix, its routes, and what it says in every answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote

from trio_connector.api.errors import ApiError
from trio_connector.api.finishing import RawHeaders
from trio_connector.api.routes import CORE_PREFIX
from trio_connector.api.routing import Match, Route

_UNESCAPED: Final = "!~*'()"


def _unchanged(error: ApiError) -> ApiError:
    return error


@dataclass(frozen=True)
class Generation:
    """What is served under ``prefix``, deprecated since a moment in UTC; ``error`` words errors as it did."""

    prefix: str
    deprecated_since: datetime
    routes: tuple[Route, ...] = field(repr=False)
    error: Callable[[ApiError], ApiError] = _unchanged

    def covers(self, raw_path: str) -> bool:
        """Whether a request to this path, known or not, is one to this generation."""
        length = len(self.prefix)
        return raw_path[:length].lower() == self.prefix and raw_path[length : length + 1] in ("", "/")

    def headers(self, match: Match | None) -> RawHeaders:
        """That the API is deprecated (RFC 9745), and what replaces it (RFC 5829): the route, where there is one."""
        return [
            (b"Deprecation", b"@%d" % int(self.deprecated_since.timestamp())),
            (b"Link", f'<{_successor(match)}>; rel="successor-version"'.encode("ascii")),
        ]


def _successor(match: Match | None) -> str:
    if match is None or match.route is None or match.route.successor is None:
        return CORE_PREFIX
    segments = match.route.successor.split("/")
    # A template stays one where the old path does not name what the new one needs.
    shown = [
        quote(match.parameters[segment[1:-1]], safe=_UNESCAPED) if segment[1:-1] in match.parameters else segment
        for segment in segments
    ]
    return "/".join([CORE_PREFIX, *shown])
