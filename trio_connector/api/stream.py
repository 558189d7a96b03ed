"""The live stream: one event per text frame of a WebSocket (design section 6, ``Events/Stream``).

A listener says from where on it wants events; without a position it gets what happens from now on, and the header
``X-Event-Position`` of the answer says where that is, so that it can come back without a gap. It holds one page of
events in memory, however slow it is. Every stream ends with a close code that says why:

* 1001, the Connector stops;
* 1013, the listener is too slow: it fell too far behind after it had been up to date;
* 4410, retention removed events before a listener that catches up had them.

The reasons of the last two name the position of the last event that was sent. Whoever does not even read that is
cut without: the server has the limits for that (`http_server`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import structlog
import trio

from trio_connector.api.cors import cors
from trio_connector.api.errors import no_such_route, origin_not_allowed, position_not_kept, too_many_streams
from trio_connector.api.finishing import Finished
from trio_connector.api.metrics import Metrics
from trio_connector.api.parts import ApiParts
from trio_connector.api.pipeline import Pipeline, correlation_id
from trio_connector.api.request import Request
from trio_connector.api.routes.events import listening, needs_upgrade, shown_event
from trio_connector.api.stream_admission import PROTOCOL, origin_allowed, with_credentials
from trio_connector.correlation import correlated
from trio_connector.errors import ValidationFailed
from trio_connector.events.bus import EventBus
from trio_connector.events.tap import MAX_BEHIND, NotKept, Tap, TooSlow

MAX_STREAMS: Final = 100
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013
INTERNAL_ERROR: Final = 1011
NOT_KEPT: Final = 4410
CLOSE_SECONDS: Final = 3.0
"""How long a listener may take to read what was sent before its stream ends, and to answer the close."""
POSITION_HEADER: Final = "X-Event-Position"

_log = structlog.get_logger("HttpServer")


class EventStreams:
    """The streams that are open."""

    def __init__(self, parts: ApiParts, pipeline: Pipeline, metrics: Metrics) -> None:
        server = parts.settings.infrastructure.http_server
        self._parts = parts
        self._pipeline = pipeline
        self._metrics = metrics
        self._api_key_header = server.authentication.api_key.header_name
        self._cors = cors(server.cors)

    @property
    def open_streams(self) -> int:
        """How many listeners there are."""
        return self._metrics.open_streams

    async def serve(self, handshake: Request, websocket: Any) -> Finished | None:
        """Feed one listener until it goes, is cut, or the daemon stops; or the response that refuses it.

        A cancellation leaves nothing behind.
        """
        started = time.perf_counter()
        request = with_credentials(handshake, websocket.requested_subprotocols, self._api_key_header)
        match = self._pipeline.match(request)
        route = None if match is None else match.route
        with correlated(correlation_id(request)):
            refusal = await self._pipeline.admit(request, *(() if route is None else route.roles))
            if refusal is None:
                try:
                    if route is None or route.answer is not needs_upgrade or self._parts.bus is None:
                        raise no_such_route()
                    with self._tapped(self._parts.bus, request) as tap:
                        await _accept(websocket, tap)
                        self._pipeline.record(request, match, 101, time.perf_counter() - started)
                        await self._converse(websocket, tap)
                    return None
                except Exception as error:  # noqa: BLE001 - the border of requests: whatever it is, the client is told
                    refusal = self._pipeline.refused(error)
            self._pipeline.record(request, match, refusal.status, time.perf_counter() - started)
        return refusal

    @contextmanager
    def _tapped(self, bus: EventBus, request: Request) -> Iterator[Tap]:
        """The tap that a request asks for, if there may be another one; raises ConnectorError when not."""
        if not origin_allowed(request, self._cors):
            raise origin_not_allowed()
        if self._metrics.open_streams >= MAX_STREAMS:
            raise too_many_streams()
        patterns, after = listening(request.query)
        head = self._parts.services.store.events.head
        if after is not None and after > head:
            raise ValidationFailed(f"after must be <= {head}")
        self._metrics.open_streams += 1
        try:
            with bus.tap(patterns, after=after, max_behind=MAX_BEHIND) as tap:
                try:
                    tap.require_no_gap()
                except NotKept as error:
                    raise position_not_kept(error.position, error.oldest) from error
                yield tap
        finally:
            self._metrics.open_streams -= 1

    async def _converse(self, websocket: Any, tap: Tap) -> None:
        code: int | None = None
        reason = "The listener is gone."
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_ignore_messages, websocket)
                try:
                    code, reason = await self._feed(websocket, tap)
                except Exception:  # noqa: BLE001 - the border of requests: a bug costs this stream only
                    _log.exception("A live stream failed.")
                    code, reason = INTERNAL_ERROR, "The Connector made a mistake."
                await websocket.close(code, reason)
                # What is still on its way would be lost if the connection ended before the listener answers.
                await trio.sleep(CLOSE_SECONDS)
                nursery.cancel_scope.cancel("the stream has ended")
        finally:
            self._metrics.stream_ended(code)
            _log.info("A live stream has ended.", code=code, reason=reason, position=tap.position)

    async def _feed(self, websocket: Any, tap: Tap) -> tuple[int, str]:
        """Send events until the stream has to end; with which code and reason."""
        ending = (GOING_AWAY, "The Connector stops.")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._end_when_stopping, tap, nursery.cancel_scope)
            try:
                async for event in tap:
                    await websocket.send(msgspec.json.encode(shown_event(event)).decode())
            except TooSlow as error:
                ending = (TRY_AGAIN_LATER, f"Too slow. Continue after position {error.position}.")
            except NotKept as error:
                ending = (NOT_KEPT, f"Events after position {error.position} are not kept any more.")
            nursery.cancel_scope.cancel("no more is sent")
        return ending

    async def _end_when_stopping(self, tap: Tap, scope: trio.CancelScope) -> None:
        await self._parts.stopping.wait()
        tap.close()  # a send that is cut would end the connection without the code
        await trio.sleep(CLOSE_SECONDS)
        scope.cancel("the Connector stops")


async def _accept(websocket: Any, tap: Tap) -> None:
    protocol = PROTOCOL if PROTOCOL in websocket.requested_subprotocols else None
    await websocket.accept(headers={POSITION_HEADER: str(tap.position)}, subprotocol=protocol)


async def _ignore_messages(websocket: Any) -> None:
    """Take what a listener sends, so that its going away is noticed behind it."""
    while True:
        await websocket.receive()
