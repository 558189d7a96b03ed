"""Publishes events to a Google Pub/Sub topic over its REST API (connector spec 9.4).

Each request carries a token that the service account's key signs itself (no token server is asked); the message is the
event's data with the attribute ``namespace``.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx
import jwt
import msgspec
import structlog

from trio_connector.crypto.dates import Clock
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.http_post import new_client, read_limited, retry_after_seconds
from trio_connector.events.senders.payload import broker_body
from trio_connector.events.senders.signing import signature_headers
from trio_connector.events.senders.tls import verified_context

log = structlog.get_logger("MessageBrokerPublisherModule")

DEFAULT_ENDPOINT = "https://pubsub.googleapis.com"
AUDIENCE = "https://pubsub.googleapis.com/"
TOKEN_LIFETIME = timedelta(hours=1)
TOKEN_EARLY = timedelta(minutes=5)
ANSWER_LIMIT_BYTES = 65536
REQUEST_LIMIT_BYTES = 7_000_000
"""The API takes ten million bytes; base64 makes a third more of the data."""


class InvalidKeyFileError(ValueError):
    """The key file cannot be read or is no service account's; the text does not show its content."""


class ServiceAccount(msgspec.Struct, frozen=True):
    """The members of a service account's key file that are needed."""

    client_email: str
    private_key: str
    private_key_id: str

    def __repr__(self) -> str:
        return f"ServiceAccount({self.client_email!r})"


def read_key_file(path: Path) -> ServiceAccount:
    """The service account of ``keyFile``. Raises InvalidKeyFileError."""
    try:
        account = msgspec.json.decode(path.read_bytes(), type=ServiceAccount)
    except OSError as error:
        raise InvalidKeyFileError(f"The keyFile '{path}' cannot be read ({error.strerror}).") from error
    except msgspec.DecodeError as error:
        raise InvalidKeyFileError(f"The keyFile '{path}' is not the key of a service account ({error}).") from error
    try:
        jwt.encode({}, account.private_key, algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        # "from None": the cause may quote the key.
        raise InvalidKeyFileError(f"The keyFile '{path}' holds no usable private key.") from None
    return account


@dataclass(frozen=True)
class PubSubTarget:
    """The topic, and who publishes; ``endpoint`` is another host for an emulator or a private gateway."""

    project_id: str
    topic_name: str
    account: ServiceAccount = field(repr=False)
    endpoint: str = DEFAULT_ENDPOINT
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Key bytes of the configured secrets; with them messages carry the attributes of Standard Webhooks."""

    @property
    def shown(self) -> str:
        """Project and topic."""
        return f"projects/{self.project_id}/topics/{self.topic_name}"

    @property
    def url(self) -> str:
        """Where to publish."""
        project, topic = quote(self.project_id, safe=""), quote(self.topic_name, safe="")
        return f"{self.endpoint.rstrip('/')}/v1/projects/{project}/topics/{topic}:publish"


class PubSubSender:
    """Sends to one topic. Made by :func:`open_pubsub`."""

    max_batch = 100

    def __init__(self, target: PubSubTarget, client: httpx.AsyncClient, clock: Clock) -> None:
        self._target = target
        self._client = client
        self._clock = clock
        self._token = ""
        self._token_until: datetime | None = None

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """Publish ``events`` in order, as few requests as their size allows; each request is taken as a whole or not.

        After a refused request the rest is not tried, so that it cannot overtake.
        """
        answers: list[Answer] = []
        for portion in _portions(events):
            answer = await self._publish(portion)
            answers.extend([answer] * len(portion))
            if not answer.accepted:
                rest = len(events) - len(answers)
                answers.extend([Answer(accepted=False, reason=answer.reason)] * rest)
                break
        return answers

    async def _publish(self, events: Sequence[Event]) -> Answer:
        body = msgspec.json.encode({"messages": [self._message(event) for event in events]})
        headers = {"authorization": f"Bearer {self._signed_token()}", "content-type": "application/json"}
        try:
            async with self._client.stream("POST", self._target.url, content=body, headers=headers) as response:
                await read_limited(response, ANSWER_LIMIT_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"Could not publish to {self._target.shown} ({type(error).__name__}: {error})"[:512]
            log.warning(reason)
            return Answer(accepted=False, reason=reason)
        status = response.status_code
        if status == httpx.codes.OK:
            return Answer(accepted=True, status=status)
        if status == httpx.codes.NOT_FOUND:
            target = self._target
            reason = f"Topic '{target.topic_name}' does not exist in the project '{target.project_id}'."
        else:
            reason = f"Could not publish to {self._target.shown} (status {status})"
        if status == httpx.codes.UNAUTHORIZED:
            self._token_until = None
        log.warning(reason)
        return Answer(
            accepted=False,
            status=status,
            reason=reason[:512],
            retry_after_seconds=retry_after_seconds(response.headers.get("retry-after"), self._clock()),
        )

    def _message(self, event: Event) -> dict[str, object]:
        data = broker_body(event)
        attributes = {"namespace": event.namespace}
        if self._target.keys:
            timestamp = int(self._clock().timestamp())
            attributes |= signature_headers(self._target.keys, webhook_id=event.id, timestamp=timestamp, body=data)
        return {"data": base64.b64encode(data).decode(), "attributes": attributes}

    def _signed_token(self) -> str:
        now = self._clock()
        if self._token_until is None or now > self._token_until - TOKEN_EARLY:
            account = self._target.account
            self._token_until = now + TOKEN_LIFETIME
            claims = {
                "iss": account.client_email,
                "sub": account.client_email,
                "aud": AUDIENCE,
                "iat": int(now.timestamp()),
                "exp": int(self._token_until.timestamp()),
            }
            self._token = jwt.encode(
                claims, account.private_key, algorithm="RS256", headers={"kid": account.private_key_id}
            )
        return self._token


def _portions(events: Sequence[Event]) -> list[list[Event]]:
    """``events`` in order, in portions that fit into one request each (a single one may be larger)."""
    portions: list[list[Event]] = []
    size = 0
    for event in events:
        length = len(event.data)
        if not portions or size + length > REQUEST_LIMIT_BYTES:
            portions.append([])
            size = 0
        portions[-1].append(event)
        size += length
    return portions


@asynccontextmanager
async def open_pubsub(target: PubSubTarget, delivery: DeliverySettings, clock: Clock) -> AsyncGenerator[PubSubSender]:
    """A sender with its own client; its connections are closed at the end. Nothing is sent by opening."""
    async with new_client(
        verified_context(), timeout_seconds=delivery.timeout_seconds, connections=delivery.lanes
    ) as client:
        yield PubSubSender(target, client, clock)
