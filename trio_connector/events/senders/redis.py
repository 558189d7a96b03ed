"""Publishes events to Redis channels (connector spec 9.4): ``PUBLISH <namespace> <data>``. Needs the extra ``redis``.

Redis keeps nothing: what nobody listens to is gone, and that counts as delivered.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import coredis
import structlog
from coredis.exceptions import RedisError

from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.addresses import shown_url, split
from trio_connector.events.senders.payload import broker_body
from trio_connector.events.senders.tls import verified_context

log = structlog.get_logger("MessageBrokerPublisherModule")

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0


@dataclass(frozen=True)
class RedisTarget:
    """The server; without a URL ``localhost:6379`` as officially."""

    url: str = field(default="redis://localhost:6379", repr=False)

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return shown_url(self.url)

    def check(self) -> None:
        """Raises ValueError for a URL that cannot be used; the text does not show it."""
        parts = split(self.url)
        if parts is None:
            raise ValueError("The Redis URL has a part that is not understood.")
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise ValueError("A Redis URL looks like redis://user:password@host:port/database or rediss://...")


class RedisSender:
    """Sends to one server. Made by :func:`open_redis`."""

    max_batch = 200

    def __init__(self, target: RedisTarget, client: coredis.Redis[bytes]) -> None:
        self._target = target
        self._client = client

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """Publish ``events`` in order, in one round trip; after a failure none counts as delivered."""
        try:
            async with self._client.pipeline(transaction=False) as pipeline:
                for event in events:
                    pipeline.publish(event.namespace, broker_body(event))
        except (RedisError, OSError, TimeoutError) as error:
            reason = f"Publishing to Redis at '{self._target.shown}' failed: {_text(error)}"[:512]
            log.warning(reason)
            return [Answer(accepted=False, reason=reason)] * len(events)
        return [Answer(accepted=True)] * len(events)


def _text(error: BaseException) -> str:
    cause = error.__cause__
    text = str(error) or type(error).__name__
    return f"{text} ({cause})" if cause is not None and str(cause) else text


@asynccontextmanager
async def open_redis(target: RedisTarget) -> AsyncGenerator[RedisSender]:
    """A sender that connects with the first event, and anew whenever the connection is gone."""
    # coredis on its own verifies neither certificate nor name.
    context = verified_context() if target.url.startswith("rediss:") else None
    client = coredis.Redis.from_url(
        target.url,
        decode_components=True,
        ssl_context=context,
        connect_timeout=CONNECT_SECONDS,
        stream_timeout=ANSWER_SECONDS,
    )
    async with client:
        yield RedisSender(target, client)
