"""The ``sse`` module: synchronise as soon as the Backbone says that something is new (connector spec 9.2).

Unlike the official module it verifies TLS, and a Backbone that is away at the start does not stop the start.
"""

from __future__ import annotations

import random

import structlog
import trio

from trio_connector.correlation import correlated, new_correlation_id
from trio_connector.errors import BackboneRequestError
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import sync_and_log

EXTERNAL_EVENT_CREATED = "ExternalEventCreated"
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

log = structlog.get_logger("SseModule")


async def follow_backbone_events(
    services: Services,
    base_url_override: str | None = None,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Keep the event stream open for ever; synchronise at the start, after each (re)connection and on each event.

    It counts as started after the first synchronisation. While the stream cannot be opened, it is tried again after
    pauses that grow to a minute.
    """
    await _sync(services)
    task_status.started()
    pause_seconds = FIRST_PAUSE_SECONDS
    while True:
        opened_at = trio.current_time()
        try:
            await _follow(services, base_url_override)
            log.error("The event source has closed without reconnecting on its own")
        except BackboneRequestError as error:
            log.error("The connection to the SSE server was terminated", code=error.code, error=error.message)
        if trio.current_time() - opened_at > LONGEST_PAUSE_SECONDS:
            pause_seconds = FIRST_PAUSE_SECONDS
        # Spread out, so that a Backbone that comes back is not met by all its Connectors at once.
        await trio.sleep(pause_seconds * random.uniform(0.5, 1.0))
        pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)


async def _follow(services: Services, base_url_override: str | None) -> None:
    shown = base_url_override or services.base_url
    log.info(f"Trying to connect to the SSE endpoint {shown}")
    wake, woken = trio.open_memory_channel[None](1)
    async with (
        services.backbone.server_sent_events.connect(base_url_override) as stream,
        trio.open_nursery() as nursery,
    ):
        log.info(f"Connected to the SSE endpoint {shown}")
        nursery.start_soon(_sync_when_woken, services, woken)
        wake.send_nowait(None)  # what came before the stream was open
        async for name in stream:
            if name == EXTERNAL_EVENT_CREATED:
                try:
                    wake.send_nowait(None)
                except trio.WouldBlock:
                    continue  # a sync that has not started yet will see it
        nursery.cancel_scope.cancel()


async def _sync_when_woken(services: Services, woken: trio.MemoryReceiveChannel[None]) -> None:
    async for _ in woken:
        await _sync(services)


async def _sync(services: Services) -> None:
    log.info("Running sync")
    with correlated(new_correlation_id()):
        await sync_and_log(services)
