"""What follows from an attempt."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from trio_connector.events.delivery import BROKER_DELIVERY, DEFAULT_DELIVERY, DeliverySettings
from trio_connector.events.model import Answer
from trio_connector.events.retry import Done, GiveUp, Step, Wait, next_step

REFUSED = Answer(accepted=False, status=503, reason="unavailable")


def after(attempt: int, answer: Answer = REFUSED, settings: DeliverySettings = DEFAULT_DELIVERY) -> Step:
    return next_step(attempt, answer, settings, 0.0)


def test_an_accepted_event_is_done() -> None:
    assert after(1, Answer(accepted=True)) == Done()
    assert after(99, Answer(accepted=True)) == Done()


def test_the_pauses_are_those_of_the_schedule_and_then_it_is_given_up() -> None:
    assert [after(attempt) for attempt in range(1, 9)] == [
        Wait(seconds) for seconds in (5, 30, 120, 600, 3600, 10800, 21600, 43200)
    ]
    assert after(9) == GiveUp("unavailable")


def test_what_cannot_succeed_is_given_up_at_once() -> None:
    assert after(1, Answer(accepted=False, status=410, permanent=True, reason="gone")) == GiveUp("gone")


def test_a_broker_is_tried_for_ever() -> None:
    assert after(1000, settings=BROKER_DELIVERY) == Wait(10)
    assert after(1, settings=DeliverySettings(retry_schedule_seconds=(), keep_trying=True)) == Wait(1)


def test_what_cannot_be_reached_is_tried_until_it_is_back() -> None:
    settings = DeliverySettings(retry_schedule_seconds=(1, 300))
    assert after(1000, Answer(accepted=False, away=True), settings) == Wait(300)
    assert after(3, REFUSED, settings) == GiveUp("unavailable")


def test_the_receiver_can_ask_for_a_longer_pause_up_to_a_limit_but_for_no_shorter_one() -> None:
    def asking(seconds: float) -> Step:
        return after(1, Answer(accepted=False, retry_after_seconds=seconds))

    assert asking(60) == Wait(60)
    assert asking(1) == Wait(5)
    assert asking(-1) == Wait(5)
    assert asking(1e9) == Wait(43200)
    assert asking(math.inf) == Wait(43200)
    assert asking(math.nan) == Wait(5)


@given(
    st.integers(1, 20),
    st.floats(0, 1, exclude_max=True),
    st.none() | st.floats(),
    st.floats(0, 1),
    st.lists(st.floats(0, 604800), max_size=5).map(tuple),
)
def test_a_pause_is_never_shorter_than_the_schedule_nor_longer_than_jitter_and_limit_allow(
    attempt: int, chance: float, asked: float | None, jitter: float, schedule: tuple[float, ...]
) -> None:
    settings = DeliverySettings(jitter=jitter, retry_schedule_seconds=schedule)
    step = next_step(attempt, Answer(accepted=False, retry_after_seconds=asked), settings, chance)
    if attempt > len(schedule):
        assert isinstance(step, GiveUp)
    else:
        assert isinstance(step, Wait)
        planned = schedule[attempt - 1]
        assert planned <= step.seconds <= max(planned * (1 + jitter), settings.retry_after_limit_seconds)
