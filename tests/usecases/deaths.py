"""Processes that die in the middle: at every request to the Backbone and every unit of work, before it and after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import trio

from tests.usecases.world import Wire, World
from trio_connector.store import Unit
from trio_connector.usecases.services import Services

T = TypeVar("T")
Act = Callable[[Services], Awaitable[object]]


class Died(BaseException):
    """Nobody survives this; not even what is shielded from cancellation."""


class Death:
    """Waits at one step for whoever comes by; whoever is dead does nothing any more."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.steps = 0
        self.scope = trio.CancelScope()
        self.is_dead = False
        self.where = ""

    async def step(self, where: str) -> None:
        """One step of the way."""
        if not self.is_dead:
            self.steps += 1
            if self.steps < self.at:
                return
            self.is_dead, self.where = True, where
            self.scope.cancel("the process dies")
            await trio.lowlevel.checkpoint()
        raise Died

    def haunt(self, wire: Wire, services: Services | None = None) -> None:
        """Stand at every request on ``wire``, and at every unit of work of ``services``."""

        async def request(asked: httpx.Request, through: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
            await self.step(f"before {asked.method} {asked.url.path}")
            answer = await through()
            content = await answer.aread()
            await self.step(f"after {asked.method} {asked.url.path}")
            return httpx.Response(answer.status_code, headers=answer.headers, content=content)

        wire.always = request
        if services is None:
            return
        store: Any = services.store
        transact = store.transact

        async def unit_of_work(work: Callable[[Unit], T]) -> T:
            name = getattr(work, "__qualname__", "a unit of work")
            await self.step(f"before {name}")
            result: T = await transact(work)
            await self.step(f"after {name}")
            return result

        store.transact = unit_of_work


async def die_at_each_step(
    world: World, folder: Path, *, act: Act, check: Act, prepare: Act | None = None, from_birth: bool = False
) -> int:
    """Open the account in ``folder``, ``prepare``, let it die in the middle of ``act``, open it again and ``check``.

    So once for every step of ``act``, until it comes to its end. With ``from_birth`` it is also the opening in which it
    dies, each time in a folder of its own. Returns how often it died.
    """
    at = 1
    while True:
        home = folder / str(at) if from_birth else folder
        death = Death(at)
        try:
            await _live(world, home, death, prepare, act, from_birth=from_birth)
        except* Died:
            pass
        try:
            async with world.account(home) as services:
                await check(services)
        except BaseException as error:
            error.add_note(f"It had died at step {at}, {death.where}" if death.is_dead else "It had not died")
            raise
        if not death.is_dead:
            return at - 1
        at += 1


async def _live(world: World, home: Path, death: Death, prepare: Act | None, act: Act, *, from_birth: bool) -> None:
    wire = Wire(world.app)
    if from_birth:
        death.haunt(wire)
    with death.scope:
        async with world.account(home, wire) as services:
            if prepare is not None:
                await prepare(services)
            death.haunt(wire, services)
            await act(services)
            wire.always = None
            del services.store.transact  # the one of `haunt`
