"""Modules as users write them, good ones and bad ones."""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from trio_connector.events.model import Event
from trio_connector.modules.user import ModuleContext

SEEN: list[str] = []
"""What the modules were told, and what became of their tasks."""


class Reacting:
    """Remembers what it is told; fails as often as its options say."""

    patterns = ("test.**",)
    retry_after_seconds = (0.01, 0.01)

    def __init__(self, context: ModuleContext) -> None:
        self.context = context
        self.failures = context.options.get("failures", 0)

    async def react(self, event: Event) -> None:
        SEEN.append(event.namespace)
        if self.failures > 0:
            self.failures -= 1
            raise LookupError("on purpose")


class Running:
    """Says what happens to its task."""

    def __init__(self, context: ModuleContext) -> None:
        self.name = context.name

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        await trio.lowlevel.checkpoint()
        SEEN.append("ready")
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            SEEN.append("stopped")


class Both(Reacting):
    """Reacts, and has a task."""

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        SEEN.append("running")
        task_status.started()
        await trio.sleep_forever()


class Particular:
    """Wants options of a certain form."""

    patterns = ("test.a",)

    def __init__(self, context: ModuleContext) -> None:
        self.options = msgspec.convert(dict(context.options), Wanted)

    async def react(self, event: Event) -> None:
        raise NotImplementedError


class Wanted(msgspec.Struct):
    """What `Particular` wants."""

    shop: str


class Careless:
    """Stumbles over its options."""

    patterns = ("test.a",)

    def __init__(self, context: ModuleContext) -> None:
        raise KeyError("shop")

    async def react(self, event: Event) -> None:
        raise NotImplementedError


class Nothing:
    """Does nothing at all."""

    def __init__(self, context: ModuleContext) -> None:
        pass


class WithoutPatterns(Nothing):
    """Does not say what it wants."""

    async def react(self, event: Event) -> None:
        raise NotImplementedError


class OneText(WithoutPatterns):
    """Its patterns are one text: each character would be a pattern."""

    patterns = "test.a"


class NotAsync(Nothing):
    """Would hold up the loop."""

    patterns = ("test.a",)

    def react(self, event: Event) -> None:
        raise NotImplementedError


class BadSchedule(WithoutPatterns):
    """Cannot be tried again in the past."""

    patterns = ("test.a",)
    retry_after_seconds = (-1,)


NUMBER: Any = 7
