"""A subscriber: delivers the log to one receiver, at least once (design sections 1.3 and 4).

::

    log ──page──> Track ──Lanes──> worker ──Sender──> receiver
                    │                 │ answer
                    └── Standing <── next_step ──> Done | Wait | GiveUp
                           │
                         saver ──one commit at a time──> DeliveryLog

Owned here: the loop. What may be sent next is decided by ``lanes``, what follows from an answer by ``retry``. A wake-up
is a hint without data: several of them are one, and nothing is lost when one comes while the subscriber is busy.

What happened is saved by a task of its own: some attempts, or those of a few hundredths of a second, with one commit.
Delivery runs ahead of it by ``max_unsaved`` attempts at most: that much, and what was being sent, is delivered again
after a crash.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import timedelta

import structlog
import trio

from trio_connector.correlation import correlated
from trio_connector.crypto.dates import Clock, iso, parse_date
from trio_connector.crypto.entropy import Entropy, uniform
from trio_connector.events.delivery import SubscriberSpec
from trio_connector.events.lanes import Item, Lanes
from trio_connector.events.log import (
    ORDINARY,
    Attempt,
    GivenUp,
    Log,
    LogUnavailable,
    Replay,
    Standing,
    Subscription,
)
from trio_connector.events.model import Answer, Event, Sender
from trio_connector.events.patterns import Patterns
from trio_connector.events.report import AttemptReport, GivenUpReport, SubscriberState
from trio_connector.events.retry import Done, GiveUp, Step, Wait, next_step
from trio_connector.events.track import Track
from trio_connector.events.unsaved import Unsaved

_log = structlog.get_logger("Events")

MAX_REASON_LENGTH = 512
MAX_REPLAYS = 1000
REMEMBERED_ATTEMPTS = 20
SMALL_WINDOW = 32
LARGE_WINDOW = 500
SKIPPED_BEFORE_SAVE = 1000
"""So many unwanted events may be passed before that alone is worth a commit."""
GATHER_SECONDS = 0.02
"""How long an attempt may wait for others to be saved with it."""
SAVE_RETRY_SECONDS = 1.0
LAST_SAVE_SECONDS = 5.0
_CHANCES = 1 << 16


class UnknownEvent(Exception):
    """There is no event with this id in the log."""

    def __init__(self, id_: str) -> None:
        super().__init__(f"there is no event with the id {id_}")
        self.id = id_


class TooManyReplays(Exception):
    """So many replays are under way already that another one would only be forgotten about."""


class Subscriber:
    """Made by `EventBus`. ``run`` is its one long-lived task."""

    def __init__(
        self,
        spec: SubscriberSpec,
        log: Log,
        *,
        clock: Clock,
        entropy: Entropy,
        from_beginning: bool = False,
        max_unsaved: int = 16,
        advances_itself: bool = False,
    ) -> None:
        self.spec = spec
        self.patterns = Patterns(spec.patterns)
        self.accepted = 0
        self.refused = 0
        self.given_up = 0
        self._log = log
        self._clock = clock
        self._entropy = entropy
        self._from_beginning = from_beginning
        self._max_unsaved = max_unsaved
        self._advances_itself = advances_itself
        self._live: Track | None = None
        self._replays: deque[Track] = deque()
        self._unsaved = Unsaved()
        self._paused = False
        self._closing = False
        self._finished = False
        self._in_flight = 0
        self._next_send = -math.inf
        self._news = trio.Event()
        self._save_at = max_unsaved // 2
        self._many_unsaved = trio.Event()
        self._recent: deque[AttemptReport] = deque(maxlen=REMEMBERED_ATTEMPTS)
        self._accepted_at: str | None = None
        self._saved_reached = 0
        self._window = SMALL_WINDOW
        """How many events are taken from the log ahead of their delivery; more where some may overtake others."""

    @property
    def name(self) -> str:
        """Unique among all subscribers, stable over restarts."""
        return self.spec.name

    @property
    def cursor(self) -> int | None:
        """The position up to which everything is done; None before it runs."""
        return None if self._live is None else self._live.walk.cursor

    # --- the task ---

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Deliver until `close`; then finish the attempts under way and return.

        Reports started once it knows where it is in the log. A cancellation interrupts the attempts under way, which
        will be made again after a restart; what is known by then is saved (within a few seconds).
        """
        try:
            async with self.spec.open_sender() as sender, trio.open_nursery() as saving:
                await self._load(sender.max_batch)
                saving.start_soon(self._save_forever)
                async with trio.open_nursery() as workers:
                    for _ in range(self.spec.delivery.lanes):
                        workers.start_soon(self._work, sender)
                    task_status.started()
                self._finished = True
                self._many_unsaved.set()
                self._notify()
        finally:
            with trio.move_on_after(LAST_SAVE_SECONDS, shield=True):
                await self._save_last()

    def wake(self) -> None:
        """There may be something to do."""
        self._notify()

    def pass_by(self, seen: int, head: int) -> None:
        """Nothing between ``seen`` and ``head`` is wanted; spares a look when all before it is known too."""
        if self._live is not None and self._live.has_seen_all(seen):
            self._live.walk.skip_to(head)
            self._pass_unwanted()

    def close(self) -> None:
        """No further attempt; `run` returns when the ones under way have ended."""
        self._closing = True
        self._notify()

    # --- for operators ---

    async def pause(self) -> None:
        """Make no further attempt until `resume`, also over restarts."""
        await self._log.set_paused(self.name, True)
        self._paused = True
        self._notify()

    async def resume(self) -> None:
        """Go on where it stopped."""
        await self._log.set_paused(self.name, False)
        self._paused = False
        self._notify()

    async def replay(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Deliver the wanted events in ``ranges`` (after, until) once more, beside ordinary delivery.

        They keep their ids and go through the whole retry schedule again. Survives a restart. Raises `TooManyReplays`.
        """
        if len(self._replays) + len(ranges) > MAX_REPLAYS:
            raise TooManyReplays(f"{len(self._replays)} replays are under way")
        for replay in await self._log.add_replays(self.name, ranges):
            self._replays.append(self._replay_track(replay, {}))
        self._notify()

    async def replay_events(self, ids: Sequence[str]) -> None:
        """Deliver these events once more, like `replay`.

        Raises `UnknownEvent` (then none of them is) and `TooManyReplays`.
        """
        ranges = []
        for id_ in dict.fromkeys(ids):
            event = self._log.event(id_)
            if event is None:
                raise UnknownEvent(id_)
            ranges.append((event.position - 1, event.position))
        await self.replay(sorted(ranges))

    async def given_up_events(self, after: int = 0, limit: int = 100) -> list[GivenUpReport]:
        """The give-up list by position, after position ``after``, each with its history."""
        reports = []
        for entry in await self._log.given_up(self.name, after, limit):
            history = await self._log.attempts(self.name, entry.position)
            reports.append(
                GivenUpReport(
                    position=entry.position,
                    event_id=entry.event_id,
                    given_up_at=entry.given_up_at,
                    attempts=entry.attempts,
                    reason=entry.reason,
                    event=self._log.at(entry.position),
                    history=tuple(map(_report, history)),
                )
            )
        return reports

    async def last_attempts(self) -> tuple[AttemptReport, ...]:
        """The newest attempts, newest first. From before the start those are known that were refused."""
        found = {(report.position, report.number, report.at): report for report in reversed(self._recent)}
        for attempt in await self._log.last_attempts(self.name, REMEMBERED_ATTEMPTS):
            found.setdefault((attempt.position, attempt.number, attempt.at), _report(attempt))
        return tuple(found.values())[:REMEMBERED_ATTEMPTS]

    def state(self) -> SubscriberState:
        """How it is doing now."""
        head = self._log.head
        waiting_until = self._next_due()
        next_attempt = None
        if waiting_until is not None:
            next_attempt = iso(self._clock() + timedelta(seconds=max(0.0, waiting_until - trio.current_time())))
        return SubscriberState(
            name=self.name,
            kind=self.spec.kind,
            receiver=self.spec.receiver,
            patterns=self.spec.patterns,
            state=self._state_word(),
            position=0 if self._live is None else self._live.walk.cursor,
            head=head,
            lag=0 if self._live is None else self._live.lag(head),
            replaying=sum(track.lag(head) for track in self._replays),
            in_flight=self._in_flight,
            given_up=self._log.given_up_count(self.name),
            next_attempt_at=next_attempt,
            accepted_at=self._accepted_at,
            attempts=tuple(reversed(self._recent)),
        )

    def _state_word(self) -> str:
        if self._live is None or self._finished:
            return "stopped"
        if self._paused:
            return "paused"
        return "waiting" if not self._in_flight and self._next_due() is not None else "running"

    # --- where it is ---

    async def _load(self, max_batch: int) -> None:
        delivery = self.spec.delivery
        ahead = SMALL_WINDOW if delivery.ordered and delivery.lanes == 1 else LARGE_WINDOW
        self._window = max(ahead, 2 * max_batch)
        subscription = self._log.subscription(self.name)
        if subscription is None:
            position = 0 if self._from_beginning else self._log.head
            await self._log.subscribe(self.name, position)
            subscription = Subscription(Standing(position, position))
        if self._paused and not subscription.paused:
            await self._log.set_paused(self.name, True)  # it was paused before it ran for the first time
        self._paused = self._paused or subscription.paused
        self._accepted_at = subscription.accepted_at
        known: dict[int, dict[int, tuple[int, float]]] = {}
        for retry in self._log.retries(self.name):
            known.setdefault(retry.replay, {})[retry.position] = (retry.attempts, self._local(retry.due_at))
        self._live = Track(ORDINARY, subscription.standing, self._lanes(), self._window, known=known.get(ORDINARY))
        self._saved_reached = subscription.standing.reached
        self._replays.clear()  # what was asked for before the start is in the log as well
        self._replays.extend(
            self._replay_track(replay, known.get(replay.id, {})) for replay in self._log.replays(self.name)
        )

    def _replay_track(self, replay: Replay, known: dict[int, tuple[int, float]]) -> Track:
        return Track(replay.id, replay.standing, self._lanes(), self._window, until=replay.until, known=known)

    def _lanes(self) -> Lanes:
        delivery = self.spec.delivery
        return Lanes(parallel=delivery.lanes > 1, ordered=delivery.ordered)

    def _local(self, due_at: str) -> float:
        """A stored time on the clock of this run. A wall clock that was set back does not prolong a pause for ever."""
        delivery = self.spec.delivery
        longest = max((*delivery.retry_schedule_seconds, delivery.retry_after_limit_seconds), default=0.0) * 2
        remaining = (parse_date(due_at) - self._clock()).total_seconds()
        return trio.current_time() + min(max(0.0, remaining), longest)

    # --- delivery ---

    async def _work(self, sender: Sender) -> None:
        if self.spec.pace_seconds:
            self._next_send = trio.current_time() + self.spec.pace_seconds
        while not self._closing:
            match self._pick(sender.max_batch):
                case (track, items):
                    await self._deliver(sender, track, items)
                case until:
                    news = self._news
                    with trio.CancelScope(deadline=until):
                        await news.wait()

    def _pick(self, limit: int) -> tuple[Track, list[Item]] | float:
        """What to send now; or, when there is nothing, until when that stays so if nobody has news."""
        now = trio.current_time()
        if self._paused or self._unsaved.attempts >= self._max_unsaved:
            return math.inf
        if now < self._next_send:
            return self._next_send
        look_again = False
        for track in self._active_tracks():
            look_again |= track.refill(self._log, self.patterns)
            items = track.lanes.take(now, limit, whole=self.spec.pace_seconds > 0)
            if items:
                if track.lanes.has_ready and self.spec.delivery.lanes > 1:
                    self._notify()
                return track, items
        self._pass_unwanted()
        if look_again or self._drop_finished_replays():
            return now  # a long way through the log; let others work
        due = self._next_due()
        return math.inf if due is None else due

    def _active_tracks(self) -> Iterator[Track]:
        """Ordinary delivery first; one replay at a time, in the order of their requests."""
        if self._live is not None:
            yield self._live
        if self._replays:
            yield self._replays[0]

    def _pass_unwanted(self) -> None:
        """Remember now and then that unwanted events were passed, so that a restart need not look at them again."""
        if self._live is not None and self._live.walk.reached - self._saved_reached >= SKIPPED_BEFORE_SAVE:
            self._saved_reached = self._live.walk.reached
            self._unsaved.moved(self._live)
            self._notify()

    def _drop_finished_replays(self) -> bool:
        dropped = False
        while self._replays and self._replays[0].finished:
            self._unsaved.finished(self._replays.popleft())
            self._notify()
            dropped = True
        return dropped

    def _next_due(self) -> float | None:
        dues = [track.lanes.next_due() for track in (self._live, *self._replays) if track is not None]
        return min((due for due in dues if due is not None), default=None)

    async def _deliver(self, sender: Sender, track: Track, items: Sequence[Item]) -> None:
        """One attempt, and what follows from it."""
        sent = [(item, item.event or self._log.at(item.position)) for item in items]
        for item, event in sent:
            if event is None:  # retention removed it
                track.done(item.position)
        under_way = [(item, event) for item, event in sent if event is not None]
        self._in_flight += len(under_way)
        started = trio.current_time()
        try:
            answers = await self._attempt(sender, [event for _, event in under_way])
        finally:
            self._in_flight -= len(under_way)
        if self.spec.pace_seconds:
            self._next_send = started + self.spec.pace_seconds
        at = iso(self._clock())
        for (item, event), answer in zip(under_way, answers, strict=True):
            self._follow(track, item, event, answer, at)
        if not (self._advances_itself and self._is_saved(track)):
            self._unsaved.attempted(track)
            if self._unsaved.attempts >= self._save_at:
                self._many_unsaved.set()
        self._notify()

    async def _attempt(self, sender: Sender, events: Sequence[Event]) -> list[Answer]:
        timeout = self.spec.delivery.timeout_seconds
        context = correlated(events[0].correlation_id) if len(events) == 1 else nullcontext()
        answers: list[Answer] = []
        if not events:
            return answers
        with trio.move_on_after(timeout) as scope, context:
            try:
                answers = list(await sender.send(events))
            except Exception as error:  # noqa: BLE001  # the border of delivery: a bug of one sender is one refused attempt
                _log.exception("A sender failed.", subscriber=self.name)
                answers = [Answer(accepted=False, reason=f"the sender failed: {type(error).__name__}")] * len(events)
        if scope.cancelled_caught:
            answers = [Answer(accepted=False, reason=f"no answer within {timeout:g} seconds")] * len(events)
        missing = len(events) - len(answers)
        return answers[: len(events)] + [Answer(accepted=False, reason="the sender gave no answer")] * missing

    def _follow(self, track: Track, item: Item, event: Event, answer: Answer, at: str) -> None:
        """Remember the attempt and do what the decision about it says."""
        number = item.attempts + 1
        chance = uniform(_CHANCES, self._entropy) / _CHANCES if not answer.accepted else 0.0
        step = next_step(number, answer, self.spec.delivery, chance)
        reason = answer.reason[:MAX_REASON_LENGTH]
        next_at = iso(self._clock() + timedelta(seconds=step.seconds)) if isinstance(step, Wait) else None
        self._recent.append(
            AttemptReport(
                position=event.position,
                event_id=event.id,
                namespace=event.namespace,
                number=number,
                at=at,
                accepted=answer.accepted,
                status=answer.status,
                reason=reason,
                next_at=next_at,
            )
        )
        if answer.accepted:
            self.accepted += 1
            self._accepted_at = at
        else:
            self.refused += 1
            self._unsaved.refused(Attempt(event.position, event.id, number, at, answer.status, reason, next_at))
        self._obey(step, track, item, event, number, at, next_at)

    def _obey(
        self, step: Step, track: Track, item: Item, event: Event, number: int, at: str, next_at: str | None
    ) -> None:
        match step:
            case Wait(seconds):
                track.lanes.again(item.position, trio.current_time() + seconds)
                self._unsaved.waits(track, item.position, number, next_at or at)
                _log.info(
                    "An event was refused and will be sent again.",
                    subscriber=self.name,
                    event_id=event.id,
                    attempt=number,
                    seconds=round(seconds, 1),
                )
            case GiveUp(reason):
                track.done(item.position)
                self.given_up += 1
                kept = reason[:MAX_REASON_LENGTH]
                self._unsaved.settled(track, item.position)
                self._unsaved.gives_up(GivenUp(item.position, event.id, number, at, kept))
                _log.warning(
                    "An event is given up.", subscriber=self.name, event_id=event.id, attempts=number, reason=kept
                )
            case Done():
                track.done(item.position)
                self._unsaved.settled(track, item.position, accepted_at=at, had_retries=item.attempts > 0)

    def _is_saved(self, track: Track) -> bool:
        """The receiver's own unit of work advanced the cursor already."""
        if track.replay != ORDINARY or self._unsaved.has_details:
            return False
        subscription = self._log.subscription(self.name)
        return subscription is not None and subscription.standing.cursor >= track.walk.cursor

    # --- saving ---

    async def _save_forever(self) -> None:
        while True:
            if self._unsaved:
                few = 0 < self._unsaved.attempts < self._save_at and not self._unsaved.has_details
                if few and not self._finished:
                    self._many_unsaved = trio.Event()
                    with trio.move_on_after(GATHER_SECONDS):
                        await self._many_unsaved.wait()
                saved = await self._save()
                if not saved and self._finished:
                    return  # one more attempt follows when everything ends
            elif self._finished:
                return
            else:
                await self._news.wait()

    async def _save(self) -> bool:
        """Save what is unsaved; keeps it, and waits a little, when the log cannot take it now."""
        progress, attempts = self._unsaved.collect()
        try:
            await self._log.save(self.name, progress)
        except LogUnavailable:
            _log.exception("What was delivered could not be saved; trying again.", subscriber=self.name)
            self._unsaved.restore(progress)
            await trio.sleep(SAVE_RETRY_SECONDS)
            return False
        except trio.Cancelled:
            self._unsaved.restore(progress)
            raise
        reached = (standing.reached for replay, standing in progress.standings if replay == ORDINARY)
        self._saved_reached = max(self._saved_reached, *reached, 0)
        self._unsaved.saved(attempts)
        self._notify()
        return True

    async def _save_last(self) -> None:
        if self._live is not None and self._live.walk.reached > self._saved_reached:
            self._unsaved.moved(self._live)
        if self._unsaved:
            try:
                await self._log.save(self.name, self._unsaved.collect()[0])
            except LogUnavailable:
                _log.exception("What was delivered could not be saved and will be sent again.", subscriber=self.name)

    def _notify(self) -> None:
        self._news.set()
        self._news = trio.Event()


def _report(attempt: Attempt) -> AttemptReport:
    return AttemptReport(
        position=attempt.position,
        event_id=attempt.event_id,
        number=attempt.number,
        at=attempt.at,
        accepted=False,
        status=attempt.status,
        reason=attempt.reason,
        next_at=attempt.next_at,
    )
