"""IQL, the language in which IQLQueries select identity attributes (content spec 8, runtime spec 5.6).

::

    tree = parse_iql("EMailAddress && #x:primary")          # raises IqlError: message, start, end
    indices = select(tree, [to_json(a) for a in attributes])  # also takes the text itself
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from trio_connector.content.iql_syntax import (
    And,
    Expression,
    IqlError,
    Metadata,
    Not,
    Or,
    Place,
    Predicate,
    Primary,
    Tag,
    parse_iql,
)
from trio_connector.content.javascript import shown
from trio_connector.content.moments import moment
from trio_connector.errors import UnexpectedCondition

__all__ = ["Expression", "IqlError", "Place", "matches", "parse_iql", "select"]


def select(query: str | Expression, attributes: Sequence[Mapping[str, Any]]) -> list[int]:
    """The ascending indices of the ``attributes`` (contents as JSON) that ``query`` selects.

    Raises `IqlError` for text that is no IQL.
    """
    tree = parse_iql(query) if isinstance(query, str) else query
    return [index for index, attribute in enumerate(attributes) if matches(tree, attribute)]


def matches(expression: Expression, attribute: Mapping[str, Any]) -> bool:
    """Whether one ``attribute`` (content as JSON) is selected."""
    match expression:
        case Or(operands):
            return any(matches(operand, attribute) for operand in operands)
        case And(operands):
            return all(matches(operand, attribute) for operand in operands)
        case Not(operand):
            return not matches(operand, attribute)
        case Tag(tag):
            return _holds(Predicate("~", tag), attribute.get("tags"))
        case Metadata(path, predicate):
            return _holds(predicate, _at(attribute, path))
        case Primary(value_type, path, predicate):
            if _at(attribute, ("value", "@type")) != value_type:
                return False
            return predicate is None or _holds(predicate, _at(attribute, ("value", *(path or ("value",)))))


def _at(attribute: Any, path: tuple[str, ...]) -> Any:
    """The value at ``path``; ``None`` when there is none."""
    for step in path:
        if not isinstance(attribute, Mapping) or step not in attribute:
            return None
        attribute = attribute[step]
    return attribute


def _holds(predicate: Predicate, value: Any) -> bool:
    if value is None:
        return False
    match predicate.operator:
        case "=":
            return shown(value) == predicate.operand
        case "~":
            return isinstance(value, (list, tuple)) and predicate.operand in value
        case "?":
            return not isinstance(value, (list, tuple, Mapping)) or len(value) > 0
        case operator:
            ours, theirs = _moment(value), _moment(predicate.operand)
            if ours is None or theirs is None:
                return False
            return ours >= theirs if operator == ">" else ours <= theirs


def _moment(value: Any) -> datetime | None:
    """``value`` as a date: an ISO string or milliseconds since 1970.

    What JavaScript engines read beyond ISO 8601, such as ``5`` or ``May 2020``, differs between them: no date here.
    """
    try:
        if isinstance(value, str):
            return moment(value)
        if isinstance(value, (int, float)):  # JavaScript reads booleans as 0 and 1 here
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    except (UnexpectedCondition, OverflowError, ValueError):
        return None
    return None
