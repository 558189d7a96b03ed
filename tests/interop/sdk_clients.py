"""Official SDKs of earlier Connectors as clients of ours: Node programs of ours (see ``sdk/driver.js``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from tests.accounts import FAR_FUTURE
from tests.daemon.processes import KEY, Daemon
from tests.interop.peers import ANSWER_SECONDS, PeerProcess, installed

SDK = Path(__file__).parent / "sdk"
SETTLE_SECONDS = 30
PAUSE_SECONDS = 0.05


def sdk_program() -> Path:
    """The program with the SDK of 6.x installed; skips loudly without Node, in CI it fails."""
    return installed(SDK / "sdk.js", "@nmshd/connector-sdk")


def sdk_program_of_2022() -> Path:
    """The program with an SDK of 2022 installed; skips loudly without Node, in CI it fails."""
    return installed(SDK / "sdk_2022.js", "connector-sdk-of-2022")


class SdkClient:
    """A Connector as the SDK sees it. What the SDK answers fits the types that it declares, or the call fails."""

    def __init__(self, process: PeerProcess, lock: trio.Lock, url: str) -> None:
        self._process = process
        self._lock = lock
        self._url = url  # also its name in the program
        self.address = ""

    async def open(self) -> None:
        """Make the client, which asks for its address first."""
        await self._asked({"do": "open", "name": self._url, "baseUrl": self._url, "apiKey": KEY})
        self.address = (await self.ask("account.getIdentityInfo"))["address"]

    async def ask(self, path: str, *arguments: Any) -> Any:
        """Call a method of the SDK, e.g. ``files.getFile``; raises PeerError for what the Connector refuses."""
        return await self._asked({"do": "call", "name": self._url, "path": path, "arguments": list(arguments)})

    async def _asked(self, request: dict[str, Any]) -> Any:
        async with self._lock:
            with trio.fail_after(ANSWER_SECONDS):
                return await trio.to_thread.run_sync(self._process.ask, request, abandon_on_cancel=True)

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """Synchronise until ``look`` finds something; what it found. Another process decides when that is."""
        with trio.fail_after(SETTLE_SECONDS):
            while not (found := await look()):
                await self.ask("account.sync")
                await trio.sleep(PAUSE_SECONDS)
        return found

    async def relationship(self, id_: str, status: str) -> dict[str, Any]:
        """The relationship once it has this status here."""

        async def look() -> Any:
            known = await self.ask("relationships.getRelationships", {"status": status})
            return next((relationship for relationship in known if relationship["id"] == id_), None)

        found: dict[str, Any] = await self.until(look)
        return found

    async def message(self, id_: str) -> dict[str, Any]:
        """The message once it came."""

        async def look() -> Any:
            known = await self.ask("messages.getMessages")
            return next((message for message in known if message["id"] == id_), None)

        found: dict[str, Any] = await self.until(look)
        return found

    async def incoming_request(self, id_: str, status: str = "ManualDecisionRequired") -> dict[str, Any]:
        """The incoming request once it has this status here."""
        found: dict[str, Any] = await self.until(lambda: self._first("incomingRequests", id_, status))
        return found

    async def outgoing_request(self, id_: str, status: str = "Completed") -> dict[str, Any]:
        """The outgoing request once it has this status here."""
        found: dict[str, Any] = await self.until(lambda: self._first("outgoingRequests", id_, status))
        return found

    async def _first(self, endpoint: str, id_: str, status: str) -> Any:
        found = await self.ask(f"{endpoint}.getRequests", {"id": id_, "status": status})
        return found[0] if found else None


@asynccontextmanager
async def sdk_clients(process: PeerProcess, base_url: str, folder: Path, *names: str) -> AsyncIterator[list[SdkClient]]:
    """One client per name, each of a daemon of its own at the Backbone ``base_url``."""
    daemons: list[Daemon] = []
    try:
        async with trio.open_nursery() as nursery:
            for name in names:
                (folder / name).mkdir()
                daemons.append(Daemon(folder / name, base_url))
                nursery.start_soon(daemons[-1].start)
        lock = trio.Lock()
        clients = [SdkClient(process, lock, daemon.url) for daemon in daemons]
        for client in clients:
            await client.open()
        yield clients
    finally:
        for daemon in daemons:
            if daemon.is_running:
                daemon.kill()


async def asked(requestor: SdkClient, templator: SdkClient, **template: Any) -> dict[str, Any]:
    """A relationship that ``requestor`` asks ``templator`` for, as the latter has it."""
    offer: dict[str, Any] = {
        "content": {"@type": "ArbitraryRelationshipTemplateContent", "value": {"offer": "any"}},
        "expiresAt": FAR_FUTURE,
        "maxNumberOfAllocations": 1,
        **template,
    }
    own = await templator.ask("relationshipTemplates.createOwnRelationshipTemplate", offer)
    peer = await requestor.ask(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": own["truncatedReference"]}
    )
    created = await requestor.ask(
        "relationships.createRelationship",
        {
            "templateId": peer["id"],
            "creationContent": {"@type": "ArbitraryRelationshipCreationContent", "value": {"reason": "any"}},
        },
    )
    assert created["status"] == "Pending"
    return await templator.relationship(created["id"], "Pending")


async def related(requestor: SdkClient, templator: SdkClient) -> dict[str, Any]:
    """An active relationship between two, as ``templator`` has it."""
    pending = await asked(requestor, templator)
    active: dict[str, Any] = await templator.ask("relationships.acceptRelationship", pending["id"])
    await requestor.relationship(pending["id"], "Active")
    return active
