"""Everybody who listens: the registry of subscribers, wake-ups, live streams, and what operators see (design 1.3, 6).

A wake-up carries nothing; whoever is woken reads the log. So telling a hundred listeners costs next to nothing, and one
that hangs costs the others nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
import trio

from trio_connector.crypto.dates import Clock, parse_date
from trio_connector.crypto.entropy import Entropy
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.log import Log, Retention
from trio_connector.events.patterns import EVERYTHING, Patterns
from trio_connector.events.reactor import SKIP_FAILURES, IsAway, React, never, reactor
from trio_connector.events.report import SubscriberState
from trio_connector.events.subscriber import Subscriber
from trio_connector.events.tap import MAX_BEHIND, Tap

_log = structlog.get_logger("Events")

BEHIND_EVENTS = 1000
BEHIND_SECONDS = 300.0
WATCH_INTERVAL_SECONDS = 10.0
TRIM_INTERVAL_SECONDS = 60.0
MAX_LOOKED_AT = 200


class EventBus:
    """One per daemon, on the log of its store."""

    def __init__(self, log: Log, *, clock: Clock, entropy: Entropy) -> None:
        self._log = log
        self._clock = clock
        self._entropy = entropy
        self._subscribers: dict[str, Subscriber] = {}
        self._taps: set[Tap] = set()
        self._behind: set[str] = set()
        self._seen = log.head
        self._closed = False
        log.on_events(self.wake)

    # --- who listens ---

    @property
    def subscribers(self) -> Mapping[str, Subscriber]:
        """By name, in the order of their registration."""
        return self._subscribers

    def subscribe(self, spec: SubscriberSpec, *, from_beginning: bool = False) -> Subscriber:
        """Register a receiver; the caller starts its ``run``.

        A known name goes on where it was. A new one gets what happens from now on, or everything in the log when
        ``from_beginning``. Raises ValueError when the name is taken.
        """
        return self._register(
            Subscriber(spec, self._log, clock=self._clock, entropy=self._entropy, from_beginning=from_beginning)
        )

    def react(
        self,
        name: str,
        patterns: Sequence[str],
        react: React,
        *,
        timeout_seconds: float = 120.0,
        retry_after_seconds: tuple[float, ...] = SKIP_FAILURES,
        is_away: IsAway = never,
        from_beginning: bool = False,
    ) -> Subscriber:
        """Register a module of this process (`reactor`); the caller starts its ``run``."""
        spec = reactor(
            name,
            patterns,
            react,
            timeout_seconds=timeout_seconds,
            retry_after_seconds=retry_after_seconds,
            is_away=is_away,
        )
        return self._register(
            Subscriber(
                spec,
                self._log,
                clock=self._clock,
                entropy=self._entropy,
                from_beginning=from_beginning,
                max_unsaved=1,
                advances_itself=True,
            )
        )

    @contextmanager
    def tap(
        self, patterns: Sequence[str] = ("**",), *, after: int | None = None, max_behind: int = MAX_BEHIND
    ) -> Iterator[Tap]:
        """A live stream of matching events: from now on, or without gap from position ``after``."""
        tap = Tap(self._log, Patterns(patterns), after, max_behind)
        if self._closed:
            tap.close()
        self._taps.add(tap)
        try:
            yield tap
        finally:
            self._taps.discard(tap)

    def _register(self, subscriber: Subscriber) -> Subscriber:
        if subscriber.name in self._subscribers:
            raise ValueError(f"there are two subscribers with the name {subscriber.name}")
        self._subscribers[subscriber.name] = subscriber
        if self._closed:
            subscriber.close()
        return subscriber

    # --- telling them ---

    def wake(self) -> None:
        """Something was committed; the log calls this. Wakes only those who want some of it."""
        seen, self._seen = self._seen, self._log.head
        page = self._log.page(seen, EVERYTHING, MAX_LOOKED_AT)
        namespaces = {event.namespace for event in page.events}
        certain = page.until >= self._seen
        for subscriber in self._subscribers.values():
            if certain and not any(map(subscriber.patterns.match, namespaces)):
                subscriber.pass_by(seen, self._seen)
            else:
                subscriber.wake()
        for tap in self._taps:
            tap.wake()

    def close(self) -> None:
        """Idle subscribers return at once, busy ones when their attempt has ended; live streams end.

        How long that may take is the caller's to say, with a deadline around the subscribers' tasks.
        """
        self._closed = True
        for subscriber in self._subscribers.values():
            subscriber.close()
        for tap in self._taps:
            tap.close()

    # --- operators ---

    def snapshot(self) -> list[SubscriberState]:
        """How every subscriber is doing."""
        return [subscriber.state() for subscriber in self._subscribers.values()]

    @property
    def behind(self) -> frozenset[str]:
        """The names of the subscribers that `watch` last found to be far behind."""
        return frozenset(self._behind)

    async def watch(
        self, *, events: int = BEHIND_EVENTS, seconds: float = BEHIND_SECONDS, interval: float = WATCH_INTERVAL_SECONDS
    ) -> None:
        """Say when a subscriber falls behind by more than so many events or so much time, and when it has caught up.

        Runs until it is cancelled.
        """
        while True:
            for subscriber in self._subscribers.values():
                self._judge(subscriber, events, seconds)
            await trio.sleep(interval)

    def _judge(self, subscriber: Subscriber, events: int, seconds: float) -> None:
        state = subscriber.state()
        age = self.age_of_next(subscriber)
        behind = state.lag > events or age > seconds
        if behind and state.name not in self._behind:
            self._behind.add(state.name)
            _log.warning(
                "A subscriber falls behind.",
                subscriber=state.name,
                lag=state.lag,
                oldest_seconds=round(age),
                state=state.state,
                last_error=state.attempts[0].reason if state.attempts else None,
            )
        elif not behind and state.name in self._behind:
            self._behind.discard(state.name)
            _log.info("A subscriber has caught up.", subscriber=state.name)

    def age_of_next(self, subscriber: Subscriber) -> float:
        """How long the oldest event that is not done for this subscriber has been waiting, in seconds."""
        if subscriber.cursor is None or subscriber.cursor >= self._log.head:
            return 0.0
        page = self._log.page(subscriber.cursor, subscriber.patterns, 1)
        if not page.events:
            return 0.0
        return (self._clock() - parse_date(page.events[0].occurred_at)).total_seconds()

    async def keep(self, retention: Retention, *, interval: float = TRIM_INTERVAL_SECONDS) -> None:
        """Remove what ``retention`` does not keep, now and then; never what a registered subscriber still needs,
        unless it says so. Runs until it is cancelled."""
        while True:
            cursors = [subscriber.cursor for subscriber in self._subscribers.values()]
            known = [cursor for cursor in cursors if cursor is not None]
            floor = min(known, default=None) if len(known) == len(cursors) else 0
            removed = await self._log.trim(retention, floor)
            if removed:
                _log.info("Old events were removed from the log.", events=removed)
            await trio.sleep(interval)
