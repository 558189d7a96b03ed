"""Logging in with a browser at an identity provider (connector spec 4.5)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.accounts import utc_now
from tests.api.provider import Provider, running_provider
from tests.api.served import API_KEY, CORE, ServedApi, served_account, settings_with
from trio_connector.api.authentication.oidc import OidcSessions
from trio_connector.outgoing import Outgoing
from trio_connector.settings import OidcSettings

HTML = {"Accept": "text/html"}
BASE_URL = "http://connector.test"


@asynccontextmanager
async def browsed(**oidc: Any) -> AsyncIterator[tuple[Provider, ServedApi]]:
    async with running_provider() as provider:
        settings = settings_with(
            authentication={
                "apiKey": {"keys": {"test": {"key": API_KEY}}},
                "oidc": {
                    "issuerBaseURL": provider.url,
                    "baseURL": BASE_URL,
                    "clientID": "us",
                    "secret": "a-secret-for-cookies",
                    "rolesPath": "realm.roles",
                    **oidc,
                },
            }
        )
        async with served_account(settings=settings) as api:
            yield provider, api


def cookies_of(response: httpx.Response) -> dict[str, str]:
    """Names and values of the cookies that a response sets."""
    found = {}
    for header in response.headers.get_list("set-cookie"):
        name, _, rest = header.partition("=")
        assert "; HttpOnly; SameSite=Lax" in header
        found[name] = rest.partition(";")[0]
    return found


async def logged_in(provider: Provider, api: ServedApi, **claims: Any) -> httpx.Response:
    """Come back from the provider after having asked for ``/Files``."""
    sent_away = await api.stranger.get(f"{CORE}/Files?isOwn=true", headers=HTML)
    assert sent_away.status_code == 302
    login = cookies_of(sent_away)["appLogin"]
    query = provider.let_in(sent_away.headers["location"], **claims)
    return await api.stranger.get(f"/callback?{query}", headers={"Cookie": f"appLogin={login}"})


async def test_a_browser_is_sent_to_the_provider_and_comes_back_with_roles() -> None:
    async with browsed() as (provider, api):
        back = await logged_in(provider, api, realm={"roles": ["core:files"]})
        assert (back.status_code, back.headers["location"]) == (302, f"{BASE_URL}{CORE}/Files?isOwn=true")
        cookies = cookies_of(back)
        assert cookies["appLogin"] == ""
        session = {"Cookie": f"other=1; appSession={cookies['appSession']}"}
        assert (await api.stranger.get(f"{CORE}/Files", headers=session)).status_code == 200
        assert (await api.stranger.get(f"{CORE}/Tokens/Own", headers=session)).status_code == 403
        bye = await api.stranger.get("/logout", headers=session)
        assert (bye.status_code, bye.headers["location"]) == (302, f"{BASE_URL}/")
        assert cookies_of(bye) == {"appSession": ""}
        login = await api.stranger.get("/login")
        assert login.headers["location"].startswith(f"{provider.url}/authorize?")


async def test_programs_are_refused_and_not_sent_away() -> None:
    async with browsed() as (_, api):
        for headers in ({"Accept": "application/json"}, {"X-Requested-With": "XMLHttpRequest", **HTML}):
            assert (await api.stranger.get(f"{CORE}/Files", headers=headers)).status_code == 401
        assert (await api.client.get(f"{CORE}/Files")).status_code == 200


@pytest.mark.parametrize("claims", [{}, {"realm": {}}, {"realm": {"roles": "core:files"}}])
async def test_without_a_list_of_roles_a_session_opens_nothing(claims: dict[str, Any]) -> None:
    async with browsed() as (provider, api):
        cookies = cookies_of(await logged_in(provider, api, **claims))
        headers = {"Cookie": f"appSession={cookies['appSession']}"}
        assert (await api.stranger.get(f"{CORE}/Files", headers=headers)).status_code == 403


@pytest.mark.parametrize("claims", [{"nonce": "other"}, {"aud": "somebody-else"}, {"exp": 1000}])
async def test_a_token_for_something_else_lets_nobody_in(claims: dict[str, Any]) -> None:
    async with browsed() as (provider, api):
        back = await logged_in(provider, api, realm={"roles": ["**"]}, **claims)
        assert back.status_code == 401
        assert cookies_of(back) == {}


async def test_nobody_comes_in_by_another_ones_login_or_a_made_up_cookie() -> None:
    async with browsed() as (provider, api):
        first = await api.stranger.get(f"{CORE}/Files", headers=HTML)
        second = await api.stranger.get(f"{CORE}/Files", headers=HTML)
        query = provider.let_in(first.headers["location"])
        foreign = {"Cookie": f"appLogin={cookies_of(second)['appLogin']}"}
        assert (await api.stranger.get(f"/callback?{query}", headers=foreign)).status_code == 401
        assert (await api.stranger.get(f"/callback?{query}")).status_code == 401
        login = cookies_of(first)["appLogin"]
        for value in (login, login[:-2] + "AA", "x", "ä", "A" * 5000, ""):
            headers = [(b"cookie", f"appSession={value}".encode()), (b"accept", b"text/html")]
            assert (await api.stranger.get(f"{CORE}/Files", headers=headers)).status_code == 302


async def test_a_login_never_leads_elsewhere() -> None:
    async with browsed() as (provider, api):
        sent_away = await api.stranger.get(f"{api.url}//evil.test/x", headers=HTML)
        login = cookies_of(sent_away)["appLogin"]
        query = provider.let_in(sent_away.headers["location"])
        back = await api.stranger.get(f"/callback?{query}", headers={"Cookie": f"appLogin={login}"})
        assert back.headers["location"] == f"{BASE_URL}/"


async def test_a_provider_that_is_away_lets_nobody_in() -> None:
    async with browsed() as (provider, api):
        provider.broken = True
        assert (await api.stranger.get(f"{CORE}/Files", headers=HTML)).status_code == 401
        assert (await api.stranger.get("/login")).status_code == 401


async def test_behind_tls_cookies_stay_behind_tls() -> None:
    async with browsed(baseURL="https://connector.test") as (_, api):
        sent_away = await api.stranger.get(f"{CORE}/Files", headers=HTML)
        assert all("; Secure" in header for header in sent_away.headers.get_list("set-cookie"))


def test_settings_that_cannot_work_stop_the_start() -> None:
    settings = OidcSettings(issuer_base_url="http://x", base_url="http://y", secret="s")
    with pytest.raises(ValueError, match='"clientID" is required'):
        OidcSessions(settings, Outgoing(), utc_now, os.urandom)
