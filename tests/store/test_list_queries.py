"""The database finds exactly the documents that the reference evaluation finds."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import wait_all_tasks_blocked

from tests.store.conftest import OpenStore, now
from tests.store.records import NOTES, Note
from trio_connector.domain.query import (
    AnyOf,
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    NoneOf,
    NotEmpty,
    Query,
    Search,
    matches,
)
from trio_connector.store import Store, Unit, open_store
from trio_connector.store.compile import compile_query
from trio_connector.store.connections import open_reading
from trio_connector.store.rows import rows
from trio_connector.store.store import MAX_DIRECT_ROWS
from trio_connector.store.tables import Table

NAMES = ["a", "b", "@type", "it's"]
TEXTS = st.sampled_from(["", "a", "A", "b", "ab", "Ä", "1", "true", "2025-01-01T00:00:00.000Z", "'", '"', "\U0001f600"])
NUMBERS = st.sampled_from([-1, 0, 1, 2, 1.5, -0.5, 10, 1e300, 2**53])
SCALARS = TEXTS | NUMBERS | st.booleans()
VALUES = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.fixed_dictionaries({"author": TEXTS, "content": VALUES})
PATHS = st.one_of(
    st.sampled_from(["author", "content", "content.@type", "folder"]),
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(lambda names: ".".join(["content", *names])),
)
SIMPLE: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Exists, PATHS, st.booleans()),
    st.builds(AnyOf, PATHS, st.lists(SCALARS, max_size=3).map(tuple)),
    st.builds(NoneOf, PATHS, st.lists(SCALARS, max_size=3).map(tuple)),
    st.builds(Compare, PATHS, st.sampled_from([">", ">=", "<", "<="]), SCALARS),
    st.builds(Search, PATHS, st.sampled_from(["a", "^a", "b$", "", "ä", "[ab]+", "."])),
    st.builds(NotEmpty, PATHS),
)
CONDITIONS = st.one_of(
    SIMPLE,
    st.builds(Either, st.lists(SIMPLE, max_size=3).map(tuple)),
    st.builds(Both, st.lists(SIMPLE, max_size=2).map(tuple)),
)
QUERIES = st.builds(Query, st.lists(CONDITIONS, max_size=3).map(tuple))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=8), queries=st.lists(QUERIES, min_size=1, max_size=5))
def test_the_database_agrees_with_the_reference(documents: list[dict[str, Any]], queries: list[Query]) -> None:
    async def check() -> None:
        async with open_store(None, "x", [NOTES], clock=now, entropy=secrets.token_bytes) as store:
            notes = [Note(id=f"N{number}", **document) for number, document in enumerate(documents)]
            await insert(store, notes)
            for query in queries:
                found = [note.id for note in await store.list(NOTES, query)]
                # a member that is None is not in the stored document
                expected = [
                    f"N{number}"
                    for number, document in enumerate(documents)
                    if matches(query, {name: value for name, value in document.items() if value is not None})
                ]
                assert found == expected, query

    trio.run(check)


async def insert(store: Store, notes: list[Note]) -> None:
    def work(unit: Unit) -> None:
        for note in notes:
            unit.insert(NOTES, note)

    await store.transact(work)


@pytest.mark.parametrize("count", [10, MAX_DIRECT_ROWS + 10])
async def test_small_and_large_collections_are_listed_alike(open_file: OpenStore, count: int) -> None:
    async with open_file() as store:
        await insert(store, [Note(id=f"N{number}", author="ada", number=number % 7) for number in range(count)])
        found = await store.list(NOTES, Query((AnyOf("number", (3,)),), order_by="id"))
        assert [note.id for note in found] == sorted(f"N{number}" for number in range(count) if number % 7 == 3)


async def test_an_equality_on_an_indexed_path_uses_its_index(open_file: OpenStore, tmp_path: Path) -> None:
    async with open_file() as store:
        await insert(store, [Note(id="N1", author="ada")])
        table = Table(NOTES)
        selection = compile_query(Query((AnyOf("content.@type", ("Text", "Mail")),)), table.generated_columns)
        connection = open_reading(tmp_path / "data" / "default.sqlite")
        plan = rows(
            connection, f"EXPLAIN QUERY PLAN SELECT id FROM {table.name}{selection.clause}", selection.arguments
        )
        connection.close()
    steps = [step[3] for step in plan]
    assert any("USING INDEX i_Notes_g_content.@type" in step for step in steps), steps
    assert not any(step.startswith("SCAN c_Notes") for step in steps), steps


async def test_a_listing_that_nobody_waits_for_ends_at_once(open_file: OpenStore) -> None:
    async with open_file() as store:
        await insert(store, [Note(id=f"N{number}", author="ada") for number in range(MAX_DIRECT_ROWS + 1)])
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
        with trio.fail_after(30), trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(store.long_reads.rows, endless)
                await wait_all_tasks_blocked()
                scope.cancel()
        assert len(await store.list(NOTES)) == MAX_DIRECT_ROWS + 1, "its connection is free again"
