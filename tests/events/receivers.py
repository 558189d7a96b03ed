"""Receivers, and a log to tell them of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import trio

from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DEFAULT_DELIVERY, DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent, Sender
from trio_connector.store import Store, Unit

ACCEPTED = Answer(accepted=True, status=204)
REFUSED = Answer(accepted=False, status=503, reason="unavailable")
GONE = Answer(accepted=False, status=410, reason="gone", permanent=True)

NO_JITTER = DeliverySettings(jitter=0.0)


def trio_clock() -> datetime:
    """The time of the run, so that a mock clock moves it."""
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=trio.current_time())


class Receiver:
    """A sender that answers as ``reply`` says and remembers what it got, and when."""

    def __init__(self, reply: Callable[[Event], Answer] = lambda event: ACCEPTED, max_batch: int = 1) -> None:
        self.max_batch = max_batch
        self.reply = reply
        self.got: list[Event] = []
        self.times: list[float] = []
        self.batches: list[list[int]] = []
        self._arrived = trio.Event()

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        self.batches.append([event.position for event in events])
        answers = []
        for event in events:
            self.got.append(event)
            self.times.append(trio.current_time())
            answers.append(self.reply(event))
        await trio.lowlevel.checkpoint()
        self._arrived.set()
        self._arrived = trio.Event()
        return answers

    @property
    def positions(self) -> list[int]:
        return [event.position for event in self.got]

    async def has(self, count: int) -> None:
        """Wait until so many events came."""
        while len(self.got) < count:
            await self._arrived.wait()

    def spec(self, name: str = "hook", delivery: DeliverySettings = DEFAULT_DELIVERY, **more: Any) -> SubscriberSpec:
        @asynccontextmanager
        async def open_sender() -> AsyncIterator[Sender]:
            yield self

        more.setdefault("patterns", ("**",))
        return SubscriberSpec(name=name, open_sender=open_sender, delivery=delivery, **more)


class Hanging(Receiver):
    """Takes an event and never answers."""

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        await super().send(events)
        await trio.sleep_forever()


def in_turn(*answers: Answer) -> Callable[[Event], Answer]:
    """These answers, then acceptance."""
    left = list(answers)
    return lambda event: left.pop(0) if left else ACCEPTED


async def append(store: Store, *namespaces: str, entity: str | None = None) -> list[int]:
    """Events of these namespaces; returns their positions."""

    def work(unit: Unit) -> list[int]:
        return [
            unit.append(NewEvent(namespace=namespace, data={"n": namespace}, entity=entity)) for namespace in namespaces
        ]

    return await store.transact(work)


@asynccontextmanager
async def running(bus: EventBus) -> AsyncIterator[None]:
    """All registered subscribers at work; at the end they finish what is under way."""
    async with trio.open_nursery() as nursery:
        for subscriber in bus.subscribers.values():
            await nursery.start(subscriber.run)
        yield
        bus.close()
