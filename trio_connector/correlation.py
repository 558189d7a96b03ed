"""The correlation id of what is being done now (connector spec 3.1): on log lines, Backbone requests and events."""

from __future__ import annotations

import uuid
from contextlib import AbstractContextManager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current_correlation_id() -> str | None:
    """The id under which the current task works, if any."""
    return _current.get()


def new_correlation_id() -> str:
    """A fresh random id (UUID version 4), for work that nobody outside named."""
    return str(uuid.uuid4())


class _Correlated:
    """A class and no generator: this is part of every request and of every delivery."""

    __slots__ = ("_id", "_token")

    def __init__(self, correlation_id: str | None) -> None:
        self._id = correlation_id

    def __enter__(self) -> None:
        self._token = _current.set(self._id)

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)


def correlated(correlation_id: str | None) -> AbstractContextManager[None]:
    """Do the enclosed work under ``correlation_id``; tasks started inside inherit it."""
    return _Correlated(correlation_id)
