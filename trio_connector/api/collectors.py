"""What is looked up when somebody reads the metrics: subscribers, store, streams, the process (design section 4).

Nothing here costs anything between two readings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import trio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from trio_connector.crypto.dates import parse_date
from trio_connector.usecases.sync import sync_info

if TYPE_CHECKING:
    from trio_connector.events.bus import EventBus
    from trio_connector.usecases.services import Services

PREFIX = "trio_connector"


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, value=value)


def _counter(name: str, help_: str, value: float) -> Metric:
    return CounterMetricFamily(f"{PREFIX}_{name}", help_, value=value)


class SubscriberCollector(Collector):
    """How everybody who listens is doing; one series per subscriber and metric."""

    _LABELS: Sequence[str] = ("subscriber", "kind")

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus

    def collect(self) -> Iterator[Metric]:
        """One reading."""
        counters = {
            name: CounterMetricFamily(f"{PREFIX}_subscriber_{name}", help_, labels=self._LABELS)
            for name, help_ in (
                ("delivered", "Deliveries that were accepted, since the start."),
                ("refused", "Attempts to deliver that failed, since the start."),
                ("given_up", "Events given up, since the start."),
            )
        }
        gauges = {
            name: GaugeMetricFamily(f"{PREFIX}_subscriber_{name}", help_, labels=self._LABELS)
            for name, help_ in (
                ("lag_events", "Events that are not done for the subscriber."),
                ("lag_seconds", "Age of the oldest event that is not done for the subscriber."),
                ("given_up_events", "Events on the give-up list."),
                ("replaying_events", "Events of replays that are not done."),
                ("in_flight", "Events being delivered at this moment."),
                ("paused", "1 when an operator paused the subscriber."),
                ("waiting", "1 when it waits to try a refused event again."),
                ("behind", "1 when it has fallen far behind."),
            )
        }
        for subscriber in self._bus.subscribers.values():
            state = subscriber.state()
            labels = (state.name, state.kind)
            counters["delivered"].add_metric(labels, subscriber.accepted)
            counters["refused"].add_metric(labels, subscriber.refused)
            counters["given_up"].add_metric(labels, subscriber.given_up)
            gauges["lag_events"].add_metric(labels, state.lag)
            gauges["lag_seconds"].add_metric(labels, self._bus.age_of_next(subscriber))
            gauges["given_up_events"].add_metric(labels, state.given_up)
            gauges["replaying_events"].add_metric(labels, state.replaying)
            gauges["in_flight"].add_metric(labels, state.in_flight)
            gauges["paused"].add_metric(labels, state.state == "paused")
            gauges["waiting"].add_metric(labels, state.state == "waiting")
            gauges["behind"].add_metric(labels, state.name in self._bus.behind)
        yield from counters.values()
        yield from gauges.values()


class StoreCollector(Collector):
    """The database and the event log in it."""

    def __init__(self, services: Services) -> None:
        self._store = services.store

    def collect(self) -> Iterator[Metric]:
        """One reading."""
        counters = self._store.counters
        units = CounterMetricFamily(
            f"{PREFIX}_store_units", "Units of work, by what became of them.", labels=("outcome",)
        )
        units.add_metric(("committed",), counters.units - counters.failed_units)
        units.add_metric(("failed",), counters.failed_units)
        yield units
        yield _counter("store_events", "Events that were committed.", counters.events)
        yield _gauge("store_size_bytes", "What the database takes on the disk.", self._store.size_bytes())
        yield _gauge("event_log_size_bytes", "What the event log takes of it.", self._store.events.size_bytes())
        yield _gauge("event_log_head", "The position of the newest event.", self._store.events.head)


class ConnectorCollector(Collector):
    """The last synchronisation, open streams and tasks."""

    def __init__(self, services: Services, open_streams: Callable[[], int]) -> None:
        self._services = services
        self._open_streams = open_streams

    def collect(self) -> Iterator[Metric]:
        """One reading."""
        last = sync_info(self._services).get("lastSyncRun")
        if isinstance(last, dict):
            at = parse_date(last["completedAt"]).timestamp()
            yield _gauge("last_sync_timestamp_seconds", "When the last complete synchronisation ended.", at)
        yield _gauge("event_streams", "Live streams that are open.", self._open_streams())
        yield _gauge("tasks", "Tasks of the process.", trio.lowlevel.current_statistics().tasks_living)
