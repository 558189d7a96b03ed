"""The live stream: one event per text frame of a WebSocket (design section 6, ``Events/Stream``).

A listener says from where on it wants events; without a position it gets what happens from now on. It holds one page
of events in memory, however slow it is. Who falls too far behind is told its last position and cut: close code 1013.
When the daemon stops the code is 1001.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import trio

from trio_connector.api.errors import busy
from trio_connector.api.parts import ApiParts
from trio_connector.api.request import Request
from trio_connector.api.routes.events import patterns_of, position_of, shown_event
from trio_connector.events.bus import EventBus
from trio_connector.events.tap import Tap, TooSlow

MAX_STREAMS: Final = 100
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013


class EventStreams:
    """The streams that are open."""

    def __init__(self, parts: ApiParts, bus: EventBus) -> None:
        self._parts = parts
        self._bus = bus
        self._open = 0

    @property
    def open_streams(self) -> int:
        """How many listeners there are."""
        return self._open

    async def serve(self, request: Request, websocket: Any) -> None:
        """Feed one listener until it goes, is cut, or the daemon stops.

        Raises ValidationFailed for parameters that make no sense and HttpError 503 when there are too many streams;
        the WebSocket is not accepted then. A cancellation leaves nothing behind.
        """
        patterns = patterns_of(request.query)
        after = position_of(request.query, "after")
        if self._open >= MAX_STREAMS:
            raise busy()
        self._open += 1
        try:
            with self._bus.tap(patterns, after=after) as tap:
                await websocket.accept()
                code, reason = await self._feed(websocket, tap)
                await websocket.close(code, reason)
        finally:
            self._open -= 1

    async def _feed(self, websocket: Any, tap: Tap) -> tuple[int, str]:
        ending = (GOING_AWAY, "The Connector stops.")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_ignore_messages, websocket)
            nursery.start_soon(_cancel_when, self._parts.stopping, nursery.cancel_scope)
            try:
                async for event in tap:
                    await websocket.send(msgspec.json.encode(shown_event(event)).decode())
            except TooSlow as error:
                ending = (TRY_AGAIN_LATER, f"Too slow. Continue after position {error.position}.")
            nursery.cancel_scope.cancel("the stream ends")
        return ending


async def _ignore_messages(websocket: Any) -> None:
    """Take what a listener sends, so that its going away is noticed behind it."""
    while True:
        await websocket.receive()


async def _cancel_when(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel("the Connector stops")
