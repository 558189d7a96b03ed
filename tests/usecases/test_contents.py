"""The border for content: what passes can be stored, shown and read again."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.errors import ConnectorError, DeserializationError
from trio_connector.usecases.contents import MAX_NESTING, kept, sent

TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_whatever_peers_write_is_kept_or_refused(value: Any) -> None:
    content = {"@type": "ArbitraryMessageContent", "value": value}
    try:
        stored = kept(content)
    except ConnectorError:
        return
    assert msgspec.json.decode(msgspec.json.encode(stored)) is not None
    assert sent(stored)["@type"] == "ArbitraryMessageContent"


@given(JSON)
def test_content_without_type_is_kept_or_refused(value: Any) -> None:
    try:
        stored = kept(value)
    except ConnectorError:
        return
    assert isinstance(stored, dict)
    msgspec.json.encode(stored)


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


def test_content_may_be_nested_but_not_beyond_measure() -> None:
    assert kept(nested(MAX_NESTING)) == nested(MAX_NESTING)
    for levels in (MAX_NESTING + 1, 5000):
        with pytest.raises(DeserializationError) as refused:
            kept(nested(levels))
        assert refused.value.message == "The content is nested too deeply."


def test_what_has_members_that_repeat_is_not_refused_for_its_size() -> None:
    assert kept({"wide": [{"a": []}] * 100_000})


def test_half_characters_are_replaced_wherever_they_stand() -> None:
    assert kept({"\ud800": ["\udfff", {"x": "a\ud83d\ude00b"}]}) == {"\ufffd": ["\ufffd", {"x": "a😀b"}]}


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(DeserializationError):
        kept({"a": object()})


def test_endless_numbers_do_not_stop_anything() -> None:
    msgspec.json.encode(kept({"a": math.inf, "b": math.nan}))


@pytest.mark.parametrize("content", [{"@type": "CoreId", "id": "x"}, {"@type": "CoreAddress", "address": "x"}])
def test_parts_of_contents_are_no_contents(content: dict[str, Any]) -> None:
    with pytest.raises(DeserializationError):
        kept(content)
