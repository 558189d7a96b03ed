"""The embedded Backbone, alone or beside a command that needs it."""

from __future__ import annotations

import secrets
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog
import trio

from trio_connector.embedded import BackboneSettings, serve_backbone
from trio_connector.settings import Settings

log = structlog.get_logger("EmbeddedBackbone")


async def run_backbone(settings: BackboneSettings) -> None:
    """Be a Backbone until SIGINT or SIGTERM; a second one ends it at once.

    Raises OSError when the address or the folder is in use.
    """
    shutdown = trio.Event()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def serve(*, task_status: trio.TaskStatus[str]) -> None:
                await _serve(settings, shutdown)(task_status=task_status)
                nursery.cancel_scope.cancel("the Backbone has ended")

            url = await nursery.start(serve)
            log.info(f"Listening on port {url.rpartition(':')[2]}", url=url)
            async for _ in signals:
                if shutdown.is_set():
                    nursery.cancel_scope.cancel("a second signal")
                shutdown.set()


@asynccontextmanager
async def backbone_if_embedded(settings: Settings) -> AsyncIterator[str]:
    """The base URL of the Backbone. An embedded one runs for as long as the block lasts, unless it runs already."""
    base_url = settings.transport_library.base_url
    embedded = settings.infrastructure.embedded_backbone
    if not embedded.enabled:
        yield base_url
        return
    shutdown = trio.Event()
    async with trio.open_nursery() as nursery:
        with suppress(OSError):  # raised when a running daemon has it already, and then that one answers
            base_url = await nursery.start(_serve(backbone_settings(settings), shutdown))
        yield base_url
        shutdown.set()


def backbone_settings(settings: Settings) -> BackboneSettings:
    """The embedded Backbone that the settings describe."""
    embedded = settings.infrastructure.embedded_backbone
    domain = settings.transport_library.address_generation_hostname_override
    return BackboneSettings(
        host=embedded.host,
        port=embedded.port,
        folder=settings.embedded_backbone_folder,
        client_id=embedded.client_id,
        client_secret=embedded.client_secret,
        did_domain_name=domain or "localhost",
    )


def _serve(settings: BackboneSettings, shutdown: trio.Event) -> partial[Coroutine[Any, Any, None]]:
    return partial(
        serve_backbone, settings, clock=lambda: datetime.now(UTC), entropy=secrets.token_bytes, shutdown=shutdown
    )
