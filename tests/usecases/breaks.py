"""How a request to the Backbone can go wrong, and what the user of a use case may be told of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import httpx
import trio

from tests.usecases.world import Break, Wire
from trio_connector.errors import ConnectorError

Through = Callable[[], Awaitable[httpx.Response]]


def before(outcome: httpx.Response | Exception) -> Break:
    """The request does not arrive."""

    async def broken(_request: httpx.Request, _through: Through) -> httpx.Response:
        await trio.lowlevel.checkpoint()
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)

    return broken


def after(outcome: httpx.Response | Exception) -> Break:
    """The request is done, and its answer does not arrive."""

    async def broken(_request: httpx.Request, through: Through) -> httpx.Response:
        await (await through()).aread()
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome.status_code, headers=outcome.headers, content=outcome.content)

    return broken


def _json(status: int, text: str) -> httpx.Response:
    return httpx.Response(status, content=text.encode(), headers={"content-type": "application/json"})


_PLATFORM_ERROR = _json(500, '{"error":{"id":"x","code":"error.platform.test","message":"broken"}}')
_WRONG_SHAPE = _json(200, '{"result":{"id":["not","a","text"],"status":7,"auditLog":null}}')
_A_LIST = _json(200, "[1, 2, 3]")
_HTML = httpx.Response(200, content=b"<html>Please log in</html>", headers={"content-type": "text/html"})

BREAKS: dict[str, Callable[[], Break]] = {
    "no connection": lambda: before(httpx.ConnectError("connection refused")),
    "no answer": lambda: before(httpx.ReadTimeout("too slow")),
    "a gateway answers": lambda: before(httpx.Response(503, content=b"<html>busy</html>")),
    "the token is refused": lambda: before(httpx.Response(401)),
    "a fault before": lambda: before(_PLATFORM_ERROR),
    "a reset after": lambda: after(httpx.ReadError("connection reset")),
    "no answer after": lambda: after(httpx.ReadTimeout("too slow")),
    "a fault after": lambda: after(_PLATFORM_ERROR),
    "no JSON": lambda: after(_HTML),
    "another shape": lambda: after(_WRONG_SHAPE),
    "a list": lambda: after(_A_LIST),
    "a cut text": lambda: after(httpx.RemoteProtocolError("peer closed connection without sending complete body")),
}

SOME = ("no answer", "a gateway answers", "the token is refused", "a reset after", "another shape")
"""One of each kind, where a time takes long."""

TOLD = {
    "error.transport.request.unknown",
    "error.transport.request.aborted",
    "error.transport.request.resultUndefined",
    "error.transport.request.noAuthPossible",
    "error.transport.request.noAuthGrant",
    "error.transport.general.platformClientInvalid",
    "error.platform.unexpected",
    "error.platform.unauthorized",
    "error.platform.test",
    "error.transport.files.cipherMismatch",  # for content anything can be an answer
}
"""What a user may be told of one of these."""


async def break_each_request(
    wire: Wire,
    act: Callable[[], Awaitable[object]],
    *,
    prepare: Callable[[], Awaitable[object]] | None = None,
    heal: Callable[[ConnectorError | None], Awaitable[object]],
    kinds: Iterable[str] = tuple(BREAKS),
) -> int:
    """Do ``act`` again and again: each time another one of its requests goes wrong, in each way.

    ``prepare`` goes before and ``heal`` after each time, undisturbed; ``heal`` gets what ``act`` raised and checks that
    all is well in the end. Returns how often something went wrong.
    """
    disturbed = 0
    for name in kinds:
        number = 1
        while True:
            if prepare is not None:
                await prepare()
            wire.listen({number: BREAKS[name]()})
            told: ConnectorError | None = None
            try:
                await act()
            except ConnectorError as error:
                told = error
            was_reached = len(wire.requests) >= number
            path = wire.paths[number - 1] if was_reached else ""
            wire.listen()
            where = f"{name} at request {number}: {path}"
            assert told is None or (was_reached and told.code in TOLD), f"{where}: {told!r}"
            try:
                await heal(told)
            except (Exception, AssertionError) as error:
                error.add_note(where + (f", which raised {told!r}" if told else ""))
                raise
            if not was_reached:
                break
            disturbed += 1
            number += 1
    return disturbed
