"""Serves an ASGI application on Hypercorn inside the caller's nursery (libraries: Hypercorn 0.18.0, pinned).

Owned here: the listening sockets, the stopping order, the pulse of WebSockets, and five repairs without which
Hypercorn on Trio cannot face strangers:

* *Connection guard.* As shipped, an exception in one connection ends the whole server, and with it the program: a
  WebSocket upgrade followed by one more byte is enough. Here a connection that fails is logged and dropped alone.
* *Send shim.* An application such as Quart-Trio cancels its own request task when the server says that the response is
  complete, while Hypercorn is still busy closing the connection or starting its idle timer. The end of the response is
  therefore sent shielded; without that no idle or ``Connection: close`` connection is ever closed.
* *Stalled readers.* Hypercorn sends shielded and without limit, so that a client that stops reading keeps its task for
  ever, also beyond the end of the program. Here every slice of a response has to move within a limit.
* *HTTP/2 is off.* An upgrade to it needs one header of a stranger and brings in all of another protocol's trouble.
* *A port in use* is a plain ``OSError`` that names the address, not an exception group.

WebSockets are pinged, and dropped when nothing comes back: a peer that vanished would keep its place for a quarter of
an hour otherwise. Hypercorn would ping too, but look at no answer, and its pings outlive the connection.

Not here: routes, limits on bodies, authentication. Those belong to the application. TLS belongs to a reverse proxy.
"""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from time import time
from typing import Any

import h11
import structlog
import trio
from hypercorn.config import Config
from hypercorn.events import Closed, Event, RawData, Updated
from hypercorn.protocol.h11 import H11Protocol
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.trio.lifespan import Lifespan
from hypercorn.trio.task_group import TaskGroup
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import AppWrapper, ConnectionState, H11SendableEvent, LifespanState
from hypercorn.utils import parse_socket_addr, wrap_app
from wsproto.events import Ping

_log = structlog.get_logger("HttpServer")

_SLICE_BYTES = 64 * 1024
_CLOSE_SECONDS = 1
_LOOK_SECONDS = 1
_SILENT_INTERVALS = 2.5
_MAX_MESSAGE_BYTES = 64 * 1024
_FINISH_SECONDS = 5
_KEEP_ALIVE_MARGIN_SECONDS = 5

AsgiApp = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI 3 application: ``await app(scope, receive, send)``."""


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Where to listen, and how long to bear with slow clients. All times are in seconds."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free port; the one taken is part of the URLs that `serve` hands to ``task_status``."""
    graceful_timeout: float = 10
    """How long open requests may go on after the shutdown trigger; then they are cancelled."""
    keep_alive_timeout: float = 30
    """How long a connection may stay open without a (complete) request head. Clients are told a little less, so that
    those who heed it (Node's do) never send a request into a connection that is just being closed."""
    stalled_send_timeout: float = 30
    """How long a client may take to accept the next 64 KiB of a response."""
    keep_alive_max_requests: int = 1_000_000
    websocket_ping_interval: float = 20
    """How often the client of a WebSocket is asked for a sign of life. Two and a half times as long without one, and it
    is dropped."""
    backlog: int = 256


async def serve(
    app: AsgiApp,
    config: ServerConfig,
    *,
    shutdown_trigger: Callable[[], Awaitable[object]],
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve ``app`` until ``shutdown_trigger`` returns and the open requests have ended.

    ``task_status.started`` gets the base URLs, e.g. ``["http://127.0.0.1:8090"]``, once connections are accepted.
    Then: nothing new is accepted, idle connections close at once, open requests get ``graceful_timeout``, the
    application's lifespan ends, and this returns. Cancelling instead kills the open requests at once and skips the
    lifespan's end.

    Raises OSError when the address cannot be listened on; nothing has been started then. An application whose lifespan
    start fails raises Hypercorn's ``LifespanFailureError``, inside an exception group.
    """
    listeners = await _listen(config)
    hypercorn_config = _hypercorn_config(config)
    wrapped = wrap_app(_finish_shielded(app, config.keep_alive_timeout), hypercorn_config.wsgi_max_body_size, "asgi")
    lifespan_state: LifespanState = {}
    lifespan = Lifespan(wrapped, hypercorn_config, lifespan_state)
    context = WorkerContext(None)
    connections: set[_Connection] = set()

    async def connect(stream: trio.SocketStream) -> None:
        state = ConnectionState(lifespan_state.copy())
        connection = _Connection(wrapped, hypercorn_config, context, state, stream)
        connections.add(connection)
        try:
            await connection.run()
        finally:
            connections.discard(connection)

    async def accept(server_nursery: trio.Nursery) -> None:
        await trio.serve_listeners(connect, listeners, handler_nursery=server_nursery)

    try:
        async with trio.open_nursery() as lifespan_nursery:
            await lifespan_nursery.start(lifespan.handle_lifespan)
            await lifespan.wait_for_startup()
            lifespan_nursery.start_soon(_watch, connections, config)
            async with trio.open_nursery() as server_nursery:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(accept, server_nursery)
                    task_status.started([_url(listener) for listener in listeners])
                    await shutdown_trigger()
                    accepting.cancel_scope.cancel("shutdown")
                await context.terminated.set()
                for connection in list(connections):
                    await connection.close_if_idle_since(inf)
                server_nursery.cancel_scope.deadline = trio.current_time() + config.graceful_timeout
            await lifespan.wait_for_shutdown()
            lifespan_nursery.cancel_scope.cancel("shutdown")
    finally:
        for listener in listeners:
            listener.socket.close()


class _Http1(H11Protocol):
    """HTTP/1.1 and WebSockets. An offer to speak HTTP/2 is ignored, as every server may.

    Nobody needs HTTP/2 behind a reverse proxy, and Hypercorn's leaves its tasks behind when a client vanishes.
    """

    _head = b""
    heard_at = 0.0
    """When the client last sent something (Trio time)."""

    @property
    def websocket(self) -> WSStream | None:
        """The WebSocket that this connection has become."""
        stream = self.stream
        if isinstance(stream, WSStream) and stream.state is ASGIWebsocketState.CONNECTED:
            return stream
        return None

    async def handle(self, event: Event) -> None:
        self.heard_at = trio.current_time()
        await super().handle(event)

    async def _check_protocol(self, event: h11.Request) -> None:
        pass

    async def _send_h11_event(self, event: H11SendableEvent) -> None:
        """Send head and first part of the body together: half the system calls, and what ASGI asks for."""
        try:
            data = self.connection.send(event)
        except h11.LocalProtocolError:
            if self.connection.their_state != h11.ERROR:
                raise
            return
        if isinstance(event, h11.Response):
            self._head = data
            return
        data, self._head = self._head + data, b""
        if data:
            await self.send(RawData(data=data))


class _Idleness:
    """Since when a connection waits for a request; None while there is one.

    Hypercorn starts a task for each such wait, and ends it with the next request: a quarter of what a request costs.
    Here `_watch` looks for connections that wait too long.
    """

    since: float | None = None

    async def restart(self, task_group: TaskGroup, action: object) -> None:
        self.since = trio.current_time()

    async def stop(self) -> None:
        self.since = None


class _Connection(TCPServer):
    """Hypercorn's connection, of which a failure concerns nobody else."""

    stream: trio.SocketStream  # type: ignore[assignment]  # we never serve TLS
    protocol: _Http1  # type: ignore[assignment]  # we never switch to HTTP/2

    def __init__(
        self,
        app: AppWrapper,
        config: Config,
        context: WorkerContext,
        state: ConnectionState,
        stream: trio.SocketStream,
    ) -> None:
        super().__init__(app, config, context, state, stream)  # type: ignore[arg-type]  # no TLS
        self._idleness = _Idleness()
        self.idle_task = self._idleness  # type: ignore[assignment]  # has the two methods that are called
        self.sending_since: float | None = None
        """Since when the present slice of a response waits for the client."""
        self._pinged_at: float | None = None
        self._client_has_ended = False

    async def run(self) -> None:
        try:
            await self._run_http()
        except* OSError:
            pass  # the client went away
        except* Exception as group:  # noqa: BLE001  # one connection's failure is its own affair, a bug's too
            # Cancelled is no Exception and passes through.
            _log.warning("A connection failed and was dropped.", error=repr(group.exceptions[0]))
        finally:
            with trio.move_on_after(_CLOSE_SECONDS, shield=True):
                await trio.aclose_forcefully(self.stream)

    async def _run_http(self) -> None:
        family = self.stream.socket.family
        client = parse_socket_addr(family, self.stream.socket.getpeername())
        server = parse_socket_addr(family, self.stream.socket.getsockname())
        async with TaskGroup() as task_group:
            self._task_group = task_group
            self.protocol = _Http1(
                self.app,
                self.config,
                self.context,
                task_group,
                ConnectionState(self.state),
                False,
                client,
                server,
                self.protocol_send,
            )
            self._pinged_at = trio.current_time()
            await self.protocol.initiate()
            if self.context.terminated.is_set():
                return
            self._idleness.since = trio.current_time()
            await self._read_data()
            # The client sends no more: what is still being answered ends, nothing else is waited for.
            self._client_has_ended = True
            self._idleness.since = None

    async def close_if_idle_since(self, time: float) -> None:
        """Close the connection when it waits for a request since ``time`` (Trio time) or longer."""
        if self._idleness.since is not None and self._idleness.since <= time:
            await self.stream.aclose()

    def ask_for_life(self, interval_seconds: float) -> bool:
        """Ping the client of a WebSocket when that is due; False when it has not answered for too long."""
        if self._pinged_at is None or (websocket := self.protocol.websocket) is None:
            return True
        now = trio.current_time()
        if now - self.protocol.heard_at > _SILENT_INTERVALS * interval_seconds:
            return False
        # While something else is on its way, the client's reading it is the sign of life.
        if now - self._pinged_at >= interval_seconds and self.sending_since is None:
            self._pinged_at = now
            self._task_group.spawn(websocket._send_wsproto_event, Ping())  # the only way to send one
        return True

    async def protocol_send(self, event: Event) -> None:
        if isinstance(event, Updated) and self._client_has_ended:
            return
        if not isinstance(event, RawData):
            await super().protocol_send(event)
            return
        async with self.send_lock:
            if not await self._sent(event.data):
                await self.protocol.handle(Closed())

    async def _sent(self, data: bytes) -> bool:
        """Whether all of ``data`` went out. Cut by a cancellation, a connection is of no more use: it is closed."""
        try:
            for start in range(0, len(data), _SLICE_BYTES):
                self.sending_since = trio.current_time()
                await self.stream.send_all(data[start : start + _SLICE_BYTES])
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        except trio.Cancelled:
            await trio.aclose_forcefully(self.stream)
            raise
        finally:
            self.sending_since = None
        return True


async def _watch(connections: set[_Connection], config: ServerConfig) -> None:
    """Drop clients that have stopped reading or asking, or WebSockets without life.

    One task costs less than a timer for each.
    """
    limit = config.stalled_send_timeout
    pause = min(limit / 2, config.websocket_ping_interval / 2, config.keep_alive_timeout / 2, _LOOK_SECONDS)
    while True:
        await trio.sleep(pause)
        latest = trio.current_time() - limit
        for connection in list(connections):
            if connection.sending_since is not None and connection.sending_since < latest:
                _log.warning("A client stopped reading and was dropped.")
            elif not connection.ask_for_life(config.websocket_ping_interval):
                _log.warning("A WebSocket client gave no sign of life and was dropped.")
            else:
                await connection.close_if_idle_since(trio.current_time() - config.keep_alive_timeout)
                continue
            await trio.aclose_forcefully(connection.stream)


def _finish_shielded(app: AsgiApp, keep_alive_timeout: float) -> AsgiApp:
    hint = (b"keep-alive", b"timeout=%d" % max(1, int(keep_alive_timeout - _KEEP_ALIVE_MARGIN_SECONDS)))

    async def shielded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_(event: Any) -> None:
            if event["type"] == "http.response.start":
                event = {**event, "headers": [*event.get("headers", ()), hint]}
            if event["type"] != "http.response.body" or event.get("more_body"):
                await send(event)
                return
            if event.get("body"):
                # May take its time; a client that goes away meanwhile cancels it, as it should.
                await send({**event, "more_body": True})
            with trio.CancelScope(deadline=trio.current_time() + _FINISH_SECONDS, shield=True):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await app(scope, receive, send_)

    async def logged(scope: Any, receive: Any, send: Any) -> None:
        try:
            await shielded(scope, receive, send)
        except Exception:  # Hypercorn answers with 500, but its own log is switched off
            if scope["type"] != "lifespan":
                _log.exception("The application failed.", path=scope.get("path"))
            raise

    return logged


async def _listen(config: ServerConfig) -> list[trio.SocketListener]:
    try:
        return await trio.open_tcp_listeners(config.port, host=config.host, backlog=config.backlog)
    except OSError as error:
        reason = "the port is in use" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
        raise OSError(error.errno, f"Cannot listen on {config.host}:{config.port}: {reason}") from error


def _url(listener: trio.SocketListener) -> str:
    host, port = listener.socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Config(Config):
    """Writes the date once a second, instead of once a response."""

    _written_at = 0

    def response_headers(self, protocol: str) -> list[tuple[bytes, bytes]]:
        now = int(time())
        if now != self._written_at:
            self._written_at, self._written = now, super().response_headers(protocol)
        return self._written


def _hypercorn_config(config: ServerConfig) -> Config:
    made = _Config()
    made.errorlog = None
    made.accesslog = None
    made.include_server_header = False
    made.graceful_timeout = config.graceful_timeout
    made.keep_alive_timeout = config.keep_alive_timeout
    made.websocket_max_message_size = _MAX_MESSAGE_BYTES
    made.keep_alive_max_requests = config.keep_alive_max_requests
    return made
