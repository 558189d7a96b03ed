"""Server-sent events: who is listening, and what they hear (Backbone spec 14)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from trio_connector.embedded.store.database import Signal

_WAITING = 64


class Streams:
    """The open event streams of every identity. Names only, nothing is kept for those who are not there."""

    def __init__(self) -> None:
        self._open: dict[str, dict[trio.MemorySendChannel[str], str]] = {}

    @contextmanager
    def listen(self, address: str, device_id: str) -> Iterator[trio.MemoryReceiveChannel[str]]:
        """The names of the events for a device of ``address``, as they happen."""
        send, receive = trio.open_memory_channel[str](_WAITING)
        streams = self._open.setdefault(address, {})
        streams[send] = device_id
        try:
            with receive:
                yield receive
        finally:
            del streams[send]
            send.close()
            if not streams and self._open.get(address) is streams:
                del self._open[address]

    def tell(self, signal: Signal) -> None:
        """Pass a signal on. A stream that lags has enough waiting: more would tell it nothing."""
        for stream, device_id in self._open.get(signal.address, {}).items():
            if device_id == signal.not_to:
                continue
            try:
                stream.send_nowait(signal.name)
            except trio.WouldBlock:
                continue
