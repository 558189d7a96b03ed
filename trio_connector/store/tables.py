"""One table per collection: its columns, its SQL, and how records become rows (design section 3).

::

    seq  INTEGER PRIMARY KEY   the order of insertion; an update keeps it
    id   TEXT UNIQUE
    k_*                        our own keys, filled when a record is written; indexed
    doc  TEXT                  the record as JSON
    dto  BLOB                  what API users see, as JSON; NULL without ``prepare``
    g_*                        generated from ``doc`` for the paths that list endpoints filter by; indexed

A generated column holds what its path leads to by objects alone: text and numbers as they are, booleans as
``x'00'``/``x'01'``, and NULL for anything else, so that the compiler of queries knows when it has to look closer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

import msgspec

from trio_connector.domain.collection import Collection, KeyValue, R
from trio_connector.domain.query import segments
from trio_connector.store.errors import UnreadableRecord
from trio_connector.store.rows import Row

_encode = msgspec.json.Encoder().encode


def quoted(name: str) -> str:
    """``name`` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def json_path(path: str) -> str:
    """The dotted ``path`` as an SQL literal in SQLite's notation: ``content.@type`` is ``'$."content"."@type"'``."""
    members = "".join(f'."{segment}"' for segment in segments(path))
    return "'$" + members.replace("'", "''") + "'"


def direct_value(document: str, path: str) -> str:
    """SQL for the scalar that ``path`` leads to by objects alone, else NULL (see the module's docstring)."""
    where = json_path(path)
    return (
        f"CASE json_type({document}, {where}) WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' "
        f"WHEN 'array' THEN NULL WHEN 'object' THEN NULL ELSE {document} ->> {where} END"
    )


class Table(Generic[R]):
    """The SQL of one collection."""

    def __init__(self, collection: Collection[R]) -> None:
        self.collection = collection
        self.name = quoted(f"c_{collection.name}")
        self.key_columns = {key: f"k_{key}" for key in collection.keys}
        self.generated_columns = {path: f"g_{path}" for path in collection.indexed}
        self._decoder = msgspec.json.Decoder(collection.record)
        columns = ["id", *map(quoted, self.key_columns.values()), "doc", "dto"]
        self.insert = f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        self.upsert = f"{self.insert} ON CONFLICT (id) DO UPDATE SET " + ", ".join(
            f"{column} = excluded.{column}" for column in columns[1:]
        )
        self.get = f"SELECT doc FROM {self.name} WHERE id = ?"
        self.prepared = f"SELECT dto FROM {self.name} WHERE id = ?"
        self.delete = f"DELETE FROM {self.name} WHERE id = ?"
        self._selects: dict[tuple[tuple[str, bool], ...], str] = {}

    def create(self) -> str:
        """The statement that creates the table with its key columns; generated columns are added by the schema."""
        keys = "".join(f", {quoted(column)}" for column in self.key_columns.values())
        return (
            f"CREATE TABLE {self.name} (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE{keys}, "
            "doc TEXT NOT NULL, dto BLOB)"
        )

    def select(self, keys: Mapping[str, KeyValue]) -> tuple[str, tuple[KeyValue, ...]]:
        """The statement and its arguments for the documents with these key values; None means "has no value".

        Raises KeyError for a key the collection does not have.
        """
        shape = tuple((key, value is None) for key, value in keys.items())
        statement = self._selects.get(shape)
        if statement is None:
            conditions = [f"{quoted(self.key_columns[key])} {'IS NULL' if absent else '= ?'}" for key, absent in shape]
            where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
            statement = f"SELECT id, doc FROM {self.name}{where} ORDER BY seq"
            self._selects[shape] = statement
        return statement, tuple(value for value in keys.values() if value is not None)

    def row(self, record: R) -> Row:
        """The arguments of `insert` and `upsert`."""
        keys = [read(record) for read in self.collection.keys.values()]
        return (record.id, *keys, _encode(record).decode(), self.dto(record))

    def dto(self, record: R) -> bytes | None:
        """What API users see, as JSON; None without ``prepare``."""
        prepare = self.collection.prepare
        return None if prepare is None else _encode(prepare(record))

    def record(self, id_: str, document: str) -> R:
        """The record of a stored document; raises `UnreadableRecord`."""
        try:
            return self._decoder.decode(document)
        except msgspec.MsgspecError as error:
            raise UnreadableRecord(self.collection.name, id_) from error
