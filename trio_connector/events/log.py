"""What listeners need of the event log: reading it, and remembering durably how far each of them is (design 1.3, 4).

Owned here: the vocabulary and the two protocols. The store implements them; nobody here knows how.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trio_connector.events.model import Event
from trio_connector.events.patterns import EVERYTHING, Patterns

ORDINARY = 0
"""The id that stands for ordinary delivery where replays have theirs."""


@dataclass(frozen=True)
class Page:
    """Some events in order: all that were asked for up to position ``until``."""

    events: Sequence[Event]
    until: int


@dataclass(frozen=True)
class EventQuery:
    """Which events an operator wants to see, in the order of the log; times are ISO strings, both included."""

    after: int = 0
    patterns: Patterns = EVERYTHING
    correlation_id: str | None = None
    from_time: str | None = None
    to_time: str | None = None
    limit: int = 100


@dataclass(frozen=True)
class Retention:
    """How much of the log is kept. ``past_cursors`` allows to remove what somebody has not been told yet."""

    max_age: timedelta | None = None
    max_bytes: int | None = None
    past_cursors: bool = False


@dataclass(frozen=True)
class Standing:
    """How far one walk through the log is: all up to ``cursor`` is done; of what follows up to ``reached``, all but
    the ``open`` positions is."""

    cursor: int
    reached: int
    open: tuple[int, ...] = ()


@dataclass(frozen=True)
class Subscription:
    """What is remembered of a subscriber."""

    standing: Standing
    paused: bool = False
    accepted_at: str | None = None
    """When its receiver last accepted something."""


@dataclass(frozen=True)
class Replay:
    """A range of the log that is to be delivered once more, up to and including ``until``."""

    id: int
    until: int
    standing: Standing


@dataclass(frozen=True)
class Retry:
    """An event that was refused ``attempts`` times and is due again at ``due_at`` (ISO)."""

    replay: int
    position: int
    attempts: int
    due_at: str


@dataclass(frozen=True)
class Attempt:
    """A refused attempt: the ``number``-th for this event. ``next_at`` is absent after the last one."""

    position: int
    event_id: str
    number: int
    at: str
    status: int | None
    reason: str
    next_at: str | None


@dataclass(frozen=True)
class GivenUp:
    """An event that is not tried any more, unless somebody replays it."""

    position: int
    event_id: str
    attempts: int
    given_up_at: str
    reason: str


@dataclass(frozen=True)
class Progress:
    """What a subscriber wants remembered, all or nothing."""

    standings: tuple[tuple[int, Standing], ...] = ()
    """Of ordinary delivery (`ORDINARY`) and of replays by their id."""
    finished_replays: tuple[int, ...] = ()
    retries: tuple[Retry, ...] = ()
    settled: tuple[tuple[int, int], ...] = ()
    """Replay id and position of what needs no retry any more."""
    accepted_again: tuple[int, ...] = ()
    """Positions that a replay delivered: they leave the give-up list."""
    attempts: tuple[Attempt, ...] = ()
    given_up: tuple[GivenUp, ...] = ()
    accepted_at: str | None = None


class EventLog(Protocol):
    """Reading. The synchronous methods are quick: memory, or one indexed read of bounded size."""

    @property
    def head(self) -> int:
        """The position of the newest event; 0 when there never was one."""
        ...

    def page(self, after: int, patterns: Patterns, limit: int, until: int | None = None) -> Page:
        """Up to ``limit`` events that match, after position ``after`` (and not beyond ``until``).

        Looks at a bounded number of events: an empty page whose ``until`` is beyond ``after`` is no end.
        """
        ...

    def at(self, position: int) -> Event | None:
        """The event at this position; None when retention removed it."""
        ...

    def event(self, id_: str) -> Event | None:
        """The event with this id."""
        ...

    async def list(self, query: EventQuery) -> list[Event]:
        """The events an operator asks for."""
        ...

    async def trim(self, retention: Retention, floor: int | None) -> int:
        """Remove what ``retention`` does not keep, up to position ``floor`` at most; returns how many events."""
        ...

    def on_events(self, hook: Callable[[], None]) -> None:
        """Call ``hook`` after each commit that appended events. It must not raise or wait."""
        ...


class DeliveryLog(Protocol):
    """Remembering. Coroutines return once it is on the disk; a cancelled one may have happened."""

    def subscription(self, name: str) -> Subscription | None:
        """What is remembered of subscriber ``name``."""
        ...

    def retries(self, name: str) -> Sequence[Retry]:
        """What it will try again."""
        ...

    def replays(self, name: str) -> Sequence[Replay]:
        """What it was asked to deliver once more and has not finished, oldest request first."""
        ...

    async def subscribe(self, name: str, position: int) -> None:
        """Remember a new subscriber that has everything up to ``position``; a known one stays as it is."""
        ...

    async def forget(self, name: str) -> None:
        """Forget all about subscriber ``name``: when it comes back, it is a new one."""
        ...

    async def save(self, name: str, progress: Progress) -> None:
        """Remember what happened. A cursor never moves back."""
        ...

    async def set_paused(self, name: str, paused: bool) -> None:
        """Remember whether the subscriber is paused."""
        ...

    async def add_replays(self, name: str, ranges: Sequence[tuple[int, int]]) -> Sequence[Replay]:
        """Remember that the events in ``ranges`` (after, until) are to be delivered once more."""
        ...

    async def given_up(self, name: str, after: int, limit: int) -> Sequence[GivenUp]:
        """The give-up list, by position, after position ``after``."""
        ...

    def given_up_count(self, name: str) -> int:
        """The length of the give-up list."""
        ...

    async def attempts(self, name: str, position: int) -> Sequence[Attempt]:
        """The refused attempts to deliver one event, oldest first."""
        ...

    async def last_attempts(self, name: str, limit: int) -> Sequence[Attempt]:
        """The newest refused attempts, newest first."""
        ...


class Log(EventLog, DeliveryLog, Protocol):
    """Both."""


class LogUnavailable(Exception):
    """The log could not remember something now (a full disk); a later attempt may succeed."""
