"""Values, lengths and dates are seen as JavaScript sees them."""

from __future__ import annotations

from typing import Any

import pytest

from trio_connector.content.javascript import index_map, length, longer_than, shown, trimmed
from trio_connector.content.moments import is_moment, moment, read_moment
from trio_connector.crypto.dates import iso
from trio_connector.errors import DeserializationError, UnexpectedCondition


def test_lengths_are_code_units() -> None:
    assert [length(text) for text in ("", "abc", "äöü", "😀", "a😀b")] == [0, 3, 3, 2, 4]
    assert not longer_than("x" * 100, 100)
    assert longer_than("x" * 101, 100)
    assert longer_than("😀" * 51, 100)
    assert not longer_than("😀" * 50, 100)
    assert not longer_than("ä" * 60, 100)


def test_trimming_removes_what_javascript_calls_white_space() -> None:
    assert trimmed("\ufeff\u00a0\t a b \u2028\u3000\n") == "a b"
    assert trimmed("\x1ca\x85") == "\x1ca\x85"
    assert trimmed(" \n") == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (5.0, "5"),
        (1e-7, "1e-7"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        ([1, None, ["a", {}]], "1,,a,[object Object]"),
        ({}, "[object Object]"),
        ("text", "text"),
    ],
)
def test_values_are_shown_as_strings(value: Any, text: str) -> None:
    assert shown(value) == text


def test_what_is_no_object_spreads_into_one() -> None:
    assert index_map("a😀") == {"0": "a", "1": "\ud83d", "2": "\ude00"}
    assert index_map([1]) == {"0": 1}
    assert index_map(5) == {}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2020", "2020-01-01T00:00:00.000Z"),
        ("2020-03", "2020-03-01T00:00:00.000Z"),
        ("20200102", "2020-01-02T00:00:00.000Z"),
        ("20200102T101112Z", "2020-01-02T10:11:12.000Z"),
        ("2020-01-02T10", "2020-01-02T10:00:00.000Z"),
        ("2020-01-02T10:11", "2020-01-02T10:11:00.000Z"),
        ("2020-01-02T10:11:12.123456+02:00", "2020-01-02T08:11:12.123Z"),
        ("2020-01-02T10:11+0200", "2020-01-02T08:11:00.000Z"),
        ("2020-01-02T24:00", "2020-01-03T00:00:00.000Z"),
        ("2020-W05", "2020-01-27T00:00:00.000Z"),
        ("2020-W05-2", "2020-01-28T00:00:00.000Z"),
        ("2020W052T10:00", "2020-01-28T10:00:00.000Z"),
        ("2020-366", "2020-12-31T00:00:00.000Z"),
        ("2020123", "2020-05-02T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ],
)
def test_every_iso_form_is_read(text: str, read: str) -> None:
    assert iso(moment(text)) == read
    assert read_moment(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "2020-13-01",
        "2020-02-30",
        "2020-01-01 00:00:00",
        "2021-366",
        "2020-W54-1",
        "2020-000",
        "2020-01-02T25",
        "٢٠٢٠",
    ],
)
def test_other_texts_are_no_date(text: str) -> None:
    assert not is_moment(text)
    with pytest.raises(UnexpectedCondition) as caught:
        read_moment(text)
    assert caught.value.reason == "The date is invalid."


@pytest.mark.parametrize("value", [[], {}, 1e300, False, None, 0, {"date": True}])
def test_other_values_are_no_date(value: Any) -> None:
    with pytest.raises(UnexpectedCondition):
        read_moment(value)


def test_a_date_object_needs_a_date() -> None:
    with pytest.raises(DeserializationError):
        read_moment({"date": None})
