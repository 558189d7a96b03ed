"""Which configured answer fits a request (consumption spec 1.7 *Decider*, runtime spec 7.3). Pure.

A rule is a ``requestConfig``, which says what a request or an item must look like, and a ``responseConfig``, which
becomes the decision of every item it fits. ``decide_by_rules`` goes through the rules in order until every item has
its decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from trio_connector.content.moments import moment
from trio_connector.domain.contents import is_group, single_items
from trio_connector.domain.identity import Json
from trio_connector.errors import ConnectorError, UnexpectedCondition

_ITEM_PREFIX = "content.item."
_RELATIONSHIP_EXISTS = "relationshipAlreadyExists"
_ONLY_PEOPLE_DECIDE = frozenset({"AuthenticationRequestItem", "ConsentRequestItem"})
_GENERALLY_ACCEPTABLE = frozenset({"CreateAttributeRequestItem", "ShareAttributeRequestItem"})
_NEEDED_MEMBER = {
    "DeleteAttributeRequestItem": "deletionDate",
    "ProposeAttributeRequestItem": "attribute",
    "ReadAttributeRequestItem": "newAttribute",
}


class AutomationRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One entry of ``automationConfig``."""

    request_config: Json
    response_config: Json

    @property
    def is_item_specific(self) -> bool:
        """Whether it speaks of single items."""
        return any(key.startswith(_ITEM_PREFIX) for key in self.request_config)


def check_rules(rules: Sequence[AutomationRule]) -> None:
    """Refuse rules whose answer cannot fit what they ask for. Raises ConnectorError; called at the start."""
    for rule in rules:
        if not _is_consistent(rule):
            raise ConnectorError(
                "error.runtime.decide.requestConfigDoesNotMatchResponseConfig",
                "The RequestConfig does not match the ResponseConfig.",
            )
        if not isinstance(rule.request_config.get(_RELATIONSHIP_EXISTS, True), bool):
            raise ConnectorError(
                "error.runtime.decide.requestConfigDoesNotMatchResponseConfig",
                f"The RequestConfig's '{_RELATIONSHIP_EXISTS}' must be true or false.",
            )


def _is_consistent(rule: AutomationRule) -> bool:
    answer = rule.response_config
    if answer.get("accept") is False:
        return set(answer) <= {"accept", "code", "message"}
    if answer.get("accept") is not True:
        return False
    simple = set(answer) == {"accept"}
    if not rule.is_item_specific:
        return simple
    item_type = rule.request_config.get(f"{_ITEM_PREFIX}@type")
    needed = _NEEDED_MEMBER.get(item_type) if isinstance(item_type, str) else None
    return simple if needed is None else needed in answer


def decide_by_rules(request: Json, rules: Sequence[AutomationRule], *, relationship_exists: bool) -> list[Json] | None:
    """The decision of every item of ``request`` (a LocalRequestDTO as JSON), or None when people have to decide."""
    items: list[Json] = request["content"]["items"]
    singles = list(single_items(items))
    if any(item.get("@type") in _ONLY_PEOPLE_DECIDE for item in singles):
        return None
    decisions: list[Json | None] = [None] * len(singles)
    for rule in rules:
        if not _fits_request(rule, request, relationship_exists):
            continue
        for index, item in enumerate(singles):
            if decisions[index] is None and _fits_item(rule, item):
                decisions[index] = rule.response_config
        if all(decision is not None for decision in decisions):
            return _nested(items, [decision for decision in decisions if decision is not None])
    return None


def any_accepted(entries: Sequence[Json]) -> bool:
    """Whether a decision accepts at least one item."""
    return any(
        any_accepted(entry["items"]) if "items" in entry and "accept" not in entry else entry.get("accept") is True
        for entry in entries
    )


def _nested(items: Sequence[Json], decisions: list[Json]) -> list[Json]:
    remaining = iter(decisions)
    return [
        {"items": [next(remaining) for _ in item["items"]]} if is_group(item) else next(remaining) for item in items
    ]


def _fits_request(rule: AutomationRule, request: Json, relationship_exists: bool) -> bool:
    for key, wanted in rule.request_config.items():
        if key.startswith(_ITEM_PREFIX):
            continue
        if key == _RELATIONSHIP_EXISTS:
            if wanted is not relationship_exists:
                return False
        elif not _fits(key, _at(request, key), wanted):
            return False
    return True


def _fits_item(rule: AutomationRule, item: Json) -> bool:
    if not rule.is_item_specific:
        return rule.response_config["accept"] is False or item.get("@type") in _GENERALLY_ACCEPTABLE
    return all(
        _fits(key, _at(item, key.removeprefix(_ITEM_PREFIX)), wanted)
        for key, wanted in rule.request_config.items()
        if key.startswith(_ITEM_PREFIX)
    )


_ABSENT = object()


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        if not isinstance(value, dict) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _fits(key: str, value: Any, wanted: Any) -> bool:
    if value is _ABSENT or value is None:
        return False
    if key.endswith("tags"):
        return isinstance(value, list) and isinstance(wanted, list) and any(tag in wanted for tag in value)
    if key.endswith("At"):
        conditions = wanted if isinstance(wanted, list) else [wanted]
        return all(_fits_date(value, condition) for condition in conditions)
    if isinstance(wanted, list):
        return any(_same(value, alternative) for alternative in wanted)
    return _same(value, wanted)


def _same(value: Any, wanted: Any) -> bool:
    # In Python True equals 1; in JSON it does not.
    return isinstance(value, bool) == isinstance(wanted, bool) and bool(value == wanted)


def _fits_date(value: Any, condition: Any) -> bool:
    if not isinstance(value, str) or not isinstance(condition, str):
        return False
    try:
        found = moment(value)
        if condition.startswith(">"):
            return found > moment(condition[1:])
        if condition.startswith("<"):
            return found < moment(condition[1:])
        return found == moment(condition)
    except UnexpectedCondition:
        return False
