"""How many deliveries a second subscribers make to receivers that cost nothing: ``python -m tests.bench.bench_events``.

``backlog`` is a log that is full already, ``live`` one that 16 tasks append to. The store is a real file with every
commit synced; cursors are saved in the same file.
"""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.events.receivers import running
from tests.store.conftest import now
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent, Sender
from trio_connector.store import Store, Unit, open_store

EVENT = NewEvent(namespace="transport.messageSent", data={"body": "x" * 1000})
PRODUCERS = 16


class Counting:
    """A receiver that takes everything at once."""

    def __init__(self, wanted: int, max_batch: int) -> None:
        self.max_batch = max_batch
        self.count = 0
        self.wanted = wanted
        self.complete = trio.Event()

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        await trio.lowlevel.checkpoint()
        self.count += len(events)
        if self.count >= self.wanted:
            self.complete.set()
        return [Answer(accepted=True)] * len(events)

    def spec(self, name: str) -> SubscriberSpec:
        @asynccontextmanager
        async def open_sender() -> AsyncIterator[Sender]:
            yield self

        return SubscriberSpec(name=name, patterns=("**",), open_sender=open_sender)


async def append(store: Store, count: int, portion: int) -> None:
    def work(unit: Unit) -> None:
        for _ in range(portion):
            unit.append(EVENT)

    for _ in range(count // portion):
        await store.transact(work)


async def measure(store: Store, subscribers: int, events: int, max_batch: int, *, live: bool) -> None:
    bus = EventBus(store.events, clock=now, entropy=secrets.token_bytes)
    receivers = [Counting(events, max_batch) for _ in range(subscribers)]
    if not live:
        await append(store, events, 100)
    for number, receiver in enumerate(receivers):
        bus.subscribe(receiver.spec(f"receiver-{live}-{number}"), from_beginning=not live)
    began, cpu = time.perf_counter(), time.process_time()
    async with running(bus), trio.open_nursery() as nursery:
        if live:
            for _ in range(PRODUCERS):
                nursery.start_soon(append, store, events // PRODUCERS, 1)
        for receiver in receivers:
            await receiver.complete.wait()
    took = time.perf_counter() - began
    deliveries = subscribers * events
    print(  # noqa: T201  # the result
        f"{'live' if live else 'backlog':8} {subscribers:3} subscribers, batches of {max_batch:3}: "
        f"{events / took:7,.0f} events/s, {deliveries / took:8,.0f} deliveries/s, "
        f"{(time.process_time() - cpu) / deliveries * 1e6:4.0f} us CPU per delivery"
    )


async def main() -> None:
    for subscribers, max_batch in ((1, 1), (1, 100), (10, 1), (10, 100), (100, 1)):
        events = max(PRODUCERS * 25, 8000 // subscribers // 400 * 400)
        for live in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                async with open_store(Path(folder), "bench", [], clock=now, entropy=secrets.token_bytes) as store:
                    await measure(store, subscribers, events, max_batch, live=live)


if __name__ == "__main__":
    trio.run(main)
