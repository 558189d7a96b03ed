"""Wake-ups, live streams, retention, and what operators are told."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
import structlog
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.events.receivers import REFUSED, Hanging, Receiver, append, running, trio_clock
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings
from trio_connector.events.log import EventQuery, Retention
from trio_connector.events.patterns import Patterns
from trio_connector.events.subscriber import MAX_REPLAYS, TooManyReplays
from trio_connector.events.tap import TooSlow
from trio_connector.store import Store


async def test_two_subscribers_cannot_have_one_name(bus: EventBus) -> None:
    bus.subscribe(Receiver().spec())
    with pytest.raises(ValueError, match="two subscribers with the name hook"):
        bus.subscribe(Receiver().spec())


async def test_a_live_stream_gives_what_happens_from_now_on(store: Store, bus: EventBus) -> None:
    await append(store, "before")
    with bus.tap(["a", "c"]) as tap:
        positions = await append(store, "a", "b", "c")
        assert [(await anext(tap)).position for _ in range(2)] == [positions[0], positions[2]]


async def test_a_live_stream_from_a_position_has_no_gap(store: Store, bus: EventBus) -> None:
    old = await append(store, *(["a"] * 700))
    with bus.tap(after=old[99]) as tap:
        new = await append(store, "a")
        assert [(await anext(tap)).position for _ in range(601)] == old[100:] + new


async def test_a_waiting_live_stream_wakes_up_and_ends_with_the_bus(store: Store, bus: EventBus) -> None:
    got: list[int] = []

    async def listen() -> None:
        with bus.tap() as tap:
            async for event in tap:
                got.append(event.position)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        await wait_all_tasks_blocked()
        positions = await append(store, "a", "b")
        await wait_all_tasks_blocked()
        bus.close()
    assert got == positions
    with bus.tap() as late:
        assert [event async for event in late] == []


async def test_a_cancelled_listener_loses_nothing(store: Store, bus: EventBus) -> None:
    with bus.tap() as tap:
        with trio.CancelScope() as scope:
            scope.cancel()
            await anext(tap)
        [position] = await append(store, "a")
        assert (await anext(tap)).position == position


async def test_a_live_stream_that_falls_behind_is_told_where_it_stopped(store: Store, bus: EventBus) -> None:
    with bus.tap(max_behind=10) as tap:
        [position] = await append(store, "a")
        await anext(tap)
        await append(store, *(["a"] * 11))
        with pytest.raises(TooSlow) as raised:
            await anext(tap)
    assert raised.value.position == position
    with bus.tap(after=position, max_behind=10) as again:
        assert (await anext(again)).position == position + 1, "catching up is not falling behind"


async def test_falling_behind_and_catching_up_is_said_once(
    autojump_clock: MockClock, store: Store, bus: EventBus
) -> None:
    receiver = Receiver(lambda event: REFUSED)
    bus.subscribe(receiver.spec(delivery=DeliverySettings(retry_schedule_seconds=(30.0,) * 100, jitter=0)))
    with structlog.testing.capture_logs() as logs:
        async with running(bus), trio.open_nursery() as nursery:
            nursery.start_soon(bus.watch)
            await append(store, "a")
            await trio.sleep(200)
            assert bus.behind == set()
            await trio.sleep(200)
            assert bus.behind == {"hook"}
            receiver.reply = lambda event: Receiver().reply(event)
            await trio.sleep(100)
            assert bus.behind == set()
            nursery.cancel_scope.cancel()
    said = [(entry["event"], entry["subscriber"]) for entry in logs if "A subscriber" in entry["event"]]
    assert said == [("A subscriber falls behind.", "hook"), ("A subscriber has caught up.", "hook")]


async def test_a_long_backlog_is_falling_behind_too(autojump_clock: MockClock, store: Store, bus: EventBus) -> None:
    bus.subscribe(Hanging().spec())
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.subscribers["hook"].run)
        nursery.start_soon(bus.watch)
        await append(store, *(["a"] * 1001))
        await trio.sleep(11)
        assert bus.behind == {"hook"}
        nursery.cancel_scope.cancel()


async def test_retention_removes_what_everybody_has(autojump_clock: MockClock, store: Store, bus: EventBus) -> None:
    receiver = Receiver()
    bus.subscribe(receiver.spec())
    bus.subscribe(Hanging().spec(name="hanging", patterns=("b",), delivery=DeliverySettings(timeout_seconds=600)))
    async with trio.open_nursery() as nursery:
        for subscriber in bus.subscribers.values():
            await nursery.start(subscriber.run)
        await append(store, "a", "a", "b", "a")
        await receiver.has(4)
        await trio.sleep(100)
        nursery.start_soon(bus.keep, Retention(max_age=timedelta(seconds=50)))
        await trio.sleep(1)
        assert [event.position for event in await store.events.list(EventQuery())] == [3, 4], "b is still needed"
        await store.events.trim(Retention(max_age=timedelta(seconds=50), past_cursors=True), 2)
        assert await store.events.list(EventQuery()) == []
        nursery.cancel_scope.cancel()


async def test_a_subscriber_goes_on_behind_a_gap_that_retention_made(store: Store, bus: EventBus) -> None:
    await append(store, *"12345")
    await store.events.trim(Retention(max_bytes=0), None)
    receiver = Receiver()
    bus.subscribe(receiver.spec(), from_beginning=True)
    async with running(bus):
        [position] = await append(store, "6")
        await receiver.has(2)
    assert receiver.positions == [5, position], "the newest one always stays"


async def test_the_cursor_of_somebody_who_wants_nothing_is_saved_now_and_then(store: Store, bus: EventBus) -> None:
    bus.subscribe(Receiver().spec(patterns=("rare",)))
    async with trio.open_nursery() as nursery:
        await nursery.start(bus.subscribers["hook"].run)
        for _ in range(11):
            await append(store, *(["a"] * 100))
        await wait_all_tasks_blocked()
        assert await store.transact(lambda unit: unit.cursor("hook")) >= 1000
        nursery.cancel_scope.cancel()


async def test_a_long_way_through_unwanted_events_ends_at_the_wanted_one(store: Store, bus: EventBus) -> None:
    for _ in range(15):
        await append(store, *(["a"] * 200))
    [position] = await append(store, "rare")
    receiver = Receiver()
    bus.subscribe(receiver.spec(patterns=("rare",)), from_beginning=True)
    async with running(bus):
        await receiver.has(1)
    assert receiver.positions == [position]


async def test_events_are_listed_by_namespace_time_and_correlation(store: Store) -> None:
    await append(store, "transport.a", "transport.b.c", "consumption.a")
    found = await store.events.list(EventQuery(patterns=Patterns(["transport.*"])))
    assert [event.namespace for event in found] == ["transport.a"]
    assert len(await store.events.list(EventQuery(after=1, limit=1))) == 1
    assert await store.events.list(EventQuery(from_time="2999-01-01T00:00:00.000Z")) == []
    assert await store.events.list(EventQuery(to_time="2000-01-01T00:00:00.000Z")) == []
    assert await store.events.list(EventQuery(correlation_id="none")) == []


async def test_replays_are_bounded(store: Store, bus: EventBus) -> None:
    subscriber = bus.subscribe(Hanging().spec())
    async with trio.open_nursery() as nursery:
        await nursery.start(subscriber.run)
        with pytest.raises(TooManyReplays):
            await subscriber.replay([(0, 1)] * (MAX_REPLAYS + 1))
        nursery.cancel_scope.cancel()


async def test_a_second_bus_on_the_same_log_sees_everything(store: Store, bus: EventBus) -> None:
    positions = await append(store, *"abc")
    again = EventBus(store.events, clock=trio_clock, entropy=secrets.token_bytes)
    with again.tap(after=0) as tap:
        assert [(await anext(tap)).position for _ in positions] == positions
