"""The Backbone's event stream: a hint that it is worth to sync (backbone spec 14)."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import trio

from trio_connector.backbone.connection import Connection, leave
from trio_connector.backbone.outcomes import (
    Asked,
    Received,
    check_success,
    failure,
    timed_out,
    transport_failure,
)

PATH = "/api/v1/sse"
SILENCE_SECONDS = 300
"""The Backbone sends a sign of life every 240 seconds; a stream that is silent for longer is dead."""

MAX_LINE_BYTES = 8192
_ASKED = Asked("GET", PATH)


class EventNames:
    """Reads the names of events out of a byte stream; pure.

    Of the event-stream format only what the Backbone sends matters: ``event:`` lines and the empty line that ends an
    event.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._name = ""
        self._after_return = False

    def feed(self, data: bytes) -> list[str]:
        """The names of the events that ``data`` completes; raises ValueError when a line is too long."""
        names: list[str] = []
        for byte in data:
            if byte == 0x0A and self._after_return:  # the second half of CR LF
                self._after_return = False
                continue
            self._after_return = byte == 0x0D
            if byte not in (0x0A, 0x0D):
                self._line.append(byte)
                if len(self._line) > MAX_LINE_BYTES:
                    raise ValueError(f"a line of the event stream is longer than {MAX_LINE_BYTES} bytes")
                continue
            line = self._line.decode("utf-8", "replace")
            self._line.clear()
            if line.startswith("event:"):
                self._name = line.removeprefix("event:").removeprefix(" ")
            elif not line:
                if self._name:
                    names.append(self._name)
                self._name = ""
        return names


class EventStream:
    """An open stream; iterate to get the names of events as they come. Ends when the Backbone closes it.

    Raises BackboneRequestError when the connection breaks or stays silent for too long.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._names = EventNames()
        self._ready: deque[str] = deque()

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> str:
        while not self._ready:
            try:
                self._ready.extend(self._names.feed(await anext(self._chunks)))
            except ValueError as error:
                raise failure(_ASKED, "error.transport.request.unknown", str(error), 500) from error
            except httpx.HTTPError as error:
                raise transport_failure(_ASKED, error, SILENCE_SECONDS) from error
        return self._ready.popleft()


class ServerSentEvents:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connect(self, base_url: str | None = None) -> AsyncIterator[EventStream]:
        """Open the stream; ``base_url`` when it is not the Backbone's. Leaving the block closes it.

        The first event is ``ConnectionOpened``. Nothing is sent again, so sync after every (re)connection.
        """
        response = await self._open((base_url or self._connection.base_url).rstrip("/") + PATH)
        chunks = response.aiter_bytes()
        try:
            yield EventStream(chunks)
        finally:
            await leave(response, chunks)

    async def _open(self, url: str) -> httpx.Response:
        connection = self._connection
        with trio.move_on_after(connection.timeout_seconds):
            token = await connection.tokens.current()
            response = await self._request(url, token)
            if response.status_code == 401:
                await response.aclose()
                connection.tokens.drop(token)
                response = await self._request(url, await connection.tokens.current())
            if response.status_code != 200:
                await response.aclose()
                check_success(Received(_ASKED, response.status_code, b"", response.headers.get("x-trace-id")))
                raise failure(_ASKED, "error.transport.request.unknown", "The Backbone opened no event stream.", 500)
            return response
        raise timed_out(_ASKED, connection.timeout_seconds)

    async def _request(self, url: str, token: str) -> httpx.Response:
        connection = self._connection
        steps = httpx.Timeout(connection.timeout_seconds, read=SILENCE_SECONDS)
        headers = connection.request_headers(token, {"Accept": "text/event-stream"})
        try:
            request = connection.client.build_request("GET", url, headers=headers, timeout=steps)
            return await connection.client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise transport_failure(_ASKED, error, connection.timeout_seconds) from error
