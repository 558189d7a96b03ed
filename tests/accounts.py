"""Real accounts for tests: an embedded Backbone in this process, and any number of accounts at it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import trio

from trio_connector.embedded import BackboneSettings, serve_backbone
from trio_connector.events.log import EventQuery
from trio_connector.outgoing import Outgoing
from trio_connector.usecases.opening import AccountOptions, open_services
from trio_connector.usecases.relationships import accept_relationship, create_relationship
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, load_peer_template

FAR_FUTURE = "2099-01-01T00:00:00.000Z"
ARBITRARY_TEMPLATE = {"@type": "ArbitraryRelationshipTemplateContent", "value": {"from": "us"}}
ARBITRARY_CREATION = {"@type": "ArbitraryRelationshipCreationContent", "value": {"from": "them"}}


def utc_now() -> datetime:
    """The clock of real accounts."""
    return datetime.now(UTC)


@asynccontextmanager
async def running_backbone(folder: Path | None = None, **settings: Any) -> AsyncIterator[str]:
    """The base URL of an embedded Backbone on a free port."""
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery:
        serve = partial(
            serve_backbone,
            BackboneSettings(port=0, folder=folder, **settings),
            clock=utc_now,
            entropy=os.urandom,
            shutdown=shutdown,
        )
        yield await nursery.start(serve)
        shutdown.set()


@asynccontextmanager
async def running_account(base_url: str, folder: Path | None = None, name: str = "default") -> AsyncIterator[Services]:
    """An account whose synchronizer runs, at the Backbone ``base_url``."""
    options = AccountOptions(
        folder=folder,
        name=name,
        base_url=base_url,
        client_id="test",
        client_secret="test",
        hostname_override="localhost",
    )
    async with (
        open_services(options, outgoing=Outgoing(), clock=utc_now, entropy=os.urandom) as services,
        trio.open_nursery() as nursery,
    ):
        scope: trio.CancelScope = await nursery.start(services.synchronizer.run, services)
        yield services
        scope.cancel("the test is over")


async def synchronized(services: Services) -> list[str]:
    """The ids of what a synchronisation changed."""
    return list((await services.synchronizer.sync_everything()).ids)


async def connected(templator: Services, requestor: Services) -> str:
    """Establish a relationship between two of our accounts; its id."""
    template = await create_own_template(templator, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
    loaded = await load_peer_template(requestor, template_reference(templator, template.id))
    relationship = await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
    await synchronized(templator)
    await accept_relationship(templator, relationship.id)
    await synchronized(requestor)
    return relationship.id


def template_reference(services: Services, template_id: str) -> str:
    """The truncated reference of an own template."""
    collection = services.collections.templates
    template = services.store.get(collection, template_id)
    assert template is not None
    assert collection.prepare is not None
    dto: Any = collection.prepare(template)
    return str(dto.reference.truncated)


async def namespaces(services: Services) -> list[str]:
    """The namespaces of all events so far, in order."""
    return [event.namespace for event in await services.store.events.list(EventQuery(limit=1000))]


async def connected_over_api(client: httpx.AsyncClient, requestor: Services) -> str:
    """Establish a relationship with the Connector behind ``client``; its id. Both have seen it active."""
    created = await client.post(
        "RelationshipTemplates/Own", json={"content": ARBITRARY_TEMPLATE, "expiresAt": FAR_FUTURE}
    )
    loaded = await load_peer_template(requestor, created.json()["result"]["reference"]["truncated"])
    relationship = await create_relationship(requestor, loaded.id, ARBITRARY_CREATION)
    with trio.fail_after(60):
        while (await client.get(f"Relationships/{relationship.id}")).status_code != 200:
            (await client.post("Account/Sync")).raise_for_status()
    accepted = await client.put(f"Relationships/{relationship.id}/Accept")
    assert accepted.json()["result"]["status"] == "Active"
    await synchronized(requestor)
    return relationship.id
