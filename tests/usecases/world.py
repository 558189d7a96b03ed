"""A Backbone inside the test, accounts that talk to it without sockets, and what can go wrong between them.

The Backbone is the embedded one as it is, with its database; the accounts are real ones. Between them is a `Wire` per
account that sees every request and, where a test says so, breaks it: before it arrives, or after it was done.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio

from tests.accounts import connected as connected
from trio_connector.crypto.dates import iso
from trio_connector.embedded.api.app import BackboneApp
from trio_connector.embedded.api.streams import Streams
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store.database import Database, Transaction, open_database
from trio_connector.embedded.store.events import add_event
from trio_connector.events.log import EventQuery
from trio_connector.events.model import Event
from trio_connector.outgoing import Outgoing
from trio_connector.usecases.opening import AccountOptions, open_services
from trio_connector.usecases.services import Services

BASE_URL = "http://localhost"

Break = Callable[[httpx.Request, Callable[[], Awaitable[httpx.Response]]], Awaitable[httpx.Response]]
"""Does with one request what it likes; the second argument lets it through."""


class Wire(httpx.AsyncBaseTransport):
    """Between one account and the Backbone."""

    def __init__(self, app: BackboneApp) -> None:
        self._inner = httpx.ASGITransport(app)
        self.requests: list[httpx.Request] = []
        self.breaks: dict[int, Break] = {}
        """What happens to which request, counted from 1 since `listen`."""
        self.always: Break | None = None

    def listen(self, breaks: dict[int, Break] | None = None) -> None:
        """Count requests anew, and break those."""
        self.requests = []
        self.breaks = breaks or {}

    @property
    def paths(self) -> list[str]:
        """Method and path of every request since `listen`."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        broken = self.breaks.get(len(self.requests), self.always)

        async def through() -> httpx.Response:
            return await self._inner.handle_async_request(request)

        return await through() if broken is None else await broken(request, through)


class WiredOutgoing(Outgoing):
    """Makes clients that use the wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self._wire)


class World:
    """The Backbone, its data, and the time of day for everybody."""

    def __init__(self, app: BackboneApp, database: Database) -> None:
        self.app = app
        self.database = database
        self.shift = timedelta()
        self.wires: dict[str, Wire] = {}

    def now(self) -> datetime:
        """The time, for the Backbone and all accounts."""
        return datetime.now(UTC) + self.shift

    def in_seconds(self, seconds: float) -> str:
        """A date so far away."""
        return iso(self.now() + timedelta(seconds=seconds))

    def time_passes(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self.shift += timedelta(seconds=seconds)

    @asynccontextmanager
    async def account(self, folder: Path | None = None, wire: Wire | None = None) -> AsyncIterator[Services]:
        """An account whose synchronizer runs; a folder keeps it for another time."""
        wire = wire or Wire(self.app)
        options = AccountOptions(folder=folder, base_url=BASE_URL, client_id="test", client_secret="test")
        async with (
            open_services(options, outgoing=WiredOutgoing(wire), clock=self.now, entropy=os.urandom) as services,
            trio.open_nursery() as nursery,
        ):
            self.wires[services.address] = wire
            await nursery.start(services.synchronizer.run, services)
            yield services
            nursery.cancel_scope.cancel("the test is over")

    def wire_of(self, services: Services) -> Wire:
        """Between this account and the Backbone."""
        return self.wires[services.address]

    async def add_event(self, services: Services, type_: str, payload: dict[str, Any], *, times: int = 1) -> None:
        """Let the Backbone tell the account whatever we like."""

        def add(tx: Transaction) -> None:
            for _ in range(times):
                add_event(tx, services.address, type_, payload)

        await self.database.write(add)

    async def reported(self, services: Services) -> list[tuple[str, str]]:
        """The failures that the account reported: type of the external event and error code, in order."""

        def read(tx: Transaction) -> list[tuple[str, str]]:
            return [
                (str(type_), str(code))
                for type_, code in tx.all(
                    "SELECT external_events.type, sync_errors.error_code FROM sync_errors"
                    " JOIN external_events ON external_events.id = external_event_id"
                    " JOIN sync_runs ON sync_runs.id = sync_errors.sync_run_id"
                    " WHERE external_events.owner = ? ORDER BY sync_runs.position, external_events.position",
                    services.address,
                )
            ]

        return await self.database.read(read)

    async def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the Backbone's database says."""
        return await self.database.read(lambda tx: tx.all(sql, *values))

    async def change(self, sql: str, *values: Any) -> None:
        """Change the Backbone's database behind everybody's back."""
        await self.database.write(lambda tx: tx.run(sql, *values))


@asynccontextmanager
async def a_world(**settings: Any) -> AsyncIterator[World]:
    """An empty Backbone in memory."""
    shift: list[Callable[[], datetime]] = []
    with open_database(None, clock=lambda: shift[0](), entropy=os.urandom) as database:
        streams = Streams()
        database.on_signal = streams.tell
        app = BackboneApp(BackboneSettings(**settings), database, streams, trio.Event())
        world = World(app, database)
        shift.append(world.now)
        yield world


@asynccontextmanager
async def two_accounts(**settings: Any) -> AsyncIterator[tuple[World, Services, Services]]:
    """A world with two accounts that do not know each other: templator and requestor."""
    async with a_world(**settings) as world, world.account() as templator, world.account() as requestor:
        yield world, templator, requestor


@asynccontextmanager
async def two_partners(**settings: Any) -> AsyncIterator[tuple[World, Services, Services]]:
    """A world with two accounts and an active relationship between them."""
    async with two_accounts(**settings) as (world, templator, requestor):
        await connected(templator, requestor)
        yield world, templator, requestor


class Told:
    """What one account tells from now on."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._after = 0

    async def skip(self) -> None:
        """Forget what was told until now."""
        for event in await self._new():
            self._after = event.position

    async def names(self) -> list[str]:
        """The namespaces told since the last call, without their first part."""
        events = await self._new()
        await self.skip()
        return [event.namespace.removeprefix("transport.") for event in events]

    async def data(self) -> list[Any]:
        """The namespaces and data told since the last call."""
        events = await self._new()
        await self.skip()
        return [msgspec.json.decode(event.data) for event in events]

    async def _new(self) -> list[Event]:
        return list(await self._services.store.events.list(EventQuery(after=self._after, limit=1000)))


async def told_from_now_on(services: Services) -> Told:
    """Follow what ``services`` tells."""
    told = Told(services)
    await told.skip()
    return told
