"""Publishes events to an AMQP 0-9-1 exchange, confirmed and in order (connector spec 9.4, design section 4).

pika's ``SelectConnection`` runs in a thread of its own, so heartbeats go on whatever the Trio loop does. A batch is
published at once and confirmed as the broker pleases (one tag or all up to a tag). Messages are not published as
mandatory: with a topic exchange it is normal that nobody has bound a queue for an event, and the broker confirms it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlunsplit

import pika
import pika.exceptions
import structlog
import trio

from trio_connector.crypto.dates import Clock
from trio_connector.events.model import Answer, Event
from trio_connector.events.senders.addresses import shown_url, split
from trio_connector.events.senders.link import Batch, Link, LinkedSender, LinkState, open_linked
from trio_connector.events.senders.payload import broker_body
from trio_connector.events.senders.signing import signature_headers
from trio_connector.events.senders.tls import verified_context

log = structlog.get_logger("MessageBrokerPublisherModule")
# pika tells about every failed attempt with tracebacks; what matters of it is in our own lines.
logging.getLogger("pika").setLevel(logging.CRITICAL)

PERSISTENT = 2
SHORT_STRING_BYTES = 255
NOT_FOUND = 404
HANDSHAKE_SECONDS = 10.0
THREAD_NAME = "AMQP publisher"
_OFFICIAL_QUERY_NAMES = {"frameMax": "frame_max", "channelMax": "channel_max"}
_TOO_LARGE = re.compile(r"message size (\d+)\b.*\bmax(?:imum)? (?:message )?size (\d+)")


@dataclass(frozen=True)
class AmqpTarget:
    """The exchange to publish to; an empty name is the broker's default exchange. ``connect_seconds`` is for TCP."""

    url: str = field(repr=False)
    exchange: str = ""
    connect_seconds: float = 2.0
    keys: tuple[bytes, ...] = field(default=(), repr=False)
    """Key bytes of the configured secrets; with them messages carry the headers of Standard Webhooks."""

    @property
    def shown(self) -> str:
        """URL without credentials, and the exchange."""
        return f"{shown_url(self.url)} exchange '{self.exchange}'"

    def parameters(self) -> pika.URLParameters:
        """What pika needs to connect. Raises ValueError for a URL that is none; the text does not show it."""
        parts = split(self.url)
        if parts is None:
            raise ValueError("The AMQP URL has a part that is not understood.")
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise ValueError("An AMQP URL looks like amqp://user:password@host:port/virtual-host.")
        query = [(_OFFICIAL_QUERY_NAMES.get(name, name), value) for name, value in parse_qsl(parts.query)]
        netloc = parts.netloc
        if parts.username is not None and parts.password is None:
            netloc = netloc.replace("@", ":@", 1)
        try:
            parameters = pika.URLParameters(urlunsplit(parts._replace(query=urlencode(query), netloc=netloc)))
            parameters.socket_timeout = self.connect_seconds
            parameters.stack_timeout = max(HANDSHAKE_SECONDS, 2 * self.connect_seconds)
        except (ValueError, TypeError, SyntaxError):
            raise ValueError("The AMQP URL has a part that is not understood.") from None
        if parts.scheme == "amqps" and "ssl_options" not in dict(query):
            parameters.ssl_options = pika.SSLOptions(verified_context(), parts.hostname)
        parameters.client_properties = {"connection_name": "trio-connector"}
        return parameters


def properties(event: Event, body: bytes, keys: tuple[bytes, ...], clock: Clock) -> pika.BasicProperties:
    """What accompanies the payload (design section 4): receivers drop duplicates by ``message_id``."""
    headers = None
    correlation_id = event.correlation_id
    if correlation_id is not None:
        # Whoever calls the API chooses it, and a text that does not fit would hold up everything behind it.
        correlation_id = correlation_id.encode(errors="replace")[:SHORT_STRING_BYTES].decode(errors="ignore")
    if keys:
        headers = signature_headers(keys, webhook_id=event.id, timestamp=int(clock().timestamp()), body=body)
    return pika.BasicProperties(
        message_id=event.id,
        type=event.namespace,
        timestamp=int(datetime.fromisoformat(event.occurred_at).timestamp()),
        content_type="application/json",
        delivery_mode=PERSISTENT,
        correlation_id=correlation_id,
        headers=headers,
    )


class AmqpLink:
    """One connection with one channel in confirm mode. Everything called ``_on_...`` runs in the link's thread."""

    def __init__(self, target: AmqpTarget, clock: Clock, state: LinkState) -> None:
        self._target = target
        self._clock = clock
        self._state = state
        self._limiter = trio.CapacityLimiter(1)
        self._lock = threading.Lock()
        # Guarded by the lock:
        self._connection: pika.SelectConnection | None = None
        self._handed_over: list[Batch] = []
        self._closing = False
        self._ended = False
        # Only for the link's thread:
        self._channel: Any = None
        self._last_tag = 0
        self._open: OrderedDict[int, tuple[Batch, int]] = OrderedDict()
        self._reason = ""

    async def live(self) -> str:
        """See :class:`~trio_connector.events.senders.link.Link`."""
        try:
            return await trio.to_thread.run_sync(
                self._run, thread_name=THREAD_NAME, limiter=self._limiter, abandon_on_cancel=True
            )
        finally:
            self.close()

    async def publish(self, batch: Batch) -> None:
        """See :class:`~trio_connector.events.senders.link.Link`; returns at once."""
        with self._lock:
            connection = self._connection
            if self._ended or connection is None:
                connection = None
            else:
                # A batch that waits already has woken the thread.
                wake = not self._handed_over
                self._handed_over.append(batch)
                if wake:
                    connection.ioloop.add_callback_threadsafe(self._on_handed_over)
        if connection is None:
            batch.refuse_rest(self._lost("the connection has ended"))
        await trio.lowlevel.checkpoint_if_cancelled()

    def close(self) -> None:
        """See :class:`~trio_connector.events.senders.link.Link`; may be called twice."""
        with self._lock:
            if not self._closing and not self._ended and self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(self._on_close_asked)
            self._closing = True

    # --- in the link's thread ---------------------------------------------------------------------------------------

    def _run(self) -> str:
        """Connect and serve until the connection ends; returns why."""
        connection = None
        try:
            connection = pika.SelectConnection(
                self._target.parameters(),
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_open_error,
                on_close_callback=self._on_closed,
            )
            connection.add_on_connection_blocked_callback(self._on_blocked)
            connection.add_on_connection_unblocked_callback(self._on_unblocked)
            with self._lock:
                self._connection = connection
                asked_to_close = self._closing
            if not asked_to_close:
                connection.ioloop.start()
        except Exception as error:  # the delivery border: what a broker sends ends its link only
            log.exception("The connection to the broker broke.", broker=self._target.shown)
            self._reason = self._lost(_text(error))
        finally:
            with self._lock:
                self._ended = True
                handed_over, self._handed_over = self._handed_over, []
            reason = self._reason or self._lost("closed")
            for batch in [*(batch for batch, _ in self._open.values()), *handed_over]:
                batch.refuse_rest(reason)
            self._open.clear()
            if connection is not None:
                connection.ioloop.close()
        return reason

    def _on_open(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_open_error(self, connection: Any, error: Any) -> None:
        self._reason = f"Could not connect to RabbitMQ at '{shown_url(self._target.url)}' ({_text(error)})"
        connection.ioloop.stop()

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_channel_closed)
        if self._target.exchange:
            channel.exchange_declare(self._target.exchange, passive=True, callback=self._on_exchange)
        else:
            # Brokers refuse any declaration of the default exchange, and it always exists.
            self._on_exchange(None)

    def _on_exchange(self, _: Any) -> None:
        self._channel.confirm_delivery(self._on_confirmed, callback=self._on_confirm_mode)

    def _on_confirm_mode(self, _: Any) -> None:
        self._state.ready()

    def _on_handed_over(self) -> None:
        with self._lock:
            batches, self._handed_over = self._handed_over, []
        for batch in batches:
            self._publish(batch)

    def _publish(self, batch: Batch) -> None:
        publish = partial(self._channel.basic_publish, self._target.exchange)
        for index, event in enumerate(batch.events):
            body = broker_body(event)
            try:
                publish(event.namespace, body, properties(event, body, self._target.keys, self._clock))
            except (pika.exceptions.ChannelWrongStateError, pika.exceptions.ConnectionWrongStateError) as error:
                batch.refuse_rest(self._lost(_text(error)))
                return
            except (pika.exceptions.AMQPError, ValueError) as error:
                # Nothing of it was sent, and nothing ever can be.
                reason = f"The event cannot be an AMQP message ({_text(error)})."[:512]
                batch.answer(index, Answer(accepted=False, permanent=True, reason=reason))
                continue
            self._last_tag += 1
            self._open[self._last_tag] = (batch, index)

    def _on_confirmed(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        if isinstance(frame.method, pika.spec.Basic.Ack):
            answer = Answer(accepted=True)
        else:
            answer = Answer(accepted=False, reason="The broker refused the message.")
        if not multiple:
            self._answer(self._open.pop(tag, None), answer)
            return
        while self._open and next(iter(self._open)) <= tag:
            self._answer(self._open.popitem(last=False)[1], answer)

    @staticmethod
    def _answer(entry: tuple[Batch, int] | None, answer: Answer) -> None:
        if entry is not None:
            batch, index = entry
            batch.answer(index, answer)

    def _on_blocked(self, _: Any, frame: Any) -> None:
        self._state.blocked(frame.method.reason or "no reason given")

    def _on_unblocked(self, _: Any, __: Any) -> None:
        self._state.blocked(None)

    def _on_channel_closed(self, channel: Any, error: Any) -> None:
        """The broker refused something: the exchange is missing, we may not write to it, a message is too large."""
        if channel.connection.is_closing or channel.connection.is_closed:
            return
        if getattr(error, "reply_code", None) == NOT_FOUND:
            self._reason = f"The configured exchange '{self._target.exchange}' does not exist."
        else:
            self._reason = f"Could not create a channel for RabbitMQ ({_text(error)})"
        self._refuse_too_large(_text(error))
        channel.connection.close()

    def _refuse_too_large(self, text: str) -> None:
        """A message that the broker will never take must not hold up those behind it."""
        match = _TOO_LARGE.search(text)
        if match is None:
            return
        limit = int(match[2])
        for batch, index in self._open.values():
            if len(broker_body(batch.events[index])) > limit:
                batch.answer(index, Answer(accepted=False, permanent=True, reason=text[:512]))

    def _on_closed(self, connection: Any, error: Any) -> None:
        self._reason = self._reason or self._lost(_text(error))
        connection.ioloop.stop()

    def _on_close_asked(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if connection.is_open:
            connection.close()
        elif not connection.is_closing:
            self._reason = self._reason or self._lost("closed while connecting")
            connection.ioloop.stop()

    def _lost(self, why: str) -> str:
        return f"The connection to RabbitMQ at '{shown_url(self._target.url)}' is lost ({why})"


def _text(error: object) -> str:
    """A short text of what pika reports: of its nested connection errors, the innermost and last."""
    code, reply = getattr(error, "reply_code", None), getattr(error, "reply_text", None)
    if code is not None:
        return f"{code} {reply}"
    if not isinstance(error, BaseException):
        return str(error)
    inner = [*getattr(error, "exceptions", ()), getattr(error, "exception", None), *error.args]
    causes = [cause for cause in inner if isinstance(cause, BaseException)]
    if causes:
        return _text(causes[-1])
    if isinstance(error, pika.exceptions.AMQPConnectionError) and error.args:
        return str(error.args[0])
    return str(error) or type(error).__name__


def open_amqp(target: AmqpTarget, clock: Clock) -> AbstractAsyncContextManager[LinkedSender]:
    """A sender that connects to ``target`` in the background, again and again when it must."""

    def make_link(state: LinkState) -> Link:
        return AmqpLink(target, clock, state)

    return open_linked(target.shown, make_link)
