"""Whatever receivers answer and whenever the daemon restarts: everything is delivered or given up, in order."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass
from random import Random

import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.events.receivers import Receiver, append, trio_clock
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.model import Answer, Event
from trio_connector.store import Store, open_store

ATTEMPTS = 4
BAD = "bad"
"""A namespace that no receiver ever takes."""


@dataclass(frozen=True)
class Plan:
    """One run: the events, how they are delivered, and what goes wrong."""

    events: list[tuple[str, str]]  # entity, namespace
    lanes: int
    ordered: bool
    batch: int
    restarts: int
    seed: int


PLANS = st.builds(
    Plan,
    events=st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["a", "a", "a", BAD])), min_size=1, max_size=25),
    lanes=st.integers(1, 3),
    ordered=st.booleans(),
    batch=st.integers(1, 3),
    restarts=st.integers(0, 3),
    seed=st.integers(0, 2**32),
)


@settings(max_examples=150, deadline=None)
@given(PLANS)
def test_every_event_is_accepted_or_given_up_and_never_overtakes_one_of_its_lane(plan: Plan) -> None:
    trio.run(check, plan, clock=MockClock(autojump_threshold=0))


async def check(plan: Plan) -> None:
    random = Random(plan.seed)
    accepted: Counter[int] = Counter()
    order: list[int] = []

    def reply(event: Event) -> Answer:
        if event.namespace == BAD or random.random() < 0.3:
            return Answer(accepted=False, status=503, reason="unavailable")
        accepted[event.position] += 1
        order.append(event.position)
        return Answer(accepted=True)

    async with open_store(None, "x", [], clock=trio_clock, entropy=secrets.token_bytes) as store:
        for restart in range(plan.restarts + 1):
            stopping = restart < plan.restarts
            await one_life(store, plan, Receiver(reply, plan.batch), random, stopping=stopping, feed=restart == 0)
        given_up = {entry.position for entry in await store.events.given_up("hook", 0, 1000)}
        subscription = store.events.subscription("hook")
        assert subscription is not None
        count = len(plan.events)
        assert set(accepted) | given_up == set(range(1, count + 1)), "nothing is lost"
        assert not set(accepted) & given_up, "what was accepted is not given up"
        assert given_up >= {position for position in range(1, count + 1) if plan.events[position - 1][1] == BAD}
        assert all(times == 1 for times in accepted.values()), "an orderly stop repeats nothing"
        assert (subscription.standing.cursor, subscription.standing.open) == (count, ())
        assert store.events.retries("hook") == []
    if plan.ordered and plan.batch == 1:
        lanes = {"all": order} if plan.lanes == 1 else by_entity(plan, order)
        for lane in lanes.values():
            assert lane == sorted(lane)


def by_entity(plan: Plan, order: list[int]) -> dict[str, list[int]]:
    lanes: dict[str, list[int]] = {}
    for position in order:
        lanes.setdefault(plan.events[position - 1][0], []).append(position)
    return lanes


async def one_life(store: Store, plan: Plan, receiver: Receiver, random: Random, *, stopping: bool, feed: bool) -> None:
    """From a start of the daemon to its stop: after some time, or once everything is done."""
    delivery = DeliverySettings(
        lanes=plan.lanes, ordered=plan.ordered, retry_schedule_seconds=(5.0,) * (ATTEMPTS - 1), jitter=0.5
    )
    bus = EventBus(store.events, clock=trio_clock, entropy=secrets.token_bytes)
    subscriber = bus.subscribe(receiver.spec(delivery=delivery), from_beginning=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(subscriber.run)
        if feed:
            for entity, namespace in plan.events:
                await append(store, namespace, entity=entity)
        if stopping:
            await trio.sleep(random.random() * 30)
        else:
            while subscriber.state().lag:  # virtual time, which a wait for nothing in particular moves
                await trio.sleep(1)
        bus.close()
