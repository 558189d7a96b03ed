"""What strangers send: no request is answered with 500, none disturbs another (Backbone spec 1)."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from tests.embedded.backbone import API, UNREADABLE, Backbone, Identity, message_of, refusal, result
from trio_connector.embedded.api import resources
from trio_connector.embedded.settings import BackboneSettings

MEBIBYTE = 1024 * 1024
JSON_BODIES = [
    b"",
    b"   ",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"7",
    b"\xff\xfe",
    b'{"content": "\xff"}',
    b'{"a": 1' + b"0" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"\\ud800": "\\ud800"}',
]
ODD_VALUES: list[Any] = [
    None,
    True,
    -1,
    1.5,
    1e308,
    "",
    "text",
    "\x00",
    "\ud800".encode("utf-8", "replace").decode(),
    [],
    [None],
    {},
    {"a": 1},
]
PROPERTIES = [
    "content",
    "expiresAt",
    "maxNumberOfAllocations",
    "forIdentity",
    "password",
    "newContent",
    "relationshipTemplateId",
    "creationContent",
    "creationResponseContent",
    "recipients",
    "body",
    "attachments",
    "ownershipToken",
    "type",
    "duration",
    "externalEventResults",
    "datawalletModifications",
    "newDatawalletVersion",
    "localIndex",
    "modifications",
    "devicePassword",
    "signedChallenge",
    "isBackupDevice",
    "communicationLanguage",
    "oldPassword",
    "newPassword",
    "platform",
    "handle",
    "appId",
    "lengthOfGracePeriodInDays",
    "code",
    "clientId",
    "clientSecret",
    "identityPublicKey",
    "identityVersion",
]


def changing_routes() -> list[tuple[str, str]]:
    routes = resources.routes(BackboneSettings(admin_api_key="x"))
    return sorted(
        (route.method, route.path.replace("{}", "XXXaaaaaaaaaaaaaaaaa")) for route in routes if route.method != "GET"
    )


def all_paths() -> list[str]:
    return sorted({route.path for route in resources.routes(BackboneSettings())})


def is_refusal(response: Any) -> bool:
    """A proper answer to nonsense; 204 and 200 are for endpoints that need no body."""
    return response.status_code in (200, 201, 204, 400, 401, 404)


async def test_no_body_makes_an_endpoint_fail(backbone: Backbone) -> None:
    identity = await backbone.identity()
    for method, path in changing_routes():
        if path.endswith("DeletionProcesses"):
            continue  # would rightly succeed
        for body in JSON_BODIES:
            response = await backbone.client.request(
                method, path, content=body, headers={**identity.headers, "content-type": "application/json"}
            )
            assert is_refusal(response), f"{method} {path} {body[:20]!r}: {response.status_code} {response.text}"


async def test_no_value_makes_an_endpoint_fail(backbone: Backbone) -> None:
    identity = await backbone.identity()
    for method, path in changing_routes():
        if path.endswith("DeletionProcesses"):
            continue  # would rightly succeed, and then nothing could be created any more
        for value in ODD_VALUES:
            body = dict.fromkeys(PROPERTIES, value)
            response = await backbone.client.request(method, path, json=body, headers=identity.headers)
            assert is_refusal(response), f"{method} {path} {value!r}: {response.status_code} {response.text}"


@pytest.mark.parametrize(
    "query",
    [
        "ids=" + "x" * 5000,
        "ids=%00",
        "ids=%FF",
        "ids[]=x&ids[0]=y",
        "password=%%%",
        "password=***",
        "pageNumber=1.5&pageSize=x",
        "templates.x.id=1&templates.0=2&templates.99999999.id=3&tokens.0.=4",
        "&&&===",
        "a" * 10_000,
        "&".join(f"a{number}=1" for number in range(3000)),
        "localIndex=NaN",
        "language=%F0%9F%92%A9",
        "peer=%F0%9F%92%A9&username=%F0%9F%92%A9",
    ],
)
async def test_no_query_makes_an_endpoint_fail(backbone: Backbone, query: str) -> None:
    identity = await backbone.identity()
    for path in all_paths():
        if path.endswith("/sse"):
            continue  # takes no query, and does not end
        url = f"{path.replace('{}', 'XXXaaaaaaaaaaaaaaaaa')}?{query}"
        response = await backbone.client.get(url, headers=identity.headers)
        assert response.status_code in (200, 304, 400, 404, 405), f"{url[:80]}: {response.text}"


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1/Version", "/api/v2/Nothing", "/api/v2/Version/x", "/api/v2//", "/%2e%2e/x", "/{}"]
)
async def test_an_unknown_path_leads_nowhere(backbone: Backbone, path: str) -> None:
    response = await backbone.client.get(path)
    assert (response.status_code, response.content) == (404, b"")


async def test_a_wrong_method_is_refused(backbone: Backbone) -> None:
    response = await backbone.client.delete(f"{API}/Version")
    assert (response.status_code, response.content, response.headers["allow"]) == (405, b"", "GET")


async def test_paths_are_read_without_case(backbone: Backbone) -> None:
    assert (await backbone.client.get("/API/V2/version/")).status_code == 200


async def raw_answer(backbone: Backbone, head: str, *body: bytes) -> bytes:
    """What comes back, with a body sent piece by piece."""
    port = int(backbone.url.rpartition(":")[2])
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        await stream.send_all(head.replace("\n", "\r\n").encode() + b"\r\n")
        for part in body:
            await stream.send_all(part)
        received = b""
        while data := await stream.receive_some():
            received += data
    return received


async def test_a_body_that_is_too_large_is_refused(backbone: Backbone, identity: Identity) -> None:
    body = b'{"content":"' + b"A" * (20 * MEBIBYTE) + b'"}'
    response = await identity.request("POST", "/RelationshipTemplates", content=body)
    assert refusal(response) == (400, "error.platform.requestBodyTooLarge")
    assert message_of(response) == "The request body is too large."


@pytest.fixture
async def identity(backbone: Backbone) -> Identity:
    return await backbone.identity()


async def test_a_body_that_claims_to_be_far_too_large_is_not_even_read(backbone: Backbone) -> None:
    head = "POST /api/v2/Challenges HTTP/1.1\nHost: x\nContent-Length: 99999999999\n"
    assert b"requestBodyTooLarge" in await raw_answer(backbone, head)


async def test_a_body_without_length_is_cut_off(backbone: Backbone, identity: Identity) -> None:
    async def pieces() -> Any:
        for _ in range(22):
            yield b"A" * MEBIBYTE

    response = await identity.request("POST", "/RelationshipTemplates", content=pieces())
    assert refusal(response) == (400, "error.platform.requestBodyTooLarge")


async def test_a_large_content_is_refused_by_its_rule(backbone: Backbone, identity: Identity) -> None:
    response = await identity.post("/RelationshipTemplates", {"content": "A" * 14 * MEBIBYTE})
    assert message_of(response) == (
        f"'content' must be between 0 and {10 * MEBIBYTE} bytes long. You entered {14 * MEBIBYTE * 3 // 4} bytes."
    )


async def test_an_error_has_the_official_envelope(backbone: Backbone, identity: Identity) -> None:
    response = await identity.request("POST", "/RelationshipTemplates", content=b"{}")
    assert refusal(response) == UNREADABLE
    error = response.json()["error"]
    assert set(error) == {"id", "code", "message", "docs", "time", "data"}
    assert error["message"] == "'content': The property is required."
    assert (error["id"][:3], len(error["id"]), error["docs"], error["data"]) == ("ERR", 20, "", None)


async def test_answers_carry_the_official_headers(backbone: Backbone) -> None:
    response = await backbone.client.get(f"{API}/Version", headers={"x-correlation-id": "c" * 120})
    assert response.headers["x-correlation-id"] == "c" * 100
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-request-time"].endswith("Z")
    assert int(response.headers["x-response-duration-ms"]) >= 0
    assert response.headers["x-trace-id"]
    again = await backbone.client.get(f"{API}/Version")
    assert len(again.headers["x-correlation-id"]) == 32


async def test_a_client_that_goes_away_in_the_middle_of_its_request_disturbs_nobody(backbone: Backbone) -> None:
    port = int(backbone.url.rpartition(":")[2])
    for _ in range(5):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(b"POST /api/v2/Challenges HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    result(await backbone.client.get(f"{API}/Version"))


async def test_a_websocket_is_turned_away(backbone: Backbone) -> None:
    head = (
        "GET /api/v2/Version HTTP/1.1\nHost: x\nConnection: Upgrade\nUpgrade: websocket\n"
        "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
    )
    assert b" 403 " in (await raw_answer(backbone, head)).split(b"\r\n")[0]
