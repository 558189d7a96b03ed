"""A real embedded Backbone on a free port, with a clock that tests set, and identities that talk to it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio

from trio_connector.crypto.challenges import Challenge, sign_challenge
from trio_connector.crypto.dates import iso
from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.signatures import SignatureKeypair
from trio_connector.embedded import BackboneSettings, serve_backbone

BOUND_SECONDS = 30
API = "/api/v2"
PASSWORD = "a Passw0rd of a device"
CONTENT = to_base64url(b"content")
KEY = to_base64url(b"k" * 50)
ADMIN_KEY = "admin key"
VERSION_HEADER = {"x-supported-datawallet-version": "1"}
SOME_ADDRESS = "did:e:localhost:dids:3a29ae5c1f591bbd9a2aaa"


class SettableClock:
    """Stands still until it is moved, but for a microsecond with every look: no two moments are the same."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def in_the_future(self, **duration: float) -> str:
        return iso(self.now + timedelta(**(duration or {"days": 1})))


@dataclass
class Backbone:
    """A running Backbone."""

    url: str
    clock: SettableClock
    client: httpx.AsyncClient
    shutdown: trio.Event

    async def identity(self) -> Identity:
        """A new identity, logged in, without datawallet."""
        keys = SignatureKeypair.generate(secrets.token_bytes)
        response = await self.create_identity(keys)
        assert response.status_code == 201, response.text
        made = response.json()["result"]
        identity = Identity(self, keys, made["address"], made["device"]["id"], made["device"]["username"])
        await identity.log_in()
        return identity

    async def signed_challenge(self, keys: SignatureKeypair, **changes: Any) -> dict[str, Any]:
        """A fresh challenge, signed."""
        challenge = result(await self.client.post(f"{API}/Challenges", json={}), 201)
        return signed(challenge, keys)

    async def create_identity(self, keys: SignatureKeypair, **changes: Any) -> httpx.Response:
        """The request that creates an identity, with some properties changed."""
        body = {
            "clientId": "test",
            "clientSecret": "test",
            "identityPublicKey": keys.public_key.to_base64(),
            "devicePassword": PASSWORD,
            "identityVersion": 1,
            "signedChallenge": await self.signed_challenge(keys),
        }
        return await self.client.post(f"{API}/Identities", json={**body, **changes})

    async def log_in(self, username: str, password: str = PASSWORD, **changes: str) -> httpx.Response:
        """The request for an access token."""
        form = {
            "client_id": "test",
            "client_secret": "test",
            "grant_type": "password",
            "username": username,
            "password": password,
        }
        return await self.client.post("/connect/token", data={**form, **changes})

    async def pair(self) -> tuple[Identity, Identity, str]:
        """The owner of a template, the one who used it, and the id of their active relationship."""
        owner, requester = await self.identity(), await self.identity()
        relationship_id = await requester.request_relationship(owner)
        result(await owner.put(f"/Relationships/{relationship_id}/Accept", {}))
        return owner, requester, relationship_id

    async def run_deletion_job(self) -> int:
        """How many identities were deleted."""
        response = await self.client.post("/api/v1/IdentityDeletionJob", headers={"x-api-key": ADMIN_KEY})
        return int(result(response)["deletedIdentities"])


@dataclass
class Identity:
    """One device of an identity."""

    backbone: Backbone
    keys: SignatureKeypair
    address: str
    device_id: str
    username: str
    password: str = PASSWORD
    headers: dict[str, str] = field(default_factory=dict)

    async def log_in(self) -> None:
        token = (await self.backbone.log_in(self.username, self.password)).json()["access_token"]
        self.headers = {"authorization": f"Bearer {token}", **VERSION_HEADER}

    async def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request under ``/api/v2``."""
        headers = {**self.headers, **options.pop("headers", {})}
        return await self.backbone.client.request(method, API + path, headers=headers, **options)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.request("GET", path, params=params or None)

    async def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        return await self.request("POST", path, json=body, **options)

    async def put(self, path: str, body: Any = None) -> httpx.Response:
        return await self.request("PUT", path, json=body)

    async def patch(self, path: str, body: Any = None) -> httpx.Response:
        return await self.request("PATCH", path, json=body)

    async def delete(self, path: str) -> httpx.Response:
        return await self.request("DELETE", path)

    async def add_device(self, **changes: Any) -> Identity:
        """A second device of the same identity, logged in."""
        made = result(await self.post("/Devices", await self.new_device(**changes)), 201)
        device = Identity(self.backbone, self.keys, self.address, made["id"], made["username"])
        await device.log_in()
        return device

    async def new_device(self, **changes: Any) -> dict[str, Any]:
        """The body that asks for a new device."""
        challenge = await self.backbone.signed_challenge(self.keys)
        return {"devicePassword": PASSWORD, "signedChallenge": challenge, **changes}

    async def template(self, **changes: Any) -> str:
        """The id of a new template."""
        return str(result(await self.post("/RelationshipTemplates", {"content": CONTENT, **changes}), 201)["id"])

    async def token(self, **changes: Any) -> str:
        """The id of a new token."""
        body = {"content": CONTENT, "expiresAt": self.backbone.clock.in_the_future(), **changes}
        return str(result(await self.post("/Tokens", body), 201)["id"])

    async def request_relationship(self, owner: Identity) -> str:
        """The id of a pending relationship to ``owner``."""
        template_id = await owner.template()
        body = {"relationshipTemplateId": template_id, "creationContent": CONTENT}
        return str(result(await self.post("/Relationships", body), 201)["id"])

    async def send(self, *recipients: Identity, **changes: Any) -> httpx.Response:
        """The request that sends a message."""
        addressed = [{"address": recipient.address, "encryptedKey": KEY} for recipient in recipients]
        return await self.post("/Messages", {"recipients": addressed, "body": CONTENT, "attachments": [], **changes})

    async def upload(self, content: bytes = b"cipher", **changes: Any) -> httpx.Response:
        """The request that uploads a file."""
        form = {
            "cipherHash": to_base64url(b"h" * 64),
            "owner": self.address,
            "ownerSignature": to_base64url(b"s" * 100),
            "expiresAt": self.backbone.clock.in_the_future(),
            "encryptedProperties": CONTENT,
            **changes,
        }
        files = {"content": ("cipher.bin", content, "application/octet-stream")}
        return await self.request("POST", "/Files", data=form, files=files)

    async def make_datawallet(self, version: int = 1) -> None:
        """What every client does once: an upgrade from nothing."""
        run = result(await self.post("/SyncRuns", {"type": "DatawalletVersionUpgrade"}), 201)["syncRun"]
        body = {"newDatawalletVersion": version, "datawalletModifications": []}
        result(await self.put(f"/SyncRuns/{run['id']}/FinalizeDatawalletVersionUpgrade", body))

    async def start_sync(self, **changes: Any) -> httpx.Response:
        """The request that starts a sync run."""
        return await self.post("/SyncRuns", {"type": "ExternalEventSync", **changes})

    async def events(self, **error_codes: str) -> list[dict[str, Any]]:
        """Sync once: all waiting events, finalized with an error code where one is given by event id."""
        if (await self.get("/Datawallet")).status_code == 404:
            await self.make_datawallet()
        started = result(await self.start_sync(), None)
        if started["syncRun"] is None:
            return []
        path = f"/SyncRuns/{started['syncRun']['id']}"
        events: list[dict[str, Any]] = result(await self.get(f"{path}/ExternalEvents"))
        results = [{"externalEventId": event["id"], "errorCode": error_codes.get(event["id"])} for event in events]
        body = {"externalEventResults": results, "datawalletModifications": []}
        result(await self.put(f"{path}/FinalizeExternalEventSync", body))
        return events

    async def event_types(self) -> list[str]:
        """The types of all waiting events."""
        return [event["type"] for event in await self.events()]


def signed(challenge: dict[str, Any], keys: SignatureKeypair) -> dict[str, Any]:
    """``challenge`` as the clients sign it."""
    made = Challenge(challenge["id"], challenge["expiresAt"], "Identity")
    return sign_challenge(made, keys.private_key).to_json(False)


def result(response: httpx.Response, status: int | None = 200) -> Any:
    """The result of a successful request."""
    assert status is None or response.status_code == status, f"{response.status_code} {response.text}"
    return response.json()["result"]


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refused request."""
    return response.status_code, response.json()["error"]["code"]


def message_of(response: httpx.Response) -> str:
    """The text of a refused request."""
    return str(response.json()["error"]["message"])


NOT_FOUND = (404, "error.platform.recordNotFound")
FORBIDDEN = (403, "error.platform.forbidden")
INVALID = (400, "error.platform.validation.invalidPropertyValue")
UNREADABLE = (400, "error.platform.inputCannotBeParsed")


@asynccontextmanager
async def running_backbone(folder: Path | None = None, **settings: Any) -> AsyncIterator[Backbone]:
    """A Backbone for the length of the block."""
    clock, shutdown = SettableClock(), trio.Event()
    made = BackboneSettings(**{"port": 0, "folder": folder, "admin_api_key": ADMIN_KEY, **settings})
    serve = partial(serve_backbone, made, clock=clock, entropy=secrets.token_bytes, shutdown=shutdown)
    with trio.fail_after(BOUND_SECONDS):
        async with trio.open_nursery() as nursery:
            url = await nursery.start(serve)
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=BOUND_SECONDS) as client:
                yield Backbone(url, clock, client, shutdown)
            shutdown.set()
