"""The only one who writes: units of work in group commits (design section 3).

Units wait in a bounded queue; one thread takes all that queued during the last commit, runs each in a savepoint, and
commits them together with one sync of the disk. A unit that raises is undone alone. When the disk refuses the commit,
all of the group fail and nothing of them is stored.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import apsw
import outcome
import structlog
import trio

from trio_connector.correlation import current_correlation_id
from trio_connector.events.model import Event
from trio_connector.store.errors import StoreClosed, WriteFailed
from trio_connector.store.unit import Unit

T = TypeVar("T")

_log = structlog.get_logger("Store")

OpenUnit = Callable[[str, str | None], Unit]
"""Makes a unit of work for a time and a correlation id."""

MAX_QUEUED_UNITS = 1000
MAX_GROUP = 500
CHECKPOINT_INTERVAL_SECONDS = 1.0
CHECKPOINT_AT_PAGES = 4000


class CommitReport:
    """What one commit did; for metrics."""

    __slots__ = ("events", "failed_units", "seconds", "units")

    def __init__(self, units: int, failed_units: int, events: int, seconds: float) -> None:
        self.units = units
        self.failed_units = failed_units
        self.events = events
        self.seconds = seconds


Committed = Callable[[Sequence[Event], CommitReport], None]
"""Called in the Trio thread after each commit, before the callers of its units go on."""


class _Ticket(Generic[T]):
    """One unit of work on its way through the writer; ``task`` is None once its caller is gone."""

    __slots__ = ("correlation_id", "events", "now", "outcome", "task", "work")

    def __init__(self, work: Callable[[Unit], T], now: str, correlation_id: str | None) -> None:
        self.work = work
        self.now = now
        self.correlation_id = correlation_id
        self.task: trio.lowlevel.Task | None = None
        self.outcome: outcome.Outcome[T] | None = None
        self.events: list[Event] = []

    def run(self, open_unit: OpenUnit) -> T:
        unit = open_unit(self.now, self.correlation_id)
        try:
            result = self.work(unit)
        finally:
            unit.end()
        self.events = unit.events
        return result

    def fail(self, cause: BaseException) -> None:
        failure = WriteFailed(f"the database did not take the change: {cause}")
        failure.__cause__ = cause
        self.outcome = outcome.Error(failure)
        self.events = []

    def result(self) -> T:
        """What the unit returned; raises what it raised, and `StoreClosed` when it was not run."""
        if self.outcome is None:
            raise StoreClosed("the unit of work was not run")
        return self.outcome.unwrap()

    @property
    def succeeded(self) -> bool:
        return isinstance(self.outcome, outcome.Value)


def commit_group(connection: apsw.Connection, open_unit: OpenUnit, group: Sequence[_Ticket[Any]]) -> None:
    """Run all units of ``group`` and commit those that succeed; every ticket has its outcome afterwards."""
    rest = group
    while rest:
        rest = _commit_some(connection, open_unit, rest)


def _commit_some(
    connection: apsw.Connection, open_unit: OpenUnit, group: Sequence[_Ticket[Any]]
) -> Sequence[_Ticket[Any]]:
    """One transaction. Returns the units that were not reached, because the database itself undid everything."""
    reached = len(group)  # when the transaction cannot even begin
    try:
        connection.execute("BEGIN IMMEDIATE")
        reached = 0
        for ticket in group:
            connection.execute("SAVEPOINT unit")
            ticket.outcome = outcome.capture(ticket.run, open_unit)
            reached += 1
            if isinstance(ticket.outcome, outcome.Error):
                if isinstance(ticket.outcome.error, apsw.Error):
                    ticket.fail(ticket.outcome.error)
                if not connection.in_transaction:  # e.g. a full disk
                    raise ticket.outcome.error
                connection.execute("ROLLBACK TO unit")
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
    except (apsw.Error, WriteFailed) as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for ticket in group[:reached]:
            if ticket.outcome is None or ticket.succeeded:
                ticket.fail(error.__cause__ or error)
    return group[reached:]


class InlineWriter:
    """Runs every unit at once, in the Trio thread: for databases in memory, where nobody waits for a disk."""

    def __init__(
        self, connection: apsw.Connection, open_unit: OpenUnit, now: Callable[[], str], committed: Committed
    ) -> None:
        self._connection = connection
        self._open_unit = open_unit
        self._now = now
        self._committed = committed
        self._closed = False

    async def transact(self, work: Callable[[Unit], T]) -> T:
        """As `Writer.transact`."""
        await trio.lowlevel.checkpoint()
        if self._closed:
            raise StoreClosed("the store is closed")
        ticket = _Ticket(work, self._now(), current_correlation_id())
        commit_group(self._connection, self._open_unit, [ticket])
        self._committed(ticket.events, CommitReport(1, 0 if ticket.succeeded else 1, len(ticket.events), 0.0))
        return ticket.result()

    async def aclose(self) -> None:
        """Refuse further units."""
        await trio.lowlevel.checkpoint()
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Whether units are refused."""
        return self._closed


class Writer:
    """Owns the read-write connection in its thread, which ends with `aclose`."""

    def __init__(
        self, connection: apsw.Connection, open_unit: OpenUnit, now: Callable[[], str], committed: Committed
    ) -> None:
        self._connection = connection
        self._open_unit = open_unit
        self._now = now
        self._committed = committed
        self._queue: queue.SimpleQueue[_Ticket[Any] | None] = queue.SimpleQueue()
        self._slots = trio.Semaphore(MAX_QUEUED_UNITS)
        self._waiting: set[_Ticket[Any]] = set()
        self._closing = False
        self._end: BaseException | None = None
        self._wal_pages = 0
        self._token = trio.lowlevel.current_trio_token()
        connection.set_wal_hook(self._count_pages)  # replaces SQLite's own checkpoint inside of commits
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._thread.start()

    async def transact(self, work: Callable[[Unit], T]) -> T:
        """Run ``work`` in the writer's thread; returns its result once it is committed and synced.

        Raises what ``work`` raised (then nothing of it is stored), `WriteFailed` or `StoreClosed`. Waits while too many
        units are queued. A cancellation before the unit is queued leaves nothing; afterwards the unit runs all the same
        and only its result is lost.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            await self._slots.acquire()
        if self._closing:
            self._slots.release()
            raise StoreClosed("the store is closed") from self._end
        ticket = _Ticket(work, self._now(), current_correlation_id())
        ticket.task = trio.lowlevel.current_task()
        self._waiting.add(ticket)
        self._queue.put(ticket)

        def abort(_: object) -> trio.lowlevel.Abort:
            ticket.task = None
            return trio.lowlevel.Abort.SUCCEEDED

        result: T = await trio.lowlevel.wait_task_rescheduled(abort)
        return result

    @property
    def is_closed(self) -> bool:
        """Whether units are refused."""
        return self._closing

    async def aclose(self) -> None:
        """Refuse further units, commit the queued ones, and end the thread."""
        self._closing = True
        self._queue.put(None)
        await trio.to_thread.run_sync(self._thread.join)

    # --- in the Trio thread ---

    def _answer(self, group: Sequence[_Ticket[Any]], report: CommitReport) -> None:
        self._committed([event for ticket in group for event in ticket.events], report)
        for ticket in group:
            self._settle(ticket)

    def _settle(self, ticket: _Ticket[Any]) -> None:
        self._waiting.discard(ticket)
        self._slots.release()
        if ticket.task is not None and ticket.outcome is not None:
            trio.lowlevel.reschedule(ticket.task, ticket.outcome)
            ticket.task = None

    def _ended(self, error: BaseException) -> None:
        """The thread died of a bug: nobody may wait for it."""
        self._closing = True
        self._end = error
        for ticket in list(self._waiting):
            closed = StoreClosed("the writer of the store ended")
            closed.__cause__ = error
            ticket.outcome = outcome.Error(closed)
            self._settle(ticket)

    # --- in the writer's thread ---

    def _run(self) -> None:
        try:
            self._serve()
        except trio.RunFinishedError:
            return  # the program ended without closing the store; what was committed is committed
        except BaseException as error:
            self._token.run_sync_soon(self._ended, error)
            raise

    def _serve(self) -> None:
        checkpointed_at = time.monotonic()
        group = self._next_group(wait_seconds=None)
        while group is not None:
            if group:
                started = time.perf_counter()
                commit_group(self._connection, self._open_unit, group)
                seconds = time.perf_counter() - started
                failed = sum(not ticket.succeeded for ticket in group)
                events = sum(len(ticket.events) for ticket in group)
                report = CommitReport(len(group), failed, events, seconds)
                self._token.run_sync_soon(self._answer, group, report)
            waited = time.monotonic() - checkpointed_at
            if self._wal_pages and (waited >= CHECKPOINT_INTERVAL_SECONDS or self._wal_pages >= CHECKPOINT_AT_PAGES):
                self._checkpoint()
                checkpointed_at = time.monotonic()
            group = self._next_group(CHECKPOINT_INTERVAL_SECONDS if self._wal_pages else None)

    def _next_group(self, wait_seconds: float | None) -> list[_Ticket[Any]] | None:
        """All queued units; none when the wait was in vain, None for the end."""
        try:
            first = self._queue.get(timeout=wait_seconds)
        except queue.Empty:
            return []
        if first is None:
            return None
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                ticket = self._queue.get_nowait()
            except queue.Empty:
                break
            if ticket is None:
                self._queue.put(None)  # nothing can be queued behind the end
                break
            group.append(ticket)
        return group

    def _count_pages(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        return 0  # SQLITE_OK

    def _checkpoint(self) -> None:
        """Move what is committed from the log of SQLite into the file, without waiting for anybody."""
        try:
            self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.Error as error:
            # Nothing is lost, only the log of SQLite grows until a later attempt.
            _log.warning("The write-ahead log could not be moved into the database.", error=str(error))
            return
        self._wal_pages = 0
