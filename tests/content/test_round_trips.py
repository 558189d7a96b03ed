"""What is read and printed is read as the same again."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.content.catalogue import WITH_MEMBERS
from tests.content.strategies import JSON, content
from trio_connector.content import Content, StructureRefused, parse, parse_as, to_json, to_text, to_wire
from trio_connector.crypto.json_text import json_text, parse_json
from trio_connector.errors import DeserializationError, UnexpectedCondition, UnknownType

NAMES = [
    "value",
    "title",
    "items",
    "to",
    "id",
    "expiresAt",
    "owner",
    "attribute",
    "query",
    "metadata",
    "result",
    "tags",
]
REFUSALS = (DeserializationError, StructureRefused, UnexpectedCondition, UnknownType)


@pytest.mark.parametrize("type_name", WITH_MEMBERS)
def test_printing_and_reading_again_changes_nothing(type_name: str) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(content(type_name))
    def check(value: dict[str, Any]) -> None:
        before = copy.deepcopy(value)
        found = parse(value)
        printed = to_json(found)
        assert value == before
        assert parse(printed) == found
        assert parse_as(type(found), {**printed, "@type": None}) == found
        assert to_json(parse(printed)) == printed
        assert list(printed) == sorted(printed)
        assert parse(parse_json(to_text(found))) == found
        assert parse(to_wire(found)) == found
        assert to_text(found) == json_text(printed)

    check()


@given(JSON)
def test_json_without_type_comes_back_as_it_was(value: Any) -> None:
    wrapped = {"value": value}
    assert to_json(parse(wrapped)) == wrapped


@settings(deadline=None)
@given(st.sampled_from(WITH_MEMBERS), st.data())
def test_anything_is_read_or_refused_but_never_fails(type_name: str, data: st.DataObject) -> None:
    value = {
        "@type": type_name,
        **data.draw(st.dictionaries(st.sampled_from(NAMES), JSON | st.just([{"@type": "Mail"}]))),
    }
    try:
        found = parse(value)
    except REFUSALS:
        return
    assert isinstance(found, Content)
    assert parse(to_json(found)) == found
