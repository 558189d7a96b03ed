"""What was begun is finished, whether its client stays or not, and ends with the daemon (design section 5)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from tests.api.served import API_KEY, ServedApi, error_of, served
from trio_connector.api.answer import Answer
from trio_connector.api.app import ConnectorApp, create_app
from trio_connector.api.call import Call
from trio_connector.api.changes import Changes
from trio_connector.api.parts import ApiParts
from trio_connector.api.routing import Route


class Operation:
    """A route that begins, waits to be let go, and ends."""

    def __init__(self) -> None:
        self.begun = trio.Event()
        self.may_end = trio.Event()
        self.left = trio.Event()
        self.outcome = "none"

    async def answer(self, call: Call) -> Answer:
        self.begun.set()
        try:
            await self.may_end.wait()
            self.outcome = "finished"
            return call.nothing()
        except trio.Cancelled:
            self.outcome = "cut"
            raise
        finally:
            self.left.set()

    def make(self, parts: ApiParts, *, changes: bool) -> ConnectorApp:
        app = create_app(parts)
        app.pipeline.table.add(
            "/test", [Route("POST", "operation", self.answer, "Takes a while.", changes=changes, waits=True)]
        )
        return app


async def disconnect_in_the_middle(url: str, operation: Operation) -> None:
    async with (
        httpx.AsyncClient(base_url=url, headers={"X-API-KEY": API_KEY}) as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(client.post, "/test/operation")
        await operation.begun.wait()
        nursery.cancel_scope.cancel("the client goes away")


@pytest.mark.parametrize(("changes", "outcome"), [(True, "finished"), (False, "cut")])
async def test_only_what_changes_something_outlives_its_client(api: ServedApi, changes: bool, outcome: str) -> None:
    operation = Operation()

    def make(parts: ApiParts) -> ConnectorApp:
        return operation.make(parts, changes=changes)

    async with served(api.services, make=make) as other:
        with trio.fail_after(10):
            await disconnect_in_the_middle(other.url, operation)
            if changes:
                # Time enough for a cancellation to arrive, were there one.
                for _ in range(5):
                    await other.client.get("/health")
                operation.may_end.set()
            await operation.left.wait()
        assert operation.outcome == outcome


async def test_an_operation_that_never_ends_is_cut_when_the_daemon_stops(api: ServedApi) -> None:
    operation = Operation()

    def make(parts: ApiParts) -> ConnectorApp:
        return operation.make(parts, changes=True)

    answers: list[Any] = []
    async with served(api.services, make=make) as other, trio.open_nursery() as nursery:

        async def ask() -> None:
            answers.append(error_of(await other.client.post("/test/operation")))

        nursery.start_soon(ask)
        await operation.begun.wait()
        other.app.end_changes_by(trio.current_time())
    assert answers == [
        (503, "error.connector.unavailable", "The Connector cannot do this right now. Please try again.")
    ]


async def test_an_operation_has_a_limit(autojump_clock: trio.testing.MockClock) -> None:
    changes = Changes(limit_seconds=5)
    with pytest.raises(trio.TooSlowError), changes.finished():
        await trio.sleep_forever()
    assert trio.current_time() == 5
    with trio.CancelScope() as outer:
        outer.cancel("the client goes away")
        with changes.finished():
            await trio.sleep(1)
    assert trio.current_time() == 6
