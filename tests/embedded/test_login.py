"""Access tokens, version and health (Backbone spec section 3)."""

from __future__ import annotations

import httpx
import pytest

from tests.embedded.backbone import API, Backbone, result


def oauth_error(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


async def test_version_and_health_are_open_to_everybody(backbone: Backbone) -> None:
    assert result(await backbone.client.get(f"{API}/Version")) == {"majorVersion": "7"}
    health = await backbone.client.get("/health")
    assert (health.status_code, health.text) == (200, "Healthy")


async def test_a_login_answers_without_envelope(backbone: Backbone) -> None:
    identity = await backbone.identity()
    response = await backbone.log_in(identity.username)
    assert response.status_code == 200
    assert {**response.json(), "access_token": ""} == {"access_token": "", "token_type": "Bearer", "expires_in": 300}


async def test_user_names_are_trimmed_and_compared_without_case(backbone: Backbone) -> None:
    identity = await backbone.identity()
    assert (await backbone.log_in(f" {identity.username.lower()} ")).status_code == 200


async def test_wrong_credentials_all_look_the_same(backbone: Backbone) -> None:
    identity = await backbone.identity()
    wrong_password = await backbone.log_in(identity.username, "wrong")
    unknown_user = await backbone.log_in("USRaaaaaaaaaaaaaaaaa")
    assert oauth_error(wrong_password) == (400, "invalid_grant")
    assert wrong_password.json() == unknown_user.json()


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"client_id": "wrong"}, (401, "invalid_client")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type")),
    ],
)
async def test_clients_and_grants_are_checked(
    backbone: Backbone, change: dict[str, str], refused: tuple[int, str]
) -> None:
    identity = await backbone.identity()
    assert oauth_error(await backbone.log_in(identity.username, **change)) == refused


async def test_a_login_without_password_is_an_invalid_request(backbone: Backbone) -> None:
    identity = await backbone.identity()
    response = await backbone.log_in(identity.username, "")
    assert response.json()["error"]["code"] == "error.platform.validation.authentication.invalidOAuthRequest"


async def test_three_wrong_passwords_lock_the_device_for_a_while(backbone: Backbone) -> None:
    identity = await backbone.identity()
    for _ in range(3):
        assert oauth_error(await backbone.log_in(identity.username, "wrong")) == (400, "invalid_grant")
    assert oauth_error(await backbone.log_in(identity.username)) == (400, "access_denied")
    backbone.clock.advance(seconds=61)
    assert (await backbone.log_in(identity.username)).status_code == 200


async def test_a_right_password_forgets_the_wrong_ones(backbone: Backbone) -> None:
    identity = await backbone.identity()
    for _ in range(3):
        await backbone.log_in(identity.username, "wrong")
        await backbone.log_in(identity.username, "wrong")
        assert (await backbone.log_in(identity.username)).status_code == 200


async def test_an_access_token_expires(backbone: Backbone) -> None:
    identity = await backbone.identity()
    backbone.clock.advance(seconds=299)
    assert (await identity.get("/Devices/Self")).status_code == 200
    backbone.clock.advance(seconds=2)
    response = await identity.get("/Devices/Self")
    assert (response.status_code, response.content) == (401, b"")
    assert "www-authenticate" in response.headers


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer x.y.z", "Basic dGVzdDp0ZXN0", "Bearer " + "a" * 5000, "\xff"]
)
async def test_what_is_no_access_token_is_none(backbone: Backbone, authorization: str) -> None:
    headers = [(b"authorization", authorization.encode("latin-1"))]
    response = await backbone.client.get(f"{API}/Devices/Self", headers=headers)
    assert (response.status_code, response.content) == (401, b"")


async def test_a_token_signed_with_another_key_is_none(backbone: Backbone) -> None:
    identity = await backbone.identity()
    head, payload, signature = identity.headers["authorization"].split(".")
    forged = f"{head}.{payload}.{signature[::-1]}"
    response = await backbone.client.get(f"{API}/Devices/Self", headers={"authorization": forged})
    assert response.status_code == 401


async def test_an_unsigned_token_is_none(backbone: Backbone) -> None:
    identity = await backbone.identity()
    payload = identity.headers["authorization"].split(".")[1]
    forged = f"Bearer eyJhbGciOiJub25lIn0.{payload}."
    response = await backbone.client.get(f"{API}/Devices/Self", headers={"authorization": forged})
    assert response.status_code == 401


async def test_an_invalid_token_is_nobody_where_nobody_may_ask(backbone: Backbone) -> None:
    response = await backbone.client.post(f"{API}/Challenges", json={}, headers={"authorization": "Bearer x"})
    assert result(response, 201)["createdBy"] is None
