"""Whoever watches the requests to the Backbone is told of each one that ended, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import httpx
import pytest
import trio

from tests.backbone.doubles import BASE_URL, CREDENTIALS, Double, always
from trio_connector.backbone.connection import Connection
from trio_connector.backbone.outcomes import Asked
from trio_connector.errors import BackboneRequestError

PATH = "/api/v2/Messages"
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


async def outcomes(answer: Answer, *, repeatable: bool = False) -> list[tuple[str, str, str]]:
    """Method, path and outcome of every request that one call makes."""
    seen: list[tuple[str, str, str]] = []
    double = Double(answer)

    def observe(asked: Asked, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        seen.append((asked.method, asked.path, outcome))

    async with httpx.AsyncClient(transport=httpx.MockTransport(double.handle)) as client:
        connection = Connection(
            client,
            BASE_URL,
            client_id="test",
            client_secret="secret",
            credentials=lambda: CREDENTIALS,
            timeout_seconds=0.2,
            max_response_bytes=1000,
        )
        connection.observers.append(observe)
        with suppress(BackboneRequestError):  # the outcome tells
            await connection.exchange("GET", PATH, repeatable=repeatable)
    return seen


TOKEN = ("post", "/connect/token", "200")


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_an_answer_is_told_with_its_status_and_the_token_before_it(status: int) -> None:
    double = always(partial(httpx.Response, status, json={}))
    assert await outcomes(double.answer) == [TOKEN, ("GET", PATH, str(status))]


async def test_each_attempt_is_told() -> None:
    double = always(partial(httpx.Response, 401, json={}))
    assert await outcomes(double.answer) == [TOKEN, ("GET", PATH, "401")] * 2


@pytest.mark.parametrize(
    ("error", "outcome", "attempts"),
    [
        (httpx.ConnectError("refused"), "unreachable", 2),
        (httpx.ConnectTimeout("slow"), "timeout", 1),
        (httpx.RemoteProtocolError("cut"), "broken", 2),
        (httpx.TooManyRedirects("round"), "broken", 1),
    ],
)
async def test_what_is_no_answer_is_told(error: httpx.HTTPError, outcome: str, attempts: int) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        raise error

    assert await outcomes(answer, repeatable=True) == [TOKEN, *[("GET", PATH, outcome)] * attempts]


async def test_an_answer_without_end_is_told() -> None:
    double = always(partial(httpx.Response, 200, content=b"x" * 2000))
    assert await outcomes(double.answer) == [TOKEN, ("GET", PATH, "tooLong")]


async def test_the_end_of_the_time_for_all_of_it_is_told() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    with trio.fail_after(10):
        assert await outcomes(answer) == [TOKEN, ("GET", PATH, "cancelled")]
