"""A client of the live stream whose socket ends with its block.

``open_websocket_url`` leaves the socket to the garbage collector when the server closes first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream

STREAM = "/api/core/v1/Events/Stream"


@asynccontextmanager
async def event_stream(
    url: str,
    query: str = "",
    *,
    key: str | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
    subprotocols: Sequence[str] = (),
    path: str = STREAM,
) -> AsyncIterator[WebSocketConnection]:
    """An open stream of the API at ``url``; raises ConnectionRejected."""
    address = urlsplit(url)
    given = [*headers, *([] if key is None else [(b"X-API-KEY", key.encode())])]
    refused: HandshakeError | None = None
    try:
        async with (
            await trio.open_tcp_stream(address.hostname or "", address.port or 80) as stream,
            trio.open_nursery() as nursery,
        ):
            connection = await wrap_client_stream(
                nursery,
                stream,
                address.netloc,
                path + query,
                extra_headers=given,
                subprotocols=subprotocols or None,
            )
            async with connection:
                yield connection
            nursery.cancel_scope.cancel("the client is done")
    except* HandshakeError as group:
        refused = _first(group)
    if refused is not None:
        raise refused


def _first(group: ExceptionGroup[HandshakeError]) -> HandshakeError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


async def closing(
    connection: WebSocketConnection, saw: Callable[[int], object] = lambda position: None
) -> tuple[int, str | None]:
    """Read until the server closes; its code and reason. ``saw`` is told the position of every event before that."""
    try:
        while True:
            saw(msgspec.json.decode(await connection.get_message())["position"])
    except ConnectionClosed as error:
        reason: Any = error.reason
        return reason.code, reason.reason
