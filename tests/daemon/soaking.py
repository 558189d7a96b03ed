"""A process that lives as the daemon does between two kills: a store, its event bus, and one webhook.

``python -m tests.daemon.soaking FOLDER URL COUNT`` appends events until there are ``COUNT`` in the log, over all its
lives, and delivers them meanwhile. How far it is stands in the store, in the unit that appends.
"""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import structlog
import trio

from trio_connector.events.bus import EventBus
from trio_connector.events.model import NewEvent
from trio_connector.events.subscriber import Subscriber
from trio_connector.modules import webhooks
from trio_connector.settings import WebhooksOptions
from trio_connector.store import Store, Unit, open_store

NAMESPACE = "test.numbered"
TIMEOUT_SECONDS = 0.25
EVENTS_PER_UNIT = 40
FAR_AHEAD = 200
PROGRESS = "Soak"


def clock() -> datetime:
    return datetime.now(UTC)


def options(url: str) -> WebhooksOptions:
    """One webhook that is tried again at once, for ever."""
    delivery = {
        "timeoutSeconds": TIMEOUT_SECONDS,
        "retryScheduleSeconds": [0.001],
        "keepTrying": True,
    }
    written = {
        "targets": {"shop": {"url": url, "delivery": delivery}},
        "webhooks": [{"triggers": ["test.*"], "target": "shop"}],
    }
    return msgspec.convert(written, WebhooksOptions)


async def append(store: Store, subscriber: Subscriber, count: int) -> None:
    """Append what is missing, some at a time and not far ahead of the delivery, so that kills cut both."""

    def work(unit: Unit) -> bool:
        begun = unit.value(PROGRESS, "next") or 0
        end = min(begun + EVENTS_PER_UNIT, count)
        for number in range(begun, end):
            unit.append(NewEvent(namespace=NAMESPACE, data={"number": number}))
        unit.put_value(PROGRESS, "next", end)
        return end < count

    while await store.transact(work):
        while store.events.head - (subscriber.cursor or 0) > FAR_AHEAD:
            await trio.sleep(0.005)  # polls: a delivery sets no event


async def main(folder: str, url: str, count: int) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with (
        open_store(Path(folder), "default", (), clock=clock, entropy=os.urandom) as store,
        trio.open_nursery() as nursery,
    ):
        bus = EventBus(store.events, clock=clock, entropy=os.urandom)
        (specification,) = webhooks.build(options(url), clock=clock)
        subscriber = bus.subscribe(specification, from_beginning=True)
        await nursery.start(subscriber.run)
        await append(store, subscriber, count)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
