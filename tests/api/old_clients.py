"""Clients of earlier generations of the API, each of a Connector of its own at one Backbone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.accounts import FAR_FUTURE, running_account, running_backbone
from tests.api.served import ServedApi, served
from tests.connectors import running_modules


class OldClient:
    """Speaks to the API below ``prefix``, and checks what every answer of an old prefix says."""

    def __init__(self, api: ServedApi, prefix: str) -> None:
        self.api = api
        self.prefix = prefix
        self.services = api.services

    @property
    def address(self) -> str:
        """Who this Connector is."""
        return self.services.address

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any answer."""
        response = await self.api.client.request(method, f"{self.prefix}/{path}", **options)
        assert response.headers["deprecation"].startswith("@")
        assert response.headers["link"].endswith('; rel="successor-version"')
        return response

    async def get(self, path: str, **query: Any) -> Any:
        """The result of a GET."""
        return _result(await self.ask("GET", path, params=query), 200)

    async def post(self, path: str, body: Any = None, *, status: int = 201, **options: Any) -> Any:
        """The result of a POST, which creates something unless ``status`` says otherwise."""
        return _result(await self.ask("POST", path, **({"json": body} if body is not None else {}), **options), status)

    async def put(self, path: str, body: Any = None) -> Any:
        """The result of a PUT."""
        return _result(await self.ask("PUT", path, json={} if body is None else body), 200)

    async def refused(self, method: str, path: str, **options: Any) -> tuple[int, str, str]:
        """Status, code and message of the error."""
        response = await self.ask(method, path, **options)
        error = response.json()["error"]
        return response.status_code, error["code"], error["message"]

    async def template(self, content: Any = None, **more: Any) -> Any:
        """An own template."""
        body = {"content": {"from": "us"} if content is None else content, "expiresAt": FAR_FUTURE, **more}
        return await self.post("RelationshipTemplates/Own", body)

    async def upload(self, content: bytes = b"content", **more: Any) -> Any:
        """An own file."""
        data = {"title": "Title", "expiresAt": FAR_FUTURE, **more}
        return await self.post("Files/Own", data=data, files={"file": ("a b.txt", content, "text/plain")})


def _result(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, response.text
    return response.json()["result"]


@asynccontextmanager
async def two_clients(prefix: str) -> AsyncIterator[tuple[OldClient, OldClient]]:
    """Clients of two Connectors that do not know each other; their modules run."""
    async with (
        running_backbone() as backbone,
        running_account(backbone) as one,
        running_account(backbone) as other,
        running_modules(one),
        running_modules(other),
        served(one) as api_of_one,
        served(other) as api_of_other,
    ):
        yield OldClient(api_of_one, prefix), OldClient(api_of_other, prefix)
