"""``GET /metrics`` for Prometheus: what happened since the start, counted as it happens.

Each app has a registry of its own. Who does the work knows nothing of this: the pipeline, the synchronizer, the
Backbone's connection, the store and the event log call hooks that others may use as well. What can be looked up is
looked up when somebody reads (`collectors`). Labels have a bounded number of values (`metric_names`).

A reading of thousands of series takes some ten milliseconds, so all but the looking up happens in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

import trio
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.collectors import PREFIX, ConnectorCollector, StoreCollector, SubscriberCollector
from trio_connector.api.metric_names import NO_ROUTE, NamespaceLabels, method_label, resource_label
from trio_connector.api.routing import Accept, Kind, Route, RouteTable
from trio_connector.backbone.outcomes import Asked
from trio_connector.events.patterns import EVERYTHING
from trio_connector.store import CommitReport

if TYPE_CHECKING:
    from trio_connector.api.parts import ApiParts

METRICS_ROLE: Final = "monitoring:metrics"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_REQUEST_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
_BACKBONE_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SYNC_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_COMMIT_SECONDS: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_EVENTS_AT_ONCE: Final = 500


class Metrics:
    """Counts for one app; `watch` makes the parts of the daemon tell."""

    def __init__(self, parts: ApiParts) -> None:
        self._parts = parts
        self.registry = CollectorRegistry()
        self.open_streams = 0
        self._looked_up: list[Collector] = []
        self._reading = trio.CapacityLimiter(1)
        self._templates: dict[int, str] = {}
        self._seen_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._namespaces = NamespaceLabels()
        self._log = parts.services.store.events
        self._counted = self._log.head
        self._requests = self._counter("http_requests", "Answered requests.", "method", "route", "status")
        self._request_seconds = self._histogram(
            "http_request_duration_seconds",
            "From head to answer.",
            _REQUEST_SECONDS,
            "method",
            "route",
        )
        self._sync_seconds = self._histogram(
            "sync_run_duration_seconds", "Synchronisations, by what became of them.", _SYNC_SECONDS, "outcome"
        )
        self._events = self._counter("events", "Events that were committed.", "namespace")
        self._backbone_calls = self._counter(
            "backbone_requests",
            "Requests to the Backbone; the outcome is a status or a word.",
            "method",
            "resource",
            "outcome",
        )
        self._backbone_seconds = self._histogram(
            "backbone_request_duration_seconds",
            "Requests to the Backbone, to the end of the answer.",
            _BACKBONE_SECONDS,
            "method",
            "resource",
        )
        self._commit_seconds = self._histogram("store_commit_duration_seconds", "Commits.", _COMMIT_SECONDS)
        self._streams_ended = self._counter("event_streams_ended", "Live streams that ended, by close code.", "code")
        build = parts.build
        Info(f"{PREFIX}_build", "Which software this is.", registry=self.registry).info(
            {
                "version": build.version,
                "build": build.build,
                "date": build.date,
                "commit": build.commit,
                "runtime_version": parts.runtime_version,
            }
        )

    def watch(self, table: RouteTable) -> None:
        """Make everybody tell: call it once, when all routes are in ``table``."""
        services = self._parts.services
        self._templates = {id(route): path for path, route in table.routes}
        services.store.on_commit(self._count_commit)
        services.store.on_events(self._count_events)
        services.synchronizer.on_run_ended.append(self._count_sync)
        services.backbone.connection.observers.append(self._count_backbone_call)
        self._looked_up += [StoreCollector(services), ConnectorCollector(services, lambda: self.open_streams)]
        if self._parts.bus is not None:
            self._looked_up.append(SubscriberCollector(self._parts.bus))
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    async def exposition(self) -> bytes:
        """Everything, in Prometheus' text format."""
        looked_up = [metric for collector in self._looked_up for metric in collector.collect()]
        everything = _Everything(looked_up, self.registry)
        return await trio.to_thread.run_sync(generate_latest, everything, limiter=self._reading)

    # --- told by others ---

    def observe_response(self, method: str, route: Route | None, status: int, seconds: float) -> None:
        """Count one response."""
        template = NO_ROUTE if route is None else self._templates.get(id(route), NO_ROUTE)
        label = method_label(method)
        seen = self._seen_requests.get((label, template, status))
        if seen is None:  # looking children up by their labels costs more than counting
            seen = (self._requests.labels(label, template, status), self._request_seconds.labels(label, template))
            self._seen_requests[label, template, status] = seen
        count, duration = seen
        count.inc()
        duration.observe(seconds)

    def stream_ended(self, code: int | None) -> None:
        """A live stream ended with this close code; None when its listener went."""
        self._streams_ended.labels("gone" if code is None else code).inc()

    def _count_commit(self, report: CommitReport) -> None:
        self._commit_seconds.observe(report.seconds)

    def _count_events(self) -> None:
        while self._counted < self._log.head:
            page = self._log.page(self._counted, EVERYTHING, _EVENTS_AT_ONCE)
            self._counted = page.until
            for event in page.events:
                self._events.labels(self._namespaces.label(event.namespace)).inc()

    def _count_sync(self, outcome: str, seconds: float) -> None:
        self._sync_seconds.labels(outcome).observe(seconds)

    def _count_backbone_call(self, asked: Asked, outcome: str, seconds: float) -> None:
        method, resource = asked.method.partition("-")[0].upper(), resource_label(asked.path)
        self._backbone_calls.labels(method, resource, outcome).inc()
        self._backbone_seconds.labels(method, resource).observe(seconds)

    # --- making them ---

    def _counter(self, name: str, help_: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", help_, labels, registry=self.registry)

    def _histogram(self, name: str, help_: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", help_, labels, buckets=buckets, registry=self.registry)


class _Everything(Collector):
    """What was looked up and what was counted; without the time of its creation, which the client adds to all of it."""

    def __init__(self, looked_up: Sequence[Metric], registry: CollectorRegistry) -> None:
        self._looked_up = looked_up
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        yield from self._looked_up
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


def metrics_route(metrics: Metrics, *, public: bool) -> Route:
    """``GET /metrics``; ``public`` serves it without authentication."""

    async def answer(call: Call) -> Answer:
        return Answer(200, await metrics.exposition(), CONTENT_TYPE)

    return Route(
        "GET",
        "/metrics",
        answer,
        "What happened since the start, for Prometheus.",
        Kind.TEXT,
        accept=Accept.ANY,
        roles=(METRICS_ROLE,),
        public=public,
        names_methods=False,
    )
