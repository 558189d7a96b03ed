"""Moments as whole microseconds since 1970: exact to compare, small to store, printed with milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from trio_connector.crypto.dates import iso, parse_date

Moment: TypeAlias = int

MILLISECOND = 1_000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def moment(date: datetime) -> Moment:
    """The moment of an aware ``date``."""
    return (date - _EPOCH) // _MICROSECOND


def date_of(at: Moment) -> datetime:
    """The date of a moment, in UTC; what lies beyond the year 9999 is its last instant."""
    return _EPOCH + timedelta(microseconds=min(at, _LATEST))


def written(at: Moment) -> str:
    """``2026-01-31T12:10:00.000Z``; microseconds are cut."""
    return iso(date_of(at))


def written_or_none(at: Moment | None) -> str | None:
    """Like `written`."""
    return None if at is None else written(at)


def parsed(text: str) -> Moment:
    """The moment ``text`` names; raises DeserializationError."""
    return moment(parse_date(text))
