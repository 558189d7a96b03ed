"""What every store promises, whether its records are in a file or in memory."""

from __future__ import annotations

import dataclasses
import json

import pytest
import trio

from tests.store.records import NOTES, Note
from trio_connector.correlation import correlated
from trio_connector.domain.query import Query, equals
from trio_connector.events.model import NewEvent
from trio_connector.store import DuplicateRecord, Store, Unit


async def add(store: Store, *notes: Note) -> None:
    def work(unit: Unit) -> None:
        for note in notes:
            unit.insert(NOTES, note)

    await store.transact(work)


async def test_a_committed_record_is_read_by_id_by_key_and_as_its_dto(store: Store) -> None:
    note = Note(id="N1", author="ada", number=3, content={"@type": "Text"})
    await add(store, note, Note(id="N2", author="bob"))
    assert store.get(NOTES, "N1") == note
    assert [found.id for found in store.select(NOTES, author="ada")] == ["N1"]
    assert json.loads(store.prepared(NOTES, "N1") or b"") == {"id": "N1", "writtenBy": "ada", "number": 3}


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert store.get(NOTES, "N1") is None
    assert store.prepared(NOTES, "N1") is None
    assert store.value("AccountInfo", "identity") is None
    assert store.select(NOTES, author="ada") == []


async def test_records_come_in_the_order_of_insertion_and_a_replaced_one_keeps_its_place(store: Store) -> None:
    await add(store, *(Note(id=f"N{number}", author="ada") for number in (3, 1, 2)))
    await store.transact(lambda unit: unit.put(NOTES, Note(id="N3", author="ada", number=9)))
    assert [note.id for note in store.select(NOTES, author="ada")] == ["N3", "N1", "N2"]
    assert [note.id for note in await store.list(NOTES)] == ["N3", "N1", "N2"]
    assert [dto["number"] for dto in json.loads(await store.list_prepared(NOTES))] == [9, 0, 0]


async def test_a_key_without_value_is_found_as_none(store: Store) -> None:
    await add(store, Note(id="N1", author="ada"), Note(id="N2", author="ada", folder="inbox"))
    assert [note.id for note in store.select(NOTES, author="ada", folder=None)] == ["N1"]


async def test_inserting_an_id_twice_is_refused(store: Store) -> None:
    await add(store, Note(id="N1", author="ada"))
    with pytest.raises(DuplicateRecord):
        await add(store, Note(id="N1", author="bob"))
    note = store.get(NOTES, "N1")
    assert note is not None
    assert note.author == "ada"


async def test_a_unit_sees_its_own_writes(store: Store) -> None:
    def work(unit: Unit) -> tuple[int, int]:
        unit.insert(NOTES, Note(id="N1", author="ada", number=1))
        first = unit.get(NOTES, "N1")
        unit.delete(NOTES, "N1")
        return (first.number if first else 0, len(unit.select(NOTES, author="ada")))

    assert await store.transact(work) == (1, 0)


async def test_a_unit_cannot_be_used_after_its_end(store: Store) -> None:
    kept: list[Unit] = []
    await store.transact(kept.append)
    with pytest.raises(RuntimeError, match="the unit of work has ended"):
        kept[0].put_value("AccountInfo", "identity", 1)


async def test_a_collection_without_dtos_cannot_be_listed_as_such(store: Store) -> None:
    bare = dataclasses.replace(NOTES, prepare=None)
    with pytest.raises(ValueError, match="the records of Notes have no DTO"):
        await store.list_prepared(bare)


async def test_a_unit_that_raises_leaves_nothing_and_its_error_reaches_the_caller(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.insert(NOTES, Note(id="N1", author="ada"))
        unit.put_value("AccountInfo", "identity", {"a": 1})
        unit.append(NewEvent(namespace="transport.messageSent"))
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        await store.transact(work)
    assert store.get(NOTES, "N1") is None
    assert store.value("AccountInfo", "identity") is None


async def test_named_maps_hold_any_json(store: Store) -> None:
    def work(unit: Unit) -> None:
        unit.put_value("AccountInfo", "device", {"id": "DVC1", "list": [1, None]})
        unit.put_value("SyncInfo", "device", 7)
        unit.put_value("SyncInfo", "gone", 7)
        unit.delete_value("SyncInfo", "gone")

    await store.transact(work)
    assert store.value("AccountInfo", "device") == {"id": "DVC1", "list": [1, None]}
    assert store.value("SyncInfo", "device") == 7
    assert store.value("SyncInfo", "gone") is None


async def test_a_list_query_finds_its_records(store: Store) -> None:
    await add(
        store,
        Note(id="N1", author="ada", content={"@type": "Text"}),
        Note(id="N2", author="ada", content=[{"@type": "Text"}]),
        Note(id="N3", author="ada", content={"@type": "Picture"}),
    )
    found = await store.list(NOTES, Query((equals("content.@type", "Text"),)))
    assert [note.id for note in found] == ["N1", "N2"]


async def test_units_at_the_same_time_lose_no_update(store: Store) -> None:
    await add(store, Note(id="N1", author="ada"))

    def increment(unit: Unit) -> None:
        note = unit.get(NOTES, "N1")
        assert note is not None
        unit.put(NOTES, Note(id="N1", author="ada", number=note.number + 1))

    async def worker() -> None:
        for _ in range(500):
            await store.transact(increment)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)
        nursery.start_soon(worker)
    note = store.get(NOTES, "N1")
    assert note is not None
    assert note.number == 1000


async def test_events_wake_their_listeners_after_the_commit_with_the_correlation_of_the_caller(store: Store) -> None:
    woken: list[bool] = []
    store.on_events(lambda: woken.append(store.get(NOTES, "N1") is not None))

    def work(unit: Unit) -> int:
        unit.insert(NOTES, Note(id="N1", author="ada"))
        return unit.append(NewEvent(namespace="transport.messageSent", data={"id": "N1"}))

    with correlated("call-1"):
        position = await store.transact(work)
    assert woken == [True]
    assert position > 0
    await store.transact(lambda unit: unit.delete(NOTES, "N1"))
    assert woken == [True], "a commit without events wakes nobody"


async def test_a_cursor_only_moves_forward(store: Store) -> None:
    await store.transact(lambda unit: unit.advance("decider", 7))
    await store.transact(lambda unit: unit.advance("decider", 5))
    assert await store.transact(lambda unit: unit.cursor("decider")) == 7
    assert await store.transact(lambda unit: unit.cursor("nobody")) == 0
