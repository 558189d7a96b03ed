"""The layout of the file, and how an older one becomes the current one (design section 3).

Owned here: version, migrations, the tables that belong to no collection. A change of a collection (a new one, other
keys, other filtered paths, another rendering of DTOs) needs no migration: it is found and applied when the file opens.
Everything happens in one transaction, so a crash leaves the old file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import msgspec

from trio_connector.store.connections import settle
from trio_connector.store.errors import NotOurFile, StoreTooNew
from trio_connector.store.rows import first, rows
from trio_connector.store.tables import Table, direct_value, quoted

APPLICATION_ID = 0x7472696F
"""Marks the file as ours (``trio``)."""

_VERSION_1 = (
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE maps (
        map TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (map, key)
    ) WITHOUT ROWID""",
    # running_size is the size of all events ever appended up to this one: the difference of two rows tells in O(1)
    # how much the log holds.
    """CREATE TABLE events (
        position INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        namespace TEXT NOT NULL,
        occurred_at TEXT NOT NULL,
        correlation_id TEXT,
        entity TEXT,
        running_size INTEGER NOT NULL,
        data BLOB NOT NULL
    )""",
    "CREATE INDEX events_by_correlation ON events (correlation_id) WHERE correlation_id IS NOT NULL",
    "CREATE INDEX events_by_time ON events (occurred_at)",
    # Everything up to reached_position is done, except the positions in open_positions; cursor is the highest position
    # up to which everything is done.
    """CREATE TABLE subscribers (
        name TEXT PRIMARY KEY,
        cursor INTEGER NOT NULL,
        reached_position INTEGER NOT NULL,
        open_positions TEXT NOT NULL DEFAULT '[]',
        paused INTEGER NOT NULL DEFAULT 0,
        accepted_at TEXT
    ) WITHOUT ROWID""",
    # A range of the log that is to be sent once more; the same way of keeping track.
    """CREATE TABLE replays (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        subscriber TEXT NOT NULL,
        requested_at TEXT NOT NULL,
        until_position INTEGER NOT NULL,
        cursor INTEGER NOT NULL,
        reached_position INTEGER NOT NULL,
        open_positions TEXT NOT NULL DEFAULT '[]'
    )""",
    "CREATE INDEX replays_by_subscriber ON replays (subscriber, id)",
    # Events that were refused and will be tried again; replay 0 is the ordinary delivery.
    """CREATE TABLE retries (
        subscriber TEXT NOT NULL,
        replay INTEGER NOT NULL,
        position INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        due_at TEXT NOT NULL,
        PRIMARY KEY (subscriber, replay, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE given_up (
        subscriber TEXT NOT NULL,
        position INTEGER NOT NULL,
        event_id TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        given_up_at TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (subscriber, position)
    ) WITHOUT ROWID""",
    # Refused attempts only: an accepted one leaves nothing to explain.
    """CREATE TABLE attempts (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        subscriber TEXT NOT NULL,
        position INTEGER NOT NULL,
        event_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        at TEXT NOT NULL,
        status INTEGER,
        reason TEXT NOT NULL,
        next_at TEXT
    )""",
    # Unique, because what may have been saved before a cancellation is saved again.
    "CREATE UNIQUE INDEX attempts_by_event ON attempts (subscriber, position, number, at)",
    "CREATE INDEX attempts_by_subscriber ON attempts (subscriber, sequence)",
    "CREATE INDEX attempts_by_position ON attempts (position)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1,)
"""The statements that lead from version n to n + 1."""

VERSION = len(MIGRATIONS)


def prepare_file(connection: apsw.Connection, file: Path | None, tables: Sequence[Table[Any]], rendering: str) -> None:
    """Bring the open file to the current version, with exactly the columns that ``tables`` need.

    ``rendering`` names everything DTOs depend on besides their records; when it is another one than last time, all
    DTOs and keys are made anew. Raises `StoreTooNew`, `NotOurFile`, and `UnreadableRecord` when a document that must
    be rendered anew cannot be read.
    """
    try:
        found = _version(connection, file)
    except apsw.NotADBError as error:
        raise NotOurFile(file or Path(":memory:")) from error
    settle(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                connection.execute(statement)
        stale = _meta(connection, "rendering") != rendering
        for table in tables:
            _fit(connection, table, render=stale)
        _put_meta(connection, "rendering", rendering)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _version(connection: apsw.Connection, file: Path | None) -> int:
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    used = _number(connection, "SELECT count(*) FROM sqlite_schema")
    if used and application != APPLICATION_ID:
        raise NotOurFile(file or Path(":memory:"))
    if version > VERSION:
        raise StoreTooNew(version, VERSION)
    return version


def _fit(connection: apsw.Connection, table: Table[Any], *, render: bool) -> None:
    """Give the collection's table the columns and indexes it needs, and take those away that it does not."""
    exists = first(
        connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (f"c_{table.collection.name}",)
    )
    if not exists:
        connection.execute(table.create())
    wanted = {
        **dict.fromkeys(table.key_columns.values(), "key"),
        **{column: direct_value("doc", path) for path, column in table.generated_columns.items()},
    }
    shape_key = f"shape of {table.collection.name}"
    former = msgspec.json.decode(_meta(connection, shape_key) or "{}", type=dict[str, str])
    present = {row[1] for row in rows(connection, f"PRAGMA table_xinfo({table.name})")}
    prefix = quoted(f"i_{table.collection.name}_")[:-1]
    for column, definition in former.items():
        if wanted.get(column) != definition and column in present:
            connection.execute(f"DROP INDEX IF EXISTS {prefix}{quoted(column)[1:]}")
            connection.execute(f"ALTER TABLE {table.name} DROP COLUMN {quoted(column)}")
            present.discard(column)
    new_keys = False
    for column, definition in wanted.items():
        if column not in present:
            generated = "" if definition == "key" else f" GENERATED ALWAYS AS ({definition}) VIRTUAL"
            connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {quoted(column)}{generated}")
            new_keys = new_keys or definition == "key"
        connection.execute(
            f"CREATE INDEX IF NOT EXISTS {prefix}{quoted(column)[1:]} ON {table.name} ({quoted(column)})"
        )
    _put_meta(connection, shape_key, msgspec.json.encode(wanted).decode())
    if exists and (render or new_keys):
        _render(connection, table)


def _render(connection: apsw.Connection, table: Table[Any]) -> None:
    """Make keys and DTOs anew from the documents, in portions that fit into memory."""
    columns = [*map(quoted, table.key_columns.values()), "dto"]
    update = f"UPDATE {table.name} SET {', '.join(f'{column} = ?' for column in columns)} WHERE seq = ?"
    last = -1
    portion = f"SELECT seq, id, doc FROM {table.name} WHERE seq > ? ORDER BY seq LIMIT 500"
    while found := rows(connection, portion, (last,)):
        for sequence, id_, document in found:
            record = table.record(id_, document)
            keys = [read(record) for read in table.collection.keys.values()]
            connection.execute(update, (*keys, table.dto(record), sequence))
        last = found[-1][0]


def _number(connection: apsw.Connection, statement: str) -> int:
    return int(first(connection, statement))


def _meta(connection: apsw.Connection, key: str) -> str | None:
    value: str | None = first(connection, "SELECT value FROM meta WHERE key = ?", (key,))
    return value


def _put_meta(connection: apsw.Connection, key: str, value: str) -> None:
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )
