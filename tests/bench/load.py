"""HTTP clients that cost as little as possible: one blocking loop over non-blocking sockets, nothing parsed twice.

What is measured shares its machine with what measures, so a request costs about 20 microseconds here. Times are
``time.monotonic`` seconds, which all processes of a machine share.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CHUNK_BYTES = 1 << 18
LIMIT_SECONDS = 120.0


class Refused(Exception):
    """An answer that is not the expected one."""


@dataclass(frozen=True)
class Rate:
    """What a load brought: requests a second, and how long the slowest of a hundred took, in milliseconds."""

    per_second: float
    p99_ms: float


class Api:
    """The API of one Connector. Not safe for use by several threads."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or 80
        self._key = key
        self._connection: _Connection | None = None

    def message(self, method: str, path: str, body: object = None) -> bytes:
        """The bytes of a request; ``path`` is relative to the core API unless it begins with a slash."""
        content = b"" if body is None else json.dumps(body).encode()
        target = path if path.startswith("/") else f"/api/core/v1/{path}"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}", "Accept: application/json"]
        if self._key is not None:
            lines.append(f"X-API-KEY: {self._key}")
        if body is not None or method in ("POST", "PUT"):
            lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request on the kept connection; the ``result`` of its answer. Raises `Refused` for an error."""
        status, content = self.exchange(self.message(method, path, body))
        if not 200 <= status < 300:
            raise Refused(f"{method} {path}: {status} {content[:500].decode(errors='replace')}")
        return json.loads(content)["result"] if content else None

    def exchange(self, message: bytes) -> tuple[int, bytes]:
        """Send a request, wait for its answer; status and body."""
        while True:
            reused = self._connection is not None
            connection = self._connection = self._connection or _Connection(self.host, self.port)
            try:
                return connection.exchange(message)
            except OSError:
                connection.close()
                self._connection = None
                if not reused:
                    raise

    def load(self, messages: Sequence[bytes], connections: int, expected: int) -> Rate:
        """Send all ``messages``, each connection one after the other. Raises `Refused` for another status."""
        return load(self.host, self.port, messages, connections, expected)


class _Connection:
    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=LIMIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def exchange(self, message: bytes) -> tuple[int, bytes]:
        self.socket.sendall(message)
        while (answer := self.take()) is None:
            self.receive()
        return answer

    def receive(self) -> None:
        """Take in what has arrived. Raises ConnectionError at the end of the stream."""
        chunk = self.socket.recv(CHUNK_BYTES)
        if not chunk:
            raise ConnectionResetError("the connection was closed")
        self._buffer += chunk

    def take(self) -> tuple[int, bytes] | None:
        """Status and body of a complete answer; None when more has to arrive."""
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        status = int(head[9:12])
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            if not rest.endswith(b"0\r\n\r\n"):
                return None
            self._buffer = b""
            return status, _joined(rest)
        length = int(lower.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0] or 0)
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return status, rest[:length]

    def close(self) -> None:
        self.socket.close()


def _joined(chunks: bytes) -> bytes:
    body = b""
    while chunks:
        size, _, rest = chunks.partition(b"\r\n")
        length = int(size, 16)
        body += rest[:length]
        chunks = rest[length + 2 :] if length else b""
    return body


def load(host: str, port: int, messages: Sequence[bytes], connections: int, expected: int) -> Rate:
    """Send all ``messages`` over so many connections, each with one request under way."""
    waiting = iter(messages)
    latencies: list[float] = []
    with selectors.DefaultSelector() as selector:
        began: dict[_Connection, float] = {}

        def send(connection: _Connection) -> None:
            message = next(waiting, None)
            if message is None:
                selector.unregister(connection.socket)
                del began[connection]
                connection.close()
                return
            began[connection] = time.perf_counter()
            connection.socket.sendall(message)

        opened = [_Connection(host, port) for _ in range(min(connections, len(messages)))]
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started = time.perf_counter()
        for connection in opened:
            send(connection)
        while began:
            ready = selector.select(LIMIT_SECONDS)
            if not ready:
                raise TimeoutError(f"no answer within {LIMIT_SECONDS} seconds")
            for key, _ in ready:
                connection = key.data
                connection.receive()
                answer = connection.take()
                if answer is None:
                    continue
                if answer[0] != expected:
                    raise Refused(f"{answer[0]} instead of {expected}: {answer[1][:500].decode(errors='replace')}")
                latencies.append(time.perf_counter() - began[connection])
                send(connection)
        took = time.perf_counter() - started
    latencies.sort()
    return Rate(len(latencies) / took, latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))] * 1000)


def wait_until(ready: Callable[[], bool], what: str, seconds: float = LIMIT_SECONDS, pause: float = 0.005) -> None:
    """Look again and again until it is so; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} seconds")
        time.sleep(pause)
