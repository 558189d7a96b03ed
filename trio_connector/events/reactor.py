"""Modules inside the process as subscribers (design section 1.3): the same cursor, retries and give-up list for all.

A module that writes something should advance its cursor in its own unit of work (``unit.advance(name,
event.position)``): then its reaction to an event is stored exactly once. Otherwise it is called at least once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, Sender

_log = structlog.get_logger("Events")

React = Callable[[Event], Awaitable[None]]
"""What a module does about one event, under the event's correlation id. It is cancelled after the timeout."""

SKIP_FAILURES: tuple[float, ...] = ()
"""No second attempt: what a module failed to do is logged and on its give-up list."""

IsAway = Callable[[Exception], bool]
"""Whether a failure only says that what a module depends on cannot be reached."""


def never(failure: Exception) -> bool:
    """Every failure is the module's own."""
    return False


def reactor(
    name: str,
    patterns: Sequence[str],
    react: React,
    *,
    timeout_seconds: float = 120.0,
    retry_after_seconds: tuple[float, ...] = SKIP_FAILURES,
    is_away: IsAway = never,
) -> SubscriberSpec:
    """The subscriber that calls ``react`` for each event of ``patterns``, one after the other, in order.

    A failure (an exception, or the timeout) is logged with its traceback and never ends the daemon. The event is tried
    again after each of ``retry_after_seconds``, while later ones wait; then it is given up and the next one follows.
    A failure for which ``is_away`` answers True is a log line without traceback, and its event is never given up.
    """

    @asynccontextmanager
    async def open_sender() -> AsyncIterator[Sender]:
        yield _Caller(name, react, is_away)

    settings = DeliverySettings(timeout_seconds=timeout_seconds, retry_schedule_seconds=retry_after_seconds, jitter=0.0)
    return SubscriberSpec(name=name, patterns=tuple(patterns), open_sender=open_sender, delivery=settings)


class _Caller:
    """The sender of a module: a call."""

    max_batch = 1

    def __init__(self, name: str, react: React, is_away: IsAway) -> None:
        self._name = name
        self._react = react
        self._is_away = is_away

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        answers = []
        for event in events:
            try:
                await self._react(event)
            except Exception as error:  # noqa: BLE001  # the border of delivery: a module's bug costs this reaction only
                away = self._is_away(error)
                where = {"subscriber": self._name, "namespace": event.namespace}
                if away:
                    _log.warning("An event handler waits for what is away.", **where, error=str(error))
                else:
                    _log.exception("An error was thrown in an event handler.", **where)
                answers.append(Answer(accepted=False, away=away, reason=f"{type(error).__name__}: {error}"))
            else:
                answers.append(Answer(accepted=True))
        return answers
