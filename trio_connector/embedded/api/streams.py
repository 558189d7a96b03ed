"""Server-sent events: who is listening, and what they hear (Backbone spec 14)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

_WAITING = 64


class Streams:
    """The open event streams of every identity. Names only, nothing is kept for those who are not there."""

    def __init__(self) -> None:
        self._open: dict[str, set[trio.MemorySendChannel[str]]] = {}

    @contextmanager
    def listen(self, address: str) -> Iterator[trio.MemoryReceiveChannel[str]]:
        """The names of the events for ``address``, as they happen."""
        send, receive = trio.open_memory_channel[str](_WAITING)
        streams = self._open.setdefault(address, set())
        streams.add(send)
        try:
            with receive:
                yield receive
        finally:
            streams.discard(send)
            send.close()
            if not streams and self._open.get(address) is streams:
                del self._open[address]

    def tell(self, address: str, name: str) -> None:
        """Say ``name`` to all streams of ``address``. One that lags has enough waiting: more would tell it nothing."""
        for stream in self._open.get(address, ()):
            try:
                stream.send_nowait(name)
            except trio.WouldBlock:
                continue
