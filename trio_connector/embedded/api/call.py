"""One request as the handlers see it, their answers, and the table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.entropy import Entropy
from trio_connector.embedded.api.fields import Fields, Query, json_fields
from trio_connector.embedded.domain import rules
from trio_connector.embedded.domain.errors import PlatformError, invalid_property, page_size_too_high
from trio_connector.embedded.domain.moments import Moment, date_of
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store.database import Transaction

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp

API = "/api/v2"
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
JSON = "application/json; charset=utf-8"

_ERROR_ID_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ123456789"
_ERROR_ID_LENGTH = 17
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True)
class Caller:
    """Who is asking: an identity, on one of its devices."""

    address: str
    device_id: str
    username: str
    client_id: str


@dataclass(frozen=True)
class Request:
    """What came in over HTTP. ``caller`` is ``None`` without (valid) access token."""

    method: str
    path: str
    arguments: Sequence[str]
    query_string: bytes
    headers: Mapping[bytes, bytes]
    body: bytes
    caller: Caller | None

    @cached_property
    def query(self) -> Query:
        """The query string; raises PlatformError."""
        return Query(self.query_string)

    @cached_property
    def fields(self) -> Fields:
        """The body as JSON object; raises PlatformError."""
        return json_fields(self.body)

    @cached_property
    def optional_fields(self) -> Fields:
        """Like `fields`, where a body may be missing."""
        return json_fields(self.body, may_be_empty=True)


@dataclass(frozen=True)
class Call:
    """A request inside its transaction."""

    request: Request
    tx: Transaction
    settings: BackboneSettings

    @property
    def fields(self) -> Fields:
        """See `Request.fields`."""
        return self.request.fields

    @property
    def optional_fields(self) -> Fields:
        """See `Request.optional_fields`."""
        return self.request.optional_fields

    @property
    def query(self) -> Query:
        """See `Request.query`."""
        return self.request.query

    @property
    def now(self) -> Moment:
        """When the transaction began."""
        return self.tx.now

    @property
    def caller(self) -> Caller:
        """Who is asking, on routes that ask for an access token."""
        if self.request.caller is None:
            raise LookupError("this route is open to everybody: there may be no caller")
        return self.request.caller

    def refused(self, error: PlatformError) -> Reply:
        """The answer of an error whose transaction is nevertheless to be committed."""
        return refusal(error, self.now, self.tx.random)

    @property
    def me(self) -> str:
        """The caller's address."""
        return self.caller.address

    def id_(self, prefix: str, *, position: int = 0, name: str = "id") -> str:
        """The id in the path; raises PlatformError when it is none of this kind."""
        value = self.request.arguments[position]
        rules.valid_id(name, value, prefix)
        return value

    @cached_property
    def page(self) -> Page:
        """Which page of a list is asked for; raises PlatformError."""
        number, size = self.query.integer("pageNumber"), self.query.integer("pageSize")
        for name, value in (("pageNumber", number), ("pageSize", size)):
            if value is not None and value < 1:
                raise invalid_property(f"'{name}' must be greater than or equal to '1'.")
        if size is not None and size > MAX_PAGE_SIZE:
            raise page_size_too_high(MAX_PAGE_SIZE)
        return Page(number or 1, size or DEFAULT_PAGE_SIZE)


@dataclass(frozen=True)
class Page:
    """Page ``number``, counted from 1, of ``size`` items."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        """How many items precede it."""
        return (self.number - 1) * self.size


@dataclass(frozen=True)
class Reply:
    """An answer. ``headers`` come in addition to those every answer has."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Sequence[tuple[bytes, bytes]] = field(default_factory=tuple)


def result(value: Any, status: int = 200) -> Reply:
    """``{"result": value}``."""
    return Reply(status, msgspec.json.encode({"result": value}), JSON)


def created(value: Any) -> Reply:
    """201 with the result."""
    return result(value, 201)


def no_content() -> Reply:
    """204."""
    return Reply(204)


def paged(items: list[Any], total: int, page: Page) -> Reply:
    """The items of one page; ``pagination`` is only there when there are several pages (Backbone spec 1.4)."""
    pages = -(-total // page.size)
    if pages <= 1:
        return result(items)
    pagination = {"pageNumber": page.number, "pageSize": page.size, "totalPages": pages, "totalRecords": total}
    return Reply(200, msgspec.json.encode({"result": items, "pagination": pagination}), JSON)


def raw_json(value: Any, status: int = 200) -> Reply:
    """JSON without the envelope."""
    return Reply(status, msgspec.json.encode(value), JSON)


def text_of(data: bytes | None) -> str | None:
    """Bytes as JSON shows them: base64url without padding."""
    return None if data is None else to_base64url(data)


def refusal(error: PlatformError, now: Moment, random: Entropy) -> Reply:
    """The error envelope (Backbone spec 1.5)."""
    letters = random(_ERROR_ID_LENGTH)
    at = date_of(now)
    content = {
        "id": "ERR" + "".join(_ERROR_ID_ALPHABET[letter % len(_ERROR_ID_ALPHABET)] for letter in letters),
        "code": error.code,
        "message": error.message,
        "docs": "",
        "time": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z",
        "data": error.data,
    }
    close = (_CLOSE,) if error.code == "error.platform.requestBodyTooLarge" else ()
    return Reply(error.status, msgspec.json.encode({"error": content}), JSON, close)


Handler = Callable[[Call], Reply]
"""Runs inside the request's transaction; what it raises undoes the transaction."""

FreeHandler = Callable[["BackboneApp", Request], Awaitable[Reply]]
"""Takes care of its transactions itself, for what cannot be done within one."""

StreamHandler = Callable[["BackboneApp", Request, Any, Any], Awaitable[None]]
"""Answers through the ASGI ``receive`` and ``send`` it gets, for as long as it likes."""


@dataclass(frozen=True)
class Route:
    """One method of one path. Exactly one of the three kinds of handler is set."""

    method: str
    path: str
    is_anonymous: bool
    only_reads: bool
    handler: Handler | None = None
    free: FreeHandler | None = None
    stream: StreamHandler | None = None


class Routes:
    """The routes of one resource; each decorator adds one. A ``{}`` in a path is an argument of the request."""

    def __init__(self, prefix: str = API) -> None:
        self._prefix = prefix
        self.table: list[Route] = []

    def add(
        self, method: str, path: str, *, anonymous: bool = False, reads: bool = False
    ) -> Callable[[Handler], Handler]:
        """A handler in one transaction; with ``reads`` it must not change anything."""

        def register(handler: Handler) -> Handler:
            self.table.append(Route(method, self._prefix + path, anonymous, reads, handler=handler))
            return handler

        return register

    def free(self, method: str, path: str, *, anonymous: bool = False) -> Callable[[FreeHandler], FreeHandler]:
        """A handler that sees to its transactions itself."""

        def register(handler: FreeHandler) -> FreeHandler:
            self.table.append(Route(method, self._prefix + path, anonymous, False, free=handler))
            return handler

        return register

    def stream(self, method: str, path: str) -> Callable[[StreamHandler], StreamHandler]:
        """A handler that keeps the connection."""

        def register(handler: StreamHandler) -> StreamHandler:
            self.table.append(Route(method, self._prefix + path, False, False, stream=handler))
            return handler

        return register
