"""Dates of users, in every form that the inputs allow (runtime spec 2.2)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.crypto.dates import iso
from trio_connector.errors import UnexpectedCondition
from trio_connector.usecases.validation.dates import normalized_date, read_date


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2030", "2030-01-01T00:00:00.000Z"),
        ("2030-05", "2030-05-01T00:00:00.000Z"),
        ("20300506", "2030-05-06T00:00:00.000Z"),
        ("2030-W05-2", "2030-01-29T00:00:00.000Z"),
        ("2030W05", "2030-01-28T00:00:00.000Z"),
        ("2030-123", "2030-05-03T00:00:00.000Z"),
        ("2030-05-06T07", "2030-05-06T07:00:00.000Z"),
        ("2030-05-06T24:00", "2030-05-07T00:00:00.000Z"),
        ("20300506T070809.12345Z", "2030-05-06T07:08:09.123Z"),
        ("2030-05-06T07:08+02", "2030-05-06T05:08:00.000Z"),
        ("2030-05-06T07:08:09,5z", "2030-05-06T07:08:09.500Z"),
        ("2030-05-06T07:08-02:30", "2030-05-06T09:38:00.000Z"),
    ],
)
def test_every_form_is_read(text: str, read: str) -> None:
    assert normalized_date(text) == read


@pytest.mark.parametrize(
    "text",
    ["2022-02-30", "2030-01-01 03:04", "2030-366", "2030-000", "+2030-01-01", "2030-W53", "2030-01-01T03.5", "0000"],
)
def test_what_only_looks_like_a_date_is_refused(text: str) -> None:
    with pytest.raises(UnexpectedCondition) as caught:
        read_date(text)
    assert caught.value.message == "An error was thrown in a UseCase: The date is invalid."


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))  # noqa: DTZ001 - the zone follows
def test_what_we_write_is_read_back(moment: datetime) -> None:
    text = iso(moment.replace(tzinfo=UTC))
    assert normalized_date(text) == text


@given(st.text(alphabet="0123456789-:TWZ+., ", max_size=30))
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    try:
        read_date(text)
    except UnexpectedCondition:
        return
