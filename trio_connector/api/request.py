"""A request as the pipeline sees it, whoever read it from the wire; and the call that a route answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from trio_connector.errors import ValidationFailed

_MAX_PARAMETERS: Final = 1000

Parameters = dict[str, str | list[str]]


class Request:
    """Method, raw path, query and headers of one HTTP request, from its ASGI scope.

    Header names are asked for in lower case. ``disconnected`` waits until the client is gone, where somebody has to
    ask: elsewhere a client that goes away cancels the task.
    """

    __slots__ = ("__dict__", "_headers", "disconnected", "method", "raw_path", "scope")

    def __init__(self, scope: Any, disconnected: Callable[[], Awaitable[None]] | None = None) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8")
        self.raw_path = raw_path.partition(b"?")[0].decode("latin-1")
        self.disconnected = disconnected
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            headers[name] = headers[name] + b", " + value if name in headers else value
        self._headers = headers

    def header(self, name: bytes) -> str | None:
        """The value of a header; of a repeated one all values, joined with ``, ``."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    def first_header(self, name: bytes) -> str | None:
        """The first value of a header that may be repeated."""
        for candidate, value in self.scope["headers"]:
            if candidate == name:
                found: str = value.decode("latin-1")
                return found
        return None

    @property
    def is_safe(self) -> bool:
        """Whether a conditional request may be answered with 304."""
        return self.method in ("GET", "HEAD")

    @property
    def has_body(self) -> bool:
        """Whether the client announced a body that is not empty."""
        if b"transfer-encoding" in self._headers:
            return True
        length = self._headers.get(b"content-length")
        return length is not None and length != b"0"

    @cached_property
    def query(self) -> Parameters:
        """The query parameters; one that is given several times has a list.

        Raises ValidationFailed for more parameters than anybody needs.
        """
        query_string: bytes = self.scope["query_string"]
        return parameters(query_string.decode("latin-1")) if query_string else {}


def parameters(text: str) -> Parameters:
    """A query string or an urlencoded body as names with one value, or a list of several (connector spec 3.4)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise ValidationFailed("The request has too many parameters.") from error
    found: Parameters = {}
    for name, value in pairs:
        present = found.get(name)
        if present is None:
            found[name] = value
        elif isinstance(present, list):
            present.append(value)
        else:
            found[name] = [present, value]
    return found
