"""The periods of quotas: calendar hours, days, weeks, months, years in UTC (Backbone spec 15.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trio_connector.embedded.domain.moments import Moment, date_of, moment
from trio_connector.embedded.settings import Period, Quota

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)


def period_around(period: Period, now: Moment) -> tuple[Moment, Moment]:
    """Beginning and end of the period that contains ``now``."""
    at = date_of(now)
    hour = at.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    match period:
        case "Hour":
            start, end = hour, hour + timedelta(hours=1)
        case "Day":
            start, end = day, day + timedelta(days=1)
        case "Week":
            start = day - timedelta(days=day.weekday())
            end = start + timedelta(days=7)
        case "Month":
            start = day.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1)
        case "Year":
            start = day.replace(month=1, day=1)
            end = start.replace(year=start.year + 1)
        case "Total":
            start, end = _BEGINNING, _END
    return moment(start), moment(end)


def is_exhausted(quota: Quota, used: int) -> bool:
    """Whether nothing is left."""
    return used >= quota.max
