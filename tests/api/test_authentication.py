"""Who may do what (connector spec section 4)."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import structlog
import trio

from tests.accounts import utc_now
from tests.api.served import API_KEY, CORE, ServedApi, error_of, served, served_account, settings_with
from trio_connector.api.authentication import authenticator as make_authenticator
from trio_connector.api.authentication.api_keys import ApiKeys
from trio_connector.api.authentication.authenticator import Authenticator
from trio_connector.api.errors import HttpError
from trio_connector.api.request import Request
from trio_connector.api.roles import permitted
from trio_connector.crypto.dates import iso
from trio_connector.outgoing import Outgoing
from trio_connector.settings import AuthenticationSettings

UNAUTHORIZED = (401, "error.connector.unauthorized", "Unauthorized.")
FORBIDDEN = (403, "error.connector.forbidden", "You are not allowed to access this endpoint.")


def other_key(number: int) -> str:
    return f"Another_strong_API_KEY_of_ours_{number:02d}"


async def test_without_the_right_key_everything_is_401_even_what_does_not_exist(api: ServedApi) -> None:
    async def refused(path: str, **options: Any) -> None:
        response = await api.stranger.get(path, **options)
        assert error_of(response) == UNAUTHORIZED
        assert "www-authenticate" not in response.headers

    async with trio.open_nursery() as nursery:
        nursery.start_soon(refused, f"{CORE}/Files")
        nursery.start_soon(refused, "/nowhere")
        for key in (API_KEY + "x", "", "ü"):
            headers = [(b"x-api-key", key.encode("latin-1"))]
            nursery.start_soon(partial(refused, "/Monitoring/Version", headers=headers))
        # Repeated, it is joined and so another key.
        twice = [("X-API-KEY", API_KEY), ("X-API-KEY", API_KEY)]
        nursery.start_soon(partial(refused, f"{CORE}/Files", headers=twice))
        nursery.start_soon(partial(refused, f"{CORE}/Files", headers={"Authorization": f"Bearer {API_KEY}"}))
    assert (await api.client.get(f"{CORE}/Files")).status_code == 200


async def test_health_is_open_to_everybody(api: ServedApi) -> None:
    assert (await api.stranger.get("/health")).status_code == 200


async def test_a_key_with_scopes_opens_what_they_name() -> None:
    keys = {
        "relationships": {"key": other_key(1), "scopes": ["core:relationships"]},
        "nothing": {"key": other_key(2), "scopes": []},
        "requests": {"key": other_key(3), "scopes": ["core:requests:incoming"]},
        "core": {"key": other_key(4), "scopes": ["core:**"]},
        "off": {"key": other_key(5), "enabled": False},
        "expired": {"key": other_key(6), "expiresAt": iso(utc_now() - timedelta(days=1))},
        "all": {"key": API_KEY, "expiresAt": iso(utc_now() + timedelta(days=1))},
    }
    async with served_account(settings=settings_with(keys=keys)) as api:

        async def status(number: int, path: str) -> int:
            response = await api.stranger.get(path, headers={"x-api-KEY": other_key(number)})
            if response.status_code >= 400:
                assert error_of(response) in (FORBIDDEN, UNAUTHORIZED)
            return response.status_code

        assert await status(1, f"{CORE}/Relationships") == 200
        assert await status(1, f"{CORE}/Files") == 403
        assert await status(1, "/Monitoring/Version") == 403
        assert await status(2, f"{CORE}/Relationships") == 403
        assert await status(3, f"{CORE}/Requests/Incoming") == 200
        assert await status(3, f"{CORE}/Requests/Outgoing") == 403
        assert await status(4, f"{CORE}/Files") == 200
        assert await status(4, "/Monitoring/Requests") == 403
        assert await status(5, f"{CORE}/Files") == 401
        assert await status(6, f"{CORE}/Files") == 401
        assert (await api.client.get("/Monitoring/Support")).status_code == 200
        # Which methods a path has is told without asking for a role.
        response = await api.stranger.patch(f"{CORE}/Files", headers={"X-API-KEY": other_key(2)})
        assert response.status_code == 405


async def test_debug_mode_without_authentication_is_open_and_says_so(api: ServedApi) -> None:
    with structlog.testing.capture_logs() as lines:
        settings = settings_with(debug=True, authentication={})
        async with served(api.services, settings=settings) as other:
            assert (await other.stranger.get(f"{CORE}/Files")).status_code == 200
            assert (await other.stranger.get(f"{CORE}/IdentityDeletionProcess")).status_code == 400
    assert [line["log_level"] for line in lines if "everybody" in line["event"]] == ["warning"]


def test_production_mode_without_authentication_does_not_start() -> None:
    with pytest.raises(ValueError, match="No API key and OAuth config set in configuration"):
        make_authenticator(
            AuthenticationSettings(), debug=False, clock=utc_now, outgoing=Outgoing(), entropy=os.urandom
        )


async def test_refusals_wait_but_only_so_many_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    class NoKeys:
        header = b"x-api-key"

        def roles(self, given: str) -> None:
            return None

    keys: Any = NoKeys()
    authenticator = Authenticator(keys)
    scope = {"method": "GET", "path": "/", "headers": [(b"x-api-key", b"x")], "query_string": b""}
    waited: list[float] = []

    async def ask() -> None:
        with pytest.raises(HttpError):
            await authenticator.roles(Request(scope))
        waited.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for _ in range(150):
            nursery.start_soon(ask)
    assert waited.count(0) == 50
    assert set(waited) <= {0, 1, 2, 3, 4}


async def test_a_client_that_goes_away_ends_the_waiting(autojump_clock: trio.testing.MockClock) -> None:
    class NoKeys:
        header = b"x-api-key"

        def roles(self, given: str) -> None:
            return None

    async def gone() -> None:
        await trio.sleep(0.1)

    keys: Any = NoKeys()
    scope = {"method": "GET", "path": "/", "headers": [(b"x-api-key", b"x")], "query_string": b""}
    with pytest.raises(HttpError):
        await Authenticator(keys).roles(Request(scope, gone))
    assert trio.current_time() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("roles", "wanted", "expected"),
    [
        (("**",), "core:files", True),
        (("core:*",), "core:requests", True),
        (("core:*",), "core:requests:incoming", False),
        (("core:**",), "core:requests:incoming", True),
        (("core:**",), "monitoring:version", False),
        (("core:files",), "core:files", True),
        (("core:file.",), "core:files", False),
        (("core.*",), "coreXfiles", False),
        (("*",), "core:files", False),
        (("*:files",), "core:files", True),
        ((), "core:files", False),
        (("core:files ",), "core:files", False),
        (("**" * 50 + "x",), "core:" + "a" * 2000, False),
    ],
)
def test_roles_may_have_wildcards(roles: tuple[str, ...], wanted: str, expected: bool) -> None:
    assert permitted(roles, (wanted,)) is expected


def test_keys_do_not_show_themselves() -> None:
    settings = settings_with()
    keys = ApiKeys(settings.infrastructure.http_server.authentication.api_key, utc_now)
    assert API_KEY not in repr(keys)
    assert API_KEY not in repr(vars(keys))
