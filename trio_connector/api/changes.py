"""Bounds for operations that must not be torn apart (design section 5, idea 2).

A use case that changes something runs shielded: a client that goes away, or a server that stops, must not part what
was sent from what is stored. The shield ends with a limit, and with the daemon's grace period.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf

import trio


class Changes:
    """The operations under way."""

    def __init__(self, limit_seconds: float) -> None:
        self._limit_seconds = limit_seconds
        self._end = inf
        self._scopes: set[trio.CancelScope] = set()

    @contextmanager
    def finished(self) -> Iterator[None]:
        """Do the block to its end, whatever happens around it; raises TooSlowError after the limit."""
        with trio.fail_at(min(trio.current_time() + self._limit_seconds, self._end), shield=True) as scope:
            self._scopes.add(scope)
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def end_by(self, time: float) -> None:
        """Nothing may go on after ``time`` (Trio time), what is under way included."""
        self._end = min(self._end, time)
        for scope in self._scopes:
            scope.deadline = min(scope.deadline, self._end)
