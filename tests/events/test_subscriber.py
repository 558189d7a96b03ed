"""How a subscriber delivers: order, retries, give-up list, pause, replay, lanes. Virtual time, a log in memory."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import pytest
import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.events.receivers import (
    GONE,
    NO_JITTER,
    REFUSED,
    Hanging,
    Receiver,
    append,
    in_turn,
    running,
    trio_clock,
)
from trio_connector.correlation import correlated, current_correlation_id
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.log import LogUnavailable, Progress
from trio_connector.events.model import Answer, Event
from trio_connector.events.subscriber import UnknownEvent
from trio_connector.store import Store


def restarted(store: Store) -> EventBus:
    """A bus as the next start of the daemon makes it."""
    return EventBus(store.events, clock=trio_clock, entropy=secrets.token_bytes)


async def test_events_are_delivered_in_order_from_now_on(store: Store, bus: EventBus) -> None:
    await append(store, "before")
    receiver = Receiver()
    bus.subscribe(receiver.spec())
    async with running(bus):
        positions = await append(store, "a", "b", "c")
        await receiver.has(3)
    assert receiver.positions == positions
    assert store.events.subscription("hook") is not None
    assert await store.transact(lambda unit: unit.cursor("hook")) == positions[-1]


async def test_a_new_subscriber_can_start_at_the_beginning(store: Store, bus: EventBus) -> None:
    positions = await append(store, "a", "b")
    receiver = Receiver()
    bus.subscribe(receiver.spec(), from_beginning=True)
    async with running(bus):
        await receiver.has(2)
    assert receiver.positions == positions


async def test_a_known_subscriber_goes_on_where_it_was(store: Store, bus: EventBus) -> None:
    first = Receiver()
    bus.subscribe(first.spec())
    async with running(bus):
        await append(store, "a")
        await first.has(1)
    missed = await append(store, "b", "c")
    again = restarted(store)
    second = Receiver()
    again.subscribe(second.spec())
    async with running(again):
        await second.has(2)
    assert second.positions == missed


async def test_only_wanted_namespaces_are_delivered(store: Store, bus: EventBus) -> None:
    receiver = Receiver()
    bus.subscribe(receiver.spec(patterns=("transport.*", "consumption.relationshipEvent.**")))
    async with running(bus):
        await append(store, "transport.a", "transport.a.b", "consumption.x", "consumption.relationshipEvent.REL1")
        await receiver.has(2)
        await append(store, "consumption.x")
        await wait_all_tasks_blocked()
        assert bus.snapshot()[0].lag == 0, "what nobody wants is no lag"
    assert [event.namespace for event in receiver.got] == ["transport.a", "consumption.relationshipEvent.REL1"]


async def test_a_refused_event_is_sent_again_after_each_pause_and_later_ones_wait(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(in_turn(REFUSED, REFUSED))
    bus.subscribe(receiver.spec(delivery=NO_JITTER))
    async with running(bus):
        first, second = await append(store, "a", "b")
        await receiver.has(4)
    assert receiver.positions == [first, first, first, second]
    start = receiver.times[0]
    assert [round(time - start) for time in receiver.times] == [0, 5, 35, 35]


async def test_an_event_is_given_up_after_the_schedule_and_keeps_its_history(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(lambda event: REFUSED if event.namespace == "bad" else Answer(accepted=True))
    bus.subscribe(receiver.spec(delivery=NO_JITTER))
    async with running(bus):
        bad, good = await append(store, "bad", "good")
        await receiver.has(10)
    assert receiver.positions == [bad] * 9 + [good]
    assert round(receiver.times[8] - receiver.times[0]) == 5 + 30 + 120 + 600 + 3600 + 10800 + 21600 + 43200
    [given_up] = await store.events.given_up("hook", 0, 10)
    assert (given_up.position, given_up.attempts, given_up.reason) == (bad, 9, "unavailable")
    attempts = await store.events.attempts("hook", bad)
    assert [attempt.number for attempt in attempts] == list(range(1, 10))
    assert {attempt.status for attempt in attempts} == {503}
    assert attempts[-1].next_at is None


async def test_gone_gives_up_at_once(store: Store, bus: EventBus) -> None:
    receiver = Receiver(in_turn(GONE))
    bus.subscribe(receiver.spec())
    async with running(bus):
        first, second = await append(store, "a", "b")
        await receiver.has(2)
    assert receiver.positions == [first, second]
    assert [entry.position for entry in await store.events.given_up("hook", 0, 10)] == [first]


async def test_retries_survive_a_restart(autojump_clock: MockClock, store: Store, bus: EventBus) -> None:
    receiver = Receiver(in_turn(REFUSED, REFUSED))
    bus.subscribe(receiver.spec(delivery=NO_JITTER))
    async with running(bus):
        await append(store, "a")
        await receiver.has(2)
    stopped = trio.current_time()
    again = restarted(store)
    second = Receiver(in_turn(REFUSED))
    again.subscribe(second.spec(delivery=NO_JITTER))
    async with running(again):
        await second.has(2)
    assert [round(time - stopped) for time in second.times] == [30, 150], "the third attempt, then the pause after it"


async def test_a_receiver_that_does_not_answer_is_cut_off_after_the_timeout(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Hanging()
    bus.subscribe(receiver.spec(delivery=DeliverySettings(timeout_seconds=15, retry_schedule_seconds=(5.0,), jitter=0)))
    async with running(bus):
        await append(store, "a")
        await receiver.has(2)
        await trio.sleep(16)
    assert round(receiver.times[1] - receiver.times[0]) == 20
    [given_up] = await store.events.given_up("hook", 0, 10)
    assert given_up.reason == "no answer within 15 seconds"


async def test_a_sender_that_raises_is_a_refused_attempt(store: Store, bus: EventBus) -> None:
    def broken(event: Event) -> Answer:
        if event.namespace == "bad":
            raise RuntimeError("secret inside")
        return Answer(accepted=True)

    receiver = Receiver(broken)
    bus.subscribe(receiver.spec(delivery=DeliverySettings(retry_schedule_seconds=())))
    async with running(bus):
        await append(store, "bad", "good")
        await receiver.has(2)
    [given_up] = await store.events.given_up("hook", 0, 10)
    assert given_up.reason == "the sender failed: RuntimeError"


async def test_answers_that_are_missing_count_as_refused(store: Store, bus: EventBus) -> None:
    class Silent(Receiver):
        async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
            return (await super().send(events))[:-1]

    receiver = Silent(max_batch=2)
    bus.subscribe(receiver.spec(delivery=DeliverySettings(retry_schedule_seconds=())))
    async with running(bus):
        _, second = await append(store, "a", "b")
        await receiver.has(2)
    assert [entry.position for entry in await store.events.given_up("hook", 0, 10)] == [second]


async def test_a_batch_is_sent_together_and_only_what_was_refused_again(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    refused = {2}
    receiver = Receiver(lambda event: REFUSED if event.position in refused else Answer(accepted=True), max_batch=3)
    bus.subscribe(receiver.spec(delivery=NO_JITTER), from_beginning=True)
    await append(store, "1", "2", "3", "4", "5")
    async with running(bus):
        await receiver.has(3)
        await wait_all_tasks_blocked()
        standing = store.events.subscription("hook")
        assert standing is not None
        assert (standing.standing.cursor, standing.standing.open[0]) == (1, 2)
        refused.clear()
        await receiver.has(6)
    assert receiver.batches == [[1, 2, 3], [2], [4, 5]]


async def test_a_restart_sends_only_what_was_not_done(store: Store, bus: EventBus) -> None:
    delivery = DeliverySettings(lanes=4, ordered=False, retry_schedule_seconds=(3600.0,))
    receiver = Receiver(lambda event: REFUSED if event.position in {2, 4} else Answer(accepted=True))
    bus.subscribe(receiver.spec(delivery=delivery))
    async with running(bus):
        await append(store, *"123456")
        await receiver.has(6)
    subscription = store.events.subscription("hook")
    assert subscription is not None
    assert (subscription.standing.cursor, subscription.standing.reached, subscription.standing.open) == (1, 6, (2, 4))
    again = restarted(store)
    second = Receiver()
    again.subscribe(second.spec(delivery=DeliverySettings(lanes=4, ordered=False, retry_schedule_seconds=(0.0,))))
    async with running(again):
        await append(store, "7")
        await second.has(1)
        await wait_all_tasks_blocked()
        assert second.positions == [7], "the others wait for their time"


async def test_with_lanes_a_refused_event_holds_up_only_its_entity(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(in_turn(REFUSED))
    bus.subscribe(receiver.spec(delivery=DeliverySettings(lanes=2, jitter=0)))
    async with running(bus):
        await append(store, "1", "2", entity="A")
        await append(store, "3", "4", entity="B")
        await receiver.has(5)
    assert receiver.positions[0] == 1
    assert sorted(receiver.positions[1:3]) == [3, 4]
    assert receiver.positions[3:] == [1, 2]


async def test_lanes_deliver_at_the_same_time_and_keep_the_order_of_each_entity(store: Store, bus: EventBus) -> None:
    class Slow(Receiver):
        under_way = 0
        most = 0

        async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            await wait_all_tasks_blocked()
            self.under_way -= 1
            return await super().send(events)

    receiver = Slow()
    bus.subscribe(receiver.spec(delivery=DeliverySettings(lanes=3)), from_beginning=True)
    for _ in range(5):
        for entity in "ABC":
            await append(store, "x", entity=entity)
    async with running(bus):
        await receiver.has(15)
    assert receiver.most == 3
    for entity in "ABC":
        positions = [event.position for event in receiver.got if event.entity == entity]
        assert positions == sorted(positions)


async def test_a_paused_subscriber_sends_nothing_until_it_is_resumed(store: Store, bus: EventBus) -> None:
    receiver = Receiver()
    subscriber = bus.subscribe(receiver.spec())
    async with running(bus):
        await subscriber.pause()
        await append(store, "a")
        await wait_all_tasks_blocked()
        assert receiver.got == []
        assert subscriber.state().state == "paused"
        await subscriber.resume()
        await receiver.has(1)


async def test_a_pause_survives_a_restart(store: Store, bus: EventBus) -> None:
    subscriber = bus.subscribe(Receiver().spec())
    async with running(bus):
        await subscriber.pause()
        await append(store, "a")
    again = restarted(store)
    receiver = Receiver()
    subscriber = again.subscribe(receiver.spec())
    async with running(again):
        await wait_all_tasks_blocked()
        assert receiver.got == []
        await subscriber.resume()
        await receiver.has(1)


async def test_a_paused_subscriber_with_a_retry_that_is_due_stays_quiet(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(in_turn(REFUSED))
    subscriber = bus.subscribe(receiver.spec(delivery=NO_JITTER))
    async with running(bus):
        await append(store, "a")
        await receiver.has(1)
        await subscriber.pause()
        await trio.sleep(60)
        assert len(receiver.got) == 1
        await subscriber.resume()
        await receiver.has(2)


async def test_a_given_up_event_can_be_replayed_and_leaves_the_list(store: Store, bus: EventBus) -> None:
    receiver = Receiver(in_turn(GONE))
    subscriber = bus.subscribe(receiver.spec())
    async with running(bus):
        first, second = await append(store, "a", "b")
        await receiver.has(2)
        await subscriber.replay([(first - 1, first)])
        await receiver.has(3)
    assert receiver.positions == [first, second, first]
    assert receiver.got[0].id == receiver.got[2].id
    assert await store.events.given_up("hook", 0, 10) == []
    assert store.events.replays("hook") == []
    assert await store.transact(lambda unit: unit.cursor("hook")) == second


async def test_a_range_is_replayed_in_order_while_new_events_go_on(store: Store, bus: EventBus) -> None:
    receiver = Receiver()
    subscriber = bus.subscribe(receiver.spec(patterns=("a",)))
    async with running(bus):
        positions = await append(store, "a", "b", "a", "a")
        await receiver.has(3)
        await subscriber.replay([(0, store.events.head)])
        new = await append(store, "a")
        await receiver.has(7)
    wanted = [positions[0], positions[2], positions[3]]
    assert receiver.positions[:3] == wanted
    assert [position for position in receiver.positions[3:] if position not in new] == wanted


async def test_a_replay_survives_a_restart(autojump_clock: MockClock, store: Store, bus: EventBus) -> None:
    receiver = Receiver()
    subscriber = bus.subscribe(receiver.spec())
    async with running(bus):
        first, second = await append(store, "a", "b")
        await receiver.has(2)
        receiver.reply = lambda event: REFUSED
        await subscriber.replay([(0, second)])
        await receiver.has(3)
        await wait_all_tasks_blocked()
    again = restarted(store)
    repaired = Receiver()
    again.subscribe(repaired.spec())
    async with running(again):
        await repaired.has(2)
    assert repaired.positions == [first, second]


async def test_a_collecting_receiver_gets_everything_of_one_interval_at_once(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(in_turn(REFUSED, REFUSED), max_batch=100)
    delivery = DeliverySettings(retry_schedule_seconds=(5.0,), jitter=0)
    bus.subscribe(receiver.spec(delivery=delivery, pace_seconds=60))
    async with running(bus):
        started = trio.current_time()
        await append(store, "a")
        await trio.sleep(30)
        await append(store, "b")
        await receiver.has(2)
        await append(store, "c")
        await receiver.has(5)
    assert receiver.batches == [[1, 2], [1, 2, 3]]
    assert [round(time - started) for time in receiver.times] == [60, 60, 120, 120, 120]


async def test_an_attempt_under_way_is_finished_when_the_bus_closes(store: Store, bus: EventBus) -> None:
    class Waiting(Receiver):
        entered = trio.Event()
        go_on = trio.Event()

        async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
            self.entered.set()
            await self.go_on.wait()
            return await super().send(events)

    receiver = Waiting()
    subscriber = bus.subscribe(receiver.spec())
    async with trio.open_nursery() as nursery:
        await nursery.start(subscriber.run)
        first, _ = await append(store, "a", "b")
        await receiver.entered.wait()
        bus.close()
        await wait_all_tasks_blocked()
        receiver.go_on.set()
    assert receiver.positions == [first]
    assert await store.transact(lambda unit: unit.cursor("hook")) == first
    assert subscriber.state().state == "stopped"


async def test_an_attempt_that_outlives_the_grace_period_is_made_again(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    subscriber = bus.subscribe(Hanging().spec(delivery=DeliverySettings(timeout_seconds=600)))
    async with trio.open_nursery() as nursery:
        await nursery.start(subscriber.run)
        [position] = await append(store, "a")
        await wait_all_tasks_blocked()
        bus.close()
        nursery.cancel_scope.deadline = trio.current_time() + 10
    again = restarted(store)
    receiver = Receiver()
    again.subscribe(receiver.spec())
    async with running(again):
        await receiver.has(1)
    assert receiver.positions == [position]


async def test_the_state_shows_what_an_operator_needs(autojump_clock: MockClock, store: Store, bus: EventBus) -> None:
    receiver = Receiver(in_turn(Answer(accepted=True, status=204), REFUSED))
    bus.subscribe(receiver.spec(delivery=NO_JITTER, kind="webhook", receiver="https://example.org/hook"))
    async with running(bus):
        first, second, third = await append(store, "a", "b", "c")
        await receiver.has(2)
        await wait_all_tasks_blocked()
        [state] = bus.snapshot()
    assert (state.name, state.kind, state.receiver) == ("hook", "webhook", "https://example.org/hook")
    assert (state.state, state.position, state.head, state.lag) == ("waiting", first, third, 2)
    assert [(attempt.position, attempt.status) for attempt in state.attempts] == [(second, 503), (first, 204)]
    assert state.next_attempt_at == state.attempts[0].next_at
    assert state.given_up == 0


async def test_a_module_works_under_the_correlation_of_the_event(store: Store, bus: EventBus) -> None:
    seen: list[str | None] = []
    done = trio.Event()

    async def react(event: Event) -> None:
        seen.append(current_correlation_id())
        done.set()

    bus.react("decider", ["a"], react)
    async with running(bus):
        with correlated("call-1"):
            await append(store, "a")
        await done.wait()
    assert seen == ["call-1"]


async def test_a_module_that_advances_its_own_cursor_costs_no_second_commit(store: Store, bus: EventBus) -> None:
    done = trio.Event()

    async def react(event: Event) -> None:
        await store.transact(lambda unit: unit.advance("decider", event.position))
        done.set()

    bus.react("decider", ["a"], react)
    async with running(bus):
        await wait_all_tasks_blocked()
        before = store.counters.commits
        await append(store, "a")
        await done.wait()
        await wait_all_tasks_blocked()
        assert store.counters.commits == before + 2


@pytest.mark.parametrize("schedule", [(), (1.0,)])
async def test_a_module_that_fails_is_skipped_or_called_again_and_stops_nobody(
    autojump_clock: MockClock, store: Store, bus: EventBus, schedule: tuple[float, ...]
) -> None:
    calls: list[str] = []
    done = trio.Event()

    async def react(event: Event) -> None:
        calls.append(event.namespace)
        if event.namespace == "bad":
            raise LookupError("on purpose")
        done.set()

    bus.react("decider", ["**"], react, retry_after_seconds=schedule)
    async with running(bus):
        await append(store, "bad", "good")
        await done.wait()
    assert calls == ["bad"] * (1 + len(schedule)) + ["good"]
    assert len(await store.events.given_up("decider", 0, 10)) == 1


async def test_a_module_that_cannot_reach_what_it_needs_is_called_until_it_can(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    failures: list[Exception] = [ConnectionError("away")] * 5 + [LookupError("on purpose")]
    done = trio.Event()

    async def react(event: Event) -> None:
        if failures:
            raise failures.pop(0)
        done.set()

    def is_away(failure: Exception) -> bool:
        return isinstance(failure, ConnectionError)

    bus.react("decider", ["**"], react, retry_after_seconds=(1.0,), is_away=is_away)
    with structlog.testing.capture_logs() as lines:
        async with running(bus):
            await append(store, "a", "b")
            await done.wait()
    assert len(await store.events.given_up("decider", 0, 10)) == 1
    assert [line["log_level"] for line in lines if "event handler" in line["event"]] == ["warning"] * 5 + ["error"]


async def test_ten_hanging_receivers_of_a_hundred_cost_the_others_nothing(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    healthy = [Receiver() for _ in range(90)]
    for number, receiver in enumerate(healthy):
        bus.subscribe(receiver.spec(name=f"healthy-{number}"))
    for number in range(10):
        bus.subscribe(Hanging().spec(name=f"hanging-{number}"))
    async with trio.open_nursery() as nursery:
        for subscriber in bus.subscribers.values():
            await nursery.start(subscriber.run)
        started = trio.current_time()
        await append(store, *(["a"] * 50))
        for receiver in healthy:
            await receiver.has(50)
        assert trio.current_time() == started, "nobody waited for anybody"
        assert all(state.lag >= 50 for state in bus.snapshot() if state.name.startswith("hanging"))
        nursery.cancel_scope.cancel()


async def test_the_give_up_list_shows_each_event_with_its_history(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(in_turn(REFUSED, REFUSED))
    delivery = DeliverySettings(retry_schedule_seconds=(5.0,), jitter=0)
    subscriber = bus.subscribe(receiver.spec(delivery=delivery))
    async with running(bus):
        [position] = await append(store, "a")
        await receiver.has(2)
        await wait_all_tasks_blocked()
        [report] = await subscriber.given_up_events()
        assert (report.position, report.attempts, report.reason) == (position, 2, "unavailable")
        assert report.event == receiver.got[0]
        assert [(attempt.number, attempt.status) for attempt in report.history] == [(1, 503), (2, 503)]
        await subscriber.replay_events([report.event_id, report.event_id])
        await receiver.has(3)
        await wait_all_tasks_blocked()
        assert await subscriber.given_up_events() == []
        with pytest.raises(UnknownEvent):
            await subscriber.replay_events(["EVT"])


async def test_what_could_not_be_saved_is_saved_later(
    autojump_clock: MockClock, store: Store, bus: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = store.events.save
    full = True

    async def refusing(name: str, progress: Progress) -> None:
        if full:
            raise LogUnavailable("the disk is full")
        await save(name, progress)

    monkeypatch.setattr(store.events, "save", refusing)
    receiver = Receiver(in_turn(REFUSED))
    bus.subscribe(receiver.spec(delivery=DeliverySettings(lanes=2, ordered=False, retry_schedule_seconds=(3.0,))))
    async with running(bus):
        positions = await append(store, *"abcdefghijklmnopqrstuvwxyz")
        await trio.sleep(10)
        assert 16 <= len(receiver.got) < 20, "delivery does not run far ahead of what is remembered"
        assert await store.transact(lambda unit: unit.cursor("hook")) == 0
        full = False
        await receiver.has(27)
    assert sorted(set(receiver.positions)) == positions
    assert await store.transact(lambda unit: unit.cursor("hook")) == positions[-1]
    assert store.events.retries("hook") == []
    assert len(await store.events.attempts("hook", positions[0])) == 1


async def test_what_is_asked_before_the_start_holds_after_it(store: Store, bus: EventBus) -> None:
    positions = await append(store, "a", "b")
    receiver = Receiver()
    subscriber = bus.subscribe(receiver.spec())
    await subscriber.pause()
    await subscriber.replay([(0, positions[-1])])
    async with running(bus):
        await wait_all_tasks_blocked()
        assert receiver.got == []
        await subscriber.resume()
        await receiver.has(2)
    assert receiver.positions == positions
