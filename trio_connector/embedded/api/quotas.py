"""Quotas: how much an identity may create (Backbone spec 15.5)."""

from __future__ import annotations

from typing import Any

from trio_connector.embedded.api.call import Call, Reply, Routes, result
from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.deletion import ACTIVE
from trio_connector.embedded.domain.moments import Moment, written
from trio_connector.embedded.domain.quotas import is_exhausted, period_around
from trio_connector.embedded.settings import METRICS, Quota
from trio_connector.embedded.store.identities import identity_status
from trio_connector.embedded.store.usage import usage

ROUTES = Routes()

_NOTHING = tuple(Quota(metric=metric, max=0, period="Total") for metric in METRICS)


def check_quotas(call: Call, *metrics: str) -> None:
    """Raises the 429 when the caller has used up one of ``metrics``. Identities to be deleted have none."""
    exhausted: dict[str, Moment] = {}
    for quota in _quotas_of(call):
        if quota.metric not in metrics:
            continue
        start, end = period_around(quota.period, call.now)
        if is_exhausted(quota, usage(call.tx, call.me, quota.metric, start, end)):
            exhausted[quota.metric] = max(end, exhausted.get(quota.metric, end))
    if exhausted:
        raise errors.quota_exhausted(
            [{"metricKey": metric, "isExhaustedUntil": written(until)} for metric, until in exhausted.items()]
        )


@ROUTES.add("GET", "/Quotas", reads=True)
def list_quotas(call: Call) -> Reply:
    """The caller's quotas and what is used of them."""
    by_metric: dict[str, list[dict[str, Any]]] = {}
    for quota in _quotas_of(call):
        start, end = period_around(quota.period, call.now)
        by_metric.setdefault(quota.metric, []).append(
            {
                "source": "Tier",
                "metricKey": quota.metric,
                "max": quota.max,
                "usage": usage(call.tx, call.me, quota.metric, start, end),
                "period": quota.period,
            }
        )
    return result([{"metricKey": metric, "quotas": quotas} for metric, quotas in by_metric.items()])


def _quotas_of(call: Call) -> tuple[Quota, ...]:
    return call.settings.quotas if identity_status(call.tx, call.me) == ACTIVE else _NOTHING
