"""The demonstration: two Connectors meet and exchange a message with a file, and every step and event is shown.

Everything is the real thing: an embedded Backbone, two complete daemons with databases in a temporary folder, their
HTTP APIs, and a web server that receives their webhooks. It leaves nothing behind.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio
from quart import Request, request
from quart_trio import QuartTrio
from rich.console import Console
from rich.markup import escape

from trio_connector import daemon
from trio_connector.embedded import BackboneSettings, serve_backbone
from trio_connector.http_server import ServerConfig, serve
from trio_connector.settings import Settings, ensure_api_key, parse

LIMIT_SECONDS = 120.0
"""The demonstration takes a few seconds; longer means that something hangs."""

FILE_NAME = "invoice.txt"
FILE = b"Invoice 2026-001: one walking Connector.\n"
NEVER = "2099-12-31T00:00:00.000Z"
COLOURS = {"Alice": "cyan", "Bob": "magenta"}


class DemoFailed(Exception):
    """What should have happened did not."""


class Screen:
    """What the user sees: numbered steps, and the events as they arrive."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._steps = 0

    def step(self, text: str) -> None:
        """Something that is done now."""
        self._steps += 1
        self._console.print(f"[bold]{self._steps:2}.[/bold] {escape(text)}", soft_wrap=True)

    def event(self, who: str, namespace: str, about: str) -> None:
        """An event that a webhook brought."""
        line = f"      [{COLOURS[who]}]{who:5}[/] [dim]event[/dim] {escape(namespace)}  {escape(about)}"
        self._console.print(line, soft_wrap=True)

    def done(self, text: str) -> None:
        """The good end."""
        self._console.print(f"[bold green]{escape(text)}[/bold green]")


class Events:
    """The events that the webhooks of both Connectors brought, by Connector."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._arrived = trio.Condition()
        self.namespaces: dict[str, list[str]] = {name: [] for name in COLOURS}

    async def take(self, who: str, body: Any) -> None:
        """A webhook came in."""
        namespace = str(body.get("trigger"))
        data = body.get("data")
        about = str(data.get("id", "")) if isinstance(data, dict) else ""
        self._screen.event(who, namespace, about)
        async with self._arrived:
            self.namespaces[who].append(namespace)
            self._arrived.notify_all()

    async def wait_for(self, who: str, namespace: str, times: int = 1) -> None:
        """Wait until this event has come so many times."""
        async with self._arrived:
            while self.namespaces[who].count(namespace) < times:
                await self._arrived.wait()


@dataclass(frozen=True)
class Connector:
    """One of the two: its name, a client of its API, its address."""

    name: str
    api: httpx.AsyncClient
    address: str

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        """Use the API; answers the result. Raises DemoFailed when it answers with an error."""
        response = await self.api.request(method, path, **options)
        if response.is_error:
            error = response.json()["error"]
            raise DemoFailed(f"{self.name}: {method} {path} failed with {error['code']}: {error['message']}")
        return response.json()["result"] if response.content else None


async def run() -> None:
    """Show it all. Raises DemoFailed, or whatever a part raises."""
    screen = Screen()
    with tempfile.TemporaryDirectory(prefix="trio-connector-demo-") as folder, trio.fail_after(LIMIT_SECONDS):
        await _run(Path(folder), screen)
    screen.done("Done: the file arrived unchanged, and both Connectors told of everything.")


async def _run(folder: Path, screen: Screen) -> None:
    stop = trio.Event()
    events = Events(screen)
    async with trio.open_nursery() as nursery:
        screen.step("Start a Backbone: it stores and forwards, and sees only ciphertext.")
        backbone = partial(
            serve_backbone, BackboneSettings(port=0), clock=daemon.utc_now, entropy=os.urandom, shutdown=stop
        )
        base_url: str = await nursery.start(backbone)
        screen.step("Start a web server of the organisations, which receives their webhooks.")
        webhooks = partial(serve, _receiver(events), ServerConfig(), shutdown_trigger=stop.wait)
        receiver_url: str = (await nursery.start(webhooks))[0]
        async with (
            _connector("Alice", folder, base_url, receiver_url, screen) as alice,
            _connector("Bob", folder, base_url, receiver_url, screen) as bob,
        ):
            await _meet(alice, bob, events, screen)
            await _exchange(alice, bob, events, screen)
            screen.step("Stop everything.")
        stop.set()


def _receiver(events: Events) -> QuartTrio:
    app = QuartTrio(__name__)

    @app.post("/<who>")
    async def receive(who: str) -> tuple[str, int]:
        current: Request = request
        await events.take(who, await current.get_json())
        return "", 204

    return app


def _settings(name: str, folder: Path, base_url: str, receiver_url: str, api_key: str) -> Settings:
    written = {
        "transportLibrary": {
            "baseUrl": base_url,
            "platformClientId": "test",
            "platformClientSecret": "test",
            "addressGenerationHostnameOverride": "localhost",
        },
        "database": {"folder": str(folder / name)},
        "infrastructure": {
            "httpServer": {
                "host": "127.0.0.1",
                "port": 0,
                "authentication": {"apiKey": {"keys": {"demo": {"key": api_key}}}},
            }
        },
        "modules": {
            "sse": {"enabled": True},
            "webhooks": {
                "enabled": True,
                "targets": {"organisation": {"url": f"{receiver_url}/{name}"}},
                "webhooks": [{"triggers": ["transport.**"], "target": "organisation"}],
            },
        },
    }
    return parse(written, now=daemon.utc_now()).settings


@asynccontextmanager
async def _connector(
    name: str, folder: Path, base_url: str, receiver_url: str, screen: Screen
) -> AsyncIterator[Connector]:
    """A complete Connector; stopped as by a signal when the block ends."""
    stop = trio.Event()
    api_key = ensure_api_key(folder / name, os.urandom).key
    settings = _settings(name, folder, base_url, receiver_url, api_key)
    async with trio.open_nursery() as nursery:
        urls: list[str] = await nursery.start(partial(daemon.run, settings, stop_requested=stop.wait))
        async with httpx.AsyncClient(
            base_url=f"{urls[0]}/api/core/v1/", headers={"X-API-KEY": api_key}, timeout=60, trust_env=False
        ) as api:
            address = (await api.get("Account/IdentityInfo")).json()["result"]["address"]
            screen.step(f"Start {name}'s Connector. Its new identity is {address}.")
            yield Connector(name, api, address)
        stop.set()


async def _meet(alice: Connector, bob: Connector, events: Events, screen: Screen) -> None:
    screen.step("Alice makes a relationship template and shows its reference, for example as a QR code.")
    template = await alice.ask(
        "POST",
        "RelationshipTemplates/Own",
        json={
            "content": {"@type": "ArbitraryRelationshipTemplateContent", "value": {"shop": "Alice's"}},
            "expiresAt": NEVER,
            "maxNumberOfAllocations": 1,
        },
    )
    screen.step("Bob loads the template and asks Alice for a relationship.")
    loaded = await bob.ask("POST", "RelationshipTemplates/Peer", json={"reference": template["reference"]["truncated"]})
    relationship = await bob.ask(
        "POST",
        "Relationships",
        json={
            "templateId": loaded["id"],
            "creationContent": {"@type": "ArbitraryRelationshipCreationContent", "value": {"customer": "Bob"}},
        },
    )
    await events.wait_for("Alice", "transport.relationshipChanged")
    screen.step("Alice accepts.")
    await alice.ask("PUT", f"Relationships/{relationship['id']}/Accept")
    await events.wait_for("Bob", "transport.relationshipChanged", times=2)


async def _exchange(alice: Connector, bob: Connector, events: Events, screen: Screen) -> None:
    screen.step(f"Alice uploads {FILE_NAME}, encrypted, and sends it to Bob with a mail.")
    file = await alice.ask(
        "POST", "Files/Own", files={"file": (FILE_NAME, FILE, "text/plain")}, data={"title": "Invoice"}
    )
    mail = {"@type": "Mail", "to": [bob.address], "cc": [], "subject": "Your invoice", "body": "Dear Bob, ..."}
    sent = await alice.ask(
        "POST", "Messages", json={"recipients": [bob.address], "content": mail, "attachments": [file["id"]]}
    )
    await events.wait_for("Bob", "transport.messageReceived")
    screen.step("Bob reads the mail and downloads the file.")
    received = await bob.ask("GET", f"Messages/{sent['id']}")
    if received["content"]["subject"] != mail["subject"] or received["createdBy"] != alice.address:
        raise DemoFailed("Bob received another mail than Alice sent.")
    attachment = received["attachments"][0]["id"]
    download = await bob.api.get(f"Messages/{sent['id']}/Attachments/{attachment}/Download")
    if download.content != FILE:
        raise DemoFailed("Bob received another file than Alice sent.")
    await events.wait_for("Alice", "transport.messageSent")
