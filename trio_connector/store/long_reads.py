"""Reads that may take long: in a thread, each on a connection of its own, a few at a time (design section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import apsw
import trio

from trio_connector.store.connections import open_reading
from trio_connector.store.rows import Row, SqlValue, rows

LIST_CONNECTIONS = 2
_STEPS_BETWEEN_LOOKS = 50_000
"""So many steps of SQLite's machine, some milliseconds, pass before it is looked whether anybody still waits."""


class LongReads:
    """A small pool of read-only connections; without a file, everything is asked at once on ``inline``."""

    def __init__(self, file: Path | None, inline: apsw.Connection) -> None:
        self._inline = inline
        self._idle = [] if file is None else [_open(file) for _ in range(LIST_CONNECTIONS)]
        self._all = tuple(self._idle)
        self._limiter = trio.CapacityLimiter(LIST_CONNECTIONS)

    async def rows(self, statement: str, arguments: Sequence[SqlValue] = ()) -> list[Row]:
        """All rows. A cancellation interrupts the statement within milliseconds."""
        if not self._all:
            await trio.lowlevel.checkpoint()
            return rows(self._inline, statement, arguments)

        def ask() -> list[Row]:
            # The limiter lets only as many threads in as there are connections; append and pop are atomic.
            connection = self._idle.pop()
            try:
                return rows(connection, statement, arguments)
            finally:
                self._idle.append(connection)

        try:
            return await trio.to_thread.run_sync(ask, limiter=self._limiter)
        except apsw.InterruptError:
            await trio.lowlevel.checkpoint_if_cancelled()
            raise  # interrupted for another reason than a cancellation, which nobody does

    def close(self) -> None:
        """Close all connections."""
        with ExitStack() as closing:
            for connection in self._all:
                closing.callback(connection.close)


def _open(file: Path) -> apsw.Connection:
    connection = open_reading(file)
    connection.set_progress_handler(_nobody_waits, _STEPS_BETWEEN_LOOKS)
    return connection


def _nobody_waits() -> bool:
    """Called in the thread of a statement; True interrupts it."""
    try:
        trio.from_thread.check_cancelled()
    except trio.Cancelled:
        return True
    except RuntimeError:
        return False  # not in a thread of Trio: the connection is being opened
    return False
