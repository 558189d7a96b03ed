"""The files of one identity: who may read them, who has them open, and how they get from one version to the next."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from tests.store.conftest import OpenStore, now
from tests.store.records import NOTES, Note
from trio_connector.domain.query import Query, equals
from trio_connector.events.model import NewEvent
from trio_connector.store import NotOurFile, Store, StoreInUse, StoreTooNew, UnreadableRecord, open_store
from trio_connector.store.schema import VERSION


async def write_notes(store: Store) -> None:
    for number in range(3):
        note = Note(id=f"N{number}", author="ada", number=number, folder=f"f{number}", content={"@type": "Text"})
        await store.transact(lambda unit, note=note: unit.insert(NOTES, note))  # type: ignore[misc]  # bound by default


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "data" / "default.sqlite"


def make_foreign(database: Path, content: bytes | None) -> None:
    database.parent.mkdir()
    if content is None:
        change(database, "CREATE TABLE theirs (x)")
    else:
        database.write_bytes(content)


def content_of(database: Path) -> bytes:
    return database.read_bytes()


def change(database: Path, *statements: str) -> None:
    connection = apsw.Connection(str(database))
    for statement in statements:
        connection.execute(statement)
    connection.close()


async def test_what_was_written_is_there_after_opening_again(open_file: OpenStore) -> None:
    async with open_file() as store:
        await write_notes(store)
        position = await store.transact(lambda unit: unit.append(NewEvent(namespace="a", data={"x": 1})))
    async with open_file() as store:
        assert [note.id for note in store.select(NOTES, author="ada")] == ["N0", "N1", "N2"]
        event = store.events.at(position)
        assert event is not None
        assert json.loads(bytes(event.data)) == {"x": 1}
        assert store.events.head == position


async def test_nobody_else_may_read_the_files(open_file: OpenStore, tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        async with open_file() as store:
            await write_notes(store)
            files = sorted((tmp_path / "data").iterdir())
            assert {file.name for file in files} >= {"default.sqlite", "default.sqlite-wal", "default.lock"}
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
            assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    finally:
        os.umask(former)


async def test_a_second_opening_is_refused_until_the_first_ends(open_file: OpenStore) -> None:
    async with open_file():
        with pytest.raises(StoreInUse, match="in use by another process"):
            async with open_file():
                pass
    async with open_file():
        pass


async def test_another_process_is_refused_too(open_file: OpenStore, tmp_path: Path) -> None:
    program = (
        "import pathlib, sys; from trio_connector.store.folder import locked_database\n"
        "with locked_database(pathlib.Path(sys.argv[1]), 'default'): pass"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    async with open_file():
        refused = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: ASYNC221  # short
    assert "StoreInUse" in refused.stderr
    assert subprocess.run(command, check=False).returncode == 0  # noqa: ASYNC221  # short


async def test_a_newer_version_is_refused_and_left_alone(open_file: OpenStore, database: Path) -> None:
    async with open_file() as store:
        await write_notes(store)
    change(database, f"PRAGMA user_version = {VERSION + 1}")
    before = content_of(database)
    with pytest.raises(StoreTooNew, match=f"schema version {VERSION + 1}, this version supports up to {VERSION}"):
        async with open_file():
            pass
    assert content_of(database) == before


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 100, None])
async def test_a_file_of_somebody_else_is_refused(open_file: OpenStore, database: Path, content: bytes | None) -> None:
    make_foreign(database, content)
    before = content_of(database)
    with pytest.raises(NotOurFile, match="is not a database of trio-connector"):
        async with open_file():
            pass
    assert content_of(database) == before


async def test_a_new_key_is_filled_for_old_records(open_file: OpenStore) -> None:
    old = dataclasses.replace(NOTES, keys={"author": lambda note: note.author})
    async with open_file(collections=[old]) as store:
        await write_notes(store)
    async with open_file() as store:
        assert [note.id for note in store.select(NOTES, folder="f1")] == ["N1"]


async def test_a_key_that_is_not_needed_any_more_goes(open_file: OpenStore, database: Path) -> None:
    async with open_file() as store:
        await write_notes(store)
    new = dataclasses.replace(NOTES, keys={"folder": lambda note: note.folder}, indexed=("content.@type",))
    async with open_file(collections=[new]) as store:
        assert [note.id for note in store.select(new, folder="f1")] == ["N1"]
        assert len(await store.list(new, Query((equals("author", "ada"),)))) == 3
    connection = apsw.Connection(str(database))
    columns = [row[1] for row in connection.execute("PRAGMA table_xinfo(c_Notes)").fetchall()]
    connection.close()
    assert columns == ["seq", "id", "k_folder", "doc", "dto", "g_content.@type"]


async def test_a_new_collection_joins_the_others(open_file: OpenStore) -> None:
    async with open_file() as store:
        await write_notes(store)
    others = dataclasses.replace(NOTES, name="Others")
    async with open_file(collections=[NOTES, others]) as store:
        await store.transact(lambda unit: unit.insert(others, Note(id="N0", author="bob")))
        assert len(store.select(NOTES, author="ada")) == 3


async def test_dtos_are_rendered_anew_when_what_they_depend_on_changed(open_file: OpenStore) -> None:
    async with open_file(prepared_version="https://a") as store:
        await write_notes(store)
    louder = dataclasses.replace(NOTES, prepare=lambda note: {"shouted": note.author.upper()})
    async with open_file(collections=[louder], prepared_version="https://a") as store:
        assert store.prepared(louder, "N0") == b'{"id":"N0","writtenBy":"ada","number":0}'
    async with open_file(collections=[louder], prepared_version="https://b") as store:
        assert store.prepared(louder, "N0") == b'{"shouted":"ADA"}'
        assert store.get(louder, "N0") == Note(id="N0", author="ada", folder="f0", content={"@type": "Text"})


async def test_a_damaged_record_is_named_and_nothing_is_changed(open_file: OpenStore, database: Path) -> None:
    async with open_file(prepared_version="1") as store:
        await write_notes(store)
    change(database, """UPDATE c_Notes SET doc = '{"id": 1}' WHERE id = 'N1'""")
    with pytest.raises(UnreadableRecord, match="the stored record N1 of Notes cannot be read"):
        async with open_file(prepared_version="2"):
            pass
    async with open_file(prepared_version="1") as store:
        assert store.prepared(NOTES, "N0") is not None
        with pytest.raises(UnreadableRecord):
            store.get(NOTES, "N1")


async def test_the_size_of_the_store_is_told(open_file: OpenStore, tmp_path: Path) -> None:
    async with open_file() as store:
        before = store.size_bytes()
        big = Note(id="N9", author="ada", content="x" * 100_000)
        await store.transact(lambda unit: unit.insert(NOTES, big))
        assert store.size_bytes() >= before + 100_000
    async with open_store(None, "x", [NOTES], clock=now, entropy=secrets.token_bytes) as memory:
        assert memory.size_bytes() > 0


async def test_a_store_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store(None, "x", [NOTES], clock=now, entropy=secrets.token_bytes) as store:
        await write_notes(store)
    assert os.listdir(tmp_path) == []
