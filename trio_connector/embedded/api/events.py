"""The stream of server-sent events (Backbone spec section 14)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio

from trio_connector.embedded.api.call import Request, Routes

if TYPE_CHECKING:
    from trio_connector.embedded.api.app import BackboneApp

_HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache"),
]

ROUTES = Routes("")


@ROUTES.stream("GET", "/api/v1/sse")
@ROUTES.stream("GET", "/api/v2/sse")
async def stream_events(app: BackboneApp, request: Request, receive: Any, send: Any) -> None:
    """The names of what happens to the caller's identity, until the client goes or the Backbone stops."""
    if request.caller is None:
        raise LookupError("this route is not open to everybody")
    with app.streams.listen(request.caller.address, request.caller.device_id) as names:
        async with trio.open_nursery() as nursery:

            async def watch_client() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                nursery.cancel_scope.cancel("the client went away")

            async def watch_stop() -> None:
                await app.stop.wait()
                nursery.cancel_scope.cancel("the Backbone stops")

            async def tell() -> None:
                while True:
                    name = "keep-alive"
                    with trio.move_on_after(app.settings.keep_alive_interval):
                        name = await names.receive()
                    await send(_event(name))

            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await send(_event("ConnectionOpened"))
            nursery.start_soon(watch_client)
            nursery.start_soon(watch_stop)
            nursery.start_soon(tell)
    await send({"type": "http.response.body", "body": b""})


def _event(name: str) -> dict[str, Any]:
    return {"type": "http.response.body", "body": f"event: {name}\ndata: _\n\n".encode(), "more_body": True}
