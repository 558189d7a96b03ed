"""The engine refuses with the ecosystem's exact texts, in its order (runtime spec 2.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.usecases.validation.patterns import ISO_8601_DATE_TIME, JsPattern, id_pattern, url_reference
from trio_connector.usecases.validation.schema import (
    AnyOf,
    Anything,
    Boolean,
    Choice,
    Constant,
    ListOf,
    Named,
    Number,
    Scalar,
    Schema,
    Shape,
    Text,
    Worded,
    any_of,
)

ID = Text(id_pattern("ATT"))


def refusal(schema: Schema, value: Any) -> str | None:
    found = schema.violation(value)
    return None if found is None else found.message


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        (Shape({}), None, "must be object"),
        (Shape({}), [], "must be object"),
        (Shape({"a": Text()}), {"a": None}, "a must be string"),
        (Shape({"a": Number()}), {"a": True}, "a must be number"),
        (Shape({"a": Number()}), {"a": "1"}, "a must be number"),
        (Shape({"a": Boolean()}), {"a": 1}, "a must be boolean"),
        (Shape({"a": ListOf(Text())}), {"a": {}}, "a must be array"),
        (Shape({"a": ListOf(Shape({"b": Text()}))}), {"a": [{"b": ""}, {"b": 5}]}, "a/1/b must be string"),
        (Shape({"a": Scalar()}), {"a": []}, "a must be string,number,boolean"),
        (Shape({"x": Text()}), {}, "must have required property 'x'"),
        (Shape({"a": Shape({"x": Text()})}), {"a": {}}, "a must have required property 'x'"),
        (Shape({"x?": Text()}), {"y": 1}, "must NOT have additional properties"),
        (Shape({"id": ID}), {"id": "ATT1"}, "id must match pattern ATT[A-Za-z0-9]{17}"),
        (Shape({"a": Choice(("x", "y"))}), {"a": "z"}, "a must be equal to one of the allowed values"),
        (Shape({"a": Constant("x")}), {"a": "z"}, "a must be equal to constant"),
        (Shape({"a": Boolean(only=True)}), {"a": False}, "a must be equal to constant"),
        (Shape({"a": Text(min_length=1)}), {"a": ""}, "a must NOT have fewer than 1 characters"),
        (Shape({"a": ListOf(Text(), min_items=1)}), {"a": []}, "a must NOT have fewer than 1 items"),
        (Shape({"a": Number(minimum=1)}), {"a": 0.5}, "a must be >= 1"),
        (Shape({"a": Worded(ID, "is no id")}), {"a": 5}, "a is no id"),
        (Worded(Shape({"a": ID}), "is no id"), {"b": 5}, "is no id"),
        (Shape({'a"b': Text()}), {}, "must have required property 'ab'"),
        (Shape({"a/b~c": Text()}), {"a/b~c": 1}, "a~1b~0c must be string"),
    ],
)
def test_a_refusal_has_the_exact_text(schema: Schema, value: Any, message: str) -> None:
    assert refusal(schema, value) == message


def test_missing_members_come_before_unknown_ones_and_those_before_wrong_ones() -> None:
    schema = Shape({"a": Text(), "b": Text()}, required=("b", "a"))
    assert refusal(schema, {"a": 1, "z": 1}) == "must have required property 'b'"
    assert refusal(schema, {"a": 1, "b": 1, "z": 1}) == "must NOT have additional properties"
    assert refusal(schema, {"b": 1, "a": 1}) == "a must be string"


def test_the_first_refusal_of_the_first_branch_is_reported() -> None:
    schema = any_of(Shape({"a": Text()}), Shape({"b": Text()}))
    assert refusal(schema, {"c": 1}) == "must have required property 'a'"
    assert refusal(schema, {"b": 1}) == "must have required property 'a'"
    assert refusal(schema, {"b": "x"}) is None


@pytest.mark.parametrize(
    ("values", "earlier", "later"),
    [
        (["x", "x", "x"], "1 and 2", "2 and 1"),
        (["a", "b", "a", "b"], "1 and 3", "3 and 1"),
        (["a", "b", "b", "a"], "0 and 3", "2 and 1"),
    ],
)
def test_duplicates_are_named_as_the_two_official_scans_name_them(values: list[str], earlier: str, later: str) -> None:
    text = "must NOT have duplicate items (items ## {} are identical)"
    assert refusal(ListOf(Text(), unique="earlier"), values) == text.format(earlier)
    assert refusal(ListOf(Text(), unique="later"), values) == text.format(later)
    assert refusal(ListOf(Text(), unique="later"), ["a", "b"]) is None


def test_elements_are_refused_before_duplicates() -> None:
    assert refusal(ListOf(Text(), unique="earlier"), ["a", "a", 1]) == "2 must be string"


def test_a_part_may_contain_itself_and_is_described_once() -> None:
    tree: Schema = Named("Tree", lambda: Shape({"children?": ListOf(tree)}))
    assert refusal(tree, {"children": [{"children": [5]}]}) == "children/0/children/0 must be object"
    definitions: dict[str, Any] = {}
    assert tree.json_schema(definitions) == {"$ref": "#/components/schemas/Tree"}
    assert definitions["Tree"]["properties"]["children"]["items"] == {"$ref": "#/components/schemas/Tree"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(json_values)
def test_no_value_makes_a_schema_raise(value: Any) -> None:
    schema = Shape(
        {
            "a?": AnyOf((ListOf(Shape({"b": Number(1)}), 1, "earlier"), Constant("x"), Scalar())),
            "c?": Worded(Text(ISO_8601_DATE_TIME), "w"),
        },
        open_=True,
        of_more=Anything(),
    )
    schema.violation(value)
    schema.violation({"a": value, "c": value})


@pytest.mark.parametrize(
    "text",
    [
        "2030",
        "2030-01-02",
        "20300102T030405Z",
        "2030-01-02T03:04:05.678Z",
        "2030-01-02T03:04:05,678+02:00",
        "2030-01-02T03",
        "2030-01-02 03:04",
        "2030-01-02\u00a003:04",
        "2030-W05-2",
        "2030-123",
        "2030-01-02T24:00",
        "2022-02-30",
        "+2030-01-02",
    ],
)
def test_a_date_may_have_every_iso_form(text: str) -> None:
    assert ISO_8601_DATE_TIME.found_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2030-1-1",
        "2030-13-01",
        "203001",
        "2030-01-02T25:00",
        "2030-01-02T03:0405",  # the second separator repeats the first
        "2030\n",  # the end is the end of the text, not of the line
        "٢٠٣٠",  # other digits are no digits
    ],
)
def test_other_texts_are_no_dates(text: str) -> None:
    assert not ISO_8601_DATE_TIME.found_in(text)


def test_a_back_reference_to_an_absent_group_matches_nothing_as_in_javascript() -> None:
    assert JsPattern(r"^(?:(a)|b)\1$").found_in("b")
    assert JsPattern(r"^(?:(a)|b)\1$").found_in("aa")
    assert not JsPattern(r"^(?:(a)|b)\1$").found_in("a")


def test_a_dot_stops_at_every_line_break_of_javascript() -> None:
    for line_break in "\n\r\u2028\u2029":
        assert not JsPattern("a.b").found_in(f"a{line_break}b")
    assert JsPattern("a[.]b").found_in("a.b")
    assert not JsPattern("a[.]b").found_in("a-b")


def test_ids_are_found_inside_longer_texts() -> None:
    assert id_pattern("FIL").found_in("xFIL" + "a" * 20)
    assert not id_pattern("FIL").found_in("FIL" + "a" * 16)


def test_a_reference_longer_than_anybody_sends_is_refused_unseen() -> None:
    pattern = url_reference("TOK")
    assert pattern.found_in("https://b.example/r/TOKabc?app=x#aA-_9")
    assert not pattern.found_in("https://" + "/r/TOKa?app=" * 100_000)
