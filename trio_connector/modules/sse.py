"""The ``sse`` module: synchronise as soon as the Backbone says that something is new (connector spec 9.2).

The stream carries hints only, and none of what was missed: so there is a synchronisation after each (re)connection, and
one that fails is repeated. Where the stream cannot be opened, each attempt is a synchronisation all the same. Unlike
the official module it verifies TLS, and a Backbone that is away at the start does not stop the start.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import repeat

import structlog
import trio

from trio_connector.backbone.server_sent_events import PATH, EventStream
from trio_connector.correlation import correlated, new_correlation_id
from trio_connector.errors import BackboneRequestError
from trio_connector.events.senders.addresses import shown_url
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import sync_and_log

EXTERNAL_EVENT_CREATED = "ExternalEventCreated"
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""A stream that was open for longer was a good one: after it, pauses begin with the first one again."""

log = structlog.get_logger("SseModule")


def pauses() -> Iterator[float]:
    """Pauses that grow from attempt to attempt, in seconds."""
    pause = FIRST_PAUSE_SECONDS
    while pause < LONGEST_PAUSE_SECONDS:
        yield pause
        pause *= 2
    yield from repeat(LONGEST_PAUSE_SECONDS)


async def follow_backbone_events(
    services: Services,
    base_url_override: str | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Keep the event stream open for ever; synchronise at the start, after each (re)connection and on each event.

    It counts as started after the first synchronisation, whatever became of that. While the stream cannot be opened, it
    is tried again after pauses that grow to a minute, with a synchronisation before each attempt.
    """
    await _sync(services)
    task_status.started()
    left = pauses()
    while True:
        if await _follow(services, base_url_override) > LONGEST_PAUSE_SECONDS:
            left = pauses()
        await _pause(next(left))
        await _sync(services)


async def _follow(services: Services, base_url_override: str | None) -> float:
    """Open the stream and synchronise until it ends; how long it was open, in seconds."""
    shown = shown_url((base_url_override or services.base_url).rstrip("/") + PATH)
    log.info(f"Trying to connect to the SSE endpoint {shown}")
    opened_at: float | None = None
    try:
        async with services.backbone.server_sent_events.connect(base_url_override) as stream:
            opened_at = trio.current_time()
            log.info(f"Connected to the SSE endpoint {shown}")
            failure = await _sync_on_each_event(services, stream)
    except BackboneRequestError as error:
        failure = error
    if opened_at is None and failure is not None:
        message = f"An error occurred while connecting to the SSE server: '{failure.message}'"
        log.error(message, code=failure.code)
        return 0.0
    if failure is not None:
        log.error(f"The connection to the SSE server was terminated: '{failure.message}'", code=failure.code)
    else:
        log.error("The event source has closed without reconnecting on its own")
    return 0.0 if opened_at is None else trio.current_time() - opened_at


async def _sync_on_each_event(services: Services, stream: EventStream) -> BackboneRequestError | None:
    """Synchronise now, for what came before the stream was open, and on each event; what ended the stream."""
    wake, woken = trio.open_memory_channel[None](1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_sync_when_woken, services, woken)
        wake.send_nowait(None)
        try:
            async for name in stream:
                if name == EXTERNAL_EVENT_CREATED:
                    try:
                        wake.send_nowait(None)
                    except trio.WouldBlock:
                        continue  # a synchronisation that has not started yet will see it
        except BackboneRequestError as error:
            return error  # raised here it would come out of the nursery in a group
        finally:
            nursery.cancel_scope.cancel("the event stream has ended")
    return None


async def _sync_when_woken(services: Services, woken: trio.MemoryReceiveChannel[None]) -> None:
    async for _ in woken:
        left = pauses()
        while not await _sync(services):
            await _pause(next(left))


async def _pause(seconds: float) -> None:
    # Spread out, so that a Backbone that comes back is not met by all its Connectors at once.
    await trio.sleep(seconds * random.uniform(0.5, 1.0))


async def _sync(services: Services) -> bool:
    log.info("Running sync")
    with correlated(new_correlation_id()):
        return await sync_and_log(services)
