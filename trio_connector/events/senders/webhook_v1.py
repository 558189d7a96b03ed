"""The webhook of 2022, form 1: from time to time one POST with everything that is new (spec 08 section 4.2).

The pauses between two POSTs, keeping what was refused and surviving a restart are the subscriber's (its
``pace_seconds`` and its cursor); this sender makes one request of a batch of events. Two defects of the original are
not repeated: what the receiver refuses is not lost, and each POST carries everything, not half of it. Redirects are
not followed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import msgspec
import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.addresses import shown_url
from trio_connector.events.senders.http_post import json_headers, new_client, post
from trio_connector.events.senders.signing import signature_headers
from trio_connector.events.senders.tls import verified_context

log = structlog.get_logger("WebhooksModule")


@dataclass(frozen=True)
class Item:
    """What one event contributes: the newest state of a message or relationship, in the shape of 2022."""

    kind: Literal["messages", "relationships"]
    id: str
    shown: Any


ItemOf = Callable[[Event], Item | None]
"""Makes the item of an event; None when it contributes nothing."""


@dataclass(frozen=True)
class WebhookV1Target:
    """Where to send, with which headers."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    keys: tuple[bytes, ...] = field(default=(), repr=False)


class WebhookV1Sender:
    """Sends batches to the one URL of the V1 module. Made by :func:`open_webhook_v1`."""

    max_batch = 500

    def __init__(self, target: WebhookV1Target, client: httpx.AsyncClient, clock: Clock, item_of: ItemOf) -> None:
        self._target = target
        self._client = client
        self._clock = clock
        self._item_of = item_of

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """One POST for all ``events``; they are accepted or refused together, and never refused for good."""
        latest: dict[tuple[str, str], Item] = {}
        for event in events:
            item = self._item_of(event)
            if item is not None:
                # Taken out first, so that the items stand in the order of their last change.
                latest.pop((item.kind, item.id), None)
                latest[item.kind, item.id] = item
        if not latest:
            return [Answer(accepted=True)] * len(events)
        # The last event names the batch: sent again unchanged, it has the same id.
        answer = await self._post(list(latest.values()), events[-1].id)
        return [answer] * len(events)

    async def _post(self, items: Sequence[Item], batch_id: str) -> Answer:
        body = msgspec.json.encode(
            {kind: [item.shown for item in items if item.kind == kind] for kind in ("relationships", "messages")}
        )
        headers = json_headers(self._target.headers)
        timestamp = int(self._clock().timestamp())
        headers.update(signature_headers(self._target.keys, webhook_id=batch_id, timestamp=timestamp, body=body))
        log.info(f"Sending ({len(items)}) items to {shown_url(self._target.url)}...")
        answer = await post(self._client, self._target.url, headers=headers, body=body, clock=self._clock)
        if not answer.accepted:
            log.error(
                "There was an error while sending unpublished items to the configured http endpoint:",
                error=answer.reason,
            )
        return msgspec.structs.replace(answer, permanent=False)


@asynccontextmanager
async def open_webhook_v1(
    target: WebhookV1Target, delivery: DeliverySettings, clock: Clock, item_of: ItemOf
) -> AsyncGenerator[WebhookV1Sender]:
    """A sender with its own client; its connection is closed at the end. Nothing is sent by opening."""
    async with new_client(verified_context(), timeout_seconds=delivery.timeout_seconds, connections=1) as client:
        yield WebhookV1Sender(target, client, clock, item_of)
