"""The httpx client of everything that goes out, with a short way for what nearly every request is.

httpx merges, copies and wraps for cookies, authentication flows, hooks and redirects, whether there are any or not:
more work than the request itself. A request that needs none of it goes to the transport directly (`DirectTransport`).
All others, and all in an environment with proxies, take httpx's own way.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any
from urllib.request import getproxies

import httpx
from httpx import USE_CLIENT_DEFAULT

from trio_connector.direct_http import DirectTransport

_url = lru_cache(512)(httpx.URL)


class HttpClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` that takes the proxies of the environment, and keeps no cookies on the short way.

    It sends bodies from plain iterators: the asynchronous generators that httpx makes for them are left behind
    unfinished when a connection breaks, and Trio reports each as a fault.
    """

    def __init__(self, *, verify: ssl.SSLContext, max_connections: int, **options: Any) -> None:
        self._direct: DirectTransport | None = None
        mounts: dict[str, httpx.AsyncBaseTransport] = {}
        if not getproxies():
            self._direct = mounts["all://"] = DirectTransport(verify, max_connections=max_connections)
        limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
        super().__init__(verify=verify, limits=limits, mounts=mounts, trust_env=True, **options)
        self._own_headers = self.headers.raw
        self._timeouts = self.timeout.as_dict()
        self._is_plain = self.auth is None and not self.params and not str(self.base_url)

    def build_request(self, method: str, url: httpx.URL | str, **parts: Any) -> httpx.Request:
        """As httpx does."""
        content, headers = parts.get("content"), parts.get("headers")
        if (
            self._is_plain
            and isinstance(content, bytes | None)
            and all(value is None for name, value in parts.items() if name not in ("content", "headers"))
            and not self.cookies.jar
        ):
            given = (headers if isinstance(headers, httpx.Headers) else httpx.Headers(headers)).raw
            names = {name.lower() for name, _ in given}
            request = httpx.Request(
                method,
                _url(url) if isinstance(url, str) else url,
                headers=[own for own in self._own_headers if own[0].lower() not in names] + given,
                content=content,
                extensions={"timeout": self._timeouts},
            )
        else:
            request = super().build_request(method, url, **parts)
        if isinstance(request.stream, httpx.ByteStream):
            request.stream = _Body(request.content)
        return request

    async def send(
        self,
        request: httpx.Request,
        *,
        stream: bool = False,
        auth: Any = USE_CLIENT_DEFAULT,
        follow_redirects: Any = USE_CLIENT_DEFAULT,
    ) -> httpx.Response:
        """As httpx does."""
        without_auth = auth is USE_CLIENT_DEFAULT or type(auth) is httpx.Auth
        if self._direct is None or not stream or not self._is_plain or not without_auth or request.url.userinfo:
            return await super().send(request, stream=stream, auth=auth, follow_redirects=follow_redirects)
        try:
            response = await self._direct.handle_async_request(request)
        except httpx.RequestError as error:
            error.request = request
            raise
        response.request = request
        follow = self.follow_redirects if follow_redirects is USE_CLIENT_DEFAULT else follow_redirects
        if not follow or not response.has_redirect_location:
            return response
        try:
            following = self._build_redirect_request(request, response)
        finally:
            await response.aclose()
        return await super().send(following, stream=True, auth=auth, follow_redirects=True)


class _Body(httpx.AsyncByteStream):
    """A body in one piece; can be sent again."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(iter((self._body,)))


class _Pieces(AsyncIterator[bytes]):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration
