"""Where events go during a run: a web server in a process of its own, and a consumer of an AMQP queue in a thread.

``python -m tests.bench.receivers`` is the web server: it prints its port, takes every POST, answers ``GET /`` with what
came since the last ``DELETE /``.
"""

from __future__ import annotations

import json
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pika
import pika.exceptions

from tests.bench.load import Api

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Received:
    """How many events came, how many different ones, and when the last one did (``time.monotonic``)."""

    count: int = 0
    distinct: int = 0
    last_at: float = 0.0


class _Tally:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.count = 0
        self.last_at = 0.0
        self.bodies: set[int] = set()

    def take(self, body: bytes) -> None:
        self.count += 1
        self.last_at = time.monotonic()
        self.bodies.add(hash(body))

    def received(self) -> Received:
        return Received(self.count, len(self.bodies), self.last_at)


# --- webhooks --------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Be the web server until the process is ended."""
    tally = _Tally()
    selector = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    selector.register(listener, selectors.EVENT_READ)
    buffers: dict[socket.socket, bytes] = {}
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the parent reads it
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                buffers[connection] = b""
                selector.register(connection, selectors.EVENT_READ)
                continue
            connection = key.fileobj  # type: ignore[assignment]  # only sockets are registered
            try:
                chunk = connection.recv(1 << 18)
            except OSError:
                chunk = b""
            if not chunk:
                selector.unregister(connection)
                connection.close()
                del buffers[connection]
                continue
            buffers[connection] = _answer(connection, buffers[connection] + chunk, tally)


def _answer(connection: socket.socket, buffer: bytes, tally: _Tally) -> bytes:
    head, found, rest = buffer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
    if not found or len(rest) < length:
        return buffer
    if head.startswith(b"POST"):
        tally.take(rest[:length])
        connection.sendall(NO_CONTENT)
    elif head.startswith(b"DELETE"):
        tally.clear()
        connection.sendall(NO_CONTENT)
    else:
        seen = tally.received()
        body = json.dumps({"result": [seen.count, seen.distinct, seen.last_at]}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    return rest[length:]


class Webhooks:
    """The web server, seen from outside."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._api = Api(self.url)

    def received(self) -> Received:
        """What came since `clear`."""
        return Received(*self._api.ask("GET", "/"))

    def clear(self) -> None:
        """Forget what came."""
        self._api.ask("DELETE", "/")


@contextmanager
def webhooks() -> Iterator[Webhooks]:
    """A web server in a process of its own."""
    with subprocess.Popen([sys.executable, "-m", "tests.bench.receivers"], stdout=subprocess.PIPE) as process:
        try:
            yield Webhooks(int(process.stdout.readline() if process.stdout else 0))
        finally:
            process.terminate()


# --- AMQP ------------------------------------------------------------------------------------------------------------


class Queue:
    """An exchange of our own, and a queue that gets what is published there under ``routing_key``."""

    def __init__(self, url: str, routing_key: str) -> None:
        blocking: Any = pika.BlockingConnection  # its annotations are narrower than what it takes
        self._connection = blocking(pika.URLParameters(url))
        self._channel = self._connection.channel()
        self.exchange = f"bench-{time.time_ns()}"
        self._channel.exchange_declare(self.exchange, "topic")
        queue = self._channel.queue_declare("", exclusive=True).method.queue
        self._channel.queue_bind(queue, self.exchange, routing_key)
        self._tally = _Tally()
        self._channel.basic_consume(queue, self._on_message, auto_ack=True)
        self._thread = threading.Thread(target=self._consume, daemon=True)
        self._thread.start()

    def _on_message(self, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        self._tally.take(body)

    def _consume(self) -> None:
        with suppress(pika.exceptions.AMQPError):
            self._channel.start_consuming()

    def received(self) -> Received:
        """What came since `clear`."""
        return self._tally.received()

    def clear(self) -> None:
        """Forget what came."""
        self._connection.add_callback_threadsafe(self._tally.clear)

    def close(self) -> None:
        """Remove exchange and queue."""
        self._connection.add_callback_threadsafe(self._channel.stop_consuming)
        self._thread.join()
        self._channel.exchange_delete(self.exchange)
        self._connection.close()


@contextmanager
def amqp_queue(url: str, routing_key: str) -> Iterator[Queue]:
    """A queue that exists for as long as the block lasts."""
    queue = Queue(url, routing_key)
    try:
        yield queue
    finally:
        queue.close()


if __name__ == "__main__":
    serve()
