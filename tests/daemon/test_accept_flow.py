"""A request is accepted by the decider, and the daemon dies after any event of that flow: a restart completes it.

The daemon runs a module of ours that kills its process at a chosen event. It is told of an event right after the
event's commit, so the process ends between two steps of the flow.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import httpx
import trio

from tests.accounts import FAR_FUTURE, running_backbone, template_reference
from tests.connectors import Connector, stepwise_connector
from tests.daemon.processes import Daemon
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.record import REQUESTS
from trio_connector.events.model import Event
from trio_connector.modules.user import ModuleContext
from trio_connector.usecases.relationships import accept_relationship
from trio_connector.usecases.templates import create_own_template

FLOW = (
    "transport.peerRelationshipTemplateLoaded",
    "consumption.incomingRequestReceived",
    "consumption.incomingRequestStatusChanged",  # decision required
    "consumption.attributeCreated",
    "consumption.incomingRequestStatusChanged",  # decided
    "consumption.relationshipTemplateProcessed",
    "transport.relationshipChanged",
    "consumption.incomingRequestStatusChanged",  # completed
)


class Killer:
    """Kills its process when the event comes that the file ``kill-at`` names; it does so once."""

    patterns = ("**",)

    def __init__(self, context: ModuleContext) -> None:
        self._order = Path(str(context.options["folder"])) / "kill-at"
        self._seen = 0

    async def react(self, event: Event) -> None:
        """Count the events of the flow, and die after the one that was ordered."""
        if not self._order.exists() or event.namespace.startswith("runtime."):
            return
        self._seen += 1
        if self._seen > int(self._order.read_text()):
            self._order.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def modules(folder: Path) -> dict[str, Any]:
    """A decider that accepts, and the killer."""
    accept = {"requestConfig": {"content.item.@type": "CreateAttributeRequestItem"}, "responseConfig": {"accept": True}}
    return {
        "decider": {"automationConfig": [accept]},
        "sync": {"enabled": True, "interval": 0.2},
        "killer": {
            "enabled": True,
            "location": "tests.daemon.test_accept_flow:Killer",
            "folder": str(folder),
        },
    }


def template_content(owner: str) -> dict[str, Any]:
    """A template whose request the decider can accept."""
    attribute = {
        "@type": "RelationshipAttribute",
        "owner": owner,
        "key": "membership",
        "confidentiality": "public",
        "value": {"@type": "ProprietaryString", "title": "Membership", "value": "gold"},
    }
    item = {"@type": "CreateAttributeRequestItem", "mustBeAccepted": True, "attribute": attribute}
    return {"@type": "RelationshipTemplateContent", "onNewRelationship": {"@type": "Request", "items": [item]}}


async def test_the_accept_flow_is_completed_after_a_kill_at_every_event(tmp_path: Path) -> None:
    async with running_backbone() as url:
        daemon = Daemon(tmp_path, url, modules=modules(tmp_path))
        try:
            await daemon.start()
            for kill_after in range(len(FLOW)):
                async with stepwise_connector(url) as templator:
                    await be_killed_in_the_flow(daemon, templator, kill_after)
            assert await daemon.stop() == 0
        finally:
            if daemon.is_running:
                daemon.kill()


async def be_killed_in_the_flow(daemon: Daemon, templator: Connector, kill_after: int) -> None:
    """One flow with one templator, in which the daemon dies once."""
    services = templator.services
    template = await create_own_template(services, content=template_content(services.address), expires_at=FAR_FUTURE)
    (daemon.folder / "kill-at").write_text(str(kill_after))
    async with daemon.client() as client:
        try:
            reference = template_reference(services, template.id)
            await client.post("RelationshipTemplates/Peer", json={"reference": reference})
        except httpx.TransportError:
            pass  # it died before it could answer
    with trio.fail_after(60):
        while daemon.is_running:
            await trio.sleep(0.02)  # polls
        await daemon.start()
        while not services.store.select(RELATIONSHIPS):
            await templator.sync()
        [relationship] = services.store.select(RELATIONSHIPS)
        await accept_relationship(services, relationship.id)
        await templator.settle()
        [request] = services.store.select(REQUESTS)
        assert request.status == "Completed"
        async with daemon.client() as client:
            while True:
                ours = await ask(client, f"Requests/Incoming?peer={services.address}")
                theirs = await ask(client, f"Relationships?peer={services.address}")
                if [one["status"] for one in ours + theirs] == ["Completed", "Active"]:
                    break
                await trio.sleep(0.05)  # polls
            shared = await ask(client, f"Attributes/Peer/{services.address}")
            assert [attribute["content"]["key"] for attribute in shared] == ["membership"]


async def ask(client: httpx.AsyncClient, path: str) -> Any:
    """The result of a GET."""
    response = await client.get(path)
    assert response.status_code == 200, (path, response.status_code, response.text)
    return response.json()["result"]
