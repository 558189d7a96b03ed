"""``python -m trio_connector.embedded``: the embedded Backbone alone, until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import secrets
import signal
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import trio

from trio_connector.embedded import BackboneSettings, serve_backbone


def _settings() -> BackboneSettings:
    parser = argparse.ArgumentParser(prog="python -m trio_connector.embedded", description="The embedded Backbone.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--folder", type=Path, help="where the data is kept; in memory when not given")
    parser.add_argument("--client-id", default="test")
    parser.add_argument("--client-secret", default="test")
    parser.add_argument("--did-domain-name", default="localhost")
    parser.add_argument("--admin-api-key", help="opens the administration routes")
    return BackboneSettings(**vars(parser.parse_args()))


async def _run(settings: BackboneSettings) -> None:
    shutdown = trio.Event()
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:
            url = await nursery.start(
                partial(
                    serve_backbone,
                    settings,
                    clock=lambda: datetime.now(UTC),
                    entropy=secrets.token_bytes,
                    shutdown=shutdown,
                )
            )
            sys.stdout.write(f"Listening on {url}\n")
            sys.stdout.flush()
            await anext(aiter(signals))
            shutdown.set()


if __name__ == "__main__":
    trio.run(_run, _settings())
