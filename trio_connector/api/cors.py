"""Cross-origin rules, in the options of the express ``cors`` package (connector spec 3.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trio_connector.api.answer import Answer, Header

_METHODS: Final = "GET,HEAD,PUT,PATCH,POST,DELETE"
Allowed = bool | str | tuple[str, ...]


@dataclass(frozen=True)
class Cors:
    """Which pages of other origins may use the API.

    ``origin``: ``True`` reflects the request's origin, a text is sent whatever the request's origin is (``*`` for
    everybody), a list allows what equals an entry.
    """

    origin: Allowed
    methods: str = _METHODS
    allowed_headers: str | None = None
    exposed_headers: str | None = None
    credentials: bool = False
    max_age: str | None = None
    preflight_continue: bool = False
    success_status: int = 204

    def headers(self, origin: str | None) -> tuple[list[Header], list[str]]:
        """The headers of an ordinary response, and what it varies with."""
        headers, varies = self._origin(origin)
        if self.credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        if self.exposed_headers:
            headers.append(("Access-Control-Expose-Headers", self.exposed_headers))
        return headers, varies

    def preflight(self, origin: str | None, requested_headers: str | None) -> Answer | None:
        """The answer to an OPTIONS request, unless the routes shall answer it."""
        if self.preflight_continue:
            return None
        headers, varies = self._origin(origin)
        if self.credentials:
            headers.append(("Access-Control-Allow-Credentials", "true"))
        headers.append(("Access-Control-Allow-Methods", self.methods))
        if self.allowed_headers is not None:
            if self.allowed_headers:
                headers.append(("Access-Control-Allow-Headers", self.allowed_headers))
        else:
            varies.append("Access-Control-Request-Headers")
            if requested_headers:
                headers.append(("Access-Control-Allow-Headers", requested_headers))
        if self.max_age is not None:
            headers.append(("Access-Control-Max-Age", self.max_age))
        if self.exposed_headers:
            headers.append(("Access-Control-Expose-Headers", self.exposed_headers))
        headers += [("Vary", ", ".join(varies))] if varies else []
        return Answer(self.success_status, headers=(*headers, ("Content-Length", "0")))

    def admits(self, origin: str, *, with_cookies: bool) -> bool:
        """Whether a page of ``origin`` may read answers, and therefore live streams, for which there are no headers."""
        if with_cookies and (not self.credentials or self.origin == "*"):
            return False
        return self.origin in ("*", origin) or self._is_allowed(origin)

    def _origin(self, origin: str | None) -> tuple[list[Header], list[str]]:
        if self.origin == "*":
            return [("Access-Control-Allow-Origin", "*")], []
        if isinstance(self.origin, str):
            return [("Access-Control-Allow-Origin", self.origin)], ["Origin"]
        if origin is not None and self._is_allowed(origin):
            return [("Access-Control-Allow-Origin", origin)], ["Origin"]
        return [], ["Origin"]

    def _is_allowed(self, origin: str) -> bool:
        if isinstance(self.origin, bool | str):
            return self.origin is True
        return origin in self.origin


def cors(options: Any) -> Cors | None:
    """The rules that the configuration describes; None when there are none.

    Raises ValueError for options that cannot be understood.
    """
    if not options:
        return None
    if options is True:
        options = {}
    if not isinstance(options, Mapping):
        raise ValueError("cors must be an object")
    origin = options.get("origin", "*")
    if origin is False or origin is None:
        return None
    return Cors(
        origin=_origins(origin),
        methods=_joined(options, "methods") or _METHODS,
        allowed_headers=_joined(options, "allowedHeaders"),
        exposed_headers=_joined(options, "exposedHeaders"),
        credentials=options.get("credentials") is True,
        max_age=None if options.get("maxAge") is None else str(int(options["maxAge"])),
        preflight_continue=options.get("preflightContinue") is True,
        success_status=int(options.get("optionsSuccessStatus", 204)),
    )


def _origins(origin: Any) -> Allowed:
    if isinstance(origin, bool | str):
        return origin
    if isinstance(origin, Sequence) and all(isinstance(entry, str) for entry in origin):
        return tuple(origin)
    raise ValueError("cors.origin must be a boolean, a text or a list of texts")


def _joined(options: Mapping[str, Any], name: str) -> str | None:
    value = options.get(name)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(entry, str) for entry in value):
        return ",".join(value)
    raise ValueError(f"cors.{name} must be a text or a list of texts")
