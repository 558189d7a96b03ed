"""The embedded Backbone as the benchmarks need it: ``python -m tests.bench.backbone`` prints its URL and runs."""

from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime
from functools import partial

import structlog
import trio

from trio_connector.embedded import BackboneSettings, serve_backbone

SETTINGS = BackboneSettings(port=0, max_unreceived_messages=1_000_000)


async def main() -> None:
    async with trio.open_nursery() as nursery:
        serve = partial(
            serve_backbone,
            SETTINGS,
            clock=lambda: datetime.now(UTC),
            entropy=secrets.token_bytes,
            shutdown=trio.Event(),
        )
        print(await nursery.start(serve), flush=True)  # noqa: T201 - the parent reads it


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    trio.run(main)
