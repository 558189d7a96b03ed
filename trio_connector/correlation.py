"""The correlation id of what is being done now (connector spec 3.1): on log lines, Backbone requests and events."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[str | None] = ContextVar("correlation_id", default=None)


def current_correlation_id() -> str | None:
    """The id under which the current task works, if any."""
    return _current.get()


def new_correlation_id() -> str:
    """A fresh random id (UUID version 4), for work that nobody outside named."""
    return str(uuid.uuid4())


@contextmanager
def correlated(correlation_id: str | None) -> Iterator[None]:
    """Do the enclosed work under ``correlation_id``; tasks started inside inherit it."""
    token = _current.set(correlation_id)
    try:
        yield
    finally:
        _current.reset(token)
