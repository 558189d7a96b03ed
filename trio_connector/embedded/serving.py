"""Running the embedded Backbone: database, HTTP server, and what happens by itself."""

from __future__ import annotations

import trio

from trio_connector.crypto.dates import Clock
from trio_connector.crypto.entropy import Entropy
from trio_connector.embedded.api.admin import run_deletion_job
from trio_connector.embedded.api.app import BackboneApp
from trio_connector.embedded.api.streams import Streams
from trio_connector.embedded.settings import BackboneSettings
from trio_connector.embedded.store.database import Database, open_database
from trio_connector.http_server import ServerConfig, serve


async def serve_backbone(
    settings: BackboneSettings,
    *,
    clock: Clock,
    entropy: Entropy,
    shutdown: trio.Event,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Be a Backbone until ``shutdown`` is set; ``task_status.started`` gets the base URL once it listens.

    Raises OSError when the address is in use, when another process uses the folder, or when the folder's data is from a
    newer version. Cancelled, it ends at once; everything that was answered is kept.
    """
    failure: OSError | None = None
    with open_database(settings.folder, clock=clock, entropy=entropy) as database:
        streams = Streams()
        database.on_signal = streams.tell
        app = BackboneApp(settings, database, streams, shutdown)
        config = ServerConfig(
            host=settings.host,
            port=settings.port,
            graceful_timeout=settings.graceful_timeout,
            keep_alive_timeout=settings.keep_alive_timeout,
        )
        ended = trio.Event()

        async def serve_http(*, task_status: trio.TaskStatus[list[str]]) -> None:
            await serve(app, config, shutdown_trigger=shutdown.wait, task_status=task_status)
            ended.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.commit_forever)
            nursery.start_soon(_delete_regularly, database, settings)
            try:
                urls = await nursery.start(serve_http)
            except OSError as error:
                failure = error  # raised below, so that it does not leave the nursery as a group
            else:
                task_status.started(urls[0])
                await ended.wait()
            nursery.cancel_scope.cancel("the embedded Backbone ends")
    if failure is not None:
        raise failure


async def _delete_regularly(database: Database, settings: BackboneSettings) -> None:
    while True:
        await trio.sleep(settings.deletion_job_interval)
        await run_deletion_job(database, settings.did_domain_name)
