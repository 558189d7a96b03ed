"""An httpx transport for the way without a proxy: HTTP/1.1 by h11, straight on Trio's streams.

httpx's own looks through all its connections, and polls each, for every request: with one connection it takes twice the
time of this one, with thirty-two ten times (libraries section 4). Everything else of a request remains httpx's.

Connections are kept for a few seconds for the next request to the same place. One whose request was interrupted, whose
answer was not read to its end, or on which something came unasked is never used again.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from math import inf
from typing import Final

import h11
import httpcore
import httpx
import trio

KEPT_SECONDS: Final = 5.0
"""How long an unused connection is trusted to be open still; servers close them after some time, and POSTs get lost."""

MAX_HEAD_BYTES: Final = 100 * 1024
_READ_BYTES: Final = 64 * 1024
_TOGETHER_BYTES: Final = 64 * 1024
"""A body up to this length goes out together with the head."""

_Origin = tuple[str, str, int]
"""Scheme, host, port."""

_PORTS: Final = {"http": 80, "https": 443}


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends requests over at most ``max_connections`` connections at a time; safe to use from many tasks."""

    def __init__(self, context: ssl.SSLContext, *, max_connections: int) -> None:
        self._context = context
        self._max_connections = max_connections
        self._free = trio.Semaphore(max_connections)
        self._idle: list[_Connection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` and read the head of its answer; httpx reads and closes the stream of the rest.

        Raises httpx's exceptions. A cancellation, or any failure, closes the connection.
        """
        origin = _origin_of(request.url)
        timeouts = request.extensions.get("timeout", {})
        await self._take_slot(_limit(timeouts, "pool"))
        connection: _Connection | None = None
        try:
            connection = self._idle_to(origin)
            if connection is None:
                await self._make_room()
                connection = await _connected(origin, self._context, _limit(timeouts, "connect"))
            connection.read_limit = _limit(timeouts, "read")
            response = await connection.exchange(request, _limit(timeouts, "write"))
            return httpx.Response(
                response.status_code,
                headers=response.headers.raw_items(),
                stream=_Answer(self, connection),
                extensions={"http_version": b"HTTP/" + response.http_version, "reason_phrase": bytes(response.reason)},
            )
        except BaseException:
            self._free.release()
            if connection is not None:
                await connection.drop()
            raise

    async def aclose(self) -> None:
        """Close the unused connections; those in use close when their answers are."""
        self._max_connections = 0
        while self._idle:
            await self._idle.pop().drop()

    async def give_back(self, connection: _Connection) -> None:
        """The answer is done with: keep the connection, or close it."""
        self._free.release()
        if connection.is_reusable() and len(self._idle) < self._max_connections:
            connection.idle_since = trio.current_time()
            self._idle.append(connection)
        else:
            await connection.drop()

    async def _take_slot(self, seconds: float) -> None:
        try:
            self._free.acquire_nowait()
        except trio.WouldBlock:
            with trio.move_on_after(seconds) as scope:
                await self._free.acquire()
            if scope.cancelled_caught:
                raise httpx.PoolTimeout("all connections are in use") from None

    def _idle_to(self, origin: _Origin) -> _Connection | None:
        """The connection used last, for it is the one most likely to be open."""
        for index in range(len(self._idle) - 1, -1, -1):
            connection = self._idle[index]
            if connection.origin == origin and connection.is_open():
                del self._idle[index]
                return connection
        return None

    async def _make_room(self) -> None:
        """Close what was not used for too long or is closed by the server, and one more when there are too many."""
        dead = [connection for connection in self._idle if not connection.is_open()]
        alive = [connection for connection in self._idle if connection not in dead]
        surplus = len(alive) + 1 - self._max_connections
        if surplus > 0:
            dead += alive[:surplus]
        self._idle = [connection for connection in alive if connection not in dead]
        for connection in dead:
            await connection.drop()


class _Connection:
    """One connection: an exchange after the other."""

    def __init__(self, origin: _Origin, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self.origin = origin
        self.idle_since = inf
        self.read_limit = inf
        self._is_broken = False
        self._stream = stream
        self._socket = (stream if isinstance(stream, trio.SocketStream) else stream.transport_stream).socket
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    async def exchange(self, request: httpx.Request, write_limit: float) -> h11.Response:
        """Send a request; the head of its answer."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        refusal: httpx.WriteError | None = None
        try:
            await self._send(request, write_limit)
        except httpx.WriteError as error:
            refusal = error  # a server that refuses a body may have said why before it closed
            self._is_broken = True
        try:
            while True:
                event = await self._next_event()
                if isinstance(event, h11.Response):
                    return event
                if not isinstance(event, h11.InformationalResponse):
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        except (httpx.ReadError, httpx.RemoteProtocolError):
            if refusal is not None:
                raise refusal from None
            raise

    async def _send(self, request: httpx.Request, limit: float) -> None:
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            data = self._http.send(head)
            async for piece in request.stream:  # type: ignore[union-attr]  # httpx has seen that it is asynchronous
                data += self._http.send(h11.Data(data=piece))
                if len(data) > _TOGETHER_BYTES:
                    await self._write(data, limit)
                    data = b""
            data += self._http.send(h11.EndOfMessage())
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        await self._write(data, limit)

    async def _write(self, data: bytes, limit: float) -> None:
        if not data:
            return
        with trio.CancelScope(deadline=trio.current_time() + limit) as scope:
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise httpx.WriteError(_text(error)) from error
        if scope.cancelled_caught:
            raise httpx.WriteTimeout("")

    async def next_data(self) -> bytes | None:
        """The next part of the answer's body; None after the last."""
        while True:
            event = await self._next_event()
            if isinstance(event, h11.Data):
                return bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                return None
            if not isinstance(event, h11.InformationalResponse):
                raise httpx.RemoteProtocolError("the connection was closed within an answer")

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        try:
            while True:
                event = self._http.next_event()
                if event is not h11.NEED_DATA:
                    return event  # type: ignore[return-value]  # the other one was just excluded
                data = await self._read()
                if not data and self._http.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
                self._http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error

    async def _read(self) -> bytes:
        with trio.CancelScope(deadline=trio.current_time() + self.read_limit) as scope:
            try:
                return bytes(await self._stream.receive_some(_READ_BYTES))
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise httpx.ReadError(_text(error)) from error
        assert scope.cancelled_caught  # noqa: S101 - nothing else leaves the block
        raise httpx.ReadTimeout("")

    def is_open(self) -> bool:
        """Whether it may be used: it was a moment ago, and nothing has come since, not even an end."""
        return trio.current_time() - self.idle_since <= KEPT_SECONDS and not self._socket.is_readable()

    def is_reusable(self) -> bool:
        """Whether both sides are done with their exchange and mean to go on."""
        done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        return done and not self._is_broken and not self._http.trailing_data[0]

    async def drop(self) -> None:
        """Close at once, without a farewell."""
        await trio.aclose_forcefully(self._stream)


class _Answer(httpx.AsyncByteStream, AsyncIterator[bytes]):
    """The body of one answer. A plain iterator: nothing of it is left behind when somebody stops reading."""

    def __init__(self, transport: DirectTransport, connection: _Connection) -> None:
        self._transport = transport
        self._connection: _Connection | None = connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        data = None if self._connection is None else await self._connection.next_data()
        if data is None:
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Done; what was read to its end gives its connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._transport.give_back(connection)


async def _connected(origin: _Origin, context: ssl.SSLContext, limit: float) -> _Connection:
    scheme, host, port = origin
    with trio.CancelScope(deadline=trio.current_time() + limit) as scope:
        try:
            stream = await trio.open_tcp_stream(host, port)
            return _Connection(origin, stream if scheme == "http" else await _secured(stream, context, host))
        # A refused certificate pin is a ConnectError of httpcore with the text to show.
        except (OSError, trio.BrokenResourceError, httpcore.ConnectError) as error:
            raise httpx.ConnectError(_text(error)) from error
    assert scope.cancelled_caught  # noqa: S101 - nothing else leaves the block
    raise httpx.ConnectTimeout("")


async def _secured(stream: trio.SocketStream, context: ssl.SSLContext, host: str) -> trio.SSLStream[trio.SocketStream]:
    secured = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
    try:
        await secured.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(secured)
        raise
    return secured


def _origin_of(url: httpx.URL) -> _Origin:
    if url.scheme not in _PORTS:
        raise httpx.UnsupportedProtocol(f"Request URL has an unsupported protocol '{url.scheme}://'.")
    if not url.host:
        raise httpx.UnsupportedProtocol("Request URL is missing a host.")
    return url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]


def _limit(timeouts: dict[str, float | None], step: str) -> float:
    seconds = timeouts.get(step)
    return inf if seconds is None else seconds


def _text(error: BaseException) -> str:
    """What is known: Trio's own errors have no text, but a cause."""
    while not str(error) and error.__cause__ is not None:
        error = error.__cause__
    return str(error)
