"""An API on a real socket, with a real account behind it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import trio

from tests.accounts import running_account, running_backbone, utc_now
from trio_connector.api.app import ConnectorApp, create_app
from trio_connector.api.parts import ApiParts, Health
from trio_connector.http_server import ServerConfig, serve
from trio_connector.settings import Settings, parse, redacted
from trio_connector.usecases.services import Services

API_KEY = "This_is_a_test_APIKEY_with_30_chars+"
CORE = "/api/core/v1"


@dataclass
class ServedApi:
    """A running API. ``client`` sends the API key; ``stranger`` sends none."""

    app: ConnectorApp
    url: str
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient
    services: Services


def settings_with(**server: Any) -> Settings:
    """A configuration with these keys of ``infrastructure.httpServer``; ``debug`` and ``docs`` are options too."""
    debug = server.pop("debug", False)
    docs = server.pop("docs", False)
    keys = server.pop("keys", {"test": {"key": API_KEY}})
    authentication = server.pop("authentication", {"apiKey": {"keys": keys}} if keys else {})
    return parse(
        {
            "debug": debug,
            "transportLibrary": {
                "baseUrl": "http://localhost:8090",
                "platformClientId": "test",
                "platformClientSecret": "a-secret-of-ours",
            },
            "infrastructure": {"httpServer": {"authentication": authentication, **server}},
            "modules": {"coreHttpApi": {"enabled": True, "docs": {"enabled": docs}}},
        },
        now=utc_now(),
    ).settings


async def all_well() -> Health:
    """A health check that finds nothing."""
    return Health(database=True, backbone_connection=True, backbone_authentication=True)


@asynccontextmanager
async def served(
    services: Services,
    *,
    settings: Settings | None = None,
    make: Callable[[ApiParts], ConnectorApp] = create_app,
    stopping: trio.Event | None = None,
    **parts: Any,
) -> AsyncIterator[ServedApi]:
    """Serve the API of ``services`` on a free port."""
    settings = settings or settings_with()
    stopping = trio.Event() if stopping is None else stopping
    given: dict[str, Any] = {
        "health": all_well,
        "clock": services.clock,
        "entropy": os.urandom,
        "configuration": redacted(settings),
        "stopping": stopping,
    }
    app = make(ApiParts(settings=settings, services=services, **{**given, **parts}))
    async with trio.open_nursery() as nursery:
        urls = await nursery.start(
            partial(serve, app, ServerConfig(graceful_timeout=1), shutdown_trigger=stopping.wait)
        )
        async with (
            httpx.AsyncClient(base_url=urls[0], headers={"X-API-KEY": API_KEY}, timeout=20) as client,
            httpx.AsyncClient(base_url=urls[0], timeout=20) as stranger,
        ):
            yield ServedApi(app, urls[0], client, stranger, services)
        stopping.set()


@asynccontextmanager
async def served_account(**options: Any) -> AsyncIterator[ServedApi]:
    """An API with a fresh account at a fresh embedded Backbone."""
    async with (
        running_backbone() as backbone,
        running_account(backbone) as services,
        served(services, **options) as api,
    ):
        yield api


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error response, whose form is checked."""
    body = response.json()
    assert list(body) == ["error"]
    error = body["error"]
    assert list(error)[:5] == ["code", "message", "id", "time", "docs"]
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert error["docs"] == f"https://enmeshed.eu/integrate/error-codes#{error['code']}"
    return response.status_code, error["code"], error["message"]
