"""Reading Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.events.senders.http_post import retry_after_seconds

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0),
        (" 120 ", 120),
        ("Mon, 04 May 2026 03:03:01 GMT", 60),
        ("Mon, 04 May 2026 03:02:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("9" * 400, None),
        ("٣", None),
        ("", None),
        ("120, 120", None),
    ],
)
def test_seconds_and_dates_are_understood_and_nothing_else(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header, NOW) == seconds


@given(st.integers(0, 200_000_000_000))
def test_a_date_is_never_negative(timestamp: int) -> None:
    date = datetime.fromtimestamp(timestamp, UTC)
    seconds = retry_after_seconds(format_datetime(date, usegmt=True), NOW)
    assert seconds == max(0.0, (date - NOW).total_seconds())


@given(st.text(max_size=40))
def test_any_text_is_survived(header: str) -> None:
    seconds = retry_after_seconds(header, NOW)
    assert seconds is None or seconds >= 0
