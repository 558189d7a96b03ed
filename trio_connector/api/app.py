"""The HTTP API as a Quart-Trio application (connector spec sections 3 to 8, design section 6).

`create_app` puts the route table together. Every request takes the same `Pipeline`, on one of two ways: what the
store alone answers, and what needs no answer from anybody (no such route, no credentials), is answered at once; all
else goes through Quart, which reads bodies and cancels the work of a client that goes away. Live streams are Quart's
WebSockets.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from quart import Response
from quart.ctx import RequestContext
from quart.wrappers import Request as QuartRequest
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers

from trio_connector.api.authentication import Authenticator, authenticator
from trio_connector.api.connection import BodyConnection, BodyRequest
from trio_connector.api.counters import RequestCounter
from trio_connector.api.monitoring import monitoring_routes
from trio_connector.api.parts import ApiParts
from trio_connector.api.pipeline import Pipeline
from trio_connector.api.request import Request
from trio_connector.api.routes import CORE_PREFIX, CORE_RESOURCES, DEBUG_RESOURCES
from trio_connector.api.routing import RouteTable

_STATE = "trio_connector"


class ConnectorApp(QuartTrio):
    """Made by `create_app`; serve it once."""

    asgi_http_class = BodyConnection
    request_class = BodyRequest

    def __init__(self, pipeline: Pipeline, counter: RequestCounter) -> None:
        super().__init__(__name__, static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = None  # each kind of body has its own limit
        self.config["RESPONSE_TIMEOUT"] = None  # the server watches clients that stop reading
        self.pipeline = pipeline
        self.request_counter = counter

    def end_changes_by(self, time: float) -> None:
        """When the daemon stops: no operation may go on after ``time`` (Trio time), shielded or not."""
        self.pipeline.changes.end_by(time)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, partial(_gone, receive))
        match = self.pipeline.match(request)
        route = None if match is None else match.route
        # A target without a path (``OPTIONS *``) is beyond Quart.
        at_once = request.raw_path[:1] != "/" or (not request.has_body and (route is None or route.quick))
        if not at_once:
            request.disconnected = None
            scope[_STATE] = (request, match)
            await super().__call__(scope, receive, send)
            return
        finished = await self.pipeline.respond(request, match, None)
        await send({"type": "http.response.start", "status": finished.status, "headers": finished.headers})
        await send({"type": "http.response.body", "body": finished.body, "more_body": False})

    def create_url_adapter(self, request: Any) -> Any:
        """Quart's own routing is for WebSockets only."""
        return None if isinstance(request, QuartRequest) else super().create_url_adapter(request)

    async def full_dispatch_request(self, request_context: RequestContext | None = None) -> Response:
        """Answer a request that came through Quart."""
        assert request_context is not None  # noqa: S101 - Quart always hands it over
        quart_request: Any = request_context.request
        request, match = quart_request.scope[_STATE]
        chunks = quart_request.body if request.has_body else None
        finished = await self.pipeline.respond(request, match, chunks)
        response = Response(finished.body, finished.status)
        response.headers = Headers(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in finished.headers]
        )
        return response


async def _gone(receive: Any) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def create_app(parts: ApiParts, *, authentication: Authenticator | None = None) -> ConnectorApp:
    """The application for ``parts``; ``authentication`` replaces the one that the configuration describes.

    Raises ValueError for a configuration that cannot be served: no authentication outside debug mode, unusable CORS or
    helmet options. Serve it with `http_server.serve`; when the daemon stops, call ``end_changes_by``.
    """
    settings = parts.settings
    if authentication is None:
        authentication = authenticator(
            settings.infrastructure.http_server.authentication, debug=settings.debug, clock=parts.clock
        )
    table = RouteTable()
    counter = RequestCounter(parts.clock())
    table.add("", monitoring_routes(counter))
    if parts.core_api:
        for resource in CORE_RESOURCES + (DEBUG_RESOURCES if settings.debug else ()):
            table.add(
                f"{CORE_PREFIX}/{resource.name}", (replace(route, roles=resource.roles) for route in resource.routes)
            )
    pipeline = Pipeline(parts, table, authentication)
    pipeline.observers.append(counter.observe)
    return ConnectorApp(pipeline, counter)


__all__ = ["ConnectorApp", "create_app"]
