"""How Quart takes a request body from the wire: no faster than it is read."""

from __future__ import annotations

from typing import Any, Final

import trio
from quart_trio.asgi import TrioASGIHTTPConnection
from quart_trio.wrappers import TrioRequest
from quart_trio.wrappers.request import TrioBody

_BUFFER_BYTES: Final = 256 * 1024


class WaitingBody(TrioBody):
    """A body that holds at most a few chunks; the rest waits in the client's socket until somebody reads."""

    def __init__(self, expected_content_length: int | None, max_content_length: int | None) -> None:
        super().__init__(expected_content_length, max_content_length)
        self._taken = trio.Event()

    async def __anext__(self) -> bytes:
        chunk = await super().__anext__()
        self._taken.set()
        self._taken = trio.Event()
        return chunk

    async def room(self) -> None:
        """Wait until there is room for another chunk."""
        while len(self._data) >= _BUFFER_BYTES:
            await self._taken.wait()


class BodyRequest(TrioRequest):
    """Quart's request with a waiting body."""

    body_class = WaitingBody
    body: WaitingBody


class BodyConnection(TrioASGIHTTPConnection):
    """Quart's connection with a waiting body."""

    async def handle_messages(  # type: ignore[override]  # Quart-Trio differs from Quart here
        self, nursery: trio.Nursery, request: Any, receive: Any
    ) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            request.body.append(message.get("body", b""))
            if not message.get("more_body", False):
                request.body.set_complete()
            else:
                await request.body.room()
        nursery.cancel_scope.cancel("the client is gone")
