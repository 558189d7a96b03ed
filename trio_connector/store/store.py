"""The store of one identity: records, named maps and the event log in one SQLite file (design sections 1.2 and 3).

This room alone knows SQL. Reads are direct and see what is committed; every change is a unit of work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import trio

from trio_connector.crypto.dates import Clock, iso
from trio_connector.crypto.entropy import Entropy
from trio_connector.domain.collection import Collection, KeyValue, R
from trio_connector.domain.query import EVERYTHING, Query
from trio_connector.events.model import Event
from trio_connector.store.compile import Selection, compile_query
from trio_connector.store.connections import open_reading, open_writing
from trio_connector.store.delivery_log import StoredDeliveries
from trio_connector.store.event_log import StoredEvents
from trio_connector.store.folder import locked_database
from trio_connector.store.long_reads import LongReads
from trio_connector.store.rows import Row, first, rows
from trio_connector.store.schema import prepare_file
from trio_connector.store.tables import Table
from trio_connector.store.unit import Reader, Tables, Transact, Unit
from trio_connector.store.writer import CommitReport, InlineWriter, Writer

T = TypeVar("T")

MAX_DIRECT_ROWS = 200
"""A collection of at most so many rows is listed at once; a larger one in a thread."""


class StoreCounters:
    """What the store did since it was opened; for metrics."""

    def __init__(self) -> None:
        self.commits = 0
        self.units = 0
        self.failed_units = 0
        self.events = 0
        self.commit_seconds = 0.0


class StoredLog(StoredEvents, StoredDeliveries):
    """Implements ``events.log.Log``."""

    def __init__(self, reading: apsw.Connection, long_reads: LongReads, transact: Transact, clock: Clock) -> None:
        StoredEvents.__init__(self, reading, long_reads, transact, clock)
        StoredDeliveries.__init__(self, reading, long_reads, transact)


class Store:
    """Made by `open_store`; one per identity and process. Use it from the Trio thread only."""

    def __init__(self, file: Path | None, writing: apsw.Connection, tables: Tables, clock: Clock, entropy: Entropy):
        self.counters = StoreCounters()
        self._file = file
        self._tables = tables
        self._commit_hooks: list[Callable[[CommitReport], None]] = []

        def now() -> str:
            return iso(clock())

        def open_unit(moment: str, correlation_id: str | None) -> Unit:
            return Unit(writing, tables, now=moment, correlation_id=correlation_id, entropy=entropy)

        self._writer: Writer | InlineWriter
        if file is None:
            self._reading = writing
            self._writer = InlineWriter(writing, open_unit, now, self._committed)
        else:
            self._reading = open_reading(file)
            self._writer = Writer(writing, open_unit, now, self._committed)
        self.long_reads = LongReads(file, self._reading)
        """Statements that may take long; for the modules of this room."""
        self._reader = Reader(self._reading, tables)
        self.events = StoredLog(self._reading, self.long_reads, self.transact, clock)
        """The event log and what its subscribers want remembered."""

    # --- reading ---

    def get(self, collection: Collection[R], id_: str) -> R | None:
        """The record with this id."""
        return self._reader.get(collection, id_)

    def select(self, collection: Collection[R], **keys: KeyValue) -> list[R]:
        """The records with these values of the collection's keys, in the order of insertion; None is "no value".

        For look-ups with few answers: it runs at once, on the index of a key.
        """
        return self._reader.select(collection, **keys)

    def prepared(self, collection: Collection[R], id_: str) -> bytes | None:
        """The DTO of this record as JSON."""
        return self._reader.prepared(collection, id_)

    def value(self, map_name: str, key: str) -> Any | None:
        """What the named map holds under ``key``, as decoded JSON."""
        return self._reader.value(map_name, key)

    def values(self, map_name: str) -> dict[str, Any]:
        """Everything the named map holds, in no particular order; for small maps."""
        return self._reader.values(map_name)

    async def list(self, collection: Collection[R], query: Query = EVERYTHING) -> list[R]:
        """The records that ``query`` asks for."""
        table: Table[R] = self._tables[collection.name]
        found = await self._find(table, "id, doc", query)
        return [table.record(id_, document) for id_, document in found]

    async def list_prepared(self, collection: Collection[Any], query: Query = EVERYTHING) -> bytes:
        """The DTOs of the records that ``query`` asks for, as one JSON array.

        Raises ValueError for a collection that has no DTOs.
        """
        if collection.prepare is None:
            raise ValueError(f"the records of {collection.name} have no DTO")
        found = await self._find(self._tables[collection.name], "dto", query)
        return b"[" + b",".join([row[0] for row in found]) + b"]"

    async def _find(self, table: Table[Any], columns: str, query: Query) -> Sequence[Row]:
        selection = compile_query(query, table.generated_columns)
        statement = f"SELECT {columns} FROM {table.name}{selection.clause}"
        if self._is_small(table, selection):
            await trio.lowlevel.checkpoint()
            return rows(self._reading, statement, selection.arguments)
        return await self.long_reads.rows(statement, selection.arguments)

    def _is_small(self, table: Table[Any], selection: Selection) -> bool:
        if selection.searches:
            return False
        return (first(self._reading, f"SELECT max(seq) FROM {table.name}") or 0) <= MAX_DIRECT_ROWS

    def is_healthy(self) -> bool:
        """Whether the database can be read and the writer takes units."""
        try:
            return first(self._reading, "SELECT 1") == 1 and not self._writer.is_closed
        except apsw.Error:
            return False

    def size_bytes(self) -> int:
        """What the database takes on the disk, including SQLite's own log; in memory, its pages."""
        if self._file is None:
            return int(first(self._reading, "PRAGMA page_count")) * int(first(self._reading, "PRAGMA page_size"))
        files = (self._file, Path(f"{self._file}-wal"), Path(f"{self._file}-shm"))
        return sum(file.stat().st_size for file in files if file.exists())

    # --- writing ---

    async def transact(self, work: Callable[[Unit], T]) -> T:
        """Do ``work`` as one unit: all of it is committed and synced when this returns, or nothing when it raises.

        ``work`` is synchronous, quick and free of I/O; it runs in the writer's thread, after all units before it, so
        what it reads from its unit is the newest state and a read followed by a write loses no update. What it raises
        is raised here. Also raises `WriteFailed` and `StoreClosed`. A caller that is cancelled while it waits does not
        know whether the unit was done; use cases shield this call.
        """
        return await self._writer.transact(work)

    def on_events(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` in the Trio thread after each commit that appended events. It must not raise or wait."""
        self.events.on_events(hook)

    def on_commit(self, hook: Callable[[CommitReport], None]) -> None:
        """Call ``hook`` in the Trio thread after each commit, for metrics. It must not raise or wait."""
        self._commit_hooks.append(hook)

    def _committed(self, events: Sequence[Event], report: CommitReport) -> None:
        counters = self.counters
        counters.commits += 1
        counters.units += report.units
        counters.failed_units += report.failed_units
        counters.events += report.events
        counters.commit_seconds += report.seconds
        for tell in self._commit_hooks:
            tell(report)
        if events:
            self.events.committed(events)

    async def aclose(self) -> None:
        """Commit what is queued, then close all connections; further units raise `StoreClosed`."""
        await self._writer.aclose()
        self.long_reads.close()
        self._reading.close()


@asynccontextmanager
async def open_store(
    folder: Path | None,
    name: str,
    collections: Sequence[Collection[Any]],
    *,
    clock: Clock,
    entropy: Entropy,
    prepared_version: str = "",
) -> AsyncIterator[Store]:
    """The store of the identity ``name`` in ``folder``, or one in memory when ``folder`` is None.

    ``prepared_version`` names everything the DTOs depend on besides their records (base URL, version of the software);
    when it is another one than last time, all DTOs are rendered anew. Leaving the block commits what is queued and
    closes the files.

    Raises `StoreInUse`, `StoreTooNew`, `NotOurFile`, `UnreadableRecord`; OSError when the folder cannot be used.
    """
    tables = {collection.name: Table(collection) for collection in collections}
    with ExitStack() as resources:

        def open_file() -> tuple[Path | None, apsw.Connection]:
            file = None if folder is None else resources.enter_context(locked_database(folder, name))
            connection = resources.enter_context(_closing(open_writing(file)))
            prepare_file(connection, file, list(tables.values()), prepared_version)
            return file, connection

        # In memory everything runs in the Trio thread, so that tests can use a mock clock.
        file, writing = open_file() if folder is None else await trio.to_thread.run_sync(open_file)
        store = Store(file, writing, tables, clock, entropy)
        try:
            yield store
        finally:
            with trio.CancelScope(shield=True):  # bounded by the queued units, which are quick
                await store.aclose()


@contextmanager
def _closing(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    try:
        yield connection
    finally:
        connection.close()
