"""Publishes events to an MQTT broker with QoS 1 (connector spec 9.4): topic = namespace with ``.`` as ``/``.

paho does the protocol (3.1.1) and is driven from here: it reads and writes when Trio says that the socket can. Only
connecting, which blocks, happens in a thread. Needs the extra ``mqtt``.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import structlog
import trio
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from trio_connector.events.model import Answer
from trio_connector.events.senders.addresses import shown_url, split
from trio_connector.events.senders.link import WINDOW, Batch, Link, LinkedSender, LinkState, open_linked
from trio_connector.events.senders.payload import broker_body
from trio_connector.events.senders.tls import verified_context

log = structlog.get_logger("MessageBrokerPublisherModule")

KEEP_ALIVE_SECONDS = 60
HANDSHAKE_SECONDS = 10.0
AT_LEAST_ONCE = 1
_PORTS = {"mqtt": 1883, "tcp": 1883, "mqtts": 8883, "ssl": 8883, "ws": 80, "wss": 443}
_ENCRYPTED = frozenset({"mqtts", "ssl", "wss"})


@dataclass(frozen=True)
class MqttTarget:
    """The broker; without a URL ``localhost:1883`` as officially."""

    url: str = field(default="mqtt://localhost:1883", repr=False)

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        return shown_url(self.url)

    def check(self) -> None:
        """Raises ValueError for a URL that cannot be used; the text does not show it."""
        parts = split(self.url)
        if parts is None:
            raise ValueError("The MQTT URL has a part that is not understood.")
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"An MQTT URL starts with one of {', '.join(f'{name}://' for name in _PORTS)}.")


class MqttLink:
    """One connection. Everything happens in the Trio thread."""

    def __init__(self, target: MqttTarget, state: LinkState) -> None:
        self._target = target
        self._state = state
        self._client: paho.Client | None = None
        self._open: dict[int, tuple[Batch, int]] = {}
        self._answered = trio.Event()
        self._ended = trio.Event()
        self._to_write = trio.Event()
        self._reason = ""

    async def live(self) -> str:
        """See :class:`~trio_connector.events.senders.link.Link`."""
        parts = urlsplit(self._target.url)
        client = self._new_client(parts.scheme, parts.path, parts.username, parts.password)
        connect = partial(client.connect, parts.hostname or "localhost", parts.port or _PORTS[parts.scheme])
        try:
            await trio.to_thread.run_sync(
                partial(connect, keepalive=KEEP_ALIVE_SECONDS), limiter=trio.CapacityLimiter(1), abandon_on_cancel=True
            )
        except (OSError, ValueError) as error:
            return f"Could not connect to MQTT at '{self._target.shown}' ({error})"
        self._client = client
        try:
            await self._serve(client)
        finally:
            self._client = None
            self._step(client.disconnect)
            self._step(client.loop_write)
            open_, self._open = self._open, {}
            for batch, _ in open_.values():
                batch.refuse_rest(self._reason)
        return self._reason

    async def publish(self, batch: Batch) -> None:
        """See :class:`~trio_connector.events.senders.link.Link`; returns at once."""
        client = self._client
        for index, event in enumerate(batch.events):
            if client is None or self._ended.is_set():
                batch.refuse_rest(self._reason or "the connection has ended")
                break
            info = client.publish(event.namespace.replace(".", "/"), broker_body(event), qos=AT_LEAST_ONCE)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._end(f"publishing failed: {paho.error_string(info.rc)}")
                batch.refuse_rest(self._reason)
                break
            self._open[info.mid] = (batch, index)
        await trio.lowlevel.checkpoint_if_cancelled()

    def close(self) -> None:
        """See :class:`~trio_connector.events.senders.link.Link`."""
        self._end("closed")

    async def _serve(self, client: paho.Client) -> None:
        socket = client.socket()
        if socket is None:
            self._end("the broker closed it at once")
            return
        client.on_socket_close = self._on_socket_close
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, client, socket)
            nursery.start_soon(self._write, client, socket)
            nursery.start_soon(self._watch, client)
            with trio.move_on_after(HANDSHAKE_SECONDS):
                await self._answered.wait()
            if not self._answered.is_set():
                self._end("the broker does not answer")
            await self._ended.wait()
            nursery.cancel_scope.cancel("the connection has ended")

    async def _read(self, client: paho.Client, socket: Any) -> None:
        pending = getattr(socket, "pending", lambda: 0)
        while client.socket() is not None and not self._ended.is_set():
            with suppress(trio.ClosedResourceError):
                await trio.lowlevel.wait_readable(socket)
            # TLS and WebSocket keep decoded bytes of their own, of which the kernel knows nothing.
            self._step(client.loop_read)
            while client.socket() is not None and pending():
                self._step(client.loop_read)

    async def _write(self, client: paho.Client, socket: Any) -> None:
        while client.socket() is not None and not self._ended.is_set():
            while client.want_write() and not self._ended.is_set():
                with suppress(trio.ClosedResourceError):
                    await trio.lowlevel.wait_writable(socket)
                self._step(client.loop_write)
            self._to_write = trio.Event()
            if client.want_write():
                continue
            await self._to_write.wait()

    async def _watch(self, client: paho.Client) -> None:
        while not self._ended.is_set():
            await trio.sleep(1)
            self._step(client.loop_misc)

    def _step(self, step: Any) -> None:
        try:
            code = step()
        except Exception as error:  # the delivery border: what a broker sends ends its link only
            log.exception("The connection to the broker broke.", broker=self._target.shown)
            self._end(str(error) or type(error).__name__)
            return
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(paho.error_string(code))

    def _end(self, why: str) -> None:
        if not self._ended.is_set():
            self._reason = f"The connection to MQTT at '{self._target.shown}' is lost ({why})"
            self._ended.set()
        self._answered.set()

    def _new_client(self, scheme: str, path: str, user: str | None, password: str | None) -> paho.Client:
        transport: Literal["websockets", "tcp"] = "websockets" if scheme in ("ws", "wss") else "tcp"
        client = paho.Client(CallbackAPIVersion.VERSION2, transport=transport, reconnect_on_failure=False)
        client.max_inflight_messages_set(WINDOW)
        if transport == "websockets":
            client.ws_set_options(path=path or "/")
        if scheme in _ENCRYPTED:
            client.tls_set_context(verified_context())
        if user is not None:
            client.username_pw_set(unquote(user), None if password is None else unquote(password))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_socket_register_write = lambda *_: self._to_write.set()
        return client

    def _on_connect(self, _: Any, __: Any, ___: Any, reason_code: Any, ____: Any = None) -> None:
        if reason_code.is_failure:
            self._end(str(reason_code))
        else:
            self._answered.set()
            self._state.ready()

    def _on_disconnect(self, _: Any, __: Any, ___: Any, reason_code: Any, ____: Any = None) -> None:
        self._end(str(reason_code))

    def _on_socket_close(self, client: Any, _: Any, socket: Any) -> None:
        # The number of a closed socket is soon another's: nobody may go on waiting for it.
        if self._client is client:
            trio.lowlevel.notify_closing(socket)

    def _on_publish(self, _: Any, __: Any, mid: int, ___: Any, ____: Any = None) -> None:
        entry = self._open.pop(mid, None)
        if entry is not None:
            batch, index = entry
            batch.answer(index, Answer(accepted=True))


def open_mqtt(target: MqttTarget) -> AbstractAsyncContextManager[LinkedSender]:
    """A sender that connects to ``target`` in the background, again and again when it must."""

    def make_link(state: LinkState) -> Link:
        return MqttLink(target, state)

    return open_linked(target.shown, make_link)
