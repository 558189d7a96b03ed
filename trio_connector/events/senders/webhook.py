"""Delivers events to a webhook target, one request each (connector spec 9.3, design section 4)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.addresses import shown_url
from trio_connector.events.senders.authentication import Authentication, AuthenticationError
from trio_connector.events.senders.http_post import json_headers, new_client, post
from trio_connector.events.senders.payload import OldName, webhook_body
from trio_connector.events.senders.signing import signature_headers
from trio_connector.events.senders.tls import unverified_context, verified_context

log = structlog.get_logger("WebhooksModule")

PLACEHOLDER = "{{trigger}}"


@dataclass(frozen=True)
class WebhookTarget:
    """Where to send, as whom, and with which signature.

    ``headers`` are the operator's, in their order. ``keys`` are the key bytes of the configured secrets.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    authentication: Authentication | None = None
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    verify_tls: bool = True

    def filled_url(self, trigger: str) -> str:
        """The URL with its first placeholder replaced; a second one stays (connector spec 9.3 step 1)."""
        return self.url.replace(PLACEHOLDER, trigger, 1)


class WebhookSender:
    """Sends to one target. Made by :func:`open_webhook`."""

    max_batch = 1

    def __init__(
        self, target: WebhookTarget, client: httpx.AsyncClient, clock: Clock, old_name: OldName | None = None
    ) -> None:
        self._target = target
        self._client = client
        self._clock = clock
        self._old_name = old_name

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """One request per event, in order. A cancellation leaves open whether the target has the current one."""
        return [await self._send(event) for event in events]

    async def _send(self, event: Event) -> Answer:
        if self._old_name is not None:
            event = self._old_name.applied_to(event)
        url = self._target.filled_url(event.namespace)
        body = webhook_body(event, event.namespace)
        try:
            headers = await self._headers(event, body)
        except AuthenticationError as error:
            log.error(f"Request to webhook '{shown_url(url)}' failed with the following error:", error=str(error))
            return Answer(accepted=False, reason=str(error))
        log.debug(f"Sending request to webhook '{shown_url(url)}' for trigger '{event.namespace}'.", event_id=event.id)
        answer = await post(self._client, url, headers=headers, body=body, clock=self._clock)
        if answer.status == httpx.codes.UNAUTHORIZED and self._target.authentication is not None:
            self._target.authentication.refused()
        return answer

    async def _headers(self, event: Event, body: bytes) -> httpx.Headers:
        headers = json_headers(self._target.headers)
        # Whoever calls the API chooses it; one that HTTP does not allow would make the event undeliverable.
        if event.correlation_id is not None and event.correlation_id.isprintable():
            headers["x-correlation-id"] = event.correlation_id
        if self._target.authentication is not None:
            name, value = await self._target.authentication.header()
            headers[name] = value
        # The time of this attempt, not of the event: receivers refuse old timestamps to stop replays.
        timestamp = int(self._clock().timestamp())
        headers.update(signature_headers(self._target.keys, webhook_id=event.id, timestamp=timestamp, body=body))
        return headers


@asynccontextmanager
async def open_webhook(
    target: WebhookTarget, delivery: DeliverySettings, clock: Clock, old_name: OldName | None = None
) -> AsyncGenerator[WebhookSender]:
    """A sender with its own client; its connections are closed at the end. Nothing is sent by opening."""
    verify = verified_context() if target.verify_tls else unverified_context()
    async with new_client(verify, timeout_seconds=delivery.timeout_seconds, connections=delivery.lanes) as client:
        yield WebhookSender(target, client, clock, old_name)
