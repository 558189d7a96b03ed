"""One synchronisation at a time, shared by all who ask; stopping, correlation ids, runs left open (transport 16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
import trio.testing
from structlog.testing import capture_logs

from tests.accounts import synchronized
from tests.usecases.breaks import Through, after, before
from tests.usecases.world import World, a_world, two_partners
from trio_connector.correlation import correlated
from trio_connector.domain.message import MESSAGES
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.events.log import EventQuery
from trio_connector.store.errors import WriteFailed
from trio_connector.usecases.external_events import GRACE_SECONDS
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services
from trio_connector.usecases.sync import MAX_RUNS, ChangedItems, Synchronizer, sync_forever

CONTENT = {"@type": "ArbitraryMessageContent", "value": 1}
START = "POST /api/v2/SyncRuns"


class Gate:
    """Holds up the requests whose path ends in ``ending``."""

    def __init__(self, ending: str) -> None:
        self.ending = ending
        self.reached = trio.Event()
        self.open = trio.Event()

    async def __call__(self, request: httpx.Request, through: Through) -> httpx.Response:
        if request.url.path.endswith(self.ending):
            self.reached.set()
            await self.open.wait()
        return await through()


def gate(world: World, services: Services, ending: str) -> Gate:
    """A gate before the Backbone."""
    world.wire_of(services).always = found = Gate(ending)
    return found


async def messages_for(receiver: Services, sender: Services, count: int) -> list[str]:
    """Let so many messages wait."""
    return [(await send_message(sender, recipients=[receiver.address], content=CONTENT)).id for _ in range(count)]


async def test_callers_that_come_at_once_share_one_run_and_its_result() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        results: list[ChangedItems] = []

        async def ask() -> None:
            results.append(await services.synchronizer.sync_everything())

        wire = world.wire_of(services)
        wire.listen()
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask)
        assert results[0].ids == tuple(sent)
        assert all(result is results[0] for result in results)
        assert wire.paths.count(START) == 1


async def test_who_comes_during_a_run_joins_it_and_who_comes_later_starts_another() -> None:
    async with two_partners() as (world, services, peer):
        await messages_for(services, peer, 1)
        found = gate(world, services, "/ExternalEvents")
        results: list[ChangedItems] = []

        async def ask() -> None:
            results.append(await services.synchronizer.sync_everything())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await found.reached.wait()
            nursery.start_soon(ask)
            await trio.testing.wait_all_tasks_blocked()
            found.open.set()
        assert results[0] is results[1]
        assert (await services.synchronizer.sync_everything()).ids == ()


async def test_callers_that_come_at_once_share_one_failure() -> None:
    async with a_world() as world, world.account() as services:
        world.wire_of(services).always = before(httpx.Response(503))
        failures: list[BackboneRequestError] = []

        async def ask() -> None:
            with pytest.raises(BackboneRequestError) as failed:
                await services.synchronizer.sync_everything()
            failures.append(failed.value)

        wire = world.wire_of(services)
        wire.listen()
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask)
        assert {(error.code, error.backbone_status, error.path) for error in failures} == {
            ("error.platform.unexpected", 503, "/api/v2/SyncRuns")
        }
        assert len({id(error) for error in failures}) == 3, "each task has a traceback of its own"
        assert wire.paths == [START]
        wire.always = None
        await synchronized(services)


async def test_a_caller_that_goes_away_leaves_the_run_to_the_others() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        found = gate(world, services, "/ExternalEvents")
        results: list[ChangedItems] = []

        async def ask() -> None:
            results.append(await services.synchronizer.sync_everything())

        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as impatient:
                nursery.start_soon(ask)
                nursery.start_soon(_cancel_after, found.reached, impatient)
                await services.synchronizer.sync_everything()
            assert impatient.cancelled_caught
            found.open.set()
        assert [result.ids for result in results] == [tuple(sent)]


async def _cancel_after(reached: trio.Event, scope: trio.CancelScope) -> None:
    await reached.wait()
    scope.cancel("somebody has no time")


async def test_a_run_goes_on_when_everybody_has_gone_away() -> None:
    async with two_partners() as (world, services, peer):
        (sent,) = await messages_for(services, peer, 1)
        found = gate(world, services, "/ExternalEvents")
        ended = trio.Event()

        def end(_outcome: str, _seconds: float) -> None:
            ended.set()

        services.synchronizer.on_run_ended.append(end)
        async with trio.open_nursery() as nursery:
            with trio.CancelScope() as impatient:
                nursery.start_soon(_cancel_after, found.reached, impatient)
                await services.synchronizer.sync_everything()
        found.open.set()
        with trio.fail_after(20):
            await ended.wait()
        assert services.store.get(MESSAGES, sent) is not None


class Stopped:
    """A synchronizer of our own for an account, so that it can be stopped without ending the account."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.synchronizer = Synchronizer()
        self.told: list[str] = []

    async def ask(self) -> None:
        """Wait for a run, and keep what comes of it."""
        try:
            await self.synchronizer.sync_everything()
            self.told.append("done")
        except ConnectorError as error:
            self.told.append(error.code)


async def test_stopping_finishes_the_event_at_hand_and_leaves_the_rest() -> None:
    async with two_partners() as (world, services, peer):
        (first,) = await messages_for(services, peer, 1)
        await world.add_event(services, "SomethingNew", {})  # parts the two messages
        (second,) = await messages_for(services, peer, 1)
        found = gate(world, services, f"/Messages/{first}")
        stopped = Stopped(services)
        async with trio.open_nursery() as nursery:
            scope: trio.CancelScope = await nursery.start(stopped.synchronizer.run, services)
            nursery.start_soon(stopped.ask)
            await found.reached.wait()
            scope.cancel("the Connector stops")
            await trio.testing.wait_all_tasks_blocked()
            assert stopped.told == []
            found.open.set()
        assert stopped.told == ["error.connector.stopping"]
        assert services.store.get(MESSAGES, first) is not None
        assert services.store.get(MESSAGES, second) is None
        await stopped.ask()
        assert stopped.told == 2 * ["error.connector.stopping"]
        world.wire_of(services).always = None
        assert await synchronized(services) == [second]
        assert await world.reported(services) == []


async def test_stopping_does_not_wait_for_ever(mock_clock: trio.testing.MockClock) -> None:
    async with two_partners() as (world, services, peer):
        (sent,) = await messages_for(services, peer, 1)
        mock_clock.autojump_threshold = 0  # from now on no thread is waited for
        found = gate(world, services, f"/Messages/{sent}")
        stopped = Stopped(services)
        started = 0.0
        async with trio.open_nursery() as nursery:
            scope: trio.CancelScope = await nursery.start(stopped.synchronizer.run, services)
            nursery.start_soon(stopped.ask)
            await found.reached.wait()
            started = trio.current_time()
            scope.cancel("the Connector stops")
        assert trio.current_time() - started == pytest.approx(GRACE_SECONDS)
        assert services.store.get(MESSAGES, sent) is None
        world.wire_of(services).always = None
        assert await synchronized(services) == [sent]
        assert await world.reported(services) == []


async def test_everything_in_a_run_bears_the_id_of_who_asked() -> None:
    async with two_partners() as (world, services, peer):
        await messages_for(services, peer, 2)
        wire = world.wire_of(services)
        wire.listen()
        with correlated("who-asked"):
            await synchronized(services)
        assert {request.headers.get("x-correlation-id") for request in wire.requests} == {"who-asked"}
        events = await services.store.events.list(EventQuery(limit=1000, correlation_id="who-asked"))
        assert [event.namespace for event in events] == 2 * ["transport.messageReceived"]
        for _ in range(2):
            await synchronized(services)
        ids = {request.headers["x-correlation-id"] for request in wire.requests}
        assert len(ids) == 3


async def test_a_run_left_open_is_finished_before_another_is_started() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        wire = world.wire_of(services)
        wire.always = _at("/FinalizeExternalEventSync", before(httpx.ConnectError("gone")))
        with pytest.raises(BackboneRequestError):
            await synchronized(services)
        assert services.store.get(MESSAGES, sent[0]) is not None
        world.time_passes(11)  # it has expired
        wire.always = None
        wire.listen()
        assert await synchronized(services) == []
        api = [path for path in wire.paths if "/connect/" not in path]
        assert api[0].endswith("/ExternalEvents")
        assert api[1].endswith("/FinalizeExternalEventSync")
        assert api[2] == START
        assert await world.reported(services) == []


async def test_a_run_whose_start_was_not_heard_is_taken_up() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        wire = world.wire_of(services)
        wire.listen({1: after(httpx.ReadError("reset"))})
        with pytest.raises(BackboneRequestError):
            await synchronized(services)
        wire.listen()
        assert await synchronized(services) == sent
        assert await world.reported(services) == []


async def test_a_run_that_is_over_is_forgotten() -> None:
    async with two_partners() as (_, services, peer):
        await services.store.transact(lambda unit: unit.put_value("SyncInfo", "OpenSyncRun", "SYR" + 17 * "x"))
        sent = await messages_for(services, peer, 1)
        assert await synchronized(services) == sent
        assert services.store.value("SyncInfo", "OpenSyncRun") is None


async def test_a_finalization_that_was_not_heard_is_not_repeated() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        wire = world.wire_of(services)
        wire.always = _at("/FinalizeExternalEventSync", after(httpx.ReadError("reset")))
        with pytest.raises(BackboneRequestError):
            await synchronized(services)
        wire.always = None
        assert await synchronized(services) == []
        assert services.store.get(MESSAGES, sent[0]) is not None
        assert await world.reported(services) == []


def _at(ending: str, break_: Callable[..., Any]) -> Any:
    async def broken(request: httpx.Request, through: Through) -> httpx.Response:
        if request.url.path.endswith(ending):
            found: httpx.Response = await break_(request, through)
            return found
        return await through()

    return broken


async def test_a_missing_datawallet_is_made_up_for() -> None:
    async with two_partners() as (world, services, peer):
        await world.change("DELETE FROM datawallets WHERE address = ?", services.address)
        sent = await messages_for(services, peer, 1)
        assert await synchronized(services) == sent


async def test_a_backbone_that_always_has_news_does_not_keep_us_for_ever() -> None:
    async with a_world() as world, world.account() as services:
        await world.add_event(services, "SomethingNew", {})
        started = 0

        async def more(request: httpx.Request, through: Through) -> httpx.Response:
            nonlocal started
            if request.url.path.endswith("/FinalizeExternalEventSync"):
                started += 1
                await world.add_event(services, "SomethingNew", {})
            return await through()

        world.wire_of(services).always = more
        with trio.fail_after(30):
            await synchronized(services)
        assert started == MAX_RUNS


async def test_a_disk_that_takes_nothing_fails_the_run_and_no_event() -> None:
    async with two_partners() as (world, services, peer):
        sent = await messages_for(services, peer, 1)
        store: Any = services.store
        transact = store.transact

        async def full(work: Any) -> Any:
            if "_store" in work.__qualname__:
                raise WriteFailed("the disk is full")
            return await transact(work)

        store.transact = full
        for _ in range(4):
            with pytest.raises(WriteFailed):
                await services.synchronizer.sync_everything()
        store.transact = transact
        assert await synchronized(services) == sent
        assert await world.reported(services) == []


async def test_the_loop_goes_on_after_failures(mock_clock: trio.testing.MockClock) -> None:
    async with two_partners() as (world, services, peer):
        wire = world.wire_of(services)
        wire.always = before(httpx.ConnectError("no route"))
        mock_clock.autojump_threshold = 0  # from now on no thread is waited for
        arrived = trio.Event()

        def look(outcome: str, _seconds: float) -> None:
            if outcome == "done":
                arrived.set()

        services.synchronizer.on_run_ended.append(look)
        with capture_logs() as lines:
            async with trio.open_nursery() as nursery:
                await nursery.start(sync_forever, services, 30)
                assert [line["event"] for line in lines if line["log_level"] == "error"] == ["Sync failed"]
                sent = await messages_for(services, peer, 1)
                wire.always = None
                began = trio.current_time()
                await arrived.wait()
                assert trio.current_time() - began == pytest.approx(30)
                nursery.cancel_scope.cancel("seen enough")
        assert services.store.get(MESSAGES, sent[0]) is not None
