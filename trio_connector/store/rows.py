"""Asking the database: the one place where its loosely typed answers come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

Row = tuple[Any, ...]
SqlValue = str | int | float | bytes | None


def rows(connection: apsw.Connection, statement: str, arguments: Sequence[SqlValue] = ()) -> list[Row]:
    """All rows at once, so that no read transaction stays open."""
    return connection.execute(statement, arguments).fetchall()


def first(connection: apsw.Connection, statement: str, arguments: Sequence[SqlValue] = ()) -> Any:
    """The first column of the first row; None without rows."""
    found = connection.execute(statement, arguments).fetchall()
    return found[0][0] if found else None
