"""An HTTP receiver on a real socket that records requests and answers as it is told."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import trio


@dataclass
class Request:
    """What arrived; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What to answer.

    ``raw`` replaces the whole answer, and with ``hang`` nothing follows it; ``forever`` goes on sending a byte now and
    then.
    """

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    hang: bool = False
    forever: bool = False


class Receiver:
    """Answers each request with the next of ``replies``, and with the last one from then on."""

    def __init__(self, *replies: Reply | int) -> None:
        self._replies = [Reply(reply) if isinstance(reply, int) else reply for reply in replies] or [Reply()]
        self.answer: Callable[[Request], Reply] | None = None
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self.scheme = "http"

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def _next(self, request: Request) -> Reply:
        if self.answer is not None:
            return self.answer(request)
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            async with stream:
                await self._serve(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError, ssl.SSLError):
            return

    async def _serve(self, stream: trio.abc.Stream) -> None:
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await self._receive(connection, stream)
            if request is None:
                return
            self.requests.append(request)
            reply = self._next(request)
            if reply.raw is not None:
                await stream.send_all(reply.raw)
                while reply.hang and await stream.receive_some(1):
                    pass
                return
            await self._send(connection, stream, reply)
            if connection.our_state is h11.MUST_CLOSE:
                return
            connection.start_next_cycle()

    @staticmethod
    async def _receive(connection: h11.Connection, stream: trio.abc.Stream) -> Request | None:
        request, body = None, b""
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(bytes(await stream.receive_some(65536)))
            elif isinstance(event, h11.Request):
                headers = {name.decode().lower(): value.decode() for name, value in event.headers}
                request = Request(event.method.decode(), event.target.decode(), headers, b"")
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                request.body = body
                return request
            else:
                return None

    @staticmethod
    async def _send(connection: h11.Connection, stream: trio.abc.Stream, reply: Reply) -> None:
        headers = {"content-length": str(len(reply.body)), **reply.headers}
        if reply.forever:
            headers["content-length"] = "1000000"
        if reply.status == 204:
            del headers["content-length"]
        pairs = list(headers.items())
        head = connection.send(h11.Response(status_code=reply.status, headers=pairs))
        await stream.send_all(head or b"")
        while reply.forever:
            await stream.send_all(b".")
            await trio.sleep(0.2)
        if reply.body:
            await stream.send_all(connection.send(h11.Data(data=reply.body)) or b"")
        await stream.send_all(connection.send(h11.EndOfMessage()) or b"")


@asynccontextmanager
async def receiving(
    receiver: Receiver, context: ssl.SSLContext | None = None, *, port: int = 0
) -> AsyncIterator[Receiver]:
    """Let ``receiver`` listen on a loopback port; 0 is any free one."""
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(port, host="127.0.0.1")
        receiver.port = listener.socket.getsockname()[1]
        if context is None:
            nursery.start_soon(trio.serve_listeners, receiver.serve, [listener])
        else:
            receiver.scheme = "https"
            nursery.start_soon(trio.serve_listeners, receiver.serve, [trio.SSLListener(listener, context)])
        yield receiver
        nursery.cancel_scope.cancel("the test is over")
