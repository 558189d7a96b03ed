"""How fast the store writes, reads and lists: ``python -m tests.bench.bench_store [units|lists]``. Prints rates."""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from pathlib import Path

import trio

from tests.store.conftest import now
from tests.store.records import NOTES, Note
from trio_connector.domain.query import AnyOf, Compare, Query, Search
from trio_connector.events.model import NewEvent
from trio_connector.store import Store, Unit, open_store

SECONDS = 2.0
BODY = "x" * 600


def say(text: str) -> None:
    print(text)  # noqa: T201  # the result


async def units(store: Store) -> None:
    """Units of one record and one event, from 1, 16 and 64 tasks at once."""
    numbers = iter(range(10_000_000))

    def work(unit: Unit) -> None:
        unit.put(NOTES, Note(id=f"N{next(numbers)}", author="ada", content={"@type": "Text", "body": BODY}))
        unit.append(NewEvent(namespace="transport.messageSent", data={"body": BODY}))

    async def keep_writing() -> None:
        with trio.move_on_after(SECONDS):
            while True:
                await store.transact(work)

    for tasks in (1, 16, 64):
        before, commits = store.counters.units, store.counters.commits
        began, cpu = time.perf_counter(), time.process_time()
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(keep_writing)
        took = time.perf_counter() - began
        done = store.counters.units - before
        say(
            f"{tasks:3} tasks: {done / took:8,.0f} units/s, "
            f"{(store.counters.commits - commits) / took:6,.0f} commits/s, "
            f"{(time.process_time() - cpu) / done * 1e6:5.0f} us CPU per unit"
        )


async def lists(store: Store) -> None:
    """Reads of a collection of 50,000 records."""
    for start in range(0, 50_000, 1000):

        def work(unit: Unit, start: int = start) -> None:
            for number in range(start, start + 1000):
                content = {"@type": f"Type{number % 1000}", "body": BODY, "tags": ["x", str(number)]}
                unit.insert(NOTES, Note(id=f"N{number}", author=f"A{number % 2500}", number=number, content=content))

        began = time.perf_counter()
        await store.transact(work)
        if not start:
            say(f"insert in units of 1000: {1000 / (time.perf_counter() - began):8,.0f} records/s")
    began = time.perf_counter()
    for number in range(5000):
        store.get(NOTES, f"N{number * 7}")
    say(f"get, direct:             {5000 / (time.perf_counter() - began):8,.0f}/s")
    began = time.perf_counter()
    for number in range(1000):
        store.select(NOTES, author=f"A{number}")
    say(f"select of 20, direct:    {1000 / (time.perf_counter() - began):8,.0f}/s")
    for name, query in {
        "indexed equality of 50": Query((AnyOf("content.@type", ("Type7",)),)),
        "unindexed comparison": Query((Compare("number", "<", 100),)),
        "in an array": Query((AnyOf("content.tags", ("77",)),)),
        "regular expression": Query((Search("content.body", "^y"),)),
        "everything": Query(),
    }.items():
        began = time.perf_counter()
        answer = await store.list_prepared(NOTES, query)
        say(f"list, {name:23} {(time.perf_counter() - began) * 1000:7.1f} ms, {len(answer):9,} bytes")


async def main(what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_store(Path(folder), "bench", [NOTES], clock=now, entropy=secrets.token_bytes) as store:
            await {"units": units, "lists": lists}[what](store)


if __name__ == "__main__":
    for chosen in sys.argv[1:] or ("units", "lists"):
        trio.run(main, chosen)
