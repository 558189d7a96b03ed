"""Brokers with a standing connection: one task keeps a link alive in the background, ``send`` uses it.

::

    subscriber --send(events)--> LinkedSender --publish(batch)--> Link --> broker
                                      ^                            |
                                      +------- batch settled ------+

A link is one connection from its opening to its end and is never used again; whatever it did not see confirmed when it
ends is answered as not accepted. A new one follows after a pause that grows from 0.2 to 10 seconds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
import trio

from trio_connector.events.model import Answer, Event

log = structlog.get_logger("MessageBrokerPublisherModule")

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STEADY_AFTER_SECONDS = 10.0
"""A link that lived this long was a good one: the next pause is the first again."""
PATIENCE_SECONDS = 5.0
"""How long ``send`` waits for a link before it answers that there is none."""
GOODBYE_SECONDS = 3.0
MAX_BATCH = 200
WINDOW = 1000
"""How many messages may wait for their confirmation."""


class Batch:
    """Events on their way through a link, and their answers as they come in.

    Only the link answers, in whatever one thread it works.
    """

    def __init__(self, events: Sequence[Event], on_settled: Callable[[], None]) -> None:
        self.events = events
        self.answers: list[Answer | None] = [None] * len(events)
        self._missing = len(events)
        self._on_settled = on_settled

    def answer(self, index: int, answer: Answer) -> None:
        """Note what became of one event; the first word about it counts."""
        if self.answers[index] is not None:
            return
        self.answers[index] = answer
        self._missing -= 1
        if self._missing == 0:
            self._on_settled()

    def refuse_rest(self, reason: str) -> None:
        """Answer everything that is still open as not accepted."""
        refused = Answer(accepted=False, reason=reason)
        for index in range(len(self.events)):
            self.answer(index, refused)


class LinkState(Protocol):
    """What a link tells about itself; may be called from its thread."""

    def ready(self) -> None:
        """Events can be published from now on."""
        ...

    def blocked(self, reason: str | None) -> None:
        """The broker asked to stop publishing for ``reason``, or with None to go on."""
        ...


class Link(Protocol):
    """One connection to a broker."""

    async def live(self) -> str:
        """Connect, serve until the connection ends, and say why it did (without secrets).

        Raises nothing for what the broker or the network does. Once it returned every batch has been answered. A
        cancellation closes the connection in the background.
        """
        ...

    async def publish(self, batch: Batch) -> None:
        """Take ``batch`` over: each of its events will be answered, at the latest when the link ends.

        Takes it in any case, also when cancelled.
        """
        ...

    def close(self) -> None:
        """Ask the connection to end; ``live`` returns soon after."""
        ...


MakeLink = Callable[["LinkState"], Link]


class LinkedSender:
    """Sends to a broker over one link after the other. Made by :func:`open_linked`."""

    max_batch = MAX_BATCH

    def __init__(self, broker: str, make_link: MakeLink) -> None:
        self._broker = broker
        self._make_link = make_link
        self._link: Link | None = None
        self._blocked: str | None = None
        self._reason = "not connected yet"
        self._unconfirmed = 0
        self._ended = 0
        self._changed = trio.lowlevel.ParkingLot()
        self._leaving = False

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        """Publish ``events`` in order and wait until the broker has confirmed each.

        When an attempt to connect fails meanwhile, or after five seconds without a link or with a broker that blocks
        publishers, the answer is that they were not accepted. A cancellation leaves open which of them the broker has.
        """
        if not events:
            return []
        link = None
        with trio.move_on_after(PATIENCE_SECONDS):
            link = await self._usable_link(len(events))
        if link is None:
            return [Answer(accepted=False, reason=self._why_not())] * len(events)
        token = trio.lowlevel.current_trio_token()
        settled = trio.Event()

        def in_trio() -> None:
            self._unconfirmed -= len(events)
            settled.set()
            self._changed.unpark_all()

        def on_settled() -> None:
            try:
                token.run_sync_soon(in_trio)
            except trio.RunFinishedError:
                return  # the connection outlived the program's loop; nobody waits for the answer

        batch = Batch(events, on_settled)
        self._unconfirmed += len(events)
        await link.publish(batch)
        await settled.wait()
        return [answer for answer in batch.answers if answer is not None]

    async def _usable_link(self, count: int) -> Link | None:
        """Wait for a link that may take ``count`` more events; None when an attempt to connect fails meanwhile.

        Checkpoints only when it has to wait.
        """
        ended_before = self._ended
        while True:
            if self._ended > ended_before and self._link is None:
                return None
            room = self._unconfirmed == 0 or self._unconfirmed + count <= WINDOW
            if self._link is not None and self._blocked is None and room:
                return self._link
            await self._changed.park()

    def _why_not(self) -> str:
        if self._link is None:
            return self._reason[:512]
        if self._blocked is not None:
            return f"The broker blocks publishers ({self._blocked})."[:512]
        return "The broker does not confirm what was sent."

    async def keep_connected(self) -> None:
        """Open one link after the other, for ever."""
        pause = FIRST_PAUSE_SECONDS
        told = ""
        while True:
            state = _State(self)
            link = self._make_link(state)
            state.link = link
            began = trio.current_time()
            reason = await link.live()
            was_ready = self._link is not None
            self._link, self._blocked, self._reason = None, None, reason
            self._ended += 1
            self._changed.unpark_all()
            if was_ready and trio.current_time() - began > STEADY_AFTER_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            # A broker that is away for hours is told about once, and again when the reason changes.
            if not self._leaving and (was_ready or reason != told):
                log.warning(reason, broker=self._broker, retry_in_seconds=pause)
                told = reason
            await trio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def say_goodbye(self) -> None:
        """Close the link and give it a moment to do so."""
        link = self._link
        self._leaving = True
        if link is None:
            return
        link.close()
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            while self._link is link:
                await self._changed.park()

    def set_link(self, link: Link) -> None:
        """``link`` can be used; called in the Trio thread."""
        log.info("Connected to the broker.", broker=self._broker)
        self._link = link
        self._changed.unpark_all()

    def set_blocked(self, reason: str | None) -> None:
        """The broker blocks or unblocks publishers; called in the Trio thread."""
        if reason is not None:
            log.warning("The broker blocks publishers.", broker=self._broker, reason=reason)
        self._blocked = reason
        self._changed.unpark_all()


class _State:
    """Brings a link's news from its thread to the Trio thread, in order."""

    def __init__(self, sender: LinkedSender) -> None:
        self._sender = sender
        self._token = trio.lowlevel.current_trio_token()
        self.link: Link | None = None

    def ready(self) -> None:
        self._soon(self._set_link)

    def blocked(self, reason: str | None) -> None:
        self._soon(lambda: self._sender.set_blocked(reason))

    def _set_link(self) -> None:
        if self.link is not None:
            self._sender.set_link(self.link)

    def _soon(self, call: Callable[[], None]) -> None:
        try:
            self._token.run_sync_soon(call)
        except trio.RunFinishedError:
            return  # the connection outlived the program's loop


@asynccontextmanager
async def open_linked(broker: str, make_link: MakeLink) -> AsyncGenerator[LinkedSender]:
    """A sender that connects in the background; at the end its connection is closed politely, within three seconds."""
    sender = LinkedSender(broker, make_link)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sender.keep_connected)
        try:
            yield sender
        finally:
            await sender.say_goodbye()
            nursery.cancel_scope.cancel("the sender is closed")
