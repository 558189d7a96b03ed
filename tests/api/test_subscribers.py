"""Subscribers over HTTP: what is shown, which role it takes, and every way to send events again (design section 6)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio

from tests.accounts import running_account, running_backbone, utc_now
from tests.api.served import CORE, ServedApi, error_of, served, settings_with
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent

SUBSCRIBERS = f"{CORE}/Subscribers"
HOOK = f"{SUBSCRIBERS}/hook"
READER, OPERATOR = "Reader_of_events_API_KEY_of_ours_01", "Operator_of_events_API_KEY_ours_02"


class Receiver:
    """Accepts what its rule says; remembers the positions it was given."""

    max_batch = 50

    def __init__(self) -> None:
        self.refuses: set[int] | None = None
        """None: everything."""
        self.seen: list[int] = []

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        self.seen += [event.position for event in events]
        refused = [self.refuses is None or event.position in self.refuses for event in events]
        return [Answer(accepted=not no, status=422 if no else 204, reason="not that" if no else "") for no in refused]

    def spec(self) -> SubscriberSpec:
        @asynccontextmanager
        async def open_() -> AsyncIterator[Receiver]:
            yield self

        return SubscriberSpec(
            name="hook",
            patterns=("test.**",),
            open_sender=open_,
            delivery=DeliverySettings(retry_schedule_seconds=()),
            kind="webhook",
            receiver="https://shop.example/hook",
        )


@asynccontextmanager
async def with_hook(**options: Any) -> AsyncIterator[tuple[ServedApi, Receiver]]:
    async with running_backbone() as backbone, running_account(backbone) as services:
        bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
        receiver = Receiver()
        async with trio.open_nursery() as nursery:
            await nursery.start(bus.subscribe(receiver.spec()).run)
            async with served(services, bus=bus, **options) as api:
                with trio.fail_after(30):
                    yield api, receiver
            bus.close()


async def append(api: ServedApi, *namespaces: str) -> list[int]:
    return await api.services.store.transact(
        lambda unit: [unit.append(NewEvent(namespace=namespace)) for namespace in namespaces]
    )


async def state(api: ServedApi) -> Any:
    return (await api.client.get(HOOK)).json()["result"]


async def given_up(api: ServedApi, count: int) -> None:
    while (await state(api))["givenUp"] != count:
        await trio.sleep(0.01)  # polls


async def seen(receiver: Receiver, count: int) -> list[int]:
    while len(receiver.seen) < count:
        await trio.sleep(0.01)  # polls
    return receiver.seen


async def test_everything_about_a_subscriber_is_shown() -> None:
    async with with_hook() as (api, _):
        positions = await append(api, "test.a", "other.a", "test.b")
        await given_up(api, 2)
        shown = await state(api)
        assert list(shown) == [
            "name", "kind", "receiver", "patterns", "state", "position", "head", "lag", "replaying", "inFlight",
            "givenUp", "nextAttemptAt", "acceptedAt", "attempts", "behind", "delivery",
        ]  # fmt: skip
        assert shown["name"] == "hook"
        assert (shown["position"], shown["head"], shown["lag"]) == (positions[-1], positions[-1], 0)
        newest, oldest = shown["attempts"]
        assert (newest["position"], oldest["position"]) == (positions[2], positions[0])
        assert {key: newest[key] for key in ("namespace", "number", "accepted", "status", "reason")} == {
            "namespace": "test.b",
            "number": 1,
            "accepted": False,
            "status": 422,
            "reason": "not that",
        }
        assert shown["delivery"] == {
            "timeoutSeconds": 15.0,
            "retryScheduleSeconds": [],
            "keepTrying": False,
            "jitter": 0.1,
            "retryAfterLimitSeconds": 43200.0,
            "lanes": 1,
            "ordered": True,
        }
        assert (await api.client.get(SUBSCRIBERS)).json()["result"] == [shown]


async def test_who_reads_events_may_look_and_who_operates_may_change() -> None:
    keys = {
        "reader": {"key": READER, "scopes": ["events:read"]},
        "operator": {"key": OPERATOR, "scopes": ["events:operate"]},
    }
    async with with_hook(settings=settings_with(keys=keys)) as (api, receiver):
        receiver.refuses = set()

        async def status(key: str, method: str, path: str, body: Any = None) -> int:
            headers = {"X-API-KEY": key}
            return (await api.stranger.request(method, f"{CORE}/{path}", headers=headers, json=body)).status_code

        for path, by_reader, by_operator in (
            ("Events", 200, 403),
            ("Events/EVT1", 404, 403),
            ("Subscribers", 200, 200),
            ("Subscribers/hook", 200, 200),
            ("Subscribers/hook/GivenUp", 200, 403),
        ):
            assert await status(READER, "GET", path) == by_reader, path
            assert await status(OPERATOR, "GET", path) == by_operator, path
        for method, path, body, done in (
            ("PUT", "Subscribers/hook/Pause", None, 200),
            ("PUT", "Subscribers/hook/Resume", None, 200),
            ("POST", "Subscribers/hook/Replay", {"givenUp": True}, 204),
        ):
            assert await status(READER, method, path, body) == 403, path
            assert await status(OPERATOR, method, path, body) == done, path


async def test_all_that_was_given_up_is_sent_again_and_nothing_else() -> None:
    async with with_hook() as (api, receiver):
        first = await append(api, "test.a", "other.a", "test.a")
        await given_up(api, 2)
        receiver.refuses = set()
        fine = await append(api, "test.a", "test.a")
        await seen(receiver, 4)
        receiver.refuses = None
        last = await append(api, "test.a")
        await given_up(api, 3)
        receiver.refuses = set()
        receiver.seen.clear()
        response = await api.client.post(f"{HOOK}/Replay", json={"givenUp": True})
        assert (response.status_code, response.content) == (204, b"")
        await given_up(api, 0)
        assert receiver.seen == [first[0], first[2], *last]
        assert not set(fine) & set(receiver.seen)
        assert (await api.client.post(f"{HOOK}/Replay", json={"givenUp": True})).status_code == 204
        assert (await state(api))["replaying"] == 0


async def test_a_long_list_of_given_up_events_is_one_replay() -> None:
    async with with_hook() as (api, receiver):
        positions = await append(api, *["test.a", "other.a"] * 3000)
        await given_up(api, 3000)
        receiver.refuses = set()
        receiver.seen.clear()
        assert (await api.client.post(f"{HOOK}/Replay", json={"givenUp": True})).status_code == 204
        await given_up(api, 0)
        assert receiver.seen == positions[::2]


async def test_more_scattered_events_than_can_be_remembered_are_refused_with_advice() -> None:
    async with with_hook() as (api, receiver):
        head = api.services.store.events.head
        receiver.refuses = set(range(head, head + 3000, 2))
        await append(api, *["test.a"] * 2200)
        while (await state(api))["lag"] or (await state(api))["givenUp"] < 1100:
            await trio.sleep(0.01)  # polls
        status, code, message = error_of(await api.client.post(f"{HOOK}/Replay", json={"givenUp": True}))
        assert (status, code) == (400, "error.connector.events.tooManyReplays")
        assert "give one range instead" in message


async def test_a_range_ends_at_the_newest_event() -> None:
    async with with_hook() as (api, receiver):
        receiver.refuses = set()
        positions = await append(api, "test.a", "test.a", "test.a")
        await seen(receiver, 3)
        receiver.seen.clear()
        for body in ({"after": positions[0]}, {"after": positions[0], "until": positions[2] + 1000}):
            assert (await api.client.post(f"{HOOK}/Replay", json=body)).status_code == 204
        assert await seen(receiver, 4) == positions[1:] * 2
        assert (await api.client.post(f"{HOOK}/Replay", json={"after": 10**6})).status_code == 204
        while (await state(api))["replaying"]:
            await trio.sleep(0.01)  # polls
        following = await append(api, "test.a")
        assert (await seen(receiver, 5))[4:] == following


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "must have required property 'ids'"),
        ({"ids": []}, "ids must NOT have fewer than 1 items"),
        ({"ids": [1]}, "ids/0 must be string"),
        ({"ids": ["EVT1"] * 1001}, "ids must NOT have more than 1000 items"),
        ({"ids": ["EVT1"], "after": 1}, "must NOT have additional properties"),
        ({"until": 1}, "must have required property 'after'"),
        ({"after": 3, "until": 2}, "until must be >= after"),
        ({"after": 0.5}, "after must be integer"),
        ({"after": 2**70}, "after must be integer"),
        ({"givenUp": False}, "givenUp must be equal to constant"),
        ({"givenUp": True, "x": 1}, "must NOT have additional properties"),
        ([], "must be object"),
    ],
)
async def test_a_replay_of_nothing_in_particular_is_refused(body: Any, message: str) -> None:
    async with with_hook() as (api, receiver):
        answer = error_of(await api.client.post(f"{HOOK}/Replay", json=body))
        assert answer == (400, "error.runtime.validation.invalidPropertyValue", message)
        assert receiver.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("GET", "/GivenUp"), ("POST", "/Replay"), ("PUT", "/Pause"), ("PUT", "/Resume")],
)
async def test_a_subscriber_that_is_not_there_is_said(method: str, path: str) -> None:
    async with with_hook() as (api, _):
        response = await api.client.request(method, f"{SUBSCRIBERS}/nobody{path}")
        assert error_of(response) == (
            404,
            "error.runtime.recordNotFound",
            "Subscriber not found. Make sure the ID exists and the record is not expired.",
        )


async def test_the_give_up_list_comes_in_pages() -> None:
    async with with_hook() as (api, _):
        positions = await append(api, *["test.a"] * 5)
        await given_up(api, 5)

        async def page(query: str) -> list[int]:
            response = await api.client.get(f"{HOOK}/GivenUp{query}")
            return [entry["position"] for entry in response.json()["result"]]

        assert await page("?limit=2") == positions[:2]
        assert await page(f"?limit=2&after={positions[1]}") == positions[2:4]
        assert await page("") == positions
        for query in ("?limit=0", "?limit=1001", "?after=x", "?page=2"):
            assert (await api.client.get(f"{HOOK}/GivenUp{query}")).status_code == 400
