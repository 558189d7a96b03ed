"""Accounts with the modules of the consumption layer running, and waiting for what they tell."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio

from tests.accounts import running_account, synchronized, utc_now
from trio_connector.domain.requests.automation import AutomationRule
from trio_connector.events.bus import EventBus
from trio_connector.events.log import EventQuery
from trio_connector.events.model import Event
from trio_connector.modules import decider, message, notification, request
from trio_connector.store import CommitReport
from trio_connector.usecases.requests import accept_incoming_request, reject_incoming_request
from trio_connector.usecases.services import Services

PATIENCE_SECONDS = 20
RETRY_AFTER_SECONDS = (0.05, 0.2, 1.0)


@asynccontextmanager
async def running_modules(services: Services, rules: Sequence[AutomationRule] = ()) -> AsyncIterator[EventBus]:
    """The modules request, decider, notification and message on the log of ``services``, from where they were."""
    bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
    reactions = {
        request.NAME: (request.PATTERNS, partial(request.react_to, services)),
        decider.NAME: (decider.PATTERNS, partial(decider.react_to, services, rules)),
        notification.NAME: (notification.PATTERNS, partial(notification.react_to, services)),
        message.NAME: (message.PATTERNS, partial(message.react_to, services)),
    }
    async with trio.open_nursery() as nursery:
        for name, (patterns, react) in reactions.items():
            subscriber = bus.react(name, patterns, react, retry_after_seconds=RETRY_AFTER_SECONDS, from_beginning=True)
            await nursery.start(subscriber.run)
        yield bus
        nursery.cancel_scope.cancel("the test is over")


@asynccontextmanager
async def running_connector(
    base_url: str, folder: Path | None = None, *, rules: Sequence[AutomationRule] = ()
) -> AsyncIterator[Services]:
    """An account whose synchronizer and modules run."""
    async with running_account(base_url, folder) as services, running_modules(services, rules):
        yield services


class Connector:
    """An account with its modules, driven step by step: each step ends when the modules have nothing left to do."""

    def __init__(self, services: Services, bus: EventBus) -> None:
        self.services = services
        self._bus = bus

    async def settle(self) -> None:
        """Wait until every module has reacted to everything that has happened."""
        await until(self.services, lambda: not any(state.lag for state in self._bus.snapshot()))

    async def sync(self) -> None:
        """Synchronise, and let the modules react."""
        await synchronized(self.services)
        await self.settle()

    async def decide(self, request_id: str, *items: dict[str, Any], accept: bool = True) -> None:
        """Answer an incoming request, item by item, and let the modules send the answer."""
        answer = accept_incoming_request if accept else reject_incoming_request
        await answer(self.services, request_id, {"items": list(items)})
        await self.settle()


@asynccontextmanager
async def stepwise_connector(
    base_url: str, folder: Path | None = None, *, automation: Sequence[Mapping[str, Any]] = ()
) -> AsyncIterator[Connector]:
    """An account whose modules run; ``automation`` is the decider's ``automationConfig``."""
    rules = decider.rules_of({"automationConfig": list(automation)})
    async with running_account(base_url, folder) as services, running_modules(services, rules) as bus:
        yield Connector(services, bus)


async def events_of(services: Services, prefix: str = "") -> list[Event]:
    """All events so far whose namespace starts with ``prefix``."""
    found = await services.store.events.list(EventQuery(limit=1000))
    return [event for event in found if event.namespace.startswith(prefix)]


async def told(
    services: Services, namespace: str, *, count: int = 1, where: Callable[[Any], bool] = lambda data: True
) -> Any:
    """Wait until ``count`` events of ``namespace`` whose data satisfies ``where`` were told; the data of the last."""
    news = trio.Event()

    def wake() -> None:
        news.set()

    services.store.on_events(wake)
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            news = trio.Event()
            data = [msgspec.json.decode(event.data) for event in await events_of(services, namespace) if event.data]
            matching = [item for item in data if where(item)]
            if len(matching) >= count:
                return matching[count - 1]
            await news.wait()


async def until(services: Services, holds: Callable[[], bool]) -> None:
    """Wait until ``holds`` does; it is asked after every commit."""
    news = trio.Event()

    def wake(report: CommitReport) -> None:
        news.set()

    services.store.on_commit(wake)
    with trio.fail_after(PATIENCE_SECONDS):
        while not holds():
            news = trio.Event()
            if not holds():
                await news.wait()


async def request_with_status(services: Services, status: str, *, own: bool) -> Any:
    """Wait until a request of this direction changed to ``status``; it as DTO."""
    namespace = f"consumption.{'outgoing' if own else 'incoming'}RequestStatusChanged"
    data = await told(services, namespace, where=lambda item: item["newStatus"] == status)
    return data["request"]
