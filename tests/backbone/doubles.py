"""A Backbone of two lines for each test, and a server on a real socket that sends exactly the bytes it is told to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import trio

from trio_connector.backbone import Backbone, Credentials

BASE_URL = "http://backbone.example"
CREDENTIALS = Credentials("USR1", "device-password")

Answers = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Double:
    """Answers tokens itself and hands everything else to ``answer``; keeps what was asked."""

    def __init__(self, answer: Answers) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []
        self.token_requests: list[httpx.Request] = []
        self.token_lifetime_seconds = 300
        self.token_status = 200

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path != "/connect/token":
            self.requests.append(request)
            return await self.answer(request)
        self.token_requests.append(request)
        number = len(self.token_requests)
        await trio.lowlevel.checkpoint()
        if self.token_status != 200:
            return httpx.Response(self.token_status, json={"error": "invalid_grant"})
        return httpx.Response(
            200,
            json={"access_token": f"token{number}", "token_type": "Bearer", "expires_in": self.token_lifetime_seconds},
        )

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[Backbone]:
        """A client whose requests end here."""
        transport = httpx.MockTransport(self.handle)
        async with httpx.AsyncClient(transport=transport, follow_redirects=True, max_redirects=10) as client:
            yield backbone_of(client, BASE_URL, **options)


def backbone_of(client: httpx.AsyncClient, base_url: str, **options: Any) -> Backbone:
    settings: dict[str, Any] = {
        "client_id": "test",
        "client_secret": "test-secret",
        "credentials": lambda: CREDENTIALS,
    }
    return Backbone(client, base_url, **(settings | options))


def always(response: Callable[[], httpx.Response]) -> Double:
    """A Backbone that gives the same answer to everything."""

    async def answer(request: httpx.Request) -> httpx.Response:
        return response()

    return Double(answer)


def results(*values: Any) -> Double:
    """A Backbone that gives one result after the other."""
    left = list(values)

    async def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"result": left.pop(0)})

    return Double(answer)


@asynccontextmanager
async def serving(handler: Callable[[trio.SocketStream], Awaitable[None]]) -> AsyncIterator[str]:
    """A server on loopback; ``handler`` gets each connection. Gives the base URL."""
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), handler, 0)
        port = listeners[0].socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def read_request(stream: trio.SocketStream) -> bytes:
    """The head of the next request, ``b""`` when the client is gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        received = await stream.receive_some()
        if not received:
            return b""
        head += received
    return head


def http_response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """A complete response."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
