"""Live streams of events, for as long as somebody listens (design section 6, ``Events/Stream``).

A tap reads the log at its listener's pace, so it holds one page of events at most; nobody waits for it. A listener that
was up to date and then falls too far behind is cut: it is told, and can come back with its last position.
"""

from __future__ import annotations

from collections import deque

import trio

from trio_connector.events.log import EventLog
from trio_connector.events.model import Event
from trio_connector.events.patterns import EVERYTHING, Patterns

TAP_PAGE = 50
MAX_BEHIND = 10_000


class TooSlow(Exception):
    """The listener did not keep up; ``position`` is the last one it was given."""

    def __init__(self, position: int) -> None:
        super().__init__(f"the listener is too slow; it has everything up to position {position}")
        self.position = position


class NotKept(Exception):
    """The events that follow ``position`` are not in the log any more; ``oldest`` is the position where it begins."""

    def __init__(self, position: int, oldest: int) -> None:
        super().__init__(f"the log begins at position {oldest}; what follows {position} is not kept any more")
        self.position = position
        self.oldest = oldest


class Tap:
    """Made by ``EventBus.tap``; iterate over it. Ends when the bus is closed; raises `TooSlow` and `NotKept`.

    From position 0 it gives everything that is kept; from any other one it leaves nothing out.
    """

    def __init__(self, log: EventLog, patterns: Patterns, after: int | None, max_behind: int = MAX_BEHIND) -> None:
        self._log = log
        self._patterns = patterns
        self._position = log.head if after is None else after
        self._max_behind = max_behind
        self._was_up_to_date = after is None
        self._page: deque[Event] = deque()
        self._closed = False
        self._wake_send, self._wake = trio.open_memory_channel[None](1)

    @property
    def position(self) -> int:
        """Where it is: nothing beyond this position was read yet."""
        return self._position

    def wake(self) -> None:
        """There may be something to read: a hint, and several are one."""
        try:
            self._wake_send.send_nowait(None)
        except trio.WouldBlock:
            return  # it is awake already

    def close(self) -> None:
        """The iteration ends, once what was read is given out."""
        self._closed = True
        self.wake()

    def __aiter__(self) -> Tap:
        return self

    async def __anext__(self) -> Event:
        """The next event; a cancellation loses none."""
        await trio.lowlevel.checkpoint()
        while not self._page:
            if self._closed:
                raise StopAsyncIteration
            self._read()
            if self._page:
                break
            if self._position >= self._log.head:
                self._was_up_to_date = True
                await self._wake.receive()
            else:
                await trio.lowlevel.checkpoint()
        return self._page.popleft()

    def require_no_gap(self) -> None:
        """Raises `NotKept` when retention has removed events that would come next."""
        if 0 < self._position < self._log.head and self._log.at(self._position + 1) is None:
            kept = self._log.page(0, EVERYTHING, 1).events
            oldest = kept[0].position if kept else self._log.head + 1
            if oldest > self._position + 1:
                raise NotKept(self._position, oldest)

    def _read(self) -> None:
        if self._was_up_to_date and self._log.head - self._position > self._max_behind:
            raise TooSlow(self._position)
        self.require_no_gap()
        page = self._log.page(self._position, self._patterns, TAP_PAGE)
        self._page.extend(page.events)
        self._position = page.until
