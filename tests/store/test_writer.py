"""Group commits: units share a transaction and not their failures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from tests.store.conftest import OpenStore
from tests.store.records import NOTES, Note
from trio_connector.events.log import LogUnavailable
from trio_connector.events.model import NewEvent
from trio_connector.events.patterns import EVERYTHING
from trio_connector.store import CommitReport, Store, StoreClosed, Unit, WriteFailed
from trio_connector.store.writer import MAX_QUEUED_UNITS


def inserting(id_: str, *, fail: bool = False) -> Callable[[Unit], str]:
    def work(unit: Unit) -> str:
        unit.insert(NOTES, Note(id=id_, author="ada"))
        unit.append(NewEvent(namespace="a"))
        if fail:
            raise LookupError(id_)
        return id_

    return work


async def hold_up(store: Store, nursery: trio.Nursery, gate: trio.Event) -> None:
    """Occupy the writer's thread until ``gate`` is set, so that everything else queues up behind."""
    began = trio.Event()

    def work(unit: Unit) -> None:
        trio.from_thread.run_sync(began.set, trio_token=token)
        trio.from_thread.run(gate.wait, trio_token=token)

    token = trio.lowlevel.current_trio_token()
    nursery.start_soon(store.transact, work)
    await began.wait()


async def test_units_that_queue_up_are_committed_together_and_one_fails_alone(open_file: OpenStore) -> None:
    reports: list[CommitReport] = []
    outcomes: dict[str, object] = {}
    async with open_file() as store:
        store.on_commit(reports.append)

        async def insert(id_: str, fail: bool) -> None:
            try:
                outcomes[id_] = await store.transact(inserting(id_, fail=fail))
            except LookupError as error:
                outcomes[id_] = error

        gate = trio.Event()
        async with trio.open_nursery() as nursery:
            await hold_up(store, nursery, gate)
            for number in range(5):
                nursery.start_soon(insert, f"N{number}", number == 2)
            await wait_all_tasks_blocked()
            gate.set()
        assert [(report.units, report.failed_units, report.events) for report in reports] == [(1, 0, 0), (5, 1, 4)]
        assert isinstance(outcomes["N2"], LookupError)
        assert sorted(note.id for note in store.select(NOTES, author="ada")) == ["N0", "N1", "N3", "N4"]
        assert store.counters.failed_units == 1
        assert [event.position for event in store.events.page(0, EVERYTHING, 10).events] == [1, 2, 3, 4]


async def test_a_full_disk_fails_the_unit_and_the_store_goes_on_when_there_is_room(open_file: OpenStore) -> None:
    def fill(unit: Unit) -> None:
        unit.insert(NOTES, Note(id="big", author="ada", content="x" * 1_000_000))

    async with open_file() as store:
        limit = await store.transact(lambda unit: unit.execute("PRAGMA page_count")[0][0])
        await store.transact(lambda unit: unit.execute(f"PRAGMA max_page_count = {limit + 10}"))
        with pytest.raises(WriteFailed, match="full") as raised:
            await store.transact(fill)
        assert isinstance(raised.value, LogUnavailable)
        assert store.get(NOTES, "big") is None
        await store.transact(lambda unit: unit.execute("PRAGMA max_page_count = 100000"))
        await store.transact(fill)
        assert store.get(NOTES, "big") is not None


async def test_a_full_disk_fails_nobody_silently(open_file: OpenStore) -> None:
    failed: list[str] = []
    async with open_file() as store:
        limit = await store.transact(lambda unit: unit.execute("PRAGMA page_count")[0][0])
        await store.transact(lambda unit: unit.execute(f"PRAGMA max_page_count = {limit + 20}"))

        async def insert(id_: str) -> None:
            note = Note(id=id_, author="ada", content="x" * 20_000)
            try:
                await store.transact(lambda unit: unit.insert(NOTES, note))
            except WriteFailed:
                failed.append(id_)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(insert, f"N{number}")
        stored = [note.id for note in store.select(NOTES, author="ada")]
        assert failed
        assert sorted(stored + failed) == sorted(f"N{number}" for number in range(20))


async def test_writers_wait_when_too_many_units_are_queued(open_file: OpenStore) -> None:
    async with open_file() as store:
        gate = trio.Event()
        queued: list[int] = []

        async def insert(number: int) -> None:
            await store.transact(lambda unit: queued.append(number))

        async with trio.open_nursery() as nursery:
            await hold_up(store, nursery, gate)
            for number in range(MAX_QUEUED_UNITS + 5):
                nursery.start_soon(insert, number)
            await wait_all_tasks_blocked()
            with trio.CancelScope() as scope:
                scope.cancel()
                await store.transact(lambda unit: queued.append(-1))
            assert scope.cancelled_caught
            gate.set()
        assert sorted(queued) == list(range(MAX_QUEUED_UNITS + 5)), "the cancelled one was never queued"


async def test_a_cancelled_caller_loses_only_the_result(open_file: OpenStore) -> None:
    async with open_file() as store:
        gate = trio.Event()
        async with trio.open_nursery() as nursery:
            await hold_up(store, nursery, gate)

            async def impatient() -> None:
                with trio.CancelScope() as scope:
                    nursery.start_soon(cancel_when_blocked, scope)
                    await store.transact(lambda unit: unit.insert(NOTES, Note(id="N1", author="ada")))

            async def cancel_when_blocked(scope: trio.CancelScope) -> None:
                await wait_all_tasks_blocked()
                scope.cancel()
                gate.set()

            nursery.start_soon(impatient)
        await store.transact(lambda unit: None)
        assert store.get(NOTES, "N1") is not None


async def test_closing_commits_what_is_queued_and_refuses_the_rest(open_file: OpenStore) -> None:
    async with open_file() as store:
        gate = trio.Event()

        async def insert(id_: str) -> None:
            await store.transact(inserting(id_))

        async with trio.open_nursery() as nursery:
            await hold_up(store, nursery, gate)
            for number in range(5):
                nursery.start_soon(insert, f"N{number}")
            await wait_all_tasks_blocked()
            nursery.start_soon(store.aclose)
            await wait_all_tasks_blocked()
            with pytest.raises(StoreClosed):
                await store.transact(lambda unit: None)
            gate.set()
    async with open_file() as store:
        assert len(store.select(NOTES, author="ada")) == 5


async def test_an_error_in_the_body_comes_out_as_it_is(open_file: OpenStore) -> None:
    async def fail() -> None:
        async with open_file() as store:
            await store.transact(lambda unit: unit.insert(NOTES, Note(id="N1", author="ada")))
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with open_file() as store:
        assert store.get(NOTES, "N1") is not None
