"""One doing it for several who want it at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio

from trio_connector.backbone.outcomes import again
from trio_connector.errors import BackboneRequestError

T = TypeVar("T")


class Shared(Generic[T]):
    """Runs a piece of work once for all who ask while it runs; result and failure are everybody's.

    When the task that does the work is cancelled, the next one in line does it instead.
    """

    def __init__(self) -> None:
        self._lock = trio.Lock()
        self._is_running = False
        self._started = 0
        self._finished = 0
        self._value: T | None = None
        self._failure: BackboneRequestError | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The outcome of ``work``; raises the `BackboneRequestError` it raised."""
        # Only work that still runs may be joined: a finished outcome can be older than the caller's question.
        joined = self._started if self._is_running else self._started + 1
        async with self._lock:
            if self._finished >= joined:
                return self._outcome()
            self._started += 1
            self._is_running = True
            try:
                self._value, self._failure = await work(), None
            except BackboneRequestError as error:
                self._value, self._failure = None, error
            finally:
                self._is_running = False
            self._finished = self._started
            return self._outcome()

    def _outcome(self) -> T:
        if self._failure is not None:
            raise again(self._failure) from self._failure
        return self._value  # type: ignore[return-value]  # None only where T allows it
