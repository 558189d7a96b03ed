"""What every response has in common, in the order that clients know (connector spec section 3)."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from typing import Any

import httpx
import pytest
import structlog

from tests.api.served import API_KEY, CORE, ServedApi, error_of, served, served_account, settings_with
from trio_connector.api.answer import Answer
from trio_connector.api.app import ConnectorApp, create_app
from trio_connector.api.call import Call
from trio_connector.api.parts import ApiParts
from trio_connector.api.routing import Accept, Route
from trio_connector.correlation import current_correlation_id

INVALID_JSON = (400, "error.connector.validation.invalidJsonInPayload", "The given payload is not a valid json object.")


async def test_an_answer_carries_timing_security_and_caching_headers(api: ServedApi) -> None:
    response = await api.client.get(f"{CORE}/Account/IdentityInfo")
    assert response.status_code == 200
    assert response.json() == {
        "result": {"address": api.services.address, "publicKey": response.json()["result"]["publicKey"]}
    }
    headers = response.headers
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", headers["x-response-time"])
    assert headers["x-response-duration-ms"].isdigit()
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert headers["vary"] == "Accept, Accept-Encoding"
    assert headers["etag"].startswith('W/"')
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert headers["content-security-policy"].startswith("default-src 'self';base-uri 'self'")
    for absent in ("x-powered-by", "server", "x-correlation-id", "location", "access-control-allow-origin"):
        assert absent not in headers


async def test_an_unchanged_answer_is_not_sent_again(api: ServedApi) -> None:
    first = await api.client.get(f"{CORE}/Account/IdentityInfo")
    second = await api.client.get(
        f"{CORE}/Account/IdentityInfo", headers={"If-None-Match": f'"other", {first.headers["etag"]}'}
    )
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]
    third = await api.client.get(f"{CORE}/Account/IdentityInfo", headers={"If-None-Match": '"other"'})
    assert third.status_code == 200


async def test_head_answers_what_get_would_without_its_body(api: ServedApi) -> None:
    got = await api.client.get(f"{CORE}/Files")
    head = await api.client.head(f"{CORE}/Files")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert head.headers["etag"] == got.headers["etag"]


async def test_paths_ignore_case_and_a_trailing_slash(api: ServedApi) -> None:
    for path in (f"{CORE}/files", "/API/Core/V1/Files/", f"{CORE}/FILES/Own/", "/Health/"):
        assert (await api.client.get(path)).status_code == 200
    for path in (f"{CORE}//Files", f"{CORE}/Files//", "/", ""):
        assert (await api.client.get(path)).status_code == 404


async def test_another_method_on_a_known_path_is_not_allowed(api: ServedApi) -> None:
    response = await api.client.patch(f"{CORE}/Files")
    assert error_of(response) == (
        405,
        "error.connector.http.methodNotAllowed",
        "The request method is not supported for the requested resource.",
    )
    assert response.headers["allow"] == "GET"
    response = await api.client.put(f"{CORE}/Tokens/TOKaaaaaaaaaaaaaaaaa")
    assert response.headers["allow"] == "GET, DELETE"
    assert (await api.client.options(f"{CORE}/Files")).status_code == 405


@pytest.mark.parametrize("path", ["/health", "/Monitoring/Version"])
async def test_outside_the_api_another_method_is_as_if_nothing_were_there(api: ServedApi, path: str) -> None:
    assert (await api.client.post(path)).status_code == 404


async def test_a_literal_path_wins_only_for_its_own_method(api: ServedApi) -> None:
    response = await api.client.get(f"{CORE}/Attributes/CanCreate")
    assert error_of(response)[2] == "id must match pattern ATT[A-Za-z0-9]{17}"
    assert error_of(await api.client.put(f"{CORE}/Attributes/CanCreate"))[2] == "must have required property 'content'"


async def test_an_unknown_route_is_404(api: ServedApi) -> None:
    for path in ("/apii/core/v1/Files", f"{CORE}/Tokens", f"{CORE}/Files/x/y/z", f"{CORE}/Files/%ff"):
        assert error_of(await api.client.get(path)) == (
            404,
            "error.connector.http.routeDoesNotExist",
            "The requested route does not exist.",
        )


async def test_what_the_client_does_not_accept_is_406(api: ServedApi) -> None:
    accept = {"Accept": "application/xml"}
    assert error_of(await api.client.get(f"{CORE}/Files", headers=accept))[:2] == (
        406,
        "error.connector.http.notAcceptable",
    )
    # This route does not negotiate.
    assert (await api.client.get(f"{CORE}/RelationshipTemplates", headers=accept)).status_code == 200
    for accepted in ("*/*", "application/*", "text/html, application/json;q=0.1"):
        assert (await api.client.get(f"{CORE}/Files", headers={"Accept": accepted})).status_code == 200
    assert (await api.client.get(f"{CORE}/Files", headers={"Accept": "application/json;q=0"})).status_code == 406


@pytest.mark.parametrize(
    "body",
    [b'{"a":', b'"text"', b"5", b"null", b"{'a': 1}", b'{"a": NaN}', b"\xff{}", b'{"a": "\xff"}', b"[" * 100_000],
)
async def test_a_body_that_is_no_json_object_is_refused_even_without_credentials(api: ServedApi, body: bytes) -> None:
    for client in (api.client, api.stranger):
        response = await client.post(f"{CORE}/Tokens/Own", content=body, headers={"Content-Type": "application/json"})
        assert error_of(response) == INVALID_JSON


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "0"}, {"Content-Type": "text/plain"}])
async def test_a_missing_body_is_an_empty_object(api: ServedApi, headers: dict[str, str]) -> None:
    content = b"ignored" if "Content-Type" in headers else None
    response = await api.client.post(f"{CORE}/Tokens/Own", headers=headers, content=content)
    assert error_of(response)[2] == "must have required property 'content'"
    response = await api.client.post(
        f"{CORE}/Tokens/Own", content=b"", headers={"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    )
    assert error_of(response)[2] == "must have required property 'content'"


async def test_a_list_is_no_object_but_no_syntax_error_either(api: ServedApi) -> None:
    assert error_of(await api.client.post(f"{CORE}/Tokens/Own", json=[]))[2] == "must be object"


async def test_an_urlencoded_body_counts_as_the_object(api: ServedApi) -> None:
    response = await api.client.post(f"{CORE}/Challenges/Validate", data={"challengeString": "x"})
    assert error_of(response)[2] == "must have required property 'signature'"


class Body(httpx.AsyncByteStream):
    """A body that may be left half sent, when the answer comes first."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = iter(chunks)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration


async def test_a_body_beyond_its_limit_is_413(api: ServedApi) -> None:
    allowed = json.dumps({"a": "x" * (2 * 1024 * 1024 - 9)}).encode()
    assert len(allowed) == 2 * 1024 * 1024
    headers = {"Content-Type": "application/json"}
    assert (await api.client.post(f"{CORE}/Tokens/Own", content=allowed, headers=headers)).status_code == 400

    for content in (Body(allowed + b" "), Body(allowed, b" ")):
        response = await api.client.post(f"{CORE}/Tokens/Own", content=content, headers=headers)
        assert error_of(response)[:2] == (413, "error.connector.http.payloadTooLarge")
    response = await api.client.post(
        f"{CORE}/Tokens/Own",
        content=Body(b"a=" + b"x" * 102_400),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert response.status_code == 413


async def test_a_compressed_body_is_unpacked_within_the_same_limit(api: ServedApi) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await api.client.post(f"{CORE}/Tokens/Own", content=gzip.compress(b'{"content":1}'), headers=headers)
    assert error_of(response)[2] == "must have required property 'expiresAt'"
    bomb = gzip.compress(b'{"a":"' + b"x" * 50_000_000 + b'"}')
    assert len(bomb) < 100_000
    assert (await api.client.post(f"{CORE}/Tokens/Own", content=bomb, headers=headers)).status_code == 413
    assert (await api.client.post(f"{CORE}/Tokens/Own", content=b"{}", headers=headers)).status_code == 400
    headers["Content-Encoding"] = "br"
    assert (await api.client.post(f"{CORE}/Tokens/Own", content=b"{}", headers=headers)).status_code == 415


async def test_huge_numbers_become_what_javascript_makes_of_them(api: ServedApi) -> None:
    content = b'{"content": {"value": 123456789012345678901234567890}, "expiresAt": "2099-01-01"}'
    headers = {"Content-Type": "application/json"}
    response = await api.client.post(f"{CORE}/Tokens/Own", content=content, headers=headers)
    assert response.status_code == 201
    assert response.json()["result"]["content"] == {"value": 1.2345678901234568e29}
    huge = b'{"content": ' + b"9" * 400 + b"}"
    response = await api.client.post(f"{CORE}/Tokens/Own", content=huge, headers=headers)
    assert error_of(response) == INVALID_JSON


async def test_long_answers_are_compressed(api: ServedApi) -> None:
    for number in range(4):
        await api.client.post(
            f"{CORE}/Tokens/Own", json={"content": {"number": number}, "expiresAt": "2099-01-01T00:00:00.000Z"}
        )
    plain = await api.client.get(f"{CORE}/Tokens/Own", headers={"Accept-Encoding": "identity"})
    packed = await api.client.get(f"{CORE}/Tokens/Own", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.json() == plain.json()
    short = await api.client.get(f"{CORE}/Account/IdentityInfo", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


async def test_created_things_have_no_address_of_their_own(api: ServedApi) -> None:
    response = await api.client.post(f"{CORE}/Challenges", json={"challengeType": "Identity"})
    assert (response.status_code, response.headers["location"]) == (201, "_")


async def test_too_many_parameters_are_refused(api: ServedApi) -> None:
    response = await api.client.get(f"{CORE}/Files?" + "&".join(f"a{number}=1" for number in range(1001)))
    assert error_of(response)[0] == 400


async def test_a_boolean_parameter_is_given_once(api: ServedApi) -> None:
    path = f"{CORE}/Attributes/Own/Identity"
    for text in ("true", "TRUE", "no", ""):
        assert (await api.client.get(path, params={"onlyLatestVersions": text})).status_code == 200
    response = await api.client.get(path, params={"onlyLatestVersions": ["true", "true"]})
    assert error_of(response)[2] == "onlyLatestVersions must be boolean"


async def _tell_correlation_id(call: Call) -> Answer:
    return call.result(current_correlation_id())


def with_route(*routes: Route) -> Any:
    def make(parts: ApiParts) -> ConnectorApp:
        app = create_app(parts)
        app.pipeline.table.add("/test", routes)
        return app

    return make


async def test_everything_is_done_under_the_callers_correlation_id(api: ServedApi) -> None:
    routes = (
        Route("GET", "id", _tell_correlation_id, "Quick."),
        Route("POST", "id", _tell_correlation_id, "Through Quart.", changes=True),
    )
    async with served(api.services, make=with_route(*routes)) as other:
        for method in ("GET", "POST"):
            response = await other.client.request(method, "/test/id", headers={"x-correlation-id": "from outside"})
            assert response.json() == {"result": "from outside"}
            response = await other.client.request(method, "/test/id", headers={"x-correlation-id": "x" * 201})
            assert uuid.UUID(response.json()["result"]).version == 4


async def _fail(call: Call) -> Answer:
    raise RuntimeError("a bug")


async def test_a_bug_is_told_to_the_log_and_not_to_the_client(api: ServedApi) -> None:
    routes = (
        Route("GET", "bug", _fail, "Quick.", accept=Accept.ANY),
        Route("POST", "bug", _fail, "Through Quart.", accept=Accept.ANY, changes=True),
    )
    with structlog.testing.capture_logs() as lines:
        async with served(api.services, make=with_route(*routes)) as other:
            for method in ("GET", "POST"):
                response = await other.client.request(method, "/test/bug")
                assert error_of(response) == (500, "error.connector.unexpected", "An unexpected error occurred.")
                assert list(response.json()["error"]) == ["code", "message", "id", "time", "docs"]
                id_ = response.json()["error"]["id"]
                assert re.fullmatch("ERR[A-HJ-NP-Z2-9]{17}", id_)
                told = next(line for line in lines if line["event"] == id_)
                assert told["log_level"] == "error"
                assert isinstance(told["exc_info"], RuntimeError)
    accesses = [line["event"] for line in lines if " -- " in line["event"]]
    assert re.fullmatch(r"GET /test/bug 500 -- \d+ms", accesses[0])


async def test_debug_mode_shows_where_an_error_came_from(api: ServedApi) -> None:
    settings = settings_with(debug=True)
    routes = (Route("GET", "bug", _fail, "Quick.", accept=Accept.ANY),)
    async with served(api.services, make=with_route(*routes), settings=settings) as other:
        error = (await other.client.get("/test/bug")).json()["error"]
        assert list(error) == ["code", "message", "id", "time", "docs", "stacktrace", "details"]
        assert error["details"] == "RuntimeError: a bug"
        assert any("_fail" in line for line in error["stacktrace"])
        error = (await other.client.get(f"{CORE}/Files/FIL1")).json()["error"]
        assert list(error) == ["code", "message", "id", "time", "docs", "stacktrace"]
        error = (await other.client.get("/nowhere")).json()["error"]
        assert list(error) == ["code", "message", "id", "time", "docs"]


async def test_helmet_options_replace_the_default() -> None:
    options = {"contentSecurityPolicy": False, "frameguard": {"action": "deny"}, "hsts": {"maxAge": 5}}
    async with served_account(settings=settings_with(helmetOptions=options)) as api:
        headers = (await api.client.get("/health")).headers
        assert "content-security-policy" not in headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"] == "max-age=5; includeSubDomains"
        assert headers["x-content-type-options"] == "nosniff"


async def test_cross_origin_rules_are_those_of_the_configuration() -> None:
    cors = {"origin": "http://a.b", "credentials": True}
    async with served_account(settings=settings_with(cors=cors)) as api:
        preflight = await api.stranger.options(
            f"{CORE}/Files", headers={"Origin": "http://a.b", "Access-Control-Request-Headers": "x-api-key"}
        )
        assert (preflight.status_code, preflight.headers["content-length"]) == (204, "0")
        assert preflight.headers["access-control-allow-origin"] == "http://a.b"
        assert preflight.headers["access-control-allow-credentials"] == "true"
        assert preflight.headers["access-control-allow-methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
        assert preflight.headers["access-control-allow-headers"] == "x-api-key"
        assert preflight.headers["vary"].startswith("Origin, Access-Control-Request-Headers")
        response = await api.client.get(f"{CORE}/Files")
        assert response.headers["access-control-allow-origin"] == "http://a.b"
        assert response.headers["vary"] == "Origin, Accept, Accept-Encoding"


async def test_a_stranger_sending_nonsense_gets_an_answer(api: ServedApi) -> None:
    async with httpx.AsyncClient(base_url=api.url, headers={"X-API-KEY": API_KEY}) as client:
        for headers in (
            {"Content-Type": "application/json; charset=utf-7"},
            {"Content-Type": "multipart/form-data"},
            {"Content-Type": "application/json; charset=no-such"},
            {"Content-Type": ";;;"},
            {"Accept": "nonsense"},
            {"Accept-Encoding": "gzip;q=x, ;;"},
            {"If-None-Match": ",,,"},
            {"Host": "[::"},
            {"Host": ""},
        ):
            for content in (b"", b"{}", b"\x00\xff"):
                response = await client.post(f"{CORE}/Files/Own", headers=headers, content=content)
                assert response.status_code in (400, 406), (headers, content)
