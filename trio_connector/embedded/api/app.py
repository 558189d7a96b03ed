"""The ASGI application: reads a request, finds its route, runs it in its transaction, writes the answer.

Written by hand and not with a framework, because every request of every test and benchmark passes through here, and a
framework's machinery costs more than most of these requests (measured: about 0.26 ms of 0.6 ms).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
import trio

from trio_connector.embedded.api import resources
from trio_connector.embedded.api.access_tokens import AccessTokens
from trio_connector.embedded.api.call import Call, Caller, Reply, Request, Route, refusal
from trio_connector.embedded.api.router import Router
from trio_connector.embedded.api.streams import Streams
from trio_connector.embedded.domain import errors, passwords
from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import MILLISECOND, Moment, written
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store.database import Database, Transaction
from trio_connector.embedded.store.devices import device_exists

_log = structlog.get_logger("EmbeddedBackbone")

MAX_BODY_BYTES = 20 * 1024 * 1024
_MAX_DRAINED_BYTES = 3 * MAX_BODY_BYTES
_BODY_SECONDS = 60
_HASHING_THREADS = 2
_MAX_CORRELATION_ID = 100
_UNAUTHORIZED = Reply(401, headers=((b"www-authenticate", b"Bearer"),))


class _Gone(Exception):
    """The client went away before its request was complete."""


class _TooSlow(Exception):
    """The request did not become complete in time."""


class BackboneApp:
    """See the module. ``stop`` ends the open event streams."""

    def __init__(self, settings: BackboneSettings, database: Database, streams: Streams, stop: trio.Event) -> None:
        self.settings = settings
        self.database = database
        self.streams = streams
        self.stop = stop
        self.access_tokens = AccessTokens(database.access_token_key, settings.access_token_lifetime)
        self._hashing = trio.CapacityLimiter(_HASHING_THREADS)
        self._router = Router(resources.routes(settings))

    async def hashed(self, password: str) -> bytes:
        """Salt and hash of a password, made in a thread."""
        return await trio.to_thread.run_sync(passwords.hashed, password, self.database.random, limiter=self._hashing)

    async def password_matches(self, password: str, stored: bytes) -> bool:
        """Whether ``stored`` was made from ``password``, found out in a thread."""
        return await trio.to_thread.run_sync(passwords.matches, password, stored, limiter=self._hashing)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        started = self.database.now()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            reply = await self._route(scope, headers, receive, send, started)
        except _Gone:
            return
        if reply is not None:
            await self._send(reply, headers, started, send)

    async def _route(
        self, scope: Any, headers: Mapping[bytes, bytes], receive: Any, send: Any, now: Moment
    ) -> Reply | None:
        """The answer, or ``None`` when a stream has given it itself."""
        found = self._router.find(scope["raw_path"].decode("latin-1"))
        if found is None:
            return Reply(404)
        routes, arguments = found
        route = routes.get(scope["method"])
        if route is None:
            return Reply(405, headers=((b"allow", ", ".join(routes).encode()),))
        caller = self.access_tokens.caller(headers.get(b"authorization"), now)
        if caller is None and not route.is_anonymous:
            return _UNAUTHORIZED
        try:
            body = await _body(headers, receive)
            request = Request(scope["method"], scope["path"], arguments, scope["query_string"], headers, body, caller)
            if route.stream is not None:
                if not await self.database.read(lambda tx: _is_known(tx, caller)):
                    return _UNAUTHORIZED
                await route.stream(self, request, receive, send)
                return None
            return await self._run(route, request)
        except PlatformError as error:
            return self._refusal(error)
        except _Gone:
            raise
        except _TooSlow:
            return Reply(408, headers=((b"connection", b"close"),))
        except Exception:  # noqa: BLE001  # the border of a request: a bug here ends this request, nothing else
            _log.exception("A request failed.", method=scope["method"], path=scope["path"])
            return self._refusal(errors.unexpected())

    async def _run(self, route: Route, request: Request) -> Reply:
        if route.free is not None:
            return await route.free(self, request)
        handler = route.handler
        if handler is None:
            raise LookupError(f"{route.method} {route.path} has no handler")

        def work(tx: Transaction) -> Reply:
            if not _is_known(tx, request.caller):
                return _UNAUTHORIZED
            return handler(Call(request, tx, self.settings))

        run = self.database.read if route.only_reads else self.database.write
        return await run(work)

    def _refusal(self, error: PlatformError) -> Reply:
        return refusal(error, self.database.now(), self.database.random)

    async def _send(self, reply: Reply, headers: Mapping[bytes, bytes], started: Moment, send: Any) -> None:
        ended = self.database.now()
        sent = [
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-correlation-id", self._correlation_id(headers)),
            (b"x-trace-id", self.database.random(16).hex().encode()),
            (b"x-request-time", written(started).encode()),
            (b"x-response-time", written(ended).encode()),
            (b"x-response-duration-ms", b"%d" % ((ended - started) // MILLISECOND)),
            *reply.headers,
        ]
        if reply.content_type is not None:
            sent.append((b"content-type", reply.content_type.encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": sent})
        await send({"type": "http.response.body", "body": reply.body})

    def _correlation_id(self, headers: Mapping[bytes, bytes]) -> bytes:
        given = headers.get(b"x-correlation-id", b"").strip()[:_MAX_CORRELATION_ID]
        return given or self.database.random(16).hex().encode()


def _is_known(tx: Transaction, caller: Caller | None) -> bool:
    """Whether the caller's device still exists; nobody at all is fine where the route allows it."""
    return caller is None or device_exists(tx, caller.device_id)


async def _body(headers: Mapping[bytes, bytes], receive: Any) -> bytes:
    """The body; one that is too large is read on for a while, so that its sender gets to see the refusal."""
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 12 or int(length) > _MAX_DRAINED_BYTES:
        raise errors.body_too_large()
    parts: list[bytes] = []
    size = 0
    with trio.move_on_after(_BODY_SECONDS):
        while size <= _MAX_DRAINED_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Gone
            part = message.get("body", b"")
            size += len(part)
            if size <= MAX_BODY_BYTES:
                parts.append(part)
            if not message.get("more_body"):
                break
        if size > MAX_BODY_BYTES:
            raise errors.body_too_large()
        return b"".join(parts)
    raise _TooSlow


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
