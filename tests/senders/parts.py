"""What the sender tests share: events, a clock to set, and delivering until all is delivered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import msgspec
import trio

from trio_connector.events.model import Event, Sender


def make_event(
    number: int = 1,
    data: object = None,
    *,
    namespace: str = "transport.messageReceived",
    correlation_id: str | None = None,
) -> Event:
    """Event ``number``; its data are ``{"number": n}`` unless given, and ``msgspec.UNSET`` means none."""
    raw = b"" if data is msgspec.UNSET else msgspec.json.encode({"number": number} if data is None else data)
    return Event(
        position=number,
        id=f"EVT{number:017d}",
        namespace=namespace,
        occurred_at="2026-05-04T03:02:01.500Z",
        correlation_id=correlation_id,
        data=msgspec.Raw(raw),
    )


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move it."""
        self.now += timedelta(seconds=seconds)


async def deliver_all(sender: Sender, events: Sequence[Event], batch: int | None = None) -> list[str]:
    """Deliver ``events`` in order as a subscriber does: again from the first refused one on. Reasons of refusals."""
    reasons = []
    position = 0
    size = batch or sender.max_batch
    while position < len(events):
        answers = await sender.send(events[position : position + size])
        accepted = next((index for index, answer in enumerate(answers) if not answer.accepted), len(answers))
        position += accepted
        if accepted < len(answers):
            reasons.append(answers[accepted].reason)
            await trio.sleep(0.01)  # the retry schedule of this simple subscriber, not a wait for an outcome
    return reasons


def first_occurrences(numbers: Sequence[int]) -> list[int]:
    """``numbers`` without what came again."""
    return list(dict.fromkeys(numbers))


@contextmanager
def soon() -> Iterator[None]:
    """A generous bound for what takes milliseconds, or for a broker to boot."""
    with trio.fail_after(90):
        yield
