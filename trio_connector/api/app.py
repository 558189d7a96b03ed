"""The HTTP API as a Quart-Trio application (connector spec sections 3 to 8, design section 6).

`create_app` puts the route table together. Every request takes the same `Pipeline`, on one of two ways: what the
store alone answers, and what needs no answer from anybody (no such route, no credentials), is answered at once; all
else goes through Quart, which reads bodies and cancels the work of a client that goes away. Live streams are Quart's
WebSockets.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from quart import Response
from quart.ctx import RequestContext, WebsocketContext
from quart_trio import QuartTrio
from werkzeug.datastructures import Headers

from trio_connector.api.authentication import Authenticator, authenticator
from trio_connector.api.connection import BodyConnection, BodyRequest
from trio_connector.api.counters import RequestCounter
from trio_connector.api.finishing import Finished
from trio_connector.api.legacy import GENERATIONS
from trio_connector.api.metrics import Metrics, metrics_route
from trio_connector.api.monitoring import monitoring_routes
from trio_connector.api.parts import ApiParts
from trio_connector.api.pipeline import Pipeline
from trio_connector.api.request import Request
from trio_connector.api.routes import CORE_PREFIX, CORE_RESOURCES, DEBUG_RESOURCES, Resource
from trio_connector.api.routes.events import EVENT_ROUTES, READ_ROLE
from trio_connector.api.routes.subscribers import OPERATE_ROLE, given_up_routes, looking_routes, operating_routes
from trio_connector.api.routing import RouteTable
from trio_connector.api.stream import EventStreams
from trio_connector.settings import CoreHttpApiOptions
from trio_connector.settings.modules import DocsOptions

_STATE = "trio_connector"


class ConnectorApp(QuartTrio):
    """Made by `create_app`; serve it once."""

    asgi_http_class = BodyConnection
    request_class = BodyRequest

    def __init__(self, pipeline: Pipeline, counter: RequestCounter, streams: EventStreams) -> None:
        super().__init__(__name__, static_folder=None)
        self.config["MAX_CONTENT_LENGTH"] = None  # each kind of body has its own limit
        self.config["RESPONSE_TIMEOUT"] = None  # the server watches clients that stop reading
        self.pipeline = pipeline
        self.request_counter = counter
        self.streams = streams

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
        """Quart's own routing is not used."""
        return None

    async def full_dispatch_request(self, request_context: RequestContext | None = None) -> Response:
        """Answer a request that came through Quart."""
        assert request_context is not None  # noqa: S101 - Quart always hands it over
        quart_request: Any = request_context.request
        request, match = quart_request.scope[_STATE]
        chunks = quart_request.body if request.has_body else None
        finished = await self.pipeline.respond(request, match, chunks)
        return _response(finished)

    async def full_dispatch_websocket(self, websocket_context: WebsocketContext | None = None) -> Response | None:
        """Serve a live stream, or refuse it before it is accepted."""
        assert websocket_context is not None  # noqa: S101 - Quart always hands it over
        websocket: Any = websocket_context.websocket
        refusal = await self.streams.serve(Request({**websocket.scope, "method": "GET"}), websocket)
        return None if refusal is None else _response(refusal)


def _routes(parts: ApiParts, counter: RequestCounter, metrics: Metrics) -> RouteTable:
    settings = parts.settings
    table = RouteTable()
    table.add("", monitoring_routes(counter))
    table.add("", [metrics_route(metrics, public=settings.debug)])
    if not parts.core_api:
        return table
    resources = list(CORE_RESOURCES)
    if parts.bus is not None:
        resources += [
            Resource("Events", EVENT_ROUTES, READ_ROLE),
            Resource("Subscribers", looking_routes(parts.bus), READ_ROLE, OPERATE_ROLE),
            Resource("Subscribers", given_up_routes(parts.bus), READ_ROLE),
            Resource("Subscribers", operating_routes(parts.bus), OPERATE_ROLE),
        ]
    for resource in resources:
        table.add(f"{CORE_PREFIX}/{resource.name}", resource.routes)
    described = list(table.routes)
    if settings.debug:
        for resource in DEBUG_RESOURCES:
            table.add(f"{CORE_PREFIX}/{resource.name}", resource.routes)
    docs = _docs_options(parts)
    if docs.enabled:
        from trio_connector.api.docs import docs_routes
        from trio_connector.api.openapi import openapi_document

        document = openapi_document(
            described,
            version=parts.build.version,
            api_key_header=settings.infrastructure.http_server.authentication.api_key.header_name,
        )
        table.add("", docs_routes(document, persist_auth=docs.rapidoc.persist_auth))
    for generation in GENERATIONS:
        table.add(generation.prefix, generation.routes)
    return table


def _docs_options(parts: ApiParts) -> DocsOptions:
    module = parts.settings.module("coreHttpApi")
    docs = DocsOptions() if module is None else module.typed(CoreHttpApiOptions).docs
    if docs.enabled and not parts.settings.debug:
        raise ValueError("Documentation is not allowed in production mode.")
    return docs


def _response(finished: Finished) -> Response:
    response = Response(finished.body, finished.status)
    response.headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in finished.headers])
    return response


async def _gone(receive: Any) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def create_app(parts: ApiParts, *, authentication: Authenticator | None = None) -> ConnectorApp:
    """The application for ``parts``; ``authentication`` replaces the one that the configuration describes.

    Raises ValueError for a configuration that cannot be served: no authentication outside debug mode, documentation
    pages outside it, unusable CORS or helmet options. Serve it with `http_server.serve`; when the daemon stops, call
    ``end_changes_by``.
    """
    settings = parts.settings
    if authentication is None:
        authentication = authenticator(
            settings.infrastructure.http_server.authentication,
            debug=settings.debug,
            clock=parts.clock,
            outgoing=parts.outgoing,
            entropy=parts.entropy,
        )
    counter = RequestCounter(parts.clock())
    metrics = Metrics(parts)
    table = _routes(parts, counter, metrics)
    table.add("", authentication.routes)
    metrics.watch(table)
    pipeline = Pipeline(parts, table, authentication, GENERATIONS if parts.core_api else ())
    pipeline.observers += [counter.observe, metrics.observe_response]
    return ConnectorApp(pipeline, counter, EventStreams(parts, pipeline, metrics))


__all__ = ["ConnectorApp", "create_app"]
