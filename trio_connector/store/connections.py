"""Connections to the database: how each is opened, and which of them may write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

from trio_connector.domain.query import compiled
from trio_connector.events.patterns import matches

BUSY_TIMEOUT_MS = 5000
"""How long we wait for another process, e.g. a person with the sqlite3 command."""


def open_writing(file: Path | None) -> apsw.Connection:
    """The one connection that writes; in memory when ``file`` is None."""
    connection = apsw.Connection(
        str(file) if file is not None else ":memory:",
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
        statementcachesize=200,
    )
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def settle(connection: apsw.Connection) -> None:
    """How the writing connection works, once the file is known to be ours: this changes it."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    _equip(connection)


def open_reading(file: Path) -> apsw.Connection:
    """A connection that cannot write; it sees what is committed."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY, statementcachesize=200)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    _equip(connection)
    return connection


def _equip(connection: apsw.Connection) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -8192")
    connection.create_scalar_function("search", _search, 2, deterministic=True)
    connection.create_scalar_function("namespace_matches", _namespace_matches, 2, deterministic=True)


def _namespace_matches(*arguments: Any) -> bool:
    pattern, namespace = arguments
    return matches(pattern, namespace)


def _search(*arguments: Any) -> bool:
    pattern, value = arguments
    return isinstance(value, str) and compiled(pattern).found_in(value)
