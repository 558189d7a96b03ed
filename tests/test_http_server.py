"""The HTTP server against strangers: what would end it, what would hang it, and how it stops.

Every test talks to a real socket. Nothing here sleeps: a test waits for what has to happen, within a bound.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from quart import Response
from quart_trio import QuartTrio

from trio_connector.http_server import AsgiApp, ServerConfig, serve

BOUND_SECONDS = 10

WEBSOCKET_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
H2C_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: %s\r\n\r\n"
)
KILLERS = {
    "a WebSocket upgrade with one more byte": WEBSOCKET_UPGRADE + b"x",
    "h2c settings that are not base64": H2C_UPGRADE % b"AAM",
    "h2c settings that are no settings": H2C_UPGRADE % b"AAAA",
    "h2c settings with characters of no alphabet": H2C_UPGRADE % b"!!!!",
    "an HTTP/2 preface with nonsense behind it": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64,
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
    "a request line without end": b"GET /" + b"a" * 100_000,
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "an absolute target with an open bracket": b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path that is not ASCII": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
}


def quart_app() -> QuartTrio:
    app = QuartTrio(__name__)

    @app.get("/")
    async def hello() -> str:
        return "hello"

    @app.get("/fails")
    async def fails() -> Response:
        raise RuntimeError("a bug")

    return app


async def raw_app(scope: Any, receive: Any, send: Any) -> None:
    """The smallest ASGI application, without lifespan."""
    if scope["type"] != "http":
        raise NotImplementedError
    if scope["path"] == "/fails":
        raise RuntimeError("a bug")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


APPS: list[Callable[[], Any]] = [quart_app, lambda: raw_app]
both_apps = pytest.mark.parametrize("make_app", APPS, ids=["quart", "raw"])


class Running:
    """A server that runs, and the event that ends it."""

    def __init__(self, url: str, stop: trio.Event, ended: trio.Event) -> None:
        self.port = int(url.rpartition(":")[2])
        self._stop = stop
        self._ended = ended

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)

    async def answer_to(self, request: bytes) -> bytes:
        """All the server says to ``request`` until it closes the connection."""
        async with await self.connect() as stream:
            await stream.send_all(request)
            return await everything(stream)

    def begin_stop(self) -> None:
        self._stop.set()

    async def ended(self) -> None:
        await self._ended.wait()


@asynccontextmanager
async def running(app: AsgiApp, **settings: Any) -> AsyncIterator[Running]:
    stop, ended = trio.Event(), trio.Event()

    async def run(*, task_status: trio.TaskStatus[list[str]]) -> None:
        config = ServerConfig(**settings)
        await serve(app, config, shutdown_trigger=stop.wait, task_status=task_status)
        ended.set()

    with trio.fail_after(BOUND_SECONDS):
        async with trio.open_nursery() as nursery:
            (url,) = await nursery.start(run)
            yield Running(url, stop, ended)
            stop.set()


async def everything(stream: trio.SocketStream) -> bytes:
    received = b""
    try:
        while data := await stream.receive_some():
            received += data
    except trio.BrokenResourceError:
        pass  # reset instead of closed: over is over
    return received


async def one_answer(stream: trio.SocketStream, body: bytes = b"hello") -> bytes:
    received = b""
    while not received.endswith(body):
        data = await stream.receive_some()
        assert data, f"the connection was closed after {received!r}"
        received += data
    return received


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
GET_AND_CLOSE = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@both_apps
@pytest.mark.parametrize("killer", KILLERS.values(), ids=KILLERS.keys())
async def test_a_malformed_request_ends_its_own_connection_only(make_app: Callable[[], Any], killer: bytes) -> None:
    async with running(make_app()) as server, await server.connect() as bystander:
        await bystander.send_all(GET)
        await one_answer(bystander)
        async with await server.connect() as stream:
            await stream.send_all(killer)
            await stream.send_eof()
            await everything(stream)
        await bystander.send_all(GET)
        assert (await one_answer(bystander)).startswith(b"HTTP/1.1 200")
        assert (await server.answer_to(GET_AND_CLOSE)).startswith(b"HTTP/1.1 200")


async def test_an_offer_to_speak_http_2_is_ignored() -> None:
    async with running(raw_app) as server, await server.connect() as stream:
        await stream.send_all(H2C_UPGRADE % b"AAMAAABkAAQAAP__")
        assert (await one_answer(stream)).startswith(b"HTTP/1.1 200")


@both_apps
async def test_connection_close_is_obeyed(make_app: Callable[[], Any]) -> None:
    async with running(make_app()) as server:
        assert (await server.answer_to(GET_AND_CLOSE)).endswith(b"hello")


@both_apps
async def test_an_http_1_0_client_sees_the_end(make_app: Callable[[], Any]) -> None:
    async with running(make_app()) as server:
        assert (await server.answer_to(b"GET / HTTP/1.0\r\n\r\n")).endswith(b"hello")


@both_apps
async def test_one_connection_serves_many_requests(make_app: Callable[[], Any]) -> None:
    async with running(make_app()) as server, await server.connect() as stream:
        for _ in range(3):
            await stream.send_all(GET)
            await one_answer(stream)


@both_apps
async def test_an_idle_connection_is_closed(make_app: Callable[[], Any]) -> None:
    async with running(make_app(), keep_alive_timeout=0.1) as server, await server.connect() as stream:
        await stream.send_all(GET)
        await one_answer(stream)
        assert await everything(stream) == b""


@both_apps
async def test_clients_are_told_to_let_go_before_the_server_does(make_app: Callable[[], Any]) -> None:
    async with running(make_app(), keep_alive_timeout=30) as server, await server.connect() as stream:
        await stream.send_all(GET)
        assert b"keep-alive: timeout=25\r\n" in await one_answer(stream)


@both_apps
async def test_a_client_that_ends_its_side_is_let_go_at_once(make_app: Callable[[], Any]) -> None:
    async with running(make_app(), keep_alive_timeout=10 * BOUND_SECONDS) as server, await server.connect() as stream:
        await stream.send_all(GET)
        await one_answer(stream)
        await stream.send_eof()
        assert await everything(stream) == b""


@both_apps
async def test_a_connection_that_never_asks_is_closed(make_app: Callable[[], Any]) -> None:
    async with running(make_app(), keep_alive_timeout=0.1) as server, await server.connect() as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nHo")
        assert b"200" not in await everything(stream)


@both_apps
async def test_an_idle_client_does_not_delay_the_stop(make_app: Callable[[], Any]) -> None:
    async with (
        running(make_app(), graceful_timeout=10 * BOUND_SECONDS, keep_alive_timeout=10 * BOUND_SECONDS) as server,
        await server.connect() as stream,
    ):
        await stream.send_all(GET)
        await one_answer(stream)
        server.begin_stop()
        await server.ended()
        assert await everything(stream) == b""


async def test_nothing_new_is_accepted_after_the_stop() -> None:
    async with running(raw_app) as server:
        server.begin_stop()
        await server.ended()
        with pytest.raises(OSError, match="all attempts to connect"):
            await server.connect()


@asynccontextmanager
async def running_slowly(**settings: Any) -> AsyncIterator[tuple[Running, trio.Event, trio.Event]]:
    """A server whose one request says that it began, and ends when told to."""
    began, go_on = trio.Event(), trio.Event()

    async def slow_app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            began.set()
            await go_on.wait()
        await raw_app(scope, receive, send)

    async with running(slow_app, **settings) as server:
        yield server, began, go_on


async def test_an_open_request_is_answered_during_the_stop() -> None:
    async with (
        running_slowly(graceful_timeout=10 * BOUND_SECONDS) as (server, began, go_on),
        await server.connect() as stream,
    ):
        await stream.send_all(GET)
        await began.wait()
        server.begin_stop()
        go_on.set()
        assert (await everything(stream)).endswith(b"hello")
        await server.ended()


async def test_a_request_that_outlasts_the_grace_period_is_cut_off() -> None:
    async with running_slowly(graceful_timeout=0.1) as (server, began, _), await server.connect() as stream:
        await stream.send_all(GET)
        await began.wait()
        server.begin_stop()
        await server.ended()
        assert b"hello" not in await everything(stream)


async def endless_app(scope: Any, receive: Any, send: Any) -> None:
    """More bytes than any buffer takes."""
    if scope["type"] != "http":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x" * 64 * 1024 * 1024})


@asynccontextmanager
async def stalled_reader(server: Running) -> AsyncIterator[trio.SocketStream]:
    """A client that asks for a lot and reads only the beginning."""
    async with await server.connect() as stream:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await stream.send_all(GET)
        await stream.receive_some(1)
        yield stream


async def test_a_client_that_stops_reading_is_dropped() -> None:
    ended = trio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await endless_app(scope, receive, send)
        finally:
            if scope["type"] == "http":
                ended.set()

    async with running(app, stalled_send_timeout=0.1) as server, stalled_reader(server):
        await ended.wait()


async def test_a_client_that_stops_reading_does_not_hold_up_the_stop() -> None:
    async with (
        running(endless_app, graceful_timeout=0.1, stalled_send_timeout=10 * BOUND_SECONDS) as server,
        stalled_reader(server),
    ):
        server.begin_stop()
        await server.ended()


@both_apps
async def test_a_bug_in_the_application_is_a_500_and_nothing_else(make_app: Callable[[], Any]) -> None:
    async with running(make_app()) as server:
        answer = await server.answer_to(b"GET /fails HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"a bug" not in answer
        assert (await server.answer_to(GET_AND_CLOSE)).startswith(b"HTTP/1.1 200")


async def test_a_port_in_use_is_a_plain_os_error_that_names_it() -> None:
    async def refused(call: Callable[[], Awaitable[None]]) -> OSError:
        with pytest.raises(OSError, match="the port is in use") as caught:
            await call()
        return caught.value

    async with running(raw_app) as server:
        config = ServerConfig(port=server.port)
        error = await refused(partial(serve, raw_app, config, shutdown_trigger=trio.sleep_forever))
        assert error.errno == errno.EADDRINUSE
        assert f"127.0.0.1:{server.port}" in str(error)


async def test_the_applications_lifespan_begins_before_and_ends_after_the_requests() -> None:
    steps: list[str] = []
    app = quart_app()

    @app.before_serving
    async def begin() -> None:
        steps.append("begin")

    @app.after_serving
    async def end() -> None:
        steps.append("end")

    async with running(app) as server:
        assert steps == ["begin"]
        await server.answer_to(GET_AND_CLOSE)
        assert steps == ["begin"]
    assert steps == ["begin", "end"]
