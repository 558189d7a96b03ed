"""What every answer of the earlier APIs has in common: headers, errors, roles, QR codes; and that they are complete."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE
from tests.api.old_clients import OldClient
from tests.api.served import ServedApi, served_account, settings_with
from trio_connector.api.legacy import GENERATIONS, V1, V2, Generation
from trio_connector.api.routes import CORE_PREFIX, CORE_RESOURCES
from trio_connector.api.routes.outputs import qr_code

PREFIXES = ("/api/v1", "/api/v2")
DEPRECATED = {"/api/v1": "@1664323200", "/api/v2": "@1762128000"}
PNG = {"Accept": "image/png"}
KEY = "SOME_other_key_with_30_characters_+12"


@pytest.fixture(params=PREFIXES)
async def client(request: pytest.FixtureRequest, api: ServedApi) -> OldClient:
    """A client of each prefix."""
    return OldClient(api, request.param)


@pytest.mark.parametrize(
    ("method", "path", "successor"),
    [
        ("GET", "Account/IdentityInfo", "/Account/IdentityInfo"),
        ("POST", "Account/Sync", "/Account/Sync"),
        ("get", "files/FILaaaaaaaaaaaaaaaaa/", "/Files/FILaaaaaaaaaaaaaaaaa"),
        ("GET", "Files/%3Cb%3E%22%C3%A4", "/Files/%3Cb%3E%22%C3%A4"),
        ("GET", "Attributes/Valid", "/Attributes"),
        ("PUT", "Relationships/RELa/Changes/RCHa/Accept", "/Relationships/RELa/Accept"),
        ("POST", "Relationships/RELa/Changes", "/Relationships/RELa/Terminate"),
        ("GET", "Unknown", ""),
        ("PATCH", "Files", ""),
    ],
)
async def test_every_answer_says_that_it_is_deprecated_and_by_what(
    client: OldClient, method: str, path: str, successor: str
) -> None:
    response = await client.api.client.request(method, f"{client.prefix}/{path}")
    assert response.headers["deprecation"] == DEPRECATED[client.prefix]
    assert response.headers["link"] == f'<{CORE_PREFIX}{successor}>; rel="successor-version"'


async def test_a_stranger_is_told_too(client: OldClient) -> None:
    response = await client.api.stranger.get(f"{client.prefix}/Files")
    assert response.status_code == 401
    assert response.headers["deprecation"] == DEPRECATED[client.prefix]
    code = {"/api/v1": "error.runtime.unauthorized", "/api/v2": "error.connector.unauthorized"}[client.prefix]
    assert response.json()["error"]["code"] == code


@pytest.mark.parametrize("path", ["/api/core/v1/Account/IdentityInfo", "/health", "/api/v11/Files", "/api/v3", "/api"])
async def test_nothing_else_is_deprecated(api: ServedApi, path: str) -> None:
    response = await api.client.get(path)
    assert "deprecation" not in response.headers
    assert "link" not in response.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "", 404, "error.connector.http.routeDoesNotExist"),
        ("GET", "/Unknown", 404, "error.connector.http.routeDoesNotExist"),
        ("GET", "/Events", 404, "error.connector.http.routeDoesNotExist"),
        ("PUT", "/Files", 405, "error.connector.http.methodNotAllowed"),
        ("GET", "/Tokens/TOKaaaaaaaaaaaaaaaaa", 404, "error.runtime.recordNotFound"),
        ("GET", "/Tokens/no-id", 400, "error.runtime.validation.invalidPropertyValue"),
    ],
)
async def test_errors_are_those_of_today_with_the_words_of_2022_under_v1(
    client: OldClient, method: str, path: str, status: int, code: str
) -> None:
    response = await client.api.client.request(method, client.prefix + path)
    error = response.json()["error"]
    if client.prefix == "/api/v1":
        if code == "error.connector.http.routeDoesNotExist":
            code = "error.connector.routeDoesNotExist"
            assert error["message"] == "This route does not exist."
        docs = f"https://enmeshed.eu/integrate/errorCodes#{code.lower()}"
    else:
        docs = f"https://enmeshed.eu/integrate/error-codes#{code}"
    assert (response.status_code, error["code"], error["docs"]) == (status, code, docs)
    assert list(error) == ["code", "message", "id", "time", "docs"]


async def test_roles_are_those_of_today() -> None:
    keys = {"files": {"key": KEY, "scopes": ["core:files"]}}
    async with served_account(settings=settings_with(keys=keys)) as api:
        headers = {"X-API-KEY": KEY}
        for prefix in PREFIXES:
            assert (await api.stranger.get(f"{prefix}/Files", headers=headers)).status_code == 200
            for path in ("Account/IdentityInfo", "Attributes", "Attributes/Valid", "Messages", "Relationships"):
                assert (await api.stranger.get(f"{prefix}/{path}", headers=headers)).status_code == 403
            assert (await api.stranger.post(f"{prefix}/Account/Sync", headers=headers)).status_code == 403


def test_every_route_asks_for_a_role_and_has_a_successor() -> None:
    served = {
        (route.method, "/".join(part for part in (resource.name, route.path) if part))
        for resource in CORE_RESOURCES
        for route in resource.routes
    }
    paths_of_today = {path for _, path in served}
    for generation in GENERATIONS:
        for route in generation.routes:
            assert route.roles
            assert not route.public
            assert route.successor in paths_of_today, route


def operations(generation: Generation) -> set[str]:
    """The routes of a generation, without the names of their parameters."""
    return {f"{route.method} {re.sub('{[^}]*}', '*', route.path)}" for route in generation.routes}


def test_v2_serves_what_v1_serves() -> None:
    assert operations(V1) <= operations(V2)
    assert {
        "POST Attributes/*/Succeed",
        "GET Attributes/Own/Shared/Identity",
        "DELETE Attributes/ThirdParty/*",
        "PUT Relationships/*/Reactivate/Revoke",
        "DELETE IdentityMetadata",
    } <= operations(V2) - operations(V1)


@pytest.mark.parametrize(("prefix", "scheme"), [("/api/v1", "nmshd://qr#"), ("/api/v2", "nmshd://tr#")])
async def test_qr_codes_show_truncated_references(api: ServedApi, prefix: str, scheme: str) -> None:
    client = OldClient(api, prefix)
    file = await client.upload()
    template = await client.template()
    token = await client.post("Tokens/Own", {"content": {}, "expiresAt": FAR_FUTURE})
    for resource, shown in (("Files", file), ("RelationshipTemplates", template), ("Tokens", token)):
        response = await client.ask("GET", f"{resource}/{shown['id']}", headers=PNG)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        assert response.headers["content-disposition"] == f"attachment;filename={shown['id']}.png"
        assert response.content == qr_code(scheme + shown["truncatedReference"])
        assert "accept" in response.headers["vary"].lower()
    for path, id_ in (("Files/{}/Token", file["id"]), ("RelationshipTemplates/Own/{}/Token", template["id"])):
        for body in (None, {"expiresAt": FAR_FUTURE, "ephemeral": False}):
            options: dict[str, Any] = {} if body is None else {"json": body}
            response = await client.ask("POST", path.format(id_), headers=PNG, **options)
            assert (response.status_code, response.headers["location"]) == (201, "_")
            assert response.headers["content-disposition"] == f"attachment;filename={id_}.png"
            assert response.content.startswith(b"\x89PNG")
    # Tokens that are handed out as images are not kept.
    assert await client.get("Tokens/Own") == [token]
    assert (await client.refused("GET", "Files/FILaaaaaaaaaaaaaaaaa", headers=PNG))[0] == 404
    assert (await client.refused("GET", f"Files/{file['id']}", headers={"Accept": "text/html"}))[0] == 406


POSTS = (
    "Attributes",
    "Attributes/ExecuteIdentityAttributeQuery",
    "Attributes/ExecuteRelationshipAttributeQuery",
    "Challenges",
    "Challenges/Validate",
    "Files/Peer",
    "Messages",
    "Relationships",
    "RelationshipTemplates/Own",
    "RelationshipTemplates/Peer",
    "Requests/Outgoing",
    "Requests/Outgoing/Validate",
    "Tokens/Own",
    "Tokens/Peer",
)


async def test_a_body_that_says_nothing_is_refused(client: OldClient) -> None:
    headers = {"Content-Type": "application/json"}
    for path in POSTS:
        for body in ("[]", "[1]", '{"content": null}', "{}"):
            status, _, message = await client.refused("POST", path, content=body, headers=headers)
            assert status == 400, (path, body, message)


async def test_a_list_longer_than_a_pause_comes_whole(client: OldClient) -> None:
    for number in range(120):
        await client.post("Tokens/Own", {"content": {"number": number}, "expiresAt": FAR_FUTURE})
    found = await client.get("Tokens/Own")
    assert [token["content"]["number"] for token in found] == list(range(120))
    assert len({token["truncatedReference"] for token in found}) == 120
