"""What goes out: headers, token, queries, pages, and what is sent twice."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
import trio
import trio.testing

from tests.backbone.doubles import (
    BASE_URL,
    Double,
    always,
    backbone_of,
    http_response,
    read_request,
    results,
    serving,
)
from trio_connector.backbone import Credentials, ExternalEventResult, NewDatawalletModification
from trio_connector.correlation import correlated
from trio_connector.errors import BackboneRequestError

CHALLENGE = {"id": "CHL1", "expiresAt": "2025-01-01T00:00:00.000Z", "createdBy": None}
NEW = {"id": "TOK1", "createdAt": "2025-01-01T00:00:00.000Z"}


def challenge() -> httpx.Response:
    return httpx.Response(200, json={"result": CHALLENGE})


# headers, bodies, queries


async def test_headers_of_an_authenticated_request() -> None:
    double = always(challenge)
    async with double.open(additional_headers={"X-Tenant": "a"}, runtime_version="1.2.3") as backbone:
        with correlated("correlation-1"):
            await backbone.challenges.create()
    headers = double.requests[0].headers
    assert headers["authorization"] == "Bearer token1"
    assert headers["x-correlation-id"] == "correlation-1"
    assert headers["x-tenant"] == "a"
    assert headers["x-runtime-version"] == "1.2.3"
    assert headers["content-type"] == "application/json"
    assert double.requests[0].content == b"{}"
    assert double.token_requests[0].headers["x-correlation-id"] == "correlation-1"


async def test_headers_of_an_anonymous_request() -> None:
    double = always(challenge)
    async with double.open(credentials=lambda: None) as backbone:
        await backbone.challenges.create_anonymously()
    assert "authorization" not in double.requests[0].headers
    assert "x-correlation-id" not in double.requests[0].headers
    assert double.token_requests == []


async def test_a_correlation_id_cannot_break_the_request() -> None:
    double = always(challenge)
    async with double.open() as backbone:
        with correlated("a\r\nX-Evil: 1 ä" + "b" * 200):
            await backbone.challenges.create()
    assert double.requests[0].headers["x-correlation-id"] == "aX-Evil:1" + "b" * 91
    assert "x-evil" not in double.requests[0].headers


async def test_every_sync_and_datawallet_request_tells_the_supported_version() -> None:
    run = {
        "id": "SYR1",
        "type": "ExternalEventSync",
        "expiresAt": "2025-01-01",
        "index": 0,
        "createdAt": "2025-01-01",
        "createdBy": "did:e:a",
        "createdByDevice": "DVC1",
        "eventCount": 2,
    }
    double = results(
        {"status": "Created", "syncRun": run},
        {"status": "NoNewEvents", "syncRun": None},
        [],
        {"newUnsyncedExternalEventsExist": True, "datawalletModifications": []},
        {"newDatawalletModificationIndex": None, "datawalletModifications": []},
        {"version": 1},
        [],
        {"newIndex": 3, "modifications": []},
    )
    modification = NewDatawalletModification(
        object_identifier="FIL1", collection="Files", type="Delete", datawallet_version=1
    )
    async with double.open() as backbone:
        started = await backbone.sync_runs.start_external_event_sync()
        assert started.sync_run is not None
        assert started.sync_run.event_count == 2
        assert (await backbone.sync_runs.start_datawallet_version_upgrade(20)).sync_run is None
        await backbone.sync_runs.external_events("SYR1")
        ended = await backbone.sync_runs.finalize_external_event_sync(
            "SYR1",
            [
                ExternalEventResult(external_event_id="SYI1"),
                ExternalEventResult(external_event_id="SYI2", error_code="e" * 200),
            ],
        )
        assert ended.new_unsynced_external_events_exist
        await backbone.sync_runs.finalize_datawallet_version_upgrade("SYR1", 1)
        assert (await backbone.datawallet.get()).version == 1
        await backbone.datawallet.modifications(7)
        assert (await backbone.datawallet.push(None, [modification])).new_index == 3
    assert {request.headers["x-supported-datawallet-version"] for request in double.requests} == {"1"}
    sent = [(request.method, request.url.path) for request in double.requests]
    assert sent == [
        ("POST", "/api/v2/SyncRuns"),
        ("POST", "/api/v2/SyncRuns"),
        ("GET", "/api/v2/SyncRuns/SYR1/ExternalEvents"),
        ("PUT", "/api/v2/SyncRuns/SYR1/FinalizeExternalEventSync"),
        ("PUT", "/api/v2/SyncRuns/SYR1/FinalizeDatawalletVersionUpgrade"),
        ("GET", "/api/v2/Datawallet"),
        ("GET", "/api/v2/Datawallet/Modifications"),
        ("POST", "/api/v2/Datawallet/Modifications"),
    ]
    bodies = [json.loads(request.content) if request.content else None for request in double.requests]
    assert bodies[:2] == [{"type": "ExternalEventSync"}, {"type": "DatawalletVersionUpgrade", "duration": 20}]
    assert bodies[3] == {
        "externalEventResults": [
            {"externalEventId": "SYI1"},
            {"externalEventId": "SYI2", "errorCode": "e" * 100},
        ],
        "datawalletModifications": [],
    }
    assert bodies[7] == {
        "localIndex": -1,
        "modifications": [
            {"objectIdentifier": "FIL1", "collection": "Files", "type": "Delete", "datawalletVersion": 1}
        ],
    }


async def test_undefined_members_are_left_out_and_passwords_are_escaped() -> None:
    token = NEW | {"expiresAt": "2025-01-01", "isPasswordProtected": True}
    double = results(NEW, token)
    async with double.open() as backbone:
        await backbone.tokens.create(expires_at="2025-01-01", content="abc")
        await backbone.tokens.get("TOK1", password="a+b/c==")
    assert json.loads(double.requests[0].content) == {"content": "abc", "expiresAt": "2025-01-01"}
    assert double.requests[1].url.query == b"password=a%2Bb%2Fc%3D%3D"


async def test_ids_cannot_leave_their_place_in_the_path() -> None:
    double = always(challenge)
    async with double.open() as backbone:
        await backbone.challenges.get("../Tokens/TOK1?x=1#y")
    assert double.requests[0].url.raw_path == b"/api/v2/Challenges/..%2FTokens%2FTOK1%3Fx%3D1%23y"


# pages


def paged(numbers: list[int], page_size: int) -> Double:
    pages = [numbers[start : start + page_size] for start in range(0, len(numbers), page_size)] or [[]]

    async def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("pageNumber", "1"))
        result = [message(value) for value in pages[number - 1]]
        body: dict[str, Any] = {"result": result}
        if len(pages) > 1:
            body["pagination"] = {
                "pageNumber": number,
                "pageSize": page_size,
                "totalPages": len(pages),
                "totalRecords": len(numbers),
            }
        return httpx.Response(200, json=body)

    return Double(answer)


def message(number: int) -> dict[str, Any]:
    return {
        "id": f"MSG{number}",
        "createdAt": "2025-01-01",
        "createdBy": "did:e:a",
        "createdByDevice": "DVC1",
        "body": "b",
        "attachments": [],
        "recipients": [],
    }


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
async def test_lists_are_read_page_by_page(count: int) -> None:
    double = paged(list(range(count)), 2)
    async with double.open() as backbone:
        found = await backbone.messages.list(["MSG1", "MSG2"])
        assert [answer.id for answer in found] == [f"MSG{number}" for number in range(count)]
        queries = [request.url.query.decode() for request in double.requests]
        assert queries[0] == "ids=MSG1&ids=MSG2"
        assert queries[1:] == [f"ids=MSG1&ids=MSG2&pageNumber={page}" for page in range(2, (count + 1) // 2 + 1)]
        backwards = [answer.id async for answer in backbone.messages.newest_first()]
    assert backwards == [f"MSG{number}" for number in reversed(range(count))]


async def test_no_ids_need_no_request() -> None:
    double = always(challenge)
    async with double.open() as backbone:
        assert await backbone.messages.list([]) == []
        assert await backbone.files.list([]) == []
    assert double.requests == []


async def test_a_large_answer_arrives() -> None:
    body = "a" * 3_000_000
    async with results([message(1) | {"body": body}]).open() as backbone:
        (found,) = await backbone.messages.list(["MSG1"])
    assert found.body == body


# the token


async def test_many_callers_share_one_token_request() -> None:
    double = always(challenge)
    async with double.open() as backbone, trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(backbone.challenges.create)
    assert len(double.requests) == 50
    assert len(double.token_requests) == 1
    form = dict(httpx.QueryParams(double.token_requests[0].content.decode()).items())
    assert form == {
        "client_id": "test",
        "client_secret": "test-secret",
        "grant_type": "password",
        "username": "USR1",
        "password": "device-password",
    }


async def test_the_token_is_renewed_ten_seconds_before_it_ends(mock_clock: trio.testing.MockClock) -> None:
    double = always(challenge)
    async with double.open() as backbone:
        await backbone.challenges.create()
        mock_clock.jump(289)
        await backbone.challenges.create()
        assert len(double.token_requests) == 1
        mock_clock.jump(2)
        await backbone.challenges.create()
    assert len(double.token_requests) == 2
    assert double.requests[-1].headers["authorization"] == "Bearer token2"


async def test_credentials_are_read_for_each_token() -> None:
    passwords = iter(["first", "second"])
    double = always(challenge)
    double.token_lifetime_seconds = 5  # never fresh, so each request needs a new one
    async with double.open(credentials=lambda: Credentials("USR1", next(passwords))) as backbone:
        await backbone.challenges.create()
        await backbone.challenges.create()
    assert [b"password=first" in r.content for r in double.token_requests] == [True, False]
    assert b"password=second" in double.token_requests[1].content


async def test_a_refused_token_is_replaced_once_even_for_a_post() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        fresh = request.headers["authorization"] != "Bearer token1"
        return challenge() if fresh else httpx.Response(401)

    double = Double(answer)
    async with double.open() as backbone, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(backbone.challenges.create)
    assert len(double.token_requests) == 2  # one for all, each time
    assert len(double.requests) == 10


async def test_a_token_that_is_refused_again_is_an_error() -> None:
    double = always(lambda: httpx.Response(401))
    async with double.open() as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.create()
    assert (raised.value.code, raised.value.status) == ("error.platform.unauthorized", 401)
    assert len(double.requests) == 2


@pytest.mark.parametrize(
    ("status", "code", "shown"),
    [
        (400, "error.transport.request.noAuthGrant", 400),
        (404, "error.transport.request.noAuthGrant", 404),
        (500, "error.transport.request.noAuthGrant", 500),
        (401, "error.transport.request.noAuthPossible", 401),
        (503, "error.transport.request.noAuthPossible", 503),
    ],
)
async def test_refused_credentials(status: int, code: str, shown: int) -> None:
    double = always(challenge)
    double.token_status = status
    async with double.open() as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.check_authentication()
    assert (raised.value.code, raised.value.status) == (code, shown)
    assert (raised.value.method, raised.value.path) == ("post", "/connect/token")
    assert "device-password" not in str(raised.value)
    if code.endswith("noAuthGrant"):
        assert raised.value.message == "Backbone did not grant authentication. Are the credentials correct?"
    else:
        assert raised.value.message.startswith(
            "Authentication was not possible. Is the service up and running? Root cause: '"
        )


async def test_a_refusal_is_shared_by_all_who_wait_for_it_and_asked_for_again_afterwards() -> None:
    double = always(challenge)
    double.token_status = 400
    refused: list[BackboneRequestError] = []

    async def try_it() -> None:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.create()
        refused.append(raised.value)

    async with double.open() as backbone:
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(try_it)
        assert len(double.token_requests) == 1
        assert len({id(error) for error in refused}) == 20
        double.token_status = 200
        await backbone.challenges.create()


async def test_when_the_one_who_fetches_the_token_is_cancelled_the_next_one_does_it() -> None:
    started = trio.Event()

    async def answer(request: httpx.Request) -> httpx.Response:
        return challenge()

    class Slow(Double):
        async def handle(self, request: httpx.Request) -> httpx.Response:
            if request.url.path == "/connect/token" and not started.is_set():
                started.set()
                await trio.sleep_forever()
            return await super().handle(request)

    double = Slow(answer)
    scope = trio.CancelScope()

    async def first() -> None:
        with scope:
            await backbone.challenges.create()

    async with double.open() as backbone, trio.open_nursery() as nursery:
        nursery.start_soon(first)
        await started.wait()
        nursery.start_soon(backbone.challenges.create)
        await trio.testing.wait_all_tasks_blocked()
        scope.cancel()
    assert len(double.requests) == 1


async def test_without_an_account_nothing_is_asked() -> None:
    double = always(challenge)
    async with double.open(credentials=lambda: None) as backbone:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.create()
    assert raised.value.code == "error.transport.request.noAuthPossible"
    assert double.token_requests == []


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"not json", b'{"access_token":7}', b'{"access_token":"a\\r\\nb","expires_in":9}']
)
async def test_a_token_that_is_none(body: bytes) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body))) as client:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone_of(client, BASE_URL).access_token()
    assert (raised.value.code, raised.value.status) == ("error.transport.request.noAuthPossible", 500)


# what is sent twice


async def test_reading_is_repeated_once_when_the_connection_breaks() -> None:
    failures: list[Exception] = [httpx.ReadError("broken")]

    async def answer(request: httpx.Request) -> httpx.Response:
        if failures:
            raise failures.pop()
        return challenge()

    double = Double(answer)
    async with double.open() as backbone:
        await backbone.challenges.get("CHL1")
        assert len(double.requests) == 2
        failures.extend([httpx.ConnectError("again"), httpx.RemoteProtocolError("broken")])
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.get("CHL1")
    assert len(double.requests) == 4
    assert (raised.value.code, raised.value.message) == ("error.transport.request.unknown", "again")


async def test_writing_is_never_repeated() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("Server disconnected without sending a response.")

    double = Double(answer)
    async with double.open() as backbone:
        for work in (
            lambda: backbone.messages.send(body="b", recipients=[("did:e:a", "k")]),
            lambda: backbone.relationships.terminate("REL1"),
            lambda: backbone.files.regenerate_ownership_token("FIL1"),
            lambda: backbone.tokens.delete("TOK1"),
            lambda: backbone.tokens.get("TOK1", password="counted"),
        ):
            before = len(double.requests)
            with pytest.raises(BackboneRequestError) as raised:
                await work()
            assert raised.value.code == "error.transport.request.unknown"
            assert len(double.requests) == before + 1


async def test_redirects_are_followed_up_to_the_limit() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/elsewhere":
            return challenge()
        target = "/elsewhere" if request.url.path.endswith("CHL1") else request.url.path
        return httpx.Response(302, headers={"Location": target})

    double = Double(answer)
    async with double.open() as backbone:
        assert (await backbone.challenges.get("CHL1")).id == "CHL1"
        with pytest.raises(BackboneRequestError) as raised:
            await backbone.challenges.get("CHL2")
    assert raised.value.code == "error.transport.request.unknown"


# real sockets


async def test_compressed_answers_are_read() -> None:
    body = gzip.compress(json.dumps({"result": {"majorVersion": "7"}}).encode())

    async def handler(stream: trio.SocketStream) -> None:
        while await read_request(stream):
            await stream.send_all(http_response(body, "Content-Encoding: gzip"))

    async with serving(handler) as url, httpx.AsyncClient() as client:
        compatibility = await backbone_of(client, url).version.check_compatibility()
    assert compatibility.is_compatible
    assert compatibility.backbone_version == "7"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/9 nonsense\r\n\r\n",
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
            # When its decoder fails, httpx leaves its inner generators to the garbage collector.
            marks=pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
        ),
    ],
)
async def test_a_connection_that_breaks_in_the_middle(answer: bytes) -> None:
    async def handler(stream: trio.SocketStream) -> None:
        if await read_request(stream):
            await stream.send_all(answer)

    async with serving(handler) as url, httpx.AsyncClient() as client:
        with pytest.raises(BackboneRequestError) as raised:
            await backbone_of(client, url).version.major_version()
    assert raised.value.code == "error.transport.request.unknown"


async def test_a_backbone_that_drips_is_given_up_in_time() -> None:
    async def handler(stream: trio.SocketStream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            await stream.send_all(b"a")
            await trio.sleep(0.05)

    async with serving(handler) as url, httpx.AsyncClient(timeout=5) as client:
        with trio.fail_after(10), pytest.raises(BackboneRequestError) as raised:
            await backbone_of(client, url, timeout_seconds=0.3).version.major_version()
    assert raised.value.code == "error.transport.request.aborted"
    assert raised.value.message == "timeout of 300ms exceeded"


async def test_a_cancelled_request_leaves_a_usable_client() -> None:
    arrived = trio.Event()

    async def handler(stream: trio.SocketStream) -> None:
        while head := await read_request(stream):
            if b"/Version" in head:
                await stream.send_all(http_response(b'{"result":{"majorVersion":"7"}}'))
            else:
                arrived.set()

    limits = httpx.Limits(max_connections=1)
    async with serving(handler) as url, httpx.AsyncClient(limits=limits) as client:
        backbone = backbone_of(client, url)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(backbone.challenges.create_anonymously)
            await arrived.wait()
            nursery.cancel_scope.cancel()
        with trio.fail_after(10):
            assert await backbone.version.major_version() == 7


@pytest.mark.parametrize(("version", "compatible"), [("5", False), ("6", True), ("7", True), ("8", False), (7, True)])
async def test_which_backbones_are_compatible(version: str | int, compatible: bool) -> None:
    async with results({"majorVersion": version}).open() as backbone:
        outcome = await backbone.version.check_compatibility()
    assert outcome.is_compatible is compatible
    assert outcome.refusal == (
        "The given Backbone is not compatible with this Connector version. "
        f"The version of the configured Backbone is '{version}' the supported min/max version is '6/7'."
    )


async def test_tags_that_did_not_change_are_not_sent_again() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == '"a"':
            return httpx.Response(304)
        tag = {"displayNames": {"en": "A"}, "children": {"b": {"displayNames": {"en": "B"}}}}
        result = {"supportedLanguages": ["en"], "tagsForAttributeValueTypes": {"GivenName": {"a": tag}}}
        return httpx.Response(200, json={"result": result}, headers={"ETag": '"a"'})

    async with Double(answer).open() as backbone:
        fetched = await backbone.tags.get()
        assert fetched is not None
        tags, etag = fetched
        children = tags.tags_for_attribute_value_types["GivenName"]["a"].children
        assert children is not None
        assert children["b"].display_names == {"en": "B"}
        assert await backbone.tags.get(etag) is None


async def test_a_backbone_without_public_templates_has_none() -> None:
    async with always(lambda: httpx.Response(404)).open() as backbone:
        assert await backbone.public_template_references.list() == []
    async with always(lambda: httpx.Response(400)).open() as backbone:
        with pytest.raises(BackboneRequestError):
            await backbone.public_template_references.list()


# health


async def test_health_asks_once_for_all_and_leaves_the_token_alone(mock_clock: trio.testing.MockClock) -> None:
    double = always(lambda: httpx.Response(200, text="Healthy"))
    async with double.open() as backbone:
        token = await backbone.access_token()
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(backbone.health.check)
        assert (len(double.requests), len(double.token_requests)) == (1, 2)
        assert await backbone.access_token() == token

        mock_clock.jump(299)
        healthy = await backbone.health.check()
        assert (healthy.connection, healthy.authentication) == (True, True)
        assert (len(double.requests), len(double.token_requests)) == (2, 2)

        mock_clock.jump(2)
        double.token_status = 400
        healthy = await backbone.health.check()
        assert (healthy.connection, healthy.authentication) == (True, False)
        healthy = await backbone.health.check()
        assert len(double.token_requests) == 4  # a failure is not remembered


async def test_health_of_a_backbone_that_is_away() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    double = Double(answer)
    double.token_status = 503
    async with double.open() as backbone:
        healthy = await backbone.health.check()
    assert (healthy.connection, healthy.authentication) == (False, False)
