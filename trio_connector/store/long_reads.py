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


class LongReads:
    """A small pool of read-only connections; without a file, everything is asked at once on ``inline``."""

    def __init__(self, file: Path | None, inline: apsw.Connection) -> None:
        self._inline = inline
        self._idle = [] if file is None else [open_reading(file) for _ in range(LIST_CONNECTIONS)]
        self._all = tuple(self._idle)
        self._limiter = trio.CapacityLimiter(LIST_CONNECTIONS)

    async def rows(self, statement: str, arguments: Sequence[SqlValue] = ()) -> list[Row]:
        """All rows. A cancellation takes effect when the statement has ended."""
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

        return await trio.to_thread.run_sync(ask, limiter=self._limiter)

    def close(self) -> None:
        """Close all connections."""
        with ExitStack() as closing:
            for connection in self._all:
                closing.callback(connection.close)
