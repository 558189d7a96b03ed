"""Which events may be sent next: order, parallel lanes and pauses (design section 4).

Pure. Events come in by position and wait in lanes: one lane for all (``ordered`` with one lane), one for each entity
(``ordered`` with several), or one for each event (not ``ordered``). A lane is busy while its first events are being
sent, and pauses while its first event waits for a retry; only then do later ones of the same lane wait.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Hashable
from dataclasses import dataclass
from itertools import islice

from trio_connector.events.model import Event

_ONE_FOR_ALL = "all"


@dataclass
class Item:
    """One event on its way. ``event`` is None while it waits, to keep memory small; ``attempts`` were refused."""

    position: int
    event: Event | None
    attempts: int = 0
    due: float | None = None


class Lanes:
    """The events that were taken from the log and are not done. Times are in seconds of any one clock."""

    def __init__(self, *, parallel: bool, ordered: bool) -> None:
        self._parallel = parallel
        self._ordered = ordered
        self._lanes: dict[Hashable, deque[Item]] = {}
        self._ready: deque[Hashable] = deque()
        self._paused: list[tuple[float, int, Hashable]] = []
        self._busy: dict[int, Hashable] = {}
        self._busy_in: Counter[Hashable] = Counter()
        self._count = 0

    def __len__(self) -> int:
        """How many events are here, sent or not."""
        return self._count

    def add(self, item: Item) -> None:
        """One more event, behind all others; it knows its event, by which its lane is chosen."""
        lane = self._lane_of(item)
        self._count += 1
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(item)
            return
        self._lanes[lane] = deque([item])
        self._offer(lane, item)

    def take(self, now: float, limit: int, *, whole: bool = False) -> list[Item]:
        """Up to ``limit`` events that may be sent now, all marked as being sent; none when all wait or are busy.

        A lane whose first event was refused before gives only that one, to find out whether the receiver takes it
        before anything behind it is sent - unless ``whole``, for receivers that are given everything at once.
        """
        while self._paused and self._paused[0][0] <= now:
            self._ready.append(heapq.heappop(self._paused)[2])
        taken: list[Item] = []
        while self._ready and len(taken) < limit:
            lane = self._ready.popleft()
            waiting = self._lanes[lane]
            alone = waiting[0].attempts > 0 and not whole
            for item in islice(waiting, 1 if alone else limit - len(taken)):
                taken.append(item)
                self._busy[item.position] = lane
                self._busy_in[lane] += 1
        return taken

    def done(self, position: int) -> None:
        """An event that was being sent needs nothing more."""
        lane = self._busy.pop(position)
        waiting = self._lanes[lane]
        if waiting[0].position == position:
            waiting.popleft()
        else:
            self._lanes[lane] = waiting = deque(item for item in waiting if item.position != position)
        self._count -= 1
        self._release(lane, waiting)

    def again(self, position: int, due: float) -> None:
        """An event that was being sent was refused, and may be sent again at ``due``."""
        lane = self._busy.pop(position)
        waiting = self._lanes[lane]
        for item in waiting:
            if item.position == position:
                item.attempts += 1
                item.due = due
                item.event = None
        self._release(lane, waiting)

    @property
    def has_ready(self) -> bool:
        """Something may be sent now."""
        return bool(self._ready)

    def next_due(self) -> float | None:
        """When the first paused lane may go on."""
        return self._paused[0][0] if self._paused else None

    def _lane_of(self, item: Item) -> Hashable:
        if not self._ordered:
            return item.position
        if not self._parallel or item.event is None:
            return _ONE_FOR_ALL
        return ("entity", item.event.entity)

    def _release(self, lane: Hashable, waiting: deque[Item]) -> None:
        """The lane is free again once none of its events is being sent."""
        self._busy_in[lane] -= 1
        if self._busy_in[lane]:
            return
        del self._busy_in[lane]
        if waiting:
            self._offer(lane, waiting[0])
        else:
            del self._lanes[lane]

    def _offer(self, lane: Hashable, first: Item) -> None:
        if first.due is None:
            self._ready.append(lane)
        else:
            heapq.heappush(self._paused, (first.due, first.position, lane))
