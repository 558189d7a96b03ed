"""Modules as the daemon runs them, on an account of the test; and a Backbone that comes and goes."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from tests.accounts import utc_now
from tests.services import free_port
from trio_connector.embedded import BackboneSettings, serve_backbone
from trio_connector.events.bus import EventBus
from trio_connector.modules.assembly import Module, assemble, register, start_over
from trio_connector.settings import Settings, parse
from trio_connector.usecases.services import Services

RETRY_AFTER_SECONDS = (0.05,)
TRANSPORT = {"baseUrl": "http://127.0.0.1:9", "platformClientId": "test", "platformClientSecret": "test"}


def settings_for(modules: dict[str, Any], **more: Any) -> Settings:
    """The settings of a configuration with these modules."""
    return parse({"transportLibrary": TRANSPORT, "modules": modules, **more}, now=utc_now()).settings


@asynccontextmanager
async def running_modules(services: Services, modules: dict[str, Any], **more: Any) -> AsyncIterator[EventBus]:
    """The modules of this configuration at work; reactions that fail are repeated soon."""
    bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
    settings = settings_for(modules, **more)
    built = [_impatient(module) for module in assemble(settings, services)]
    await start_over(settings, services)
    register(bus, built)
    async with trio.open_nursery() as nursery:
        for subscriber in bus.subscribers.values():
            await nursery.start(subscriber.run)
        for module in built:
            if module.task is not None:
                await nursery.start(module.task)
        yield bus
        nursery.cancel_scope.cancel("the test is over")


async def settled(bus: EventBus) -> None:
    """Wait until every subscriber is done with everything that has happened."""
    with trio.fail_after(30):
        while any(state.lag for state in bus.snapshot()):
            await trio.sleep(0.005)  # polls


def _impatient(module: Module) -> Module:
    reactions = [
        replace(reaction, retry_after_seconds=RETRY_AFTER_SECONDS * len(reaction.retry_after_seconds))
        for reaction in module.reactions
    ]
    return replace(module, reactions=reactions)


class ComingAndGoing:
    """An embedded Backbone on a port and in a folder of its own. It may be ended, as by a kill, and started again."""

    def __init__(self, nursery: trio.Nursery, folder: Path) -> None:
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._settings = BackboneSettings(port=free_port(), folder=folder)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._settings.port}"

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._scope, self._ended = trio.CancelScope(), trio.Event()
        await self._nursery.start(self._run, self._scope, self._ended)

    async def end(self) -> None:
        """End it: every connection breaks."""
        self._scope.cancel("the test ends the Backbone")
        await self._ended.wait()

    async def _run(self, scope: trio.CancelScope, ended: trio.Event, *, task_status: trio.TaskStatus[str]) -> None:
        with scope:
            serve = partial(serve_backbone, clock=utc_now, entropy=os.urandom, shutdown=trio.Event())
            await serve(self._settings, task_status=task_status)
        ended.set()


@asynccontextmanager
async def coming_and_going(folder: Path) -> AsyncIterator[ComingAndGoing]:
    """A running Backbone that a test may end and start again."""
    async with trio.open_nursery() as nursery:
        backbone = ComingAndGoing(nursery, folder)
        await backbone.start()
        yield backbone
        nursery.cancel_scope.cancel("the test is over")
