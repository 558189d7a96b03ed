"""One walk of a subscriber through the log: ordinary delivery, or a replay of a range (design section 4).

Pure but for reading the log. A track takes events from the log a few at a time and hands them out as its lanes allow;
what it is told of their fate becomes its standing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from trio_connector.events.lanes import Item, Lanes
from trio_connector.events.log import EventLog, Standing
from trio_connector.events.patterns import Patterns
from trio_connector.events.standing import Walk


class Track:
    """``replay`` is 0 for ordinary delivery, which has no end; ``until`` is the last position of a replay.

    ``known`` are the events that were refused before a restart: position to (attempts, due).
    """

    def __init__(
        self,
        replay: int,
        standing: Standing,
        lanes: Lanes,
        window: int,
        *,
        until: int | None = None,
        known: Mapping[int, tuple[int, float]] | None = None,
    ) -> None:
        self.replay = replay
        self.walk = Walk(standing)
        self.lanes = lanes
        self._window = window
        self._until = until
        self._known = dict(known or {})
        self._reopened = deque(self.walk.open)

    @property
    def finished(self) -> bool:
        """A replay has nothing left to do."""
        return self._until is not None and self.walk.reached >= self._until and not self.walk.open

    def lag(self, head: int) -> int:
        """How many events are not done, those counted in that nobody wants."""
        end = head if self._until is None else min(head, self._until)
        return max(0, end - self.walk.reached) + len(self.walk.open)

    def has_seen_all(self, position: int) -> bool:
        """Nothing up to ``position`` is still to be read."""
        return not self._reopened and self.walk.reached >= position

    def refill(self, log: EventLog, patterns: Patterns) -> bool:
        """Take more events from the log, if there is room; False when there is nothing more to take now.

        Does nothing while enough is here. Looks at a bounded number of events: while it returns True, call it again,
        after letting others work.
        """
        if len(self.lanes) > self._window // 2:
            return False
        while self._reopened and len(self.lanes) < self._window:
            position = self._reopened.popleft()
            event = log.at(position)
            if event is None:
                self.walk.done(position)  # retention removed it
            else:
                attempts, due = self._known.pop(position, (0, None))
                self.lanes.add(Item(position, event, attempts, due))
        room = self._window - len(self.lanes)
        end = log.head if self._until is None else min(log.head, self._until)
        if room <= 0 or self._reopened or self.walk.reached >= end:
            if self._until is not None and self.walk.reached >= end:
                self.walk.skip_to(self._until)
            return False
        page = log.page(self.walk.reached, patterns, room, self._until)
        for event in page.events:
            self.walk.take(event.position)
            self.lanes.add(Item(event.position, event))
        self.walk.skip_to(page.until)
        return self.walk.reached < end

    def done(self, position: int) -> None:
        """This event needs nothing more."""
        self.walk.done(position)
        self.lanes.done(position)
