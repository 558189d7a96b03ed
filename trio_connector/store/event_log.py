"""The event log in the database, and its newest part in memory (design section 1.3).

Listeners are nearly always close to the head: they share the newest events in memory, so that a hundred of them cost
no more reads than one. Whoever is further behind reads from the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import timedelta

import apsw
import msgspec

from trio_connector.crypto.dates import Clock, iso
from trio_connector.events.log import EventQuery, Page, Retention
from trio_connector.events.model import Event
from trio_connector.events.patterns import Patterns
from trio_connector.store.long_reads import LongReads
from trio_connector.store.rows import Row, SqlValue, first, rows
from trio_connector.store.unit import Transact, Unit

TAIL_EVENTS = 1000
TAIL_BYTES = 8 << 20
SCANNED_AT_ONCE = 500
PAGE_BYTES = 1 << 20
MAX_LISTED = 1000
TRIMMED_AT_ONCE = 500

_COLUMNS = "position, id, namespace, occurred_at, correlation_id, data, entity"


def event_of(row: Row) -> Event:
    """The event in a row of `_COLUMNS`."""
    position, id_, namespace, occurred_at, correlation_id, data, entity = row
    return Event(
        position=position,
        id=id_,
        namespace=namespace,
        occurred_at=occurred_at,
        correlation_id=correlation_id,
        data=msgspec.Raw(data),
        entity=entity,
    )


class StoredEvents:
    """Implements ``events.log.EventLog``. ``transact`` runs a unit of work."""

    def __init__(self, reading: apsw.Connection, long_reads: LongReads, transact: Transact, clock: Clock) -> None:
        self._reading = reading
        self._long_reads = long_reads
        self._transact = transact
        self._clock = clock
        self._hooks: list[Callable[[], None]] = []
        self._tail: list[Event] = []
        self._tail_bytes = 0
        # What sqlite_sequence says survives even when retention removes everything.
        self._head: int = first(reading, "SELECT seq FROM sqlite_sequence WHERE name = 'events'") or 0
        self._tail_after = self._head

    # --- in the Trio thread, after a commit ---

    def committed(self, events: Sequence[Event]) -> None:
        """These events are on the disk now; the store calls this in the order of the log."""
        self._tail.extend(events)
        self._tail_bytes += sum(_size(event) for event in events)
        self._head = events[-1].position
        if len(self._tail) > 2 * TAIL_EVENTS or self._tail_bytes > 2 * TAIL_BYTES:
            self._shorten_tail()
        for wake in self._hooks:
            wake()

    def on_events(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` after each commit that appended events. It must not raise or wait."""
        self._hooks.append(hook)

    def _shorten_tail(self) -> None:
        keep = 0
        size = 0
        for event in reversed(self._tail):
            size += _size(event)
            if keep == TAIL_EVENTS or size > TAIL_BYTES:
                break
            keep += 1
        gone = len(self._tail) - keep
        if gone:
            self._forget_tail(self._tail[gone - 1].position)

    def _forget_tail(self, until: int) -> None:
        gone = bisect_right(self._tail, until, key=_position)
        self._tail_bytes -= sum(_size(event) for event in self._tail[:gone])
        del self._tail[:gone]
        self._tail_after = max(self._tail_after, until)

    # --- reading ---

    @property
    def head(self) -> int:
        """The position of the newest event; 0 when there never was one."""
        return self._head

    def page(self, after: int, patterns: Patterns, limit: int, until: int | None = None) -> Page:
        """Up to ``limit`` events that match, after position ``after`` (and not beyond ``until``); see the protocol."""
        end = self._head if until is None else min(until, self._head)
        if after >= end:
            return Page((), after)
        if after >= self._tail_after:
            return self._page_of_tail(after, patterns, limit, end)
        return self._page_of_file(after, patterns, limit, end)

    def _page_of_tail(self, after: int, patterns: Patterns, limit: int, end: int) -> Page:
        start = bisect_right(self._tail, after, key=_position)
        found: list[Event] = []
        reached = after
        for event in self._tail[start : start + SCANNED_AT_ONCE]:
            if event.position > end:
                return Page(found, end)
            if patterns.match(event.namespace):
                if len(found) == limit:
                    return Page(found, reached)
                found.append(event)
            reached = event.position
        return Page(found, end if start + SCANNED_AT_ONCE >= len(self._tail) else reached)

    def _page_of_file(self, after: int, patterns: Patterns, limit: int, end: int) -> Page:
        scanned = rows(
            self._reading,
            "SELECT position, namespace, length(data) FROM events WHERE position > ? AND position <= ? "
            "ORDER BY position LIMIT ?",
            (after, end, SCANNED_AT_ONCE),
        )
        wanted: list[int] = []
        size = 0
        reached = after
        for position, namespace, length in scanned:
            if patterns.match(namespace):
                if len(wanted) == limit or (wanted and size + length > PAGE_BYTES):
                    return Page(self._events_at(wanted), reached)
                wanted.append(position)
                size += length
            reached = position
        return Page(self._events_at(wanted), end if len(scanned) < SCANNED_AT_ONCE else reached)

    def _events_at(self, positions: Sequence[int]) -> list[Event]:
        if not positions:
            return []
        marks = ", ".join("?" * len(positions))
        statement = f"SELECT {_COLUMNS} FROM events WHERE position IN ({marks}) ORDER BY position"
        return [event_of(row) for row in rows(self._reading, statement, positions)]

    def at(self, position: int) -> Event | None:
        """The event at this position; None when retention removed it."""
        index = bisect_right(self._tail, position, key=_position) - 1
        if index >= 0 and self._tail[index].position == position:
            return self._tail[index]
        found = self._events_at((position,))
        return found[0] if found else None

    def event(self, id_: str) -> Event | None:
        """The event with this id."""
        found = rows(self._reading, f"SELECT {_COLUMNS} FROM events WHERE id = ?", (id_,))
        return event_of(found[0]) if found else None

    async def list(self, query: EventQuery) -> list[Event]:
        """The events an operator asks for, in order; at most `MAX_LISTED`."""
        conditions = ["position > ?"]
        arguments: list[SqlValue] = [query.after]
        if query.correlation_id is not None:
            conditions.append("correlation_id = ?")
            arguments.append(query.correlation_id)
        if query.from_time is not None:
            conditions.append("occurred_at >= ?")
            arguments.append(query.from_time)
        if query.to_time is not None:
            conditions.append("occurred_at <= ?")
            arguments.append(query.to_time)
        if "**" not in query.patterns.patterns:
            wanted = ["namespace_matches(?, namespace)" for _ in query.patterns.patterns]
            conditions.append(f"({' OR '.join(wanted)})" if wanted else "FALSE")
            arguments.extend(query.patterns.patterns)
        arguments.append(max(0, min(query.limit, MAX_LISTED)))
        statement = f"SELECT {_COLUMNS} FROM events WHERE {' AND '.join(conditions)} ORDER BY position LIMIT ?"
        return [event_of(row) for row in await self._long_reads.rows(statement, arguments)]

    # --- retention ---

    def size_bytes(self) -> int:
        """About how much of the file the log takes."""
        ends = rows(
            self._reading,
            "SELECT * FROM (SELECT running_size FROM events ORDER BY position DESC LIMIT 1) "
            "UNION ALL SELECT * FROM (SELECT running_size FROM events ORDER BY position LIMIT 1)",
        )
        return ends[0][0] - ends[1][0] if len(ends) == 2 else 0

    async def trim(self, retention: Retention, floor: int | None) -> int:
        """Remove what ``retention`` does not keep, up to position ``floor`` at most; returns how many events.

        Works in small units, so that it never holds up other writers for long; a cancellation leaves the rest for
        the next time.
        """
        last = max(self._too_old(retention.max_age), self._too_much(retention.max_bytes))
        if floor is not None and not retention.past_cursors:
            last = min(last, floor)
        removed = 0
        while True:
            count, until = await self._transact(lambda unit: _remove(unit, last))
            if not count:
                return removed
            removed += count
            self._forget_tail(until)

    def _too_old(self, max_age: timedelta | None) -> int:
        if max_age is None:
            return 0
        oldest = iso(self._clock() - max_age)
        statement = "SELECT position FROM events WHERE occurred_at < ? ORDER BY occurred_at DESC, position DESC LIMIT 1"
        return first(self._reading, statement, (oldest,)) or 0

    def _too_much(self, max_bytes: int | None) -> int:
        """The last position that has to go for the rest to fit, by bisection over the running size."""
        if max_bytes is None or self.size_bytes() <= max_bytes:
            return 0
        newest = first(self._reading, "SELECT running_size FROM events ORDER BY position DESC LIMIT 1") or 0
        low, high = 0, self._head
        while low < high:
            middle = (low + high) // 2
            size = first(
                self._reading, "SELECT running_size FROM events WHERE position > ? ORDER BY position LIMIT 1", (middle,)
            )
            if size is not None and newest - size > max_bytes:
                low = middle + 1
            else:
                high = middle
        return low


def _remove(unit: Unit, last: int) -> tuple[int, int]:
    """Remove some of the oldest events up to position ``last`` and everything that is known about them.

    Returns how many, and the last position that went.
    """
    oldest = unit.execute(
        "SELECT position FROM events WHERE position <= ? ORDER BY position LIMIT ?", (last, TRIMMED_AT_ONCE)
    )
    if not oldest:
        return 0, 0
    until: int = oldest[-1][0]
    for table in ("attempts", "given_up", "retries", "events"):
        unit.execute(f"DELETE FROM {table} WHERE position <= ?", (until,))
    return len(oldest), until


def _position(event: Event) -> int:
    return event.position


def _size(event: Event) -> int:
    return len(bytes(event.data)) + 200
