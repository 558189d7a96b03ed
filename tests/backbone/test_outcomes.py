"""Every row of the outcome table, and whatever else may come instead of an answer (transport spec section 2)."""

from __future__ import annotations

import json
import socket
from typing import Any

import httpx
import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

import trio_connector.backbone as backbone_room
from tests.backbone.doubles import Double, always, results
from trio_connector.backbone.answers import Answer
from trio_connector.backbone.connection import Connection
from trio_connector.backbone.outcomes import Asked, Envelope, Received, result_of, transport_failure
from trio_connector.errors import BackboneRequestError

CHALLENGE = {"id": "CHL1", "expiresAt": "2025-01-01T00:00:00.000Z", "createdBy": None}
PLATFORM_ERROR = {
    "error": {"id": "ERR1", "code": "error.platform.recordNotFound", "message": "Token not found.", "data": None}
}


async def refusal(response: httpx.Response) -> BackboneRequestError:
    """The error of a challenge that is answered with ``response``."""
    async with always(lambda: response).open() as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.get("CHL1")
    return raised.value


@pytest.mark.parametrize("status", [200, 201, 400, 404, 500])
async def test_the_backbones_own_error(status: int) -> None:
    error = await refusal(httpx.Response(status, json=PLATFORM_ERROR, headers={"x-trace-id": "trace"}))
    assert (error.code, error.message) == ("error.platform.recordNotFound", "Token not found.")
    assert error.backbone_status == (status if status >= 400 else 500)
    assert error.long_message("now") == (
        f"error.platform.recordNotFound ({error.backbone_status}): 'Token not found.' "
        "for GET /api/v2/Challenges/CHL1 at now with traceId 'trace'"
    )


@pytest.mark.parametrize(
    ("status", "body", "code", "shown", "reason"),
    [
        (404, b"", "error.transport.request.notFound", 404, "An http request returned an unspecific 404"),
        (404, b"<html>", "error.transport.request.notFound", 404, "An http request returned an unspecific 404"),
        (400, b"{}", "error.transport.request.badRequest", 400, "The platform responded with a Bad Request without"),
        (200, b"", "error.transport.request.resultUndefined", 500, "The Platform responded without a result."),
        (200, b"{}", "error.transport.request.resultUndefined", 500, "The Platform responded without a result."),
        (200, b'{"result":null}', "error.transport.request.resultUndefined", 500, "The Platform responded without"),
        (200, b'{"result":""}', "error.transport.request.resultUndefined", 500, "The Platform responded without"),
        (200, b'{"result":0}', "error.transport.request.resultUndefined", 500, "The Platform responded without"),
        (200, b"not json", "error.transport.request.resultUndefined", 500, "The Platform responded without"),
        (200, b"[" * 100_000, "error.transport.request.resultUndefined", 500, "The Platform responded without"),
        (500, b"", "error.transport.request.resultUndefined", 500, "The Platform responded without a result."),
        (401, b"", "error.platform.unauthorized", 401, "Unauthorized."),
        (403, json.dumps(PLATFORM_ERROR).encode(), "error.platform.forbidden", 403, "You are not allowed to perform"),
        (409, json.dumps(PLATFORM_ERROR).encode(), "error.platform.unexpected", 409, "Received invalid error content"),
        (429, b"{}", "error.platform.unexpected", 429, "Received invalid error content from platform."),
        (502, b"<html>", "error.platform.unexpected", 502, "Received invalid error content from platform."),
        (503, b"", "error.platform.unexpected", 503, "Received invalid error content from platform."),
        (400, b'{"error":"text"}', "error.platform.unexpected", 400, "Received invalid error content"),
        (400, b'{"error":{"code":7}}', "error.platform.unexpected", 400, "Received invalid error content"),
        (200, b'{"result":[]}', "error.platform.unexpected", 500, "The Platform responded with a result that is not"),
        (200, b'{"result":{"id":1}}', "error.platform.unexpected", 500, "The Platform responded with a result that"),
        (204, b"", "error.platform.unexpected", 500, "The Platform responded with a result that is not understood"),
    ],
)
async def test_rows_of_the_table(status: int, body: bytes, code: str, shown: int, reason: str) -> None:
    error = await refusal(httpx.Response(status, content=body))
    assert error.code == code
    assert error.message.startswith(reason)
    assert error.backbone_status == error.status == shown


async def test_a_list_that_is_not_found_is_a_bad_request() -> None:
    async with always(lambda: httpx.Response(404)).open() as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.relationships.list(["REL1"])
    assert (raised.value.code, raised.value.status) == ("error.transport.request.badRequest", 404)


async def test_what_is_wrong_with_an_answer_is_said_without_its_content() -> None:
    error = await refusal(httpx.Response(200, json={"result": CHALLENGE | {"expiresAt": "tomorrow", "createdBy": 5}}))
    assert "Expected `str | null`, got `int` - at `$.result.createdBy`" in error.message
    error = await refusal(httpx.Response(200, json={"result": CHALLENGE | {"expiresAt": "tomorrow"}}))
    assert "'tomorrow' is not a valid date" in error.message


async def test_null_and_absent_are_the_same_and_unknown_members_are_ignored() -> None:
    with_null = {"id": "SYI1", "type": "New", "index": 0, "createdAt": "2025-01-01", "payload": None, "more": [1]}
    async with results([with_null]).open() as backbone:
        (event,) = await backbone.sync_runs.external_events("SYR1")
    assert event.payload == {}
    assert event.created_at == "2025-01-01T00:00:00.000Z"
    async with results(CHALLENGE).open() as backbone:
        assert (await backbone.challenges.create()).created_by is None


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with httpx.AsyncClient() as client:
        backbone = backbone_room.Backbone(
            client, f"http://127.0.0.1:{port}", client_id="a", client_secret="b", credentials=lambda: None
        )
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.create_anonymously()
    assert (raised.value.code, raised.value.status) == ("error.transport.request.unknown", 500)
    assert raised.value.message


def test_an_unknown_host_has_a_code_of_its_own() -> None:
    error = httpx.ConnectError("no such host")
    error.__cause__ = OSError("attempts failed")
    error.__cause__.__cause__ = ExceptionGroup("attempts", [socket.gaierror(-2, "Name or service not known")])
    failure = transport_failure(Asked("GET", "/x"), error, 60)
    assert (failure.code, failure.message) == ("error.transport.request.addressNotFound", "no such host")


async def test_a_base_url_that_is_none() -> None:
    async with httpx.AsyncClient() as client:
        backbone = backbone_room.Backbone(
            client, "http://a:b", client_id="a", client_secret="b", credentials=lambda: None
        )
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.version.major_version()
    assert raised.value.code == "error.transport.request.unknown"


async def test_the_time_of_a_request_is_bounded_as_a_whole(autojump_clock: trio.testing.MockClock) -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await trio.sleep_forever()
        raise AssertionError

    async with Double(answer).open(timeout_seconds=60) as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.create()
    assert raised.value.code == "error.transport.request.aborted"
    assert raised.value.message == "timeout of 60000ms exceeded"
    assert (raised.value.method, raised.value.path) == ("POST", "/api/v2/Challenges")
    assert trio.current_time() == pytest.approx(60)


async def test_a_response_without_end_is_given_up() -> None:
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"x" * 5000))
    ) as client:
        connection = Connection(
            client,
            "http://backbone.example",
            client_id="a",
            client_secret="b",
            credentials=lambda: None,
            max_response_bytes=4096,
        )
        with pytest.raises(BackboneRequestError) as raised:
            await connection.exchange("GET", "/x", anonymous=True)
    assert (raised.value.code, raised.value.status) == ("error.transport.request.bodyLengthExceeded", 413)


ANSWER_TYPES = [
    kind
    for kind in map(backbone_room.__dict__.get, backbone_room.__all__)
    if isinstance(kind, type) and issubclass(kind, Answer)
]
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | st.just("2025-01-01"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)


@given(st.data(), st.sampled_from(ANSWER_TYPES), st.sampled_from([200, 201, 204, 304, 400, 401, 404, 418, 500, 502]))
def test_any_answer_is_either_understood_or_a_request_error(
    data: st.DataObject, kind: type[Answer], status: int
) -> None:
    names = [field.encode_name for field in msgspec.structs.fields(kind)]
    members = st.dictionaries(st.sampled_from(names), json_values)
    value = data.draw(st.fixed_dictionaries({"result": members | json_values}) | json_values)
    body = data.draw(st.just(json.dumps(value).encode()) | st.binary(max_size=30))
    decoder = msgspec.json.Decoder(Envelope[kind])  # type: ignore[valid-type]  # built at run time, like the client's
    failure: BackboneRequestError | None = None
    result: object = None
    try:
        result = result_of(Received(Asked("GET", "/x"), status, body), decoder).result
    except BackboneRequestError as error:
        failure = error
    assert isinstance(result, kind) if failure is None else 400 <= failure.status <= 599
