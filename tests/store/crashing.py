"""A process that works until somebody kills it: ``python -m tests.store.crashing FOLDER units|deliveries``.

``units``: two tasks store pairs of notes and an event per pair in one unit, and say so on standard output afterwards.
``deliveries``: a subscriber delivers the log; its receiver says what it has on standard output before it answers.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import trio

from tests.store.conftest import now
from tests.store.records import NOTES, Note
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent, Sender
from trio_connector.store import Store, Unit, open_store


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())  # unbuffered: what is said is said, whatever happens next


async def store_pairs(store: Store, worker: str) -> None:
    for number in range(1_000_000):
        name = f"{worker}{number}"

        def work(unit: Unit, name: str = name) -> None:
            unit.insert(NOTES, Note(id=f"{name}-left", author=name, content="x" * 3000))
            unit.append(NewEvent(namespace="pair", data=name))
            unit.insert(NOTES, Note(id=f"{name}-right", author=name, content="x" * 3000))

        await store.transact(work)
        say(name)


class Teller:
    max_batch = 3

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        for event in events:
            say(str(event.position))
        await trio.lowlevel.checkpoint()
        # One in ten is refused at first, so that some are done above the cursor.
        return [Answer(accepted=event.position % 10 != 0 or secrets.randbelow(2) == 0) for event in events]


@asynccontextmanager
async def open_teller() -> AsyncIterator[Sender]:
    yield Teller()


async def main(folder: Path, what: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    async with (
        open_store(folder, "default", [NOTES], clock=now, entropy=secrets.token_bytes) as store,
        trio.open_nursery() as nursery,
    ):
        if what == "units":
            nursery.start_soon(store_pairs, store, "A")
            nursery.start_soon(store_pairs, store, "B")
            return
        bus = EventBus(store.events, clock=now, entropy=secrets.token_bytes)
        delivery = DeliverySettings(lanes=2, ordered=False, retry_schedule_seconds=(0.01,) * 50)
        spec = SubscriberSpec(name="teller", patterns=("**",), open_sender=open_teller, delivery=delivery)
        nursery.start_soon(bus.subscribe(spec, from_beginning=True).run)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), sys.argv[2])
