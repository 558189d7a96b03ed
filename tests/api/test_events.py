"""Events, subscribers and live streams (design section 6)."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import trio
from trio_websocket import ConnectionRejected, WebSocketConnection

from tests.accounts import running_account, running_backbone, utc_now
from tests.api.served import API_KEY, CORE, ServedApi, error_of, served, settings_with
from tests.streams import closing, event_stream
from trio_connector.api import stream
from trio_connector.correlation import correlated
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent

# The client of these tests leaves the socket of a refused connection to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """So that they are collected here and not during the tests that follow."""
    yield
    gc.collect()


EVENTS = f"{CORE}/Events"
SUBSCRIBERS = f"{CORE}/Subscribers"


class Receiver:
    """Accepts or refuses, and remembers."""

    max_batch = 1

    def __init__(self, accepts: bool) -> None:
        self.accepts = accepts
        self.seen: list[str] = []

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        self.seen += [event.id for event in events]
        return [Answer(accepted=self.accepts, status=None if self.accepts else 500, reason="no")] * len(events)

    def spec(self) -> SubscriberSpec:
        @asynccontextmanager
        async def open_() -> AsyncIterator[Receiver]:
            yield self

        return SubscriberSpec(
            name="hook",
            patterns=("**",),
            open_sender=open_,
            delivery=DeliverySettings(retry_schedule_seconds=()),
            kind="webhook",
        )


@asynccontextmanager
async def with_events(receiver: Receiver | None = None, **options: Any) -> AsyncIterator[ServedApi]:
    async with running_backbone() as backbone, running_account(backbone) as services:
        bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
        async with trio.open_nursery() as nursery:
            if receiver is not None:
                await nursery.start(bus.subscribe(receiver.spec()).run)
            async with served(services, bus=bus, **options) as api:
                yield api
            bus.close()


async def append(api: ServedApi, *namespaces: str, data: object = None) -> list[int]:
    def work(unit: Any) -> list[int]:
        return [unit.append(NewEvent(namespace=namespace, data=data)) for namespace in namespaces]

    return await api.services.store.transact(work)


def open_stream(api: ServedApi, query: str = "", key: str = API_KEY) -> Any:
    return event_stream(api.url, query, key=key)


async def read(connection: WebSocketConnection, count: int) -> list[Any]:
    with trio.fail_after(10):
        return [msgspec.json.decode(await connection.get_message()) for _ in range(count)]


async def test_events_are_listed_in_order_and_filtered() -> None:
    async with with_events() as api:
        with correlated("mine"):
            first = await append(api, "test.a", "test.b", data={"x": 1})
        second = await append(api, "test.a")

        async def listed(**params: Any) -> list[int]:
            response = await api.client.get(EVENTS, params=params)
            assert response.status_code == 200, response.text
            return [event["position"] for event in response.json()["result"]]

        assert await listed(namespace="test.*") == [*first, *second]
        assert await listed(namespace=["test.b", "nothing"]) == [first[1]]
        assert await listed(after=first[0], namespace="test.**") == [first[1], *second]
        assert await listed(correlationId="mine") == first
        assert await listed(namespace="test.*", limit=1) == [first[0]]
        assert await listed(namespace="test.*", to="2001-01-01") == []
        assert await listed(**{"namespace": "test.*", "from": "2001-01-01", "to": "2099"}) == [*first, *second]
        event = (await api.client.get(EVENTS, params={"correlationId": "mine", "limit": 1})).json()["result"][0]
        assert list(event) == ["position", "id", "namespace", "occurredAt", "correlationId", "data"]
        assert event["data"] == {"x": 1}
        assert (await api.client.get(f"{EVENTS}/{event['id']}")).json()["result"] == event
        last = (await api.client.get(EVENTS, params={"after": first[1]})).json()["result"][0]
        assert "data" not in last
        assert error_of(await api.client.get(f"{EVENTS}/EVT1")) == (
            404,
            "error.runtime.recordNotFound",
            "Event not found. Make sure the ID exists and the record is not expired.",
        )


@pytest.mark.parametrize(
    "query", ["after=x", "after=-1", "limit=0", "limit=1001", "from=soon", "after=1&after=2", "after=" + "9" * 30]
)
async def test_parameters_that_make_no_sense_are_refused(query: str) -> None:
    async with with_events() as api:
        assert error_of(await api.client.get(f"{EVENTS}?{query}"))[0] == 400


async def test_events_need_a_role_of_their_own() -> None:
    key = "Another_strong_API_KEY_of_ours_01"
    async with with_events(settings=settings_with(keys={"core": {"key": key, "scopes": ["core:**"]}})) as api:
        response = await api.stranger.get(EVENTS, headers={"X-API-KEY": key})
        assert response.status_code == 403
        with pytest.raises(ConnectionRejected) as caught:
            async with open_stream(api, key=key):
                pass
        assert caught.value.status_code == 403
        assert msgspec.json.decode(caught.value.body or b"")["error"]["code"] == "error.connector.forbidden"


async def test_what_a_subscriber_was_not_given_is_listed_and_sent_again() -> None:
    receiver = Receiver(accepts=False)
    async with with_events(receiver) as api:
        [position] = await append(api, "test.a", data={"x": 1})

        async def state() -> Any:
            response = await api.client.get(f"{SUBSCRIBERS}/hook")
            return response.json()["result"]

        with trio.fail_after(10):
            while (await state())["givenUp"] == 0:
                await trio.sleep(0.01)
        assert [one["name"] for one in (await api.client.get(SUBSCRIBERS)).json()["result"]] == ["hook"]
        [given_up] = (await api.client.get(f"{SUBSCRIBERS}/hook/GivenUp")).json()["result"]
        assert (given_up["position"], given_up["attempts"]) == (position, 1)
        assert given_up["event"]["data"] == {"x": 1}
        receiver.accepts = True
        response = await api.client.post(f"{SUBSCRIBERS}/hook/Replay", json={"ids": [given_up["eventId"]]})
        assert response.status_code == 204
        with trio.fail_after(10):
            while len(receiver.seen) < 2 or (await state())["givenUp"]:
                await trio.sleep(0.01)
        response = await api.client.post(f"{SUBSCRIBERS}/hook/Replay", json={"after": position - 1, "until": position})
        assert response.status_code == 204
        with trio.fail_after(10):
            while len(receiver.seen) < 3:
                await trio.sleep(0.01)
        assert set(receiver.seen) == {given_up["eventId"]}


async def test_a_subscriber_is_paused_and_goes_on() -> None:
    receiver = Receiver(accepts=True)
    async with with_events(receiver) as api:
        assert (await api.client.put(f"{SUBSCRIBERS}/hook/Pause")).json()["result"]["state"] == "paused"
        await append(api, "test.a")
        assert receiver.seen == []
        assert (await api.client.put(f"{SUBSCRIBERS}/hook/Resume")).status_code == 200
        with trio.fail_after(10):
            while not receiver.seen:
                await trio.sleep(0.01)


async def test_bad_replays_are_refused() -> None:
    async with with_events(Receiver(accepts=True)) as api:
        bodies: list[dict[str, Any]] = [
            {},
            {"ids": []},
            {"ids": "x"},
            {"after": 1.5, "until": 2},
            {"after": -1, "until": 2},
        ]
        for body in bodies:
            assert error_of(await api.client.post(f"{SUBSCRIBERS}/hook/Replay", json=body))[0] == 400
        assert (await api.client.post(f"{SUBSCRIBERS}/hook/Replay", json={"ids": ["EVT1"]})).status_code == 404
        assert (await api.client.post(f"{SUBSCRIBERS}/nobody/Replay", json={"ids": ["EVT1"]})).status_code == 404


async def test_a_stream_tells_what_happens_from_now_on() -> None:
    async with with_events() as api:
        await append(api, "test.before")
        async with open_stream(api, "?namespace=test.*") as connection:
            await append(api, "other.x", "test.a")
            [event] = await read(connection, 1)
            assert event["namespace"] == "test.a"
            await connection.send_message("ignored")
            await append(api, "test.b")
            assert [one["namespace"] for one in await read(connection, 1)] == ["test.b"]


async def test_a_stream_from_a_position_has_no_gap() -> None:
    async with with_events() as api:
        [start] = await append(api, "test.0")
        await append(api, *(f"test.{number}" for number in range(1, 200)))
        async with open_stream(api, f"?after={start}&namespace=test.*") as connection, trio.open_nursery() as nursery:
            nursery.start_soon(append, api, *(f"test.{number}" for number in range(200, 300)))
            events = await read(connection, 299)
        assert [event["namespace"] for event in events] == [f"test.{number}" for number in range(1, 300)]
        positions = [event["position"] for event in events]
        assert positions == sorted(positions)


async def test_a_listener_that_falls_behind_is_told_and_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_BEHIND", 10)
    async with with_events() as api, open_stream(api) as connection:
        await append(api, *(["test.a"] * 500))
        with trio.fail_after(10):
            code, reason = await closing(connection)
    assert code == stream.TRY_AGAIN_LATER
    assert reason is not None
    assert reason.startswith("Too slow. Continue after position ")


async def test_a_stream_ends_when_the_connector_stops() -> None:
    stopping = trio.Event()
    async with with_events(stopping=stopping) as api, open_stream(api) as connection:
        stopping.set()
        with trio.fail_after(10):
            assert await closing(connection) == (stream.GOING_AWAY, "The Connector stops.")


async def test_listeners_that_go_leave_nothing_behind() -> None:
    async with with_events() as api:
        streams = api.app.streams
        assert streams is not None
        async with open_stream(api), open_stream(api):
            assert streams.open_streams == 2
        with trio.fail_after(10):
            while streams.open_streams:
                await trio.sleep(0.01)


@pytest.mark.parametrize(("path", "status"), [("/Stream?after=x", 400), ("/Streams", 404), ("", 404)])
async def test_a_stream_that_makes_no_sense_is_refused_before_it_opens(path: str, status: int) -> None:
    async with with_events() as api:
        with pytest.raises(ConnectionRejected) as caught:
            async with event_stream(api.url, key=API_KEY, path=EVENTS + path):
                pass
        assert caught.value.status_code == status


async def test_so_many_streams_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_STREAMS", 1)
    async with with_events() as api, open_stream(api):
        with pytest.raises(ConnectionRejected) as caught:
            async with open_stream(api):
                pass
        assert caught.value.status_code == 503
