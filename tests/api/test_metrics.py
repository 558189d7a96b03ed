"""``GET /metrics``: who may read it, and that nobody can make it grow."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tests.accounts import running_account, running_backbone, synchronized, utc_now
from tests.api.served import CORE, ServedApi, error_of, served, served_account, settings_with
from trio_connector.api.metric_names import MAX_NAMESPACES, OTHER, NamespaceLabels, method_label, resource_label
from trio_connector.events.bus import EventBus
from trio_connector.events.delivery import DeliverySettings, SubscriberSpec
from trio_connector.events.model import Answer, Event, NewEvent

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "operating-delivery.md"
SCOPED = "Another_strong_API_KEY_of_ours_01"

Samples = dict[str, dict[tuple[str, ...], float]]


async def scrape(api: ServedApi) -> Samples:
    """By name, then by the values of the labels in the order of the labels' names."""
    response = await api.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: Samples = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name.removeprefix("trio_connector_"), {})[labels] = sample.value
    return found


@asynccontextmanager
async def with_bus(*specs: SubscriberSpec, **options: Any) -> AsyncIterator[tuple[ServedApi, EventBus]]:
    async with running_backbone() as backbone, running_account(backbone) as services:
        bus = EventBus(services.store.events, clock=utc_now, entropy=os.urandom)
        async with trio.open_nursery() as nursery:
            for spec in specs:
                await nursery.start(bus.subscribe(spec).run)
            async with served(services, bus=bus, **options) as api:
                with trio.fail_after(30):
                    yield api, bus
            bus.close()


@pytest.mark.parametrize(
    ("scope", "status"), [("monitoring:metrics", 200), ("monitoring:*", 200), ("**", 200), ("core:**", 403), ("*", 403)]
)
async def test_it_takes_a_role_of_its_own(scope: str, status: int) -> None:
    settings = settings_with(keys={"scoped": {"key": SCOPED, "scopes": [scope]}})
    async with served_account(settings=settings) as api:
        response = await api.stranger.get("/metrics", headers={"X-API-KEY": SCOPED})
        assert response.status_code == status


async def test_strangers_may_read_it_in_debug_mode_only(api: ServedApi) -> None:
    assert error_of(await api.stranger.get("/metrics"))[0] == 401
    async with served(api.services, settings=settings_with(debug=True)) as debugging:
        assert (await debugging.stranger.get("/metrics")).status_code == 200
        assert (await debugging.stranger.get(f"{CORE}/Files")).status_code == 401


async def test_each_app_counts_for_itself(api: ServedApi) -> None:
    await api.client.get("/Monitoring/Version")
    async with served(api.services) as other:
        version = ("GET", "/Monitoring/Version", "200")
        assert (await scrape(api))["http_requests_total"][version] == 1
        assert version not in (await scrape(other)).get("http_requests_total", {})


async def test_paths_and_methods_of_strangers_add_nothing(api: ServedApi) -> None:
    for number in range(20):
        await api.client.get(f"/nowhere/{number}")
        await api.client.request(f"X{number}", f"{CORE}/Files/{number}")
        await api.client.get(f"{CORE}/Files/FIL{number}")
    found = await scrape(api)
    assert found["http_requests_total"] == {
        ("GET", "(none)", "404"): 20,
        (OTHER, "(none)", "405"): 20,
        ("GET", f"{CORE}/Files/{{idOrReference}}", "400"): 20,
    }
    assert found["http_request_duration_seconds_count"]["GET", "(none)"] == 20


async def test_what_happens_elsewhere_is_counted() -> None:
    async with with_bus() as (api, _):
        before = await scrape(api)
        await synchronized(api.services)
        await append(
            api, "test.a", "test.a", "consumption.relationshipEvent.REL1", "consumption.relationshipEvent.REL2"
        )
        found = await scrape(api)
        assert found["events_total"]["test.a",] == 2
        assert found["events_total"]["consumption.relationshipEvent.*",] == 2
        assert found["sync_run_duration_seconds_count"]["done",] == 1
        assert found["last_sync_timestamp_seconds"][()] == pytest.approx(utc_now().timestamp(), abs=60)
        assert found["backbone_requests_total"]["POST", "200", "SyncRuns"] == 1
        assert found["store_events_total"][()] == before["store_events_total"][()] + 4
        assert found["store_units_total"]["committed",] > before["store_units_total"]["committed",]
        assert found["event_log_head"][()] == api.services.store.events.head

        def fail(unit: Any) -> None:
            raise LookupError("no")

        with pytest.raises(LookupError):
            await api.services.store.transact(fail)
        assert (await scrape(api))["store_units_total"]["failed",] == 1


async def test_a_backbone_that_is_away_is_an_outcome(api: ServedApi) -> None:
    api.services.backbone.connection.base_url = "http://127.0.0.1:9"
    assert (await api.client.post(f"{CORE}/Account/Sync")).status_code == 500
    found = await scrape(api)
    assert found["backbone_requests_total"]["POST", "unreachable", "SyncRuns"] >= 1
    assert found["sync_run_duration_seconds_count"]["failed",] == 1


async def test_subscribers_are_counted_one_by_one() -> None:
    refusing, slow = Receiver("refusing", accepts=False), Receiver("slow", accepts=True)
    slow.waits_for = trio.Event()
    async with with_bus(refusing.spec(), slow.spec()) as (api, bus):
        await append(api, *["test.a"] * 5)
        while len(refusing.seen) < 5:
            await trio.sleep(0.01)  # polls
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(bus.watch, events=2))
            await trio.testing.wait_all_tasks_blocked()
            found = await scrape(api)
            state = (await api.client.get(f"{CORE}/Subscribers/slow")).json()["result"]
            nursery.cancel_scope.cancel("enough")
        key = ("webhook", "refusing")
        assert found["subscriber_refused_total"][key] == 5
        assert found["subscriber_given_up_total"][key] == 5
        assert found["subscriber_given_up_events"][key] == 5
        assert found["subscriber_delivered_total"][key] == 0
        assert found["subscriber_lag_events"][key] == 0
        key = ("webhook", "slow")
        assert found["subscriber_lag_events"][key] == 5
        assert found["subscriber_lag_seconds"][key] > 0
        assert found["subscriber_in_flight"][key] == 1
        assert found["subscriber_behind"][key] == 1
        assert state["behind"] is True
        await bus.subscribers["slow"].pause()
        assert (await scrape(api))["subscriber_paused"][key] == 1
        slow.waits_for.set()


async def append(api: ServedApi, *namespaces: str) -> None:
    def work(unit: Any) -> None:
        for namespace in namespaces:
            unit.append(NewEvent(namespace=namespace))

    await api.services.store.transact(work)


class Receiver:
    """Accepts or refuses, perhaps not at once."""

    max_batch = 1

    def __init__(self, name: str, *, accepts: bool) -> None:
        self.name = name
        self.accepts = accepts
        self.waits_for: trio.Event | None = None
        self.seen: list[str] = []

    async def send(self, events: Sequence[Event]) -> Sequence[Answer]:
        if self.waits_for is not None:
            await self.waits_for.wait()
        self.seen += [event.id for event in events]
        return [Answer(accepted=self.accepts, status=None if self.accepts else 500, reason="no")] * len(events)

    def spec(self) -> SubscriberSpec:
        @asynccontextmanager
        async def open_() -> AsyncIterator[Receiver]:
            yield self

        return SubscriberSpec(
            name=self.name,
            patterns=("test.**",),
            open_sender=open_,
            delivery=DeliverySettings(retry_schedule_seconds=()),
            kind="webhook",
        )


@given(st.lists(st.text(max_size=30), max_size=300))
def test_namespaces_have_a_bounded_number_of_labels(namespaces: list[str]) -> None:
    labels = NamespaceLabels(limit=5)
    assert len({labels.label(namespace) for namespace in namespaces}) <= 6


def test_ids_in_namespaces_are_folded() -> None:
    labels = NamespaceLabels()
    ids = ("RELabcdefghijklmnopq", "RELABCDEFGHJKLMNPQRS")
    assert {labels.label(f"consumption.relationshipEvent.{id_}") for id_ in ids} == {"consumption.relationshipEvent.*"}
    assert {labels.label(f"shop.{id_}.changed") for id_ in ids} == {"shop.*.changed"}
    assert labels.label("consumption.incomingRequestStatusChanged") == "consumption.incomingRequestStatusChanged"
    for number in range(2 * MAX_NAMESPACES):
        labels.label(f"shop.{number}")
    assert labels.label("shop.new") == OTHER
    assert labels.label("shop.1") == "shop.1"


def test_labels_of_methods_and_resources() -> None:
    assert (method_label("GET"), method_label("BREW")) == ("GET", OTHER)
    paths = ("/api/v2/Messages/MSG1", "/api/v1/SyncRuns", "/connect/token", "/health", "/")
    assert [resource_label(path) for path in paths] == ["Messages", "SyncRuns", "token", "health", OTHER]


async def test_the_documentation_names_every_metric_and_no_other() -> None:
    documented = set(re.findall(r"(?m)^\| `(trio_connector_\w+)` \| ", DOCUMENTATION.read_text("utf-8")))
    async with with_bus() as (api, _):
        await synchronized(api.services)
        text = (await api.client.get("/metrics")).text
    served_names = set(re.findall(r"(?m)^# TYPE (trio_connector_\w+) ", text))
    assert documented == served_names
