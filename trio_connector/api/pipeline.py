"""From a request to its response, in the one order that clients know (connector spec 3.1).

Correlation id, preflight, body, public routes, authentication, role, negotiation, route, errors, common headers, log
line, counters. How the request came in and how the response goes out is `app`'s business.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import structlog
import trio

from trio_connector.api.answer import Answer
from trio_connector.api.bodies import Chunks, media_type, read_document, read_form
from trio_connector.api.call import Call
from trio_connector.api.changes import Changes
from trio_connector.api.cors import cors
from trio_connector.api.errors import (
    as_api_error,
    error_answer,
    error_id,
    forbidden,
    method_not_allowed,
    no_such_route,
    not_acceptable,
)
from trio_connector.api.finishing import Finished, RawHeaders, compressed, finish
from trio_connector.api.negotiation import preferred_type
from trio_connector.api.request import Request
from trio_connector.api.roles import permitted
from trio_connector.api.routing import Match, Route, RouteTable
from trio_connector.api.security_headers import security_headers
from trio_connector.correlation import correlated, new_correlation_id
from trio_connector.crypto.dates import iso

if TYPE_CHECKING:
    from trio_connector.api.authentication import Authenticator
    from trio_connector.api.legacy import Generation
    from trio_connector.api.parts import ApiParts

MAX_CORRELATION_ID_LENGTH: Final = 200

ResponseObserver = Callable[[str, Route | None, int, float], None]
"""Is told of every response: method, route, status, seconds."""


class Pipeline:
    """Answers requests; see the module. ``observers`` are told of every response, in the Trio thread.

    ``generations`` are the earlier APIs that are served too; they have headers and words for errors of their own.
    """

    def __init__(
        self,
        parts: ApiParts,
        table: RouteTable,
        authenticator: Authenticator,
        generations: Sequence[Generation] = (),
    ) -> None:
        server = parts.settings.infrastructure.http_server
        self.changes = Changes(parts.change_limit_seconds)
        self.observers: list[ResponseObserver] = []
        self.table = table
        # Bound once: finding the logger anew costs more than all the rest of a request here.
        self._log = structlog.get_logger("HttpServer").bind()
        self._parts = parts
        self._authenticator = authenticator
        self._generations = generations
        self._debug = parts.settings.debug
        self._cors = cors(server.cors)
        self._security: RawHeaders = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in security_headers(server.helmet_options, debug=parts.settings.debug)
        ]

    def match(self, request: Request) -> Match | None:
        """The route a request leads to."""
        return self.table.match(request.method, request.raw_path)

    async def respond(self, request: Request, match: Match | None, chunks: Chunks | None) -> Finished:
        """The response to a request; never raises for what a request or a route does.

        ``chunks`` is its body, None when it has none. Cancelled when the client goes away, it ends; an operation that
        changes something is finished first.
        """
        started = time.perf_counter()
        with correlated(correlation_id(request)):
            common = list(self._security)
            generation = self._generation(request)
            if generation is not None:
                common += generation.headers(match)
            varies: tuple[str, ...] = ()
            answer = None
            if self._cors is not None:
                origin = request.header(b"origin")
                if request.method == "OPTIONS":
                    answer = self._cors.preflight(origin, request.header(b"access-control-request-headers"))
                if answer is None:
                    shared, vary = self._cors.headers(origin)
                    common += [(name.encode("latin-1"), value.encode("latin-1")) for name, value in shared]
                    varies = tuple(vary)
            if answer is None:
                try:
                    answer = await self._answer(request, match, chunks)
                except Exception as error:  # noqa: BLE001 - the border of requests: whatever it is, the client is told
                    answer = self._error(error, generation)
            answer = await compressed(answer, request.header(b"accept-encoding"))
            seconds = time.perf_counter() - started
            common.append((b"X-Response-Time", iso(self._parts.clock()).encode("ascii")))
            common.append((b"X-Response-Duration-ms", b"%d" % int(seconds * 1000)))
            finished = finish(
                answer,
                is_head=request.method == "HEAD",
                if_none_match=request.header(b"if-none-match"),
                method_is_safe=request.is_safe,
                common=common,
                varies=varies,
            )
            self.record(request, match, finished.status, seconds)
        return finished

    def record(self, request: Request, match: Match | None, status: int, seconds: float) -> None:
        """Write a response down in the log, and tell the observers of it."""
        self._log.info(f"{request.method} {request.raw_path} {status} -- {int(seconds * 1000)}ms")
        route = None if match is None else match.route
        for observe in self.observers:
            observe(request.method, route, status, seconds)

    async def admit(self, request: Request, *one_of: str) -> Finished | None:
        """Authenticate the opening of a stream; the response that refuses it, or None.

        Raises nothing; the caller has set the correlation id.
        """
        try:
            found = await self._authenticator.roles(request)
            if isinstance(found, Answer):
                return self.refusal(found)
            if not permitted(found, one_of):
                raise forbidden()
        except Exception as error:  # noqa: BLE001 - the border of requests: whatever it is, the client is told
            return self.refusal(self._error(error))
        return None

    def refused(self, error: Exception) -> Finished:
        """The response for an error outside `respond`."""
        return self.refusal(self._error(error))

    def refusal(self, answer: Answer) -> Finished:
        """``answer`` with the headers that every response carries."""
        return finish(answer, is_head=False, if_none_match=None, method_is_safe=False, common=self._security)

    async def _answer(self, request: Request, match: Match | None, chunks: Chunks | None) -> Answer:
        is_form = chunks is not None and media_type(request)[0] == "multipart/form-data"
        body = {} if chunks is None or is_form else await read_document(request, chunks)
        route = None if match is None else match.route
        roles: tuple[str, ...] = ()
        if route is None or not route.public:
            found = await self._authenticator.roles(request)
            if isinstance(found, Answer):
                return found
            roles = found
        if match is None or (route is None and not match.allowed):
            raise no_such_route()
        if route is None:
            raise method_not_allowed(match.allowed)
        if not route.public and not permitted(roles, route.roles):
            raise forbidden()
        chosen = None
        if route.accept.value:
            chosen = preferred_type(request.header(b"accept"), route.accept.value)
            if chosen is None:
                raise not_acceptable()
        if is_form and chunks is not None and route.multipart is not None:
            with await read_form(request, chunks, max_file_bytes=self._parts.max_file_bytes) as form:
                return await self._run(Call(self._parts, route, request, match.parameters, body, form, chosen))
        return await self._run(Call(self._parts, route, request, match.parameters, body, None, chosen))

    async def _run(self, call: Call) -> Answer:
        if call.route.changes:
            with self.changes.finished():
                return await call.route.answer(call)
        parts = self._parts
        limit = parts.read_limit_seconds if call.route.quick else parts.change_limit_seconds
        # What trio.fail_after does, at a third of its cost.
        with trio.CancelScope(deadline=trio.current_time() + limit) as scope:
            return await call.route.answer(call)
        assert scope.cancelled_caught  # noqa: S101 - nothing else leaves the block
        raise trio.TooSlowError

    def _generation(self, request: Request) -> Generation | None:
        return next((known for known in self._generations if known.covers(request.raw_path)), None)

    def _error(self, error: Exception, generation: Generation | None = None) -> Answer:
        now = self._parts.clock()
        shown = as_api_error(error, iso(now))
        if generation is not None:
            shown = generation.error(shown)
        id_ = error_id(self._parts.entropy)
        if shown.logged:
            self._log.error(id_, code=shown.code, reason=shown.details, exc_info=error if shown.fault else None)
        return error_answer(shown, id_=id_, now=now, error=error, debug=self._debug)


def correlation_id(request: Request) -> str:
    """The caller's id, or a new one. An id that could not be sent on in a header is replaced."""
    given = request.first_header(b"x-correlation-id")
    if given and len(given) <= MAX_CORRELATION_ID_LENGTH and given.isascii() and given.isprintable():
        return given
    return new_correlation_id()


__all__ = ["Pipeline", "ResponseObserver"]
