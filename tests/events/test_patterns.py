"""Which namespaces a pattern stands for."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_connector.events.patterns import Patterns, matches

SEGMENTS = st.sampled_from(["a", "b", "c"])
NAMESPACES = st.lists(SEGMENTS, min_size=1, max_size=5).map(".".join)
PATTERNS = st.lists(SEGMENTS | st.sampled_from(["*", "**"]), min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("pattern", "namespace", "expected"),
    [
        ("transport.messageReceived", "transport.messageReceived", True),
        ("transport.messageReceived", "transport.messageSent", False),
        ("transport.*", "transport.messageReceived", True),
        ("transport.*", "transport", False),
        ("transport.*", "consumption.relationshipEvent.REL1", False),
        ("consumption.*", "consumption.relationshipEvent.REL1", False),
        ("consumption.**", "consumption.relationshipEvent.REL1", True),
        ("consumption.**", "consumption", True),
        ("**", "anything.at.all", True),
        ("*", "one", True),
        ("*", "one.two", False),
        ("**.REL1", "consumption.relationshipEvent.REL1", True),
        ("transport.message*", "transport.messageSent", False),
    ],
)
def test_examples(pattern: str, namespace: str, expected: bool) -> None:
    assert matches(pattern, namespace) is expected


@given(PATTERNS, NAMESPACES)
def test_it_agrees_with_a_regular_expression(pattern: str, namespace: str) -> None:
    parts = {"*": r"\.[^.]+", "**": r"(\.[^.]+)*"}
    expression = "".join(parts.get(segment, rf"\.{segment}") for segment in pattern.split("."))
    assert matches(pattern, namespace) is bool(re.fullmatch(expression, f".{namespace}"))


def test_a_pattern_of_a_stranger_takes_no_time() -> None:
    assert not matches(".".join(["**", "a"] * 200), ".".join(["a"] * 300) + ".b")


@given(st.lists(PATTERNS, max_size=3), st.lists(NAMESPACES, min_size=1))
def test_several_patterns_match_what_one_of_them_does(patterns: list[str], namespaces: list[str]) -> None:
    several = Patterns(patterns)
    for namespace in namespaces * 2:
        assert several.match(namespace) is any(matches(pattern, namespace) for pattern in patterns)
