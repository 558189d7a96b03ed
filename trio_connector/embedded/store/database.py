"""The database of the embedded Backbone: one SQLite file (or memory), one transaction per request.

In a folder, one thread owns the only writing connection; what is queued while it commits goes into its next commit,
each piece of work in a savepoint of its own, so that one that fails fails alone. Work that only reads runs directly, on
a connection of its own. In memory there is nothing to wait for: everything runs directly.

A caller that is cancelled while it waits does not know whether its work was done.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import apsw
import trio

from trio_connector.crypto.dates import Clock
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.ids import new_id
from trio_connector.embedded.domain.moments import Moment, moment
from trio_connector.embedded.store import schema

T = TypeVar("T")
Row = tuple[Any, ...]

_FILE_NAME = "backbone.sqlite"
_LOCK_NAME = "backbone.lock"
_QUEUE_SIZE = 256
_BATCH_SIZE = 64
_CHECKPOINT_PAGES = 2_000
_NAME_OF_SIGNING_KEY = "access token key"


class Signal(NamedTuple):
    """Something to tell the event streams of an identity, but for those of the device that did it."""

    address: str
    name: str
    not_to: str | None


class Transaction:
    """What one request may do with the data, and what it wants to be told to others once it is committed."""

    def __init__(self, connection: apsw.Connection, now: Moment, entropy: Entropy) -> None:
        self._connection = connection
        self._entropy = entropy
        self.now = now
        self.signals: list[Signal] = []

    def run(self, sql: str, *values: Any) -> int:
        """Execute ``sql``; the number of rows it changed."""
        self._connection.execute(sql, values)
        return self._connection.changes()

    def one(self, sql: str, *values: Any) -> Row | None:
        """The first row."""
        return self._connection.execute(sql, values).fetchone()

    def all(self, sql: str, *values: Any) -> list[Row]:
        """Every row."""
        return self._connection.execute(sql, values).fetchall()

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row; ``None`` without a row."""
        row = self._connection.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def new_id(self, prefix: str) -> str:
        """A fresh id."""
        return new_id(prefix, self._entropy)

    def random(self, size: int) -> bytes:
        """That many random bytes."""
        return self._entropy(size)

    def signal(self, address: str, name: str, *, not_to: str | None = None) -> None:
        """After the commit the event streams of ``address`` get the event ``name``, but for those of one device."""
        signal = Signal(address, name, not_to)
        if signal not in self.signals:
            self.signals.append(signal)


class _Job(Generic[T]):
    """Work in the queue of the writer, and then its outcome."""

    def __init__(self, work: Callable[[Transaction], T]) -> None:
        self.work = work
        self.done = trio.Event()
        self.result: T | None = None
        self.error: Exception | None = None
        self.signals: list[Signal] = []

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # set together with `done`, and T may include None


class Database:
    """See the module. Made by `open_database`; ``on_signal`` is called for every signal, after the commit, in Trio."""

    def __init__(
        self,
        writing: apsw.Connection,
        reading: apsw.Connection | None,
        *,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._clock = clock
        self._entropy = entropy
        self._send, self._receive = trio.open_memory_channel[_Job[Any]](_QUEUE_SIZE)
        self._one_thread = trio.CapacityLimiter(1)
        self.on_signal: Callable[[Signal], None] = lambda _signal: None
        self.access_token_key = b""

    def now(self) -> Moment:
        """The current moment."""
        return moment(self._clock())

    def random(self, size: int) -> bytes:
        """That many random bytes."""
        return self._entropy(size)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which changes nothing, on what is committed."""
        await trio.lowlevel.checkpoint()
        connection = self._reading or self._writing
        with _transaction(connection, "BEGIN", "ROLLBACK"):
            return work(Transaction(connection, self.now(), self._entropy))

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction and return when it is committed. Whatever it raises undoes it."""
        job = _Job(work)
        if self._reading is None:
            await trio.lowlevel.checkpoint()
            self._apply([job])
        else:
            await self._send.send(job)
            await job.done.wait()
        if job.error is None:
            for signal in job.signals:
                self.on_signal(signal)
        return job.outcome()

    async def commit_forever(self) -> None:
        """The writer. Cancelled, it finishes the batch at hand."""
        if self._reading is None:
            await trio.sleep_forever()
        while True:
            batch = [await self._receive.receive()]
            while len(batch) < _BATCH_SIZE:
                try:
                    batch.append(self._receive.receive_nowait())
                except trio.WouldBlock:
                    break
            with trio.CancelScope(shield=True):  # bounded: a batch is a few milliseconds of SQLite
                await trio.to_thread.run_sync(self._apply, batch, limiter=self._one_thread)
            for job in batch:
                job.done.set()

    def _apply(self, batch: list[_Job[Any]]) -> None:
        try:
            with _transaction(self._writing, "BEGIN IMMEDIATE", "COMMIT"):
                for job in batch:
                    self._apply_one(job)
        except apsw.Error as error:  # the commit itself failed, e.g. the disk is full: nobody's work is stored
            for job in batch:
                job.error = error

    def _apply_one(self, job: _Job[Any]) -> None:
        transaction = Transaction(self._writing, self.now(), self._entropy)
        self._writing.execute("SAVEPOINT job")
        try:
            job.result = job.work(transaction)
            job.signals = transaction.signals
            self._writing.execute("RELEASE job")
        except Exception as error:  # noqa: BLE001  # handed to the caller, whose request it belongs to
            job.error = error
            self._writing.execute("ROLLBACK TO job")
            self._writing.execute("RELEASE job")

    def close(self) -> None:
        """Close the file."""
        if self._reading is not None:
            self._reading.close()
        self._writing.close()


@contextmanager
def open_database(folder: Path | None, *, clock: Clock, entropy: Entropy) -> Iterator[Database]:
    """The database in ``folder`` (made 0700 when missing), or one in memory.

    Its `Database.commit_forever` is the caller's to run, in a nursery inside the block.
    Raises OSError when another process has it open, or when it is from a newer version.
    """
    if folder is None:
        connection = _connect(":memory:")
        _prepare(connection)
        with closing(Database(connection, None, clock=clock, entropy=entropy)) as database:
            database.access_token_key = entropy(32)
            yield database
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder / _LOCK_NAME):
        path = folder / _FILE_NAME
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        writing = _connect(str(path))
        _prepare(writing)
        reading = _connect(str(path), apsw.SQLITE_OPEN_READONLY)
        with closing(Database(writing, reading, clock=clock, entropy=entropy)) as database:
            database.access_token_key = _stored_token_key(writing, entropy)
            yield database


def _connect(path: str, flags: int = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE) -> apsw.Connection:
    connection = apsw.Connection(path, flags=flags)
    connection.set_busy_timeout(5_000)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _prepare(connection: apsw.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    (version,) = connection.execute("PRAGMA user_version").fetchone() or (0,)
    if version > schema.VERSION:
        raise OSError(
            f"The data of the embedded Backbone has version {version}, but this program knows only version "
            f"{schema.VERSION}. Use the newer program."
        )
    if version == 0:
        with _transaction(connection, "BEGIN IMMEDIATE", "COMMIT"):
            connection.execute(schema.TABLES)
            connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _stored_token_key(connection: apsw.Connection, entropy: Entropy) -> bytes:
    """The key that signs access tokens; they outlive a restart."""
    with _transaction(connection, "BEGIN IMMEDIATE", "COMMIT"):
        row = connection.execute("SELECT value FROM meta WHERE name = ?", (_NAME_OF_SIGNING_KEY,)).fetchone()
        if row is not None:
            return bytes(row[0])
        key = entropy(32)
        connection.execute("INSERT INTO meta VALUES (?, ?)", (_NAME_OF_SIGNING_KEY, key))
        return key


@contextmanager
def _transaction(connection: apsw.Connection, begin: str, end: str) -> Iterator[None]:
    # Not `with connection`: apsw holds the interpreter's lock during the commit there.
    connection.execute(begin)
    try:
        yield
        connection.execute(end)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(
                error.errno, f"Another process uses the embedded Backbone's data in {path.parent}."
            ) from error
        yield
    finally:
        os.close(descriptor)
