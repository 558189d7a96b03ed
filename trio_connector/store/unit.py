"""Reading records, and one unit of work: what a use case does to the store, all or nothing (design section 1.2)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import apsw
import msgspec

from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.ids import new_id
from trio_connector.domain.collection import Collection, KeyValue, R
from trio_connector.events.model import Event, NewEvent
from trio_connector.store.errors import DuplicateRecord
from trio_connector.store.rows import Row, SqlValue, first, rows
from trio_connector.store.tables import Table

T = TypeVar("T")

Tables = Mapping[str, Table[Any]]

_encode = msgspec.json.Encoder().encode


class Reader:
    """Looks records up on one connection. Every call is one statement, so it sees one committed state."""

    def __init__(self, connection: apsw.Connection, tables: Tables) -> None:
        self._connection = connection
        self._tables = tables

    def get(self, collection: Collection[R], id_: str) -> R | None:
        """The record with this id."""
        table = self._table(collection)
        document = first(self._connection, table.get, (id_,))
        return None if document is None else table.record(id_, document)

    def select(self, collection: Collection[R], **keys: KeyValue) -> list[R]:
        """The records with these values of the collection's keys, in the order of insertion; None is "no value"."""
        table = self._table(collection)
        statement, arguments = table.select(keys)
        return [table.record(id_, document) for id_, document in rows(self._connection, statement, arguments)]

    def prepared(self, collection: Collection[R], id_: str) -> bytes | None:
        """The DTO of this record as JSON; None when there is no such record."""
        dto: bytes | None = first(self._connection, self._table(collection).prepared, (id_,))
        return dto

    def value(self, map_name: str, key: str) -> Any | None:
        """What the named map holds under ``key``, as decoded JSON."""
        value = first(self._connection, "SELECT value FROM maps WHERE map = ? AND key = ?", (map_name, key))
        return None if value is None else msgspec.json.decode(value)

    def values(self, map_name: str) -> dict[str, Any]:
        """Everything the named map holds, in no particular order."""
        found = rows(self._connection, "SELECT key, value FROM maps WHERE map = ?", (map_name,))
        return {key: msgspec.json.decode(value) for key, value in found}

    def cursor(self, name: str) -> int:
        """The position up to which everything is done for subscriber ``name``; 0 when nobody knows it."""
        position: int | None = first(self._connection, "SELECT cursor FROM subscribers WHERE name = ?", (name,))
        return position or 0

    def _table(self, collection: Collection[R]) -> Table[R]:
        return self._tables[collection.name]


class Unit(Reader):
    """One unit of work, inside the writer's transaction: it sees its own writes and ends with the call that got it."""

    def __init__(
        self, connection: apsw.Connection, tables: Tables, *, now: str, correlation_id: str | None, entropy: Entropy
    ) -> None:
        super().__init__(connection, tables)
        self.now = now
        """The time of this unit, as an ISO string; also the ``occurredAt`` of its events."""
        self.events: list[Event] = []
        self._correlation_id = correlation_id
        self._entropy = entropy

    def end(self) -> None:
        """No further use: what is done after the commit would belong to nobody's transaction."""
        self._connection = _ENDED

    def execute(self, statement: str, arguments: Sequence[SqlValue] = ()) -> list[Row]:
        """Any statement; for the modules of this room."""
        return rows(self._connection, statement, arguments)

    def insert(self, collection: Collection[R], record: R) -> None:
        """Add a new record; raises `DuplicateRecord` when its id is taken."""
        table = self._table(collection)
        try:
            self._connection.execute(table.insert, table.row(record))
        except apsw.ConstraintError as error:
            raise DuplicateRecord(collection.kind, record.id) from error

    def put(self, collection: Collection[R], record: R) -> None:
        """Add the record, or replace the one with its id as a whole; a replaced one keeps its place in the order."""
        table = self._table(collection)
        self._connection.execute(table.upsert, table.row(record))

    def delete(self, collection: Collection[R], id_: str) -> bool:
        """Remove the record; False when there was none."""
        self._connection.execute(self._table(collection).delete, (id_,))
        return self._connection.changes() > 0

    def put_value(self, map_name: str, key: str, value: object) -> None:
        """Let the named map hold ``value`` (anything msgspec encodes as JSON) under ``key``."""
        self._connection.execute(
            "INSERT INTO maps (map, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (map, key) DO UPDATE SET value = excluded.value",
            (map_name, key, _encode(value).decode()),
        )

    def delete_value(self, map_name: str, key: str) -> None:
        """Let the named map hold nothing under ``key``."""
        self._connection.execute("DELETE FROM maps WHERE map = ? AND key = ?", (map_name, key))

    def append(self, event: NewEvent) -> int:
        """Tell of this change, once it is committed; returns the event's position in the log."""
        data = b"" if event.data is None else _encode(event.data)
        size = EVENT_OVERHEAD_BYTES + len(data)
        id_ = new_id("EVT", self._entropy)
        self._connection.execute(
            "INSERT INTO events (id, namespace, occurred_at, correlation_id, entity, running_size, data) "
            "VALUES (?, ?, ?, ?, ?, "
            "coalesce((SELECT running_size FROM events ORDER BY position DESC LIMIT 1), 0) + ?, ?)",
            (
                id_,
                event.namespace,
                self.now,
                self._correlation_id,
                event.entity,
                size,
                data,
            ),
        )
        position = self._connection.last_insert_rowid()
        self.events.append(
            Event(
                position=position,
                id=id_,
                namespace=event.namespace,
                occurred_at=self.now,
                correlation_id=self._correlation_id,
                data=msgspec.Raw(data),
                entity=event.entity,
            )
        )
        return position

    def advance(self, name: str, position: int) -> None:
        """Everything up to ``position`` is done for subscriber ``name``; never moves a cursor back."""
        self._connection.execute(
            "INSERT INTO subscribers (name, cursor, reached_position) VALUES (?1, ?2, ?2) ON CONFLICT (name) DO UPDATE "
            "SET cursor = max(cursor, ?2), reached_position = max(reached_position, ?2)",
            (name, position),
        )


class _Ended:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("the unit of work has ended")


_ENDED: Any = _Ended()


class Transact(Protocol):
    """Runs a unit of work, as ``Store.transact`` does."""

    def __call__(self, work: Callable[[Unit], T]) -> Awaitable[T]:
        """Returns what ``work`` returned, once it is committed."""
        ...


EVENT_OVERHEAD_BYTES = 200
"""What an event takes in the file besides its data, roughly: id, namespace, times and three index entries."""
