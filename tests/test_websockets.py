"""The HTTP server's WebSockets: their pulse, and what clients of them must not be able to do to the others."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from quart import websocket
from quart_trio import QuartTrio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Request, TextMessage

from trio_connector.http_server import ServerConfig, serve

BOUND_SECONDS = 20
PING_SECONDS = 0.2


class Talker:
    """A WebSocket client that decides itself what it answers."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.protocol = WSConnection(ConnectionType.CLIENT)

    async def send(self, event: Event) -> None:
        await self.stream.send_all(self.protocol.send(event))

    async def next_events(self) -> list[Event]:
        """What comes next; nothing when the server has closed the connection."""
        while True:
            try:
                data = await self.stream.receive_some()
            except trio.BrokenResourceError:
                return []
            if not data:
                return []
            self.protocol.receive_data(data)
            if events := list(self.protocol.events()):
                return events


@asynccontextmanager
async def server(config: ServerConfig) -> AsyncIterator[int]:
    """An application with an endless stream at ``/flood`` and a silent one at ``/``; the port."""
    app = QuartTrio(__name__)

    @app.websocket("/")
    async def silent() -> None:
        while True:
            await websocket.receive()

    @app.websocket("/flood")
    async def flood() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(silent)
            while True:
                await websocket.send("x" * 100_000)
                await trio.lowlevel.checkpoint()  # once the client is gone, sending does nothing, at once

    @app.get("/")
    async def hello() -> str:
        return "hello"

    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        (url,) = await nursery.start(partial(serve, app, config, shutdown_trigger=stop.wait))
        with trio.fail_after(BOUND_SECONDS):
            yield int(url.rpartition(":")[2])
            stop.set()


@asynccontextmanager
async def talking(port: int, path: str = "/", *, receive_buffer: int | None = None) -> AsyncIterator[Talker]:
    """A client whose WebSocket is open."""
    sock = trio.socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    await sock.connect(("127.0.0.1", port))
    async with trio.SocketStream(sock) as stream:
        talker = Talker(stream)
        await talker.send(Request(host="127.0.0.1", target=path))
        [accepted, *_] = await talker.next_events()
        assert isinstance(accepted, AcceptConnection)
        yield talker


async def talk_until_cut(talker: Talker) -> None:
    """The death of a connection that nobody reads shows in what cannot be written any more."""
    while True:
        await talker.send(TextMessage("there?"))
        await trio.sleep(0.05)  # polls


async def test_a_client_that_answers_pings_stays() -> None:
    async with server(ServerConfig(websocket_ping_interval=PING_SECONDS)) as port, talking(port) as talker:
        pings = 0
        while pings < 6:
            for event in await talker.next_events():
                assert isinstance(event, Ping)
                await talker.send(event.response())
                pings += 1
        await talker.send(CloseConnection(1000))
        assert [type(event) for event in await talker.next_events()] == [CloseConnection]


async def test_a_client_that_answers_no_ping_is_dropped() -> None:
    async with server(ServerConfig(websocket_ping_interval=PING_SECONDS)) as port, talking(port) as talker:
        pings = 0
        while events := await talker.next_events():
            pings += len(events)
        assert pings >= 1


async def test_a_client_that_stops_reading_is_dropped() -> None:
    config = ServerConfig(stalled_send_timeout=0.5)
    async with server(config) as port, talking(port, "/flood", receive_buffer=4096) as talker:
        with pytest.raises(trio.BrokenResourceError):
            await talk_until_cut(talker)


async def test_a_message_beyond_all_measure_is_refused_and_costs_nobody_else() -> None:
    async with server(ServerConfig()) as port, talking(port) as talker, talking(port) as other:
        await talker.send(TextMessage("x" * 100_000))
        [closed] = await talker.next_events()
        assert isinstance(closed, CloseConnection)
        assert closed.code == 1009
        await other.send(Ping(b"1"))
        assert len(await other.next_events()) == 1


async def test_garbage_ends_one_websocket_only() -> None:
    async with server(ServerConfig()) as port, talking(port) as talker, talking(port) as other:
        await talker.stream.send_all(b"\xff" * 500)
        while await talker.next_events():
            pass
        await other.send(Ping(b"1"))
        assert len(await other.next_events()) == 1


async def test_the_pulse_does_not_hold_up_the_stop() -> None:
    config = ServerConfig(websocket_ping_interval=3600, graceful_timeout=3600)
    async with server(config) as port, talking(port) as talker:
        await talker.send(CloseConnection(1000))
        await talker.next_events()
    # ``server`` ends within its bound, which is much less than any of the two
