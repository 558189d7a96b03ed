"""The pure parts: fields, rules, routes, periods, moments."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.crypto.dates import iso
from trio_connector.crypto.encoding import to_base64, to_base64url
from trio_connector.embedded.api.call import Reply, Route
from trio_connector.embedded.api.fields import Fields, Query, decoded, json_fields
from trio_connector.embedded.api.multipart import parts_of
from trio_connector.embedded.api.router import Router
from trio_connector.embedded.domain import rules
from trio_connector.embedded.domain.errors import PlatformError
from trio_connector.embedded.domain.moments import date_of, moment, parsed, written
from trio_connector.embedded.domain.quotas import period_around
from trio_connector.embedded.settings import Period, Quota

dates = st.integers(0, moment(datetime(9999, 12, 31, tzinfo=UTC))).map(date_of)


@given(data=st.binary(max_size=300))
def test_bytes_are_read_from_base64_of_every_kind(data: bytes) -> None:
    padded_url = base64.urlsafe_b64encode(data).decode()
    for text in (to_base64url(data), to_base64(data), padded_url, to_base64(data).rstrip("=")):
        assert decoded("x", text) == data


@given(text=st.text(max_size=50))
def test_what_is_no_base64_is_refused_and_nothing_else_happens(text: str) -> None:
    with suppress(PlatformError):
        decoded("x", text)


@given(body=st.binary(max_size=200))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with suppress(PlatformError):
        json_fields(body).optional_text("x")


@given(query=st.binary(max_size=200))
def test_no_query_breaks_the_reader(query: bytes) -> None:
    with suppress(PlatformError):
        read = Query(query)
        read.texts("ids")
        read.indexed("templates")
        read.integer("pageNumber")
        read.data("password")


@given(body=st.binary(max_size=300), content_type=st.binary(max_size=60))
def test_no_form_breaks_the_reader(body: bytes, content_type: bytes) -> None:
    for kind in (content_type, b"multipart/form-data; boundary=x"):
        with suppress(PlatformError):
            parts_of(kind, b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + body)


def test_lists_come_in_three_spellings() -> None:
    assert Query(b"ids=A&IDS=B&ids[]=C&ids[0]=D").texts("ids") == ["A", "B", "C", "D"]
    for spelling in (b"t.0.id=A&t.0.password=P&t.1.id=B", b"t[1].id=B&t[0].id=A&t[0].password=P"):
        first, second = Query(spelling).indexed("t")
        assert (first.text("id"), first.text("password"), second.text("ID")) == ("A", "P", "B")
        assert not second.has("password")


def test_a_whole_number_may_be_written_as_fraction() -> None:
    fields = Fields({"a": 3.0, "b": 3.5})
    assert fields.integer("a") == 3
    with pytest.raises(PlatformError, match="'b': The value is not an integer"):
        fields.integer("b")


def route(method: str, path: str) -> Route:
    return Route(method, path, True, True, handler=lambda _call: Reply(200))


def test_a_fixed_segment_wins_over_an_argument() -> None:
    router = Router([route("GET", "/a/{}"), route("GET", "/a/self"), route("PUT", "/a/{}/b"), route("GET", "/a")])
    found = router.find("/a/SELF/b")
    assert found is not None
    assert (list(found[0]), found[1]) == (["PUT"], ["SELF"])
    assert router.find("/a/x/") is not None
    assert router.find("/a//b") is None
    assert router.find("/a/{}/c") is None
    found = router.find("/a/x%2Fy")
    assert found is not None
    assert found[1] == ["x/y"]


def test_a_route_exists_once() -> None:
    with pytest.raises(ValueError, match="routed twice"):
        Router([route("GET", "/a/{}"), route("GET", "/A/{}")])


@given(date=dates)
def test_moments_are_dates(date: datetime) -> None:
    assert date_of(moment(date)) == date
    assert written(moment(date)) == iso(date)
    assert moment(date) - parsed(written(moment(date))) in range(1000)


periods = st.sampled_from(["Hour", "Day", "Week", "Month", "Year", "Total"])


@given(date=dates.filter(lambda date: date.year < 9999), period=periods)
def test_a_period_contains_its_moment_and_the_next_one_follows(date: datetime, period: Period) -> None:
    start, end = period_around(period, moment(date))
    assert start <= moment(date) < end
    if period != "Total":
        assert period_around(period, end)[0] == end
        assert period_around(period, end - 1) == (start, end)


def test_a_quota_has_a_known_metric_and_no_negative_limit() -> None:
    with pytest.raises(ValueError, match="is no metric"):
        Quota(metric="NumberOfWishes", max=3, period="Total")
    with pytest.raises(ValueError, match="lower than zero"):
        Quota(metric="NumberOfTokens", max=-1, period="Total")


@pytest.mark.parametrize(
    ("text", "is_valid"),
    [
        ("TOKabc", True),
        ("TOK" + "a" * 17, True),
        ("TOK" + "a" * 18, False),
        ("TOK", False),
        ("tokabc", False),
        ("TOKab-", False),
        ("TOKäöü", False),
    ],
)
def test_ids(text: str, is_valid: bool) -> None:
    assert rules.is_id("TOK", text) is is_valid
