"""The query language of the list endpoints: what texts mean, and which documents they find."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.domain import query_fields
from trio_connector.domain.query import (
    MAX_PATTERN_LENGTH,
    NOTHING,
    AnyOf,
    Compare,
    Either,
    Exists,
    NoneOf,
    NotEmpty,
    Query,
    Search,
    equals,
    matches,
)
from trio_connector.domain.query_fields import (
    ATTRIBUTE_FIELDS,
    FILE_FIELDS,
    INCOMING_REQUEST_FIELDS,
    MESSAGE_FIELDS,
    OUTGOING_REQUEST_FIELDS,
    RELATIONSHIP_FIELDS,
    TEMPLATE_FIELDS,
    TOKEN_FIELDS,
)
from trio_connector.domain.query_language import FieldValue, ListFields, convert, parse_query, text_of
from trio_connector.errors import ValidationFailed

ALL_FIELDS = [value for value in vars(query_fields).values() if isinstance(value, ListFields)]

ANY = ListFields(names=("a", "a.b", "createdAt"))


def conditions(**flat: FieldValue) -> tuple[Any, ...]:
    return parse_query(flat, ANY).conditions


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("", Exists("a")),
        ("!", Exists("a", present=False)),
        ("!=", Exists("a", present=False)),
        ("v", AnyOf("a", ("v",))),
        ("=v", AnyOf("a", ("=v",))),
        ("!v", NoneOf("a", ("v",))),
        ("!=v", NoneOf("a", ("v",))),
        (">5", Compare("a", ">", 5)),
        (">=5", Compare("a", ">=", 5)),
        ("<v", Compare("a", "<", "v")),
        ("<=v", Compare("a", "<=", "v")),
        (">", Compare("a", ">", "")),
        ("^v", Search("a", "^v")),
        ("^=v", Search("a", "^v")),
        ("$v", Search("a", "v$")),
        ("~v.*", Search("a", "v.*")),
        ("~=v", Search("a", "v")),
        ("~1.50", Search("a", "1.5")),
        ("~TRUE", Search("a", "true")),
        ("+v", AnyOf("a", ("+v",))),
        ("true", AnyOf("a", (True,))),
    ],
)
def test_a_single_text(text: str, condition: object) -> None:
    assert conditions(a=text) == (condition,)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["x", "y"], (AnyOf("a", ("x", "y")),)),
        (["!x", "!=y"], (NoneOf("a", ("x", "y")),)),
        ([">1", "<5"], (Compare("a", ">", 1), Compare("a", "<", 5))),
        (["x", ">3"], (AnyOf("a", ("x",)), Compare("a", ">", 3))),
        (["^a", "^b"], (Search("a", "^b"),)),
        ([">1", ">2"], (Compare("a", ">", 2),)),
        (["", "x"], (AnyOf("a", ("", "x")),)),
        (["!"], (NoneOf("a", ("",)),)),
        ([], ()),
    ],
)
def test_several_texts_are_one_condition(texts: list[str], expected: tuple[object, ...]) -> None:
    assert conditions(a=texts) == expected


def test_a_repeated_parameter_can_carry_brackets() -> None:
    fields = ListFields(names=("a",), strict=False)
    assert parse_query({"a[]": ["x"]}, fields).conditions == (AnyOf("a", ("x",)),)
    assert parse_query({"a[]": "x"}, fields).conditions == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("FALSE", False),
        ("007", 7),
        ("1e3", 1000),
        (" 5 ", 5),
        ("0x1F", 0),
        ("5.", 5),
        ("-1.50", -1.5),
        (".5", ".5"),
        ("Infinity", "Infinity"),
        ("1e999", "1e999"),
        ("5abc", "5abc"),
        ("1_0", "1_0"),
        ("٣", "٣"),
        ("2025-01-02T03:04:05.678Z", "2025-01-02T03:04:05.678Z"),
        ("", ""),
        (" true", " true"),
    ],
)
def test_conversion(text: str, value: object) -> None:
    assert convert(text) == value
    assert type(convert(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1e21", "1e+21"),
        ("1e16", "10000000000000000"),
        ("0.0000001", "1e-7"),
        ("0.000001", "0.000001"),
        ("1.50", "1.5"),
    ],
)
def test_numbers_in_regular_expressions_are_written_as_javascript_does(text: str, shown: str) -> None:
    assert text_of(convert(text)) == shown


def test_an_unknown_field_is_refused_where_the_list_has_a_schema() -> None:
    with pytest.raises(ValidationFailed, match="query must NOT have additional properties"):
        parse_query({"colour": "red"}, MESSAGE_FIELDS)


@pytest.mark.parametrize("fields", [ATTRIBUTE_FIELDS, INCOMING_REQUEST_FIELDS, OUTGOING_REQUEST_FIELDS])
def test_an_unknown_field_is_ignored_elsewhere(fields: ListFields) -> None:
    assert parse_query({"colour": "red", "__proto__": "x", "peer": "p"}, fields).conditions == (AnyOf("peer", ("p",)),)


def test_a_single_field_cannot_be_repeated() -> None:
    with pytest.raises(ValidationFailed, match="query/isOwn must be string"):
        parse_query({"isOwn": ["true", "false"]}, MESSAGE_FIELDS)


def test_password_protection_can_only_exist_or_not() -> None:
    with pytest.raises(ValidationFailed, match="query/passwordProtection must be equal to one of the allowed values"):
        parse_query({"passwordProtection": "x"}, TOKEN_FIELDS)
    assert parse_query({"passwordProtection": "!"}, TOKEN_FIELDS).conditions == (Exists("passwordProtection", False),)


@pytest.mark.parametrize("pattern", ["~(", "~" + "a" * (MAX_PATTERN_LENGTH + 1), "~(?=a)", "~(a)\\1"])
def test_what_cannot_be_searched_safely_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationFailed, match="query/a must match format regex"):
        conditions(a=pattern)


def test_a_pattern_that_would_backtrack_for_ever_is_answered() -> None:
    query = parse_query({"a": "~(a+)+$"}, ANY)
    assert not matches(query, {"a": "a" * 60_000 + "b"})


def test_too_many_values_are_refused() -> None:
    with pytest.raises(ValidationFailed, match="query/a must NOT have more than 1000 items"):
        conditions(a=["x"] * 1001)


def test_messages_are_found_by_participant_and_attachments() -> None:
    message = {"createdBy": "A", "recipients": [{"address": "B"}, {"address": "C"}], "attachments": ["FIL1", "FIL2"]}

    def found(**flat: FieldValue) -> bool:
        return matches(parse_query(flat, MESSAGE_FIELDS), message)

    assert found(participant="A")
    assert found(participant="C")
    assert not found(participant="D")
    assert found(participant=["D", "B"])
    assert found(participant=["!A"]), "a recipient is not A"
    assert not found(participant=["^X"])
    assert found(attachments="+")
    assert found(attachments="FIL2")
    assert found(attachments=["FIL9", "FIL1"])
    assert not found(attachments="FIL9")
    assert parse_query({"attachments": "+"}, MESSAGE_FIELDS).conditions == (NotEmpty("attachments"),)


def test_custom_fields_take_their_text_as_it_is_written() -> None:
    file = {"ownershipToken": "123", "tags": ["1", "x:b"]}
    assert matches(parse_query({"ownershipToken": "123"}, FILE_FIELDS), file)
    assert not matches(parse_query({"ownershipToken": ["123"]}, FILE_FIELDS), file)
    assert matches(parse_query({"tags": "1"}, FILE_FIELDS), file)
    assert matches(parse_query({"tags": ["x:a", "x:b"]}, FILE_FIELDS), file)
    assert not matches(parse_query({"tags": ["x:a"]}, FILE_FIELDS), file)


@pytest.mark.parametrize("fields", [TOKEN_FIELDS, TEMPLATE_FIELDS])
def test_password_protection_is_searched_in_its_stored_form(fields: ListFields) -> None:
    token = {"passwordProtection": {"passwordType": "pin4", "password": "0042", "passwordLocationIndicator": 4}}

    def found(**flat: FieldValue) -> bool:
        return matches(
            parse_query({f"passwordProtection.{name}": value for name, value in flat.items()}, fields), token
        )

    assert found(password="0042")
    assert not found(password=["0042"])
    assert found(passwordIsPin="true")
    assert not found(passwordIsPin="!")
    assert found(passwordLocationIndicator="Email")
    assert found(passwordLocationIndicator="4")
    assert not found(passwordLocationIndicator="Nowhere")
    assert not found(passwordLocationIndicator=["4"])


def test_the_peer_of_a_relationship_is_found_by_its_address() -> None:
    query = parse_query({"peer": "A", "status": ["Active", "Pending"]}, RELATIONSHIP_FIELDS)
    assert matches(query, {"peer": {"address": "A"}, "status": "Active"})
    assert not matches(query, {"peer": {"address": "A"}, "status": "Terminated"})


def test_a_route_overrides_what_the_client_asks() -> None:
    query = parse_query({"isOwn": "false", "title": "t"}, FILE_FIELDS).forced(equals("isOwn", True))
    assert query.conditions == (AnyOf("title", ("t",)), AnyOf("isOwn", (True,)))


def test_values_of_different_types_never_match() -> None:
    assert not matches(Query((equals("a", 1),)), {"a": True})
    assert not matches(Query((equals("a", "1"),)), {"a": 1})
    assert not matches(Query((Compare("a", ">", "1"),)), {"a": 2})
    assert not matches(Query((Compare("a", "<", 5),)), {"a": None})


def test_nothing_matches_nothing() -> None:
    assert not matches(Query((NOTHING,)), {})
    assert isinstance(NOTHING, Either)


@given(st.dictionaries(st.sampled_from([*MESSAGE_FIELDS.names, "x"]), st.text() | st.lists(st.text(), max_size=4)))
def test_any_input_is_answered_or_refused_as_invalid(flat: dict[str, FieldValue]) -> None:
    try:
        query = parse_query(flat, MESSAGE_FIELDS)
    except ValidationFailed:
        return
    assert matches(query, {"content": {"body": "x"}}) in (True, False)


@pytest.mark.parametrize("fields", ALL_FIELDS)
def test_every_field_has_a_name_that_the_language_can_express(fields: ListFields) -> None:
    segment = r"[a-zA-Z_@][a-zA-Z@0-9_-]*"
    for name in [*fields.names, *fields.paths.values()]:
        assert re.fullmatch(rf"{segment}(\.{segment})*", name)
    assert set(fields.custom) | set(fields.paths) | fields.single | set(fields.allowed) <= set(fields.names)
