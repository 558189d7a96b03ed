"""Requests to the Backbone: headers, token, total timeout, paging, and errors as the outcome table says (transport 2).

One layer decides nothing about resources: it moves JSON, bytes and forms. What a request means stands in the modules of
the resources.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec
import trio

import trio_connector
from trio_connector.backbone.authentication import ASKED, TOKEN_PATH, Credentials, Tokens
from trio_connector.backbone.outcomes import (
    Asked,
    Envelope,
    Received,
    body_too_long,
    check_success,
    result_of,
    timed_out,
    transport_failure,
)
from trio_connector.correlation import current_correlation_id
from trio_connector.errors import BackboneRequestError

T = TypeVar("T")
RequestObserver = Callable[[Asked, str, float], None]
"""Is told of every request that ended: what was asked, what became of it, seconds. It must not raise or wait.

The outcome is the status, or ``unreachable``, ``timeout``, ``broken`` (the answer ended too early, or is none),
``tooLong``, or ``cancelled``: the time for all of a request was over, or nobody waits any more.
"""

Query = Mapping[str, str | int | Sequence[str] | None]

DEFAULT_TIMEOUT_SECONDS = 60.0
DATAWALLET_HEADERS = {"x-supported-datawallet-version": "1"}
"""Goes with every request about sync runs and the datawallet."""

MAX_RESPONSE_BYTES = 256 * 1024 * 1024
"""More than a full page of the largest messages; a longer answer is a fault."""

_THREAD_FROM_BYTES = 1_000_000
_MAX_PAGES = 10_000
_MAX_HEADER_LENGTH = 100
_ATTEMPTS_TO_READ = 2
_NO_RESPONSE = (httpx.NetworkError, httpx.RemoteProtocolError)


class Connection:
    """One Backbone and how we talk to it; safe to use from many tasks at once."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        credentials: Callable[[], Credentials | None],
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        additional_headers: Mapping[str, str] | None = None,
        runtime_version: str = trio_connector.__version__,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """``client`` stays the caller's; whether it follows redirects, and how many, is set there.

        ``timeout_seconds`` bounds each request as a whole, the fetching of a token included.
        """
        self.client = client
        self.base_url = base_url.rstrip("/")
        self.client_id = client_id
        self.client_secret = client_secret
        self.timeout_seconds = timeout_seconds
        self.observers: list[RequestObserver] = []
        self._headers = {"X-RUNTIME-VERSION": runtime_version, **(additional_headers or {})}
        self._max_response_bytes = max_response_bytes
        self._decoding = trio.CapacityLimiter(2)
        self.tokens = Tokens(
            self._post_token_form, client_id=client_id, client_secret=client_secret, credentials=credentials
        )

    async def get(
        self,
        path: str,
        answer: type[T],
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        anonymous: bool = False,
        repeatable: bool = True,
    ) -> T:
        """GET one result. Repeated once when the connection broke, unless ``repeatable`` is false.

        Raises BackboneRequestError for everything that is not the result; a cancellation leaves nothing behind.
        """
        received = await self.exchange(
            "GET", path, query=query, headers=headers, anonymous=anonymous, repeatable=repeatable
        )
        return (await self._decode(received, answer)).result

    async def pages(
        self, path: str, item: type[T], *, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> list[T]:
        """GET all pages of a list, in order; raises like `get`."""
        found: list[T] = []
        page, total = 1, 1
        while page <= total:
            envelope = await self._page(path, item, query, headers, page)
            found.extend(envelope.result)
            total = _total_pages(envelope)
            page += 1
        return found

    async def pages_backwards(
        self, path: str, item: type[T], *, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> AsyncGenerator[T, None]:
        """The items of a list from the last to the first, page by page; raises like `get`.

        What is added meanwhile may be missed. Nothing is held between items; whoever leaves before the end closes it
        (``contextlib.aclosing``).
        """
        first = await self._page(path, item, query, headers, 1)
        for page in range(_total_pages(first), 1, -1):
            for found in reversed((await self._page(path, item, query, headers, page)).result):
                yield found
        for found in reversed(first.result):
            yield found

    async def send(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> T:
        """POST, PUT or PATCH JSON and read the result; ``None`` members are left out.

        Raises like `get`. Never repeated, except after a 401: then it was not done. A cancellation or a lost response
        leaves open whether it was.
        """
        received = await self.exchange(method, path, body=body, headers=headers, anonymous=anonymous)
        return (await self._decode(received, answer)).result

    async def send_without_answer(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Like `send`, for requests whose answer has no content."""
        check_success(await self.exchange(method, path, body=body, headers=headers))

    async def upload(
        self, path: str, answer: type[T], *, fields: Mapping[str, str], name: str, content: bytes, filename: str
    ) -> T:
        """POST a form with one file; raises and behaves like `send`."""
        asked = Asked("POST-Upload", path)

        def build(headers: Mapping[str, str]) -> httpx.Request:
            return self.client.build_request(
                "POST",
                self.base_url + path,
                data=dict(fields),
                files={name: (filename, content, "application/octet-stream")},
                headers=headers,
            )

        return (await self._decode(await self._within_timeout(asked, build), answer)).result

    async def download(self, path: str) -> bytes:
        """GET raw bytes; raises and behaves like `get`."""
        asked = Asked("GET-Download", path)
        build = partial(self._build, "GET", path)
        received = await self._within_timeout(asked, build, attempts=_ATTEMPTS_TO_READ)
        if not 200 <= received.status < 300:  # content is not looked at: it may be anything
            check_success(received)
        return received.body

    async def read(self, received: Received, answer: type[T]) -> T:
        """The result in a response from `exchange`; raises like `get`."""
        return (await self._decode(received, answer)).result

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        anonymous: bool = False,
        repeatable: bool = False,
    ) -> Received:
        """Send a request and read the response, whatever its status; raises BackboneRequestError when there is none.

        The parts `get`, `pages` and `send` are made of.
        """
        content = None
        if body is not None:
            content = msgspec.json.encode({name: value for name, value in body.items() if value is not None})
        build = partial(self._build, method, path, query, content, headers or {})
        return await self._within_timeout(
            Asked(method, path), build, anonymous=anonymous, attempts=_ATTEMPTS_TO_READ if repeatable else 1
        )

    def request_headers(self, token: str | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of a request made now."""
        headers = {**self._headers, **(more or {})}
        correlation_id = _header_value(current_correlation_id())
        if correlation_id:
            headers["x-correlation-id"] = correlation_id
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return headers

    async def _page(
        self, path: str, item: type[T], query: Query | None, headers: Mapping[str, str] | None, page: int
    ) -> Envelope[list[T]]:
        asked_for = dict(query or {}) if page == 1 else {**(query or {}), "pageNumber": page}
        received = await self.exchange("GET", path, query=asked_for, headers=headers, repeatable=True)
        return await self._decode(received, cast("type[list[T]]", list[item]), paged=True)  # type: ignore[valid-type]

    def _build(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        content: bytes | None = None,
        more: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Request:
        all_headers = {**(headers or {}), **(more or {})}
        if content is not None:
            all_headers["Content-Type"] = "application/json"
        return self.client.build_request(
            method, self.base_url + path, params=_parameters(query), content=content, headers=all_headers
        )

    async def _within_timeout(
        self,
        asked: Asked,
        build: Callable[..., httpx.Request],
        *,
        anonymous: bool = False,
        attempts: int = 1,
    ) -> Received:
        with trio.move_on_after(self.timeout_seconds):
            return await self._with_token(asked, build, anonymous=anonymous, attempts=attempts)
        raise timed_out(asked, self.timeout_seconds)

    async def _with_token(
        self, asked: Asked, build: Callable[..., httpx.Request], *, anonymous: bool, attempts: int
    ) -> Received:
        if anonymous:
            return await self._attempt(asked, partial(build, headers=self.request_headers()), attempts)
        token = await self.tokens.current()
        received = await self._attempt(asked, partial(build, headers=self.request_headers(token)), attempts)
        if received.status != 401:
            return received
        # Refused before anything was done, so even a POST may be sent again, once, with a new token.
        self.tokens.drop(token)
        token = await self.tokens.current()
        return await self._attempt(asked, partial(build, headers=self.request_headers(token)), attempts)

    async def _attempt(self, asked: Asked, build: Callable[[], httpx.Request], attempts: int) -> Received:
        while True:
            attempts -= 1
            try:
                return await self._read(asked, build())
            except _NO_RESPONSE as error:
                if attempts <= 0:
                    raise transport_failure(asked, error, self.timeout_seconds) from error
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise transport_failure(asked, error, self.timeout_seconds) from error

    async def _read(self, asked: Asked, request: httpx.Request) -> Received:
        started = trio.current_time()
        outcome = "cancelled"
        try:
            received = await self._receive(asked, request)
            outcome = str(received.status)
        except httpx.TimeoutException:
            outcome = "timeout"
            raise
        except httpx.ConnectError:
            outcome = "unreachable"
            raise
        except (httpx.HTTPError, httpx.InvalidURL):
            outcome = "broken"
            raise
        except BackboneRequestError:
            outcome = "tooLong"
            raise
        finally:
            for observe in self.observers:
                observe(asked, outcome, trio.current_time() - started)
        return received

    async def _receive(self, asked: Asked, request: httpx.Request) -> Received:
        response = await self.client.send(request, stream=True)
        chunks = response.aiter_bytes()
        body = bytearray()
        try:
            async for chunk in chunks:
                body += chunk
                if len(body) > self._max_response_bytes:
                    raise body_too_long(asked, self._max_response_bytes)
        finally:
            await leave(response, chunks)
        return Received(
            asked,
            response.status_code,
            bytes(body),
            response.headers.get("x-trace-id"),
            response.headers.get("etag"),
        )

    async def _decode(self, received: Received, answer: type[T], *, paged: bool = False) -> Envelope[T]:
        read: Callable[[], Envelope[T]] = partial(result_of, received, _decoder(cast(Hashable, answer)), paged=paged)
        if len(received.body) < _THREAD_FROM_BYTES:
            return read()
        # Pure work: when the caller is cancelled, nobody misses the result.
        return await trio.to_thread.run_sync(read, abandon_on_cancel=True, limiter=self._decoding)

    async def _post_token_form(self, form: dict[str, str]) -> Received:
        def build() -> httpx.Request:
            return self.client.build_request(
                "POST", self.base_url + TOKEN_PATH, data=form, headers=self.request_headers()
            )

        with trio.move_on_after(self.timeout_seconds):
            return await self._attempt(ASKED, build, attempts=1)
        raise timed_out(ASKED, self.timeout_seconds)


async def leave(response: httpx.Response, chunks: AsyncIterator[bytes]) -> None:
    """Close a response that may not have been read to its end, and the generators behind ``chunks`` with it.

    Closing alone would leave httpx's nested generators to the garbage collector, which Trio reports as a fault. Reading
    on after the close makes them end one by one, from the innermost outwards. Shielded, for at most a second.
    """
    with trio.move_on_after(1, shield=True):
        await response.aclose()
        try:
            async for _ in chunks:
                pass
        except (httpx.HTTPError, httpx.StreamError):
            pass


def path_to(resource: str, *parts: str) -> str:
    """``/api/v2/<resource>/<part>...``, each part made safe for a path."""
    return "/".join(["/api/v2", resource, *(quote(part, safe="") for part in parts)])


@cache
def _decoder(answer: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Envelope[answer])


def _parameters(query: Query | None) -> list[tuple[str, str | int | float | bool | None]] | None:
    parameters: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in (query or {}).items():
        if isinstance(value, (str, int)):
            parameters.append((name, str(value)))
        elif value is not None:
            parameters.extend((name, item) for item in value)
    return parameters or None


def _header_value(text: str | None) -> str:
    """``text`` without what may not stand in a header; API users choose correlation ids."""
    return "".join(character for character in text or "" if "!" <= character <= "~")[:_MAX_HEADER_LENGTH]


def _total_pages(envelope: Envelope[Any]) -> int:
    return min(envelope.pagination.total_pages, _MAX_PAGES) if envelope.pagination else 1
