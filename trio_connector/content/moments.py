"""Dates inside content: every ISO 8601 form in, one form out (content spec 1.9)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from trio_connector.content.javascript import shown
from trio_connector.content.refusals import refused
from trio_connector.crypto.dates import iso, parse_date
from trio_connector.errors import DeserializationError, UnexpectedCondition

_WEEK = re.compile(r"([0-9]{4})-?W([0-9]{2})(?:-?([1-7]))?(?=T|\Z)")
_ORDINAL = re.compile(r"([0-9]{4})-?([0-9]{3})(?=T|\Z)")
_MONTH = re.compile(r"([0-9]{4})(?:-?([0-9]{2}))?(?=T|\Z)")
_BASIC_DAY = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?=T|\Z)")
_HOUR_ONLY = re.compile(r"T([0-9]{2})(?=[Z+-]|\Z)")
_BASIC_TIME = re.compile(r"T([0-9]{2})([0-9]{2})(?:([0-9]{2})([.,][0-9]+)?)?(?=[Z+-]|\Z)")
_MIDNIGHT = re.compile(r"T24:00(?::00(?:[.,]0+)?)?(?=[Z+-]|\Z)")


def moment(text: str) -> datetime:
    """The moment that the ISO 8601 ``text`` names (UTC when it has no offset); raises `UnexpectedCondition`."""
    try:
        return _plain_moment(text)
    except (DeserializationError, ValueError, OverflowError) as error:
        raise UnexpectedCondition("The date is invalid.") from error


def is_moment(text: str) -> bool:
    """Whether ``text`` is a valid ISO 8601 date."""
    try:
        moment(text)
    except UnexpectedCondition:
        return False
    return True


def read_moment(value: Any) -> str:
    """A CoreDate as sent: an ISO string, milliseconds since 1970, or ``{"date": ...}``; returns it in UTC with ``Z``.

    The official classes accept an unreadable string and fail when they print it; here it is refused at once.
    """
    if isinstance(value, dict) and "date" in value:
        value = value["date"]
        if value is None:
            raise refused("CoreDate", "date", "Value is not defined")
    if value is None or value is False or value == "" or (value == 0 and not isinstance(value, bool)):
        raise UnexpectedCondition("The provided object is undefined and cannot be deserialized.")
    if isinstance(value, str):
        return iso(moment(value))
    if value is True:
        raise UnexpectedCondition("The provided object is invalid and cannot be deserialized.")
    if isinstance(value, (int, float)):
        try:
            return iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value)))
        except (ValueError, OverflowError) as error:
            raise UnexpectedCondition(f"The date {shown(value)} is invalid.") from error
    raise UnexpectedCondition("The provided object doesn't have an 'toISOString' string method.")


def _plain_moment(text: str) -> datetime:
    try:
        return parse_date(text)
    except DeserializationError:
        return _rare_moment(text)


def _rare_moment(text: str) -> datetime:
    """Week and ordinal dates, months, years, forms without separators, 24:00."""
    if found := _WEEK.match(text):
        day = date.fromisocalendar(int(found[1]), int(found[2]), int(found[3] or 1))
    elif found := _BASIC_DAY.match(text):
        day = date(int(found[1]), int(found[2]), int(found[3]))
    elif found := _ORDINAL.match(text):
        day = date(int(found[1]), 1, 1) + timedelta(days=int(found[2]) - 1)
        if found[2] == "000" or day.year != int(found[1]):
            raise ValueError(text)
    elif found := _MONTH.match(text):
        day = date(int(found[1]), int(found[2] or 1), 1)
    elif len(text) > 10 and text[10] == "T":
        found = None
        day = date.fromisoformat(text[:10])
    else:
        raise ValueError(text)
    time = text[10:] if found is None else text[found.end() :]
    if midnight := _MIDNIGHT.match(time):
        day += timedelta(days=1)
        time = "T00:00" + time[midnight.end() :]
    time = _HOUR_ONLY.sub(r"T\1:00", time, count=1)
    time = _BASIC_TIME.sub(lambda t: f"T{t[1]}:{t[2]}:{t[3] or '00'}{t[4] or ''}", time, count=1)
    return parse_date(f"{day.isoformat()}{time}")
