"""Dates as the ecosystem writes and reads them (crypto spec section 1.2).

Written: UTC, always milliseconds, ``Z``. Read: with offset, without offset (UTC), date only, any number of fraction
digits (cut to milliseconds).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias

from trio_connector.errors import DeserializationError

Clock: TypeAlias = Callable[[], datetime]
"""Returns the current time, aware and in UTC."""

_DATE = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?:T(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,30}))?)?"
    r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_NORMAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


def iso(moment: datetime) -> str:
    """``moment`` (aware) as ``2025-01-02T03:04:05.678Z``; microseconds are cut, not rounded."""
    if moment.tzinfo is None:
        raise ValueError("a date without time zone has no meaning here")
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_date(text: str) -> datetime:
    """The moment ``text`` names, in UTC, cut to milliseconds.

    Raises `DeserializationError` when it is no date, or one outside the years 1 to 9999.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise _not_a_date(text)
    fraction = (found["fraction"] or "0").ljust(3, "0")[:3]
    try:
        moment = datetime(
            int(found["year"]),
            int(found["month"]),
            int(found["day"]),
            int(found["hour"] or 0),
            int(found["minute"] or 0),
            int(found["second"] or 0),
            int(fraction) * 1000,
            tzinfo=_zone(found["offset"]),
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _not_a_date(text) from error


def normalized(text: str) -> str:
    """``text`` as `iso` writes it; raises like `parse_date`."""
    if _NORMAL.fullmatch(text):  # nearly all are; the checks of the calendar are the same
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise _not_a_date(text) from error
        return text
    return iso(parse_date(text))


def _zone(offset: str | None) -> timezone:
    if offset is None or offset == "Z":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _not_a_date(text: str) -> DeserializationError:
    return DeserializationError(f"CoreDate.date:String :: '{text[:40]}' is not a valid date")
