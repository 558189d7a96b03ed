"""The daemon: every long-lived task on one page (design section 1.1). Read this first.

::

    run
     ├─ signals                       the first one sets ``stop``, the second ends at once
     ├─ embedded Backbone             when it is switched on; stops last
     └─ open_services                 store (its writer is a task of its own), Backbone client, account
         └─ senders                   one task per subscriber: webhooks, brokers, modules of this process
             └─ intake                HTTP server, synchronizer, tasks of modules (sync loop, event stream)

Stopping is the reverse: intake takes nothing new and finishes what it does, then the senders finish the attempt they
make, then what is queued for the disk is committed and everything is closed. All of it within the grace period.
A part that dies for good ends everything, with its traceback.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
import trio

import trio_connector
from trio_connector.api.app import create_app
from trio_connector.api.parts import ApiParts, BuildInformation, Health
from trio_connector.events.bus import EventBus
from trio_connector.events.log import Retention
from trio_connector.events.model import NewEvent
from trio_connector.http_server import ServerConfig, serve
from trio_connector.modules.assembly import Module, Task, assemble, register, start_over
from trio_connector.outgoing import Outgoing, Pins, going_out_by
from trio_connector.settings import CoreHttpApiOptions, Settings, redacted
from trio_connector.usecases.opening import AccountOptions, open_services
from trio_connector.usecases.services import Clock, Entropy, Services

log = structlog.get_logger("ConnectorRuntime")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
MEGABYTE = 1_000_000


def utc_now() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


class StoppedAtOnce(Exception):
    """A second signal came while the daemon was stopping."""


async def run(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    entropy: Entropy = os.urandom,
    stop_requested: Callable[[], Awaitable[object]] | None = None,
    task_status: trio.TaskStatus[list[str]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Start every part, serve until somebody asks to stop, stop in reverse order.

    ``stop_requested`` returns when the daemon shall stop; by default it waits for a signal. ``task_status`` gets the
    base URLs of the HTTP server once everything has started. Raises what a part that dies for good raises, and
    StoppedAtOnce for a second signal.
    """
    stop = trio.Event()
    async with trio.open_nursery() as root:
        if stop_requested is None:
            root.start_soon(_watch_signals, stop)
        else:
            root.start_soon(_watch, stop_requested, stop)
        async with _embedded_backbone(settings, clock, entropy) as base_url:
            await _run_connector(settings, base_url, clock, entropy, stop, task_status)
        root.cancel_scope.cancel("stopped")
    log.info("The Connector has stopped.")


async def _watch_signals(stop: trio.Event) -> None:
    with trio.open_signal_receiver(*STOP_SIGNALS) as signals:
        async for number in signals:
            if stop.is_set():
                raise StoppedAtOnce(signal.Signals(number).name)
            log.info("Stopping.", signal=signal.Signals(number).name)
            stop.set()


async def _watch(stop_requested: Callable[[], Awaitable[object]], stop: trio.Event) -> None:
    await stop_requested()
    stop.set()


@asynccontextmanager
async def _embedded_backbone(settings: Settings, clock: Clock, entropy: Entropy) -> AsyncIterator[str]:
    """The base URL to use: that of the embedded Backbone, which runs inside the block, or the configured one."""
    embedded = settings.infrastructure.embedded_backbone
    if not embedded.enabled:
        yield settings.transport_library.base_url
        return
    # Only here: most daemons use a Backbone elsewhere, and it is a tenth of all code.
    from trio_connector.embedded import BackboneSettings, serve_backbone

    shutdown = trio.Event()
    backbone = BackboneSettings(
        host=embedded.host,
        port=embedded.port,
        folder=settings.embedded_backbone_folder,
        client_id=embedded.client_id,
        client_secret=embedded.client_secret,
        did_domain_name=settings.transport_library.address_generation_hostname_override or "localhost",
    )
    async with trio.open_nursery() as nursery:
        started = partial(serve_backbone, backbone, clock=clock, entropy=entropy, shutdown=shutdown)
        base_url: str = await nursery.start(started)
        log.info("The embedded Backbone listens.", url=base_url)
        try:
            yield base_url
        finally:
            shutdown.set()


async def _run_connector(
    settings: Settings,
    base_url: str,
    clock: Clock,
    entropy: Entropy,
    stop: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    pins = Pins(settings.pinned_fingerprints, enforce=settings.enforce_certificate_pinning)
    for line in pins.announcements():
        log.info(line)
    options = account_options(settings, base_url)
    outgoing = Outgoing(pins)
    with going_out_by(outgoing):
        async with open_services(options, outgoing=outgoing, clock=clock, entropy=entropy) as services:
            structlog.get_logger("Transport.Transport").info("Transport initialized")
            bus = EventBus(services.store.events, clock=clock, entropy=entropy)
            log.info("Loading modules...")
            modules = assemble(settings, services)
            await start_over(settings, services)
            register(bus, modules)
            await _serve(settings, services, bus, modules, stop, task_status)


def account_options(settings: Settings, base_url: str) -> AccountOptions:
    """Which account the configuration means, at the Backbone ``base_url``."""
    transport = settings.transport_library
    embedded = settings.infrastructure.embedded_backbone.enabled
    return AccountOptions(
        folder=settings.database.folder_path,
        name=settings.database.db_name,
        base_url=base_url,
        client_id=transport.platform_client_id,
        client_secret=transport.platform_client_secret,
        hostname_override=transport.address_generation_hostname_override or ("localhost" if embedded else None),
        timeout_seconds=transport.platform_timeout / 1000,
        max_redirects=transport.platform_max_redirects,
        additional_headers=dict(transport.platform_additional_headers),
        allow_identity_creation=transport.allow_identity_creation,
    )


async def _serve(
    settings: Settings,
    services: Services,
    bus: EventBus,
    modules: list[Module],
    stop: trio.Event,
    task_status: trio.TaskStatus[list[str]],
) -> None:
    async with trio.open_nursery() as senders:
        for subscriber in bus.subscribers.values():
            await senders.start(subscriber.run)
        async with trio.open_nursery() as upkeep:
            upkeep.start_soon(bus.watch)
            upkeep.start_soon(bus.keep, retention(settings))
            async with trio.open_nursery() as intake:
                synchronizer: trio.CancelScope = await intake.start(services.synchronizer.run, services)
                urls = await _start_http(settings, services, bus, intake, stop)
                tasks = await _start_modules(modules, intake, stop)
                await services.store.transact(lambda unit: unit.append(NewEvent(namespace="runtime.modulesStarted")))
                if not stop.is_set():
                    log.info("Started all modules.")
                    task_status.started(urls)
                await stop.wait()
                log.info("Stopping modules...")
                end = trio.current_time() + settings.grace_period_seconds
                for scope in (*tasks, synchronizer):
                    scope.cancel("the Connector stops")
                intake.cancel_scope.deadline = end
            upkeep.cancel_scope.cancel("the Connector stops")
        bus.close()
        senders.cancel_scope.deadline = end
    for module in modules:
        log.info(f"Module '{module.display_name}' was stopped successfully.")
    log.info("Stopped all modules.")


async def _start_http(
    settings: Settings, services: Services, bus: EventBus, nursery: trio.Nursery, stop: trio.Event
) -> list[str]:
    """Serve the API; it stops taking requests when ``stop`` is set and finishes the open ones. Its base URLs."""
    server = settings.infrastructure.http_server
    if not server.enabled:
        return []

    async def health() -> Health:
        backbone = await services.backbone.health.check()
        return Health(
            database=services.store.is_healthy(),
            backbone_connection=backbone.connection,
            backbone_authentication=backbone.authentication,
        )

    app = create_app(
        ApiParts(
            settings=settings,
            services=services,
            health=health,
            clock=services.clock,
            entropy=services.entropy,
            configuration=redacted(settings),
            bus=bus,
            stopping=stop,
            build=BuildInformation(version=trio_connector.__version__),
            core_api=settings.module("coreHttpApi") is not None,
        )
    )

    async def shutdown() -> None:
        await stop.wait()
        app.end_changes_by(trio.current_time() + settings.grace_period_seconds)

    config = ServerConfig(host=server.host, port=server.port, graceful_timeout=settings.grace_period_seconds)
    urls: list[str] = await nursery.start(partial(serve, app, config, shutdown_trigger=shutdown))
    http_log = structlog.get_logger("HttpServer")
    http_log.info(f"Listening on port {urls[0].rpartition(':')[2]}")
    module = settings.module("coreHttpApi")
    if settings.debug and module is not None and module.typed(CoreHttpApiOptions).docs.enabled:
        http_log.info(f"The API is described at {urls[0]}/docs/swagger/")
    return urls


async def _start_modules(modules: list[Module], nursery: trio.Nursery, stop: trio.Event) -> list[trio.CancelScope]:
    """Start the modules one after the other; the scopes of their tasks. A stop meanwhile ends the starting."""
    scopes: list[trio.CancelScope] = []
    with trio.CancelScope() as starting:
        nursery.start_soon(_cancel_when, stop, starting)
        log.info("Starting modules...")
        for module in modules:
            if module.task is not None:
                scopes.append(await nursery.start(_cancellable, module.task))
            log.info(f"Module '{module.display_name}' was started successfully.")
    return scopes


async def _cancel_when(stop: trio.Event, scope: trio.CancelScope) -> None:
    await stop.wait()
    scope.cancel("the Connector stops")


async def _cancellable(task: Task, *, task_status: trio.TaskStatus[trio.CancelScope]) -> None:
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            await nursery.start(task)
            task_status.started(scope)


def retention(settings: Settings) -> Retention:
    """How much of the event log the configuration keeps."""
    events = settings.events
    return Retention(
        max_age=timedelta(days=events.retention_days),
        max_bytes=int(events.retention_megabytes * MEGABYTE),
        past_cursors=events.remove_undelivered,
    )
