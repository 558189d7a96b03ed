"""Reading the dates that users write, in every form of ISO 8601 that the inputs allow (runtime spec 2.2)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from trio_connector.crypto.dates import iso
from trio_connector.errors import UnexpectedCondition

_DAY: Final = (
    r"(?P<year>\d{4})"
    r"(?:-?W(?P<week>\d\d)(?:-?(?P<weekday>[1-7]))?"
    r"|-(?P<only_month>\d\d)"
    r"|(?P<dash>-?)(?:(?P<month>\d\d)(?P=dash)(?P<day>\d\d)|(?P<ordinal>\d{3})))?"
)
_TIME: Final = (
    r"(?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,30}))?)?)?"
    r"(?P<zone>[Zz]|[+-]\d\d(?::?\d\d)?)?"
)
_DATE: Final = re.compile(f"{_DAY}(?:T{_TIME})?", re.ASCII)


def read_date(text: str) -> datetime:
    """The moment that ``text`` names, in UTC, cut to milliseconds; without a zone it is UTC.

    Raises UnexpectedCondition, as the official software does, for what looks like a date and is none (30 February, a
    blank instead of the ``T``) and for years that nobody means.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        raise _invalid()
    try:
        # 24:00 is the beginning of the next day.
        hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
        if hour == 24 and (minute or second):
            raise ValueError("there is no time after 24:00")
        milliseconds = int((found["fraction"] or "").ljust(3, "0")[:3])
        time = timedelta(milliseconds=milliseconds)
        day = _day(found) + timedelta(days=1) if hour == 24 else _day(found)
        moment = day.replace(hour=hour % 24, minute=minute, second=second, tzinfo=_zone(found["zone"])) + time
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _invalid() from error


def normalized_date(text: str) -> str:
    """``text`` as dates are written everywhere; raises like `read_date`."""
    return iso(read_date(text))


def _day(found: re.Match[str]) -> datetime:
    year = int(found["year"])
    if found["week"]:
        return datetime.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
    if found["ordinal"]:
        day = datetime(year, 1, 1) + timedelta(days=int(found["ordinal"]) - 1)  # noqa: DTZ001 - gets its zone later
        if day.year != year or found["ordinal"] == "000":
            raise ValueError("the year has no such day")
        return day
    month = found["month"] or found["only_month"] or "1"
    return datetime(year, int(month), int(found["day"] or 1))  # noqa: DTZ001 - gets its zone later


def _zone(text: str | None) -> timezone:
    if text is None or text in "Zz":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[3:].removeprefix(":") or 0)
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _invalid() -> UnexpectedCondition:
    return UnexpectedCondition("The date is invalid.")
