"""IQL: what is valid, what is refused where with which words, and what a query selects."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.content.iql import IqlError, matches, parse_iql, select
from trio_connector.content.iql_syntax import And, Metadata, Not, Or, Predicate, Primary, Tag
from trio_connector.content.javascript import length

ANY_TERM = 'Expected "!", "(", metadata field term, primary field term, or tag term but'


@pytest.mark.parametrize(
    ("query", "message", "column"),
    [
        ("", f"{ANY_TERM} end of input found.", 1),
        ("GivenName Surname", 'Expected "&&", "||", or whitespace but "S" found.', 11),
        ("GivenName||Surname", 'Expected end of input or whitespace but "|" found.', 10),
        ("(GivenName)", 'Expected whitespace but "G" found.', 2),
        (
            "GivenName && ",
            'Expected "!", "(", metadata field term, primary field term, tag term, or whitespace '
            "but end of input found.",
            14,
        ),
        ("GivenName='a", 'Expected end of input or whitespace but "\'" found.', 11),
        ("foo", f'{ANY_TERM} "f" found.', 1),
        (" A", f'{ANY_TERM} " " found.', 1),
        ("A ", 'Expected "&&", "||", or whitespace but end of input found.', 3),
        ("( A ", 'Expected "&&", ")", "||", or whitespace but end of input found.', 5),
        ("! A", f'{ANY_TERM} " " found.', 2),
        ("a=1", f'{ANY_TERM} "a" found.', 1),
        ("\u200bA", f'{ANY_TERM} "\\u{{200B}}" found.', 1),
        ("\x01A", f'{ANY_TERM} "\\x01" found.', 1),
        ("\x85A", f'{ANY_TERM} "\\x85" found.', 1),
        ('"A', f'{ANY_TERM} "\\"" found.', 1),
        ("\\A", f'{ANY_TERM} "\\\\" found.', 1),
        ("A\u00e9", 'Expected end of input or whitespace but "é" found.', 2),
    ],
)
def test_a_query_is_refused_with_the_official_words_at_the_official_place(
    query: str, message: str, column: int
) -> None:
    with pytest.raises(IqlError) as caught:
        parse_iql(query)
    error = caught.value
    assert error.message == message
    assert (error.start.offset, error.start.line, error.start.column) == (column - 1, 1, column)
    width = 0 if "end of input found" in message else 1
    assert (error.end.offset, error.end.column) == (error.start.offset + width, column + width)


def test_places_count_lines_and_code_units() -> None:
    with pytest.raises(IqlError) as caught:
        parse_iql("#😀 &&\n😀")
    start, end = caught.value.start, caught.value.end
    assert (start.offset, start.line, start.column) == (7, 2, 1)
    assert (end.offset, end.line, end.column) == (8, 2, 2)
    with pytest.raises(IqlError) as at_line_end:
        parse_iql("!\nA")
    assert (at_line_end.value.end.offset, at_line_end.value.end.line, at_line_end.value.end.column) == (2, 2, 1)


def test_and_binds_tighter_than_or() -> None:
    a, b, c = Primary("A"), Primary("B"), Primary("C")
    assert parse_iql("A || B && C") == Or((a, And((b, c))))
    assert parse_iql("( A || B ) && !C") == And((Or((a, b)), Not(c)))
    assert parse_iql("A\t||\nB  &&  C || A") == Or((a, And((b, c)), a))
    assert parse_iql("!!!A") == Not(a)
    assert parse_iql("!!A") == a


def test_terms_have_paths_and_predicates() -> None:
    assert parse_iql("BirthDate.year>2000") == Primary("BirthDate", ("year",), Predicate(">", "2000"))
    assert parse_iql("StreetAddress.city?") == Primary("StreetAddress", ("city",), Predicate("?"))
    assert parse_iql("value.ab.cd<x") == Metadata(("value", "ab", "cd"), Predicate("<", "x"))
    assert parse_iql("#") == Tag("")
    assert parse_iql(r"GivenName='it\'s \\ || x'") == Primary("GivenName", (), Predicate("=", r"it's \ || x"))
    assert parse_iql(r"GivenName=it\'s\\") == Primary("GivenName", (), Predicate("=", "it's\\"))
    assert parse_iql("GivenName=a\tb") == Primary("GivenName", (), Predicate("=", "a\tb"))
    assert parse_iql("owner=") == Metadata(("owner",), Predicate("="))


HUGO: dict[str, Any] = {
    "@type": "IdentityAttribute",
    "owner": "me",
    "tags": ["x:a", "primary"],
    "value": {"@type": "GivenName", "value": "Hugo"},
}
OTHERS: list[dict[str, Any]] = [
    {"@type": "IdentityAttribute", "owner": "you", "value": {"@type": "Surname", "value": "Hugo"}},
    {
        "owner": "me",
        "tags": [],
        "value": {"@type": "BirthDate", "year": 1985, "empty": {}, "list": ["a"], "none": None},
    },
    {"owner": "me", "tags": [""], "value": {"@type": "Date", "value": "2021-05-05", "full": {"a": 1}, "yes": True}},
]
ATTRIBUTES = [HUGO, *OTHERS]


@pytest.mark.parametrize(
    ("query", "indices"),
    [
        ("GivenName", [0]),
        ("GivenName=Hugo", [0]),
        ("GivenName.value=Hugo", [0]),
        ("value.value='Hugo'", [0, 1]),
        ("GivenName=hugo", []),
        ("#x:a", [0]),
        ("tags~x:a", [0]),
        ("tags=x:a,primary", [0]),
        ("tags?", [0, 3]),
        ("#", [3]),
        ("!Surname && #primary", [0]),
        ("!GivenName", [1, 2, 3]),
        ("GivenName || Surname", [0, 1]),
        ("!( GivenName || Surname )", [2, 3]),
        ("owner=me && !#primary", [2, 3]),
        ("BirthDate.year=1985", [2]),
        ("BirthDate.year?", [2]),
        ("BirthDate.empty?", []),
        ("BirthDate.none?", []),
        ("BirthDate.none.deeper?", []),
        ("BirthDate.missing=x", []),
        ("value.full='[object Object]'", [3]),
        ("value.full?", [3]),
        ("value.list=a", [2]),
        ("value.list~a", [2]),
        ("value.yes=true", [3]),
        ("Date>2021-05-05", [3]),
        ("Date<2021-05-05", [3]),
        ("Date>2021-05-06", []),
        ("value.year>1970-01-01T00:00:01Z", [2]),
        ("GivenName>2000-01-01", []),
        ("Date>soon", []),
    ],
)
def test_a_query_selects_attributes(query: str, indices: list[int]) -> None:
    assert select(query, ATTRIBUTES) == indices
    assert select(parse_iql(query), ATTRIBUTES) == indices


def test_a_deeply_nested_query_is_refused_and_a_long_one_is_not() -> None:
    deep = "( " * 60 + "A" + " )" * 60
    assert parse_iql(deep) == Primary("A")
    with pytest.raises(IqlError):
        parse_iql("( " * 2000 + "A" + " )" * 2000)
    assert parse_iql("!" * 4000 + "A") == Primary("A")
    assert isinstance(parse_iql(" && ".join(["A"] * 800)), And)


@given(st.text("AGab.=~?><#()|&!'\\ \t\n😀", max_size=30))
def test_any_text_is_a_query_or_refused_within_its_bounds(text: str) -> None:
    error: IqlError | None = None
    try:
        tree = parse_iql(text)
    except IqlError as caught:
        error = caught
    else:
        assert matches(tree, HUGO) != matches(Not(tree), HUGO)
    if error is not None:
        assert 0 <= error.start.offset <= error.end.offset <= length(text)
        assert error.message.startswith("Expected ")
