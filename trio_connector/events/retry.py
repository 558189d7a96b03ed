"""What follows from one attempt to deliver an event (design section 4).

Pure. The attempt is recorded, `next_step` decides, the subscriber obeys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Answer

_PAUSE_WITHOUT_SCHEDULE_SECONDS = 1.0


@dataclass(frozen=True)
class Done:
    """The receiver has the event."""


@dataclass(frozen=True)
class Wait:
    """Try again after ``seconds``."""

    seconds: float


@dataclass(frozen=True)
class GiveUp:
    """No later attempt is worth it; the event goes to the give-up list."""

    reason: str


Step = Done | Wait | GiveUp


def next_step(attempt: int, answer: Answer, settings: DeliverySettings, chance: float) -> Step:
    """What to do after attempt number ``attempt`` (from 1) was answered with ``answer``.

    ``chance`` is a random number from 0 to below 1: it spreads the attempts of many events over time. A receiver may
    ask for a longer pause (``Retry-After``), up to a limit, never for a shorter one.
    """
    if answer.accepted:
        return Done()
    if answer.permanent:
        return GiveUp(answer.reason)
    schedule = settings.retry_schedule_seconds
    if attempt <= len(schedule):
        pause = schedule[attempt - 1]
    elif settings.keep_trying or answer.away:
        pause = schedule[-1] if schedule else _PAUSE_WITHOUT_SCHEDULE_SECONDS
    else:
        return GiveUp(answer.reason)
    pause *= 1 + settings.jitter * chance
    asked = answer.retry_after_seconds
    if asked is not None and not math.isnan(asked):
        pause = max(pause, min(asked, settings.retry_after_limit_seconds))
    return Wait(pause)
