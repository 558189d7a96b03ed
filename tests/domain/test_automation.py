"""Which configured answer fits which request."""

from __future__ import annotations

from typing import Any

import pytest

from trio_connector.domain.requests.automation import (
    AutomationRule,
    any_accepted,
    check_rules,
    decide_by_rules,
)
from trio_connector.errors import ConnectorError

READ = {
    "@type": "ReadAttributeRequestItem",
    "mustBeAccepted": True,
    "query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName", "tags": ["x:a", "x:b"]},
}
CREATE = {
    "@type": "CreateAttributeRequestItem",
    "mustBeAccepted": False,
    "attribute": {"@type": "IdentityAttribute", "owner": "", "value": {"@type": "GivenName", "value": "Ada"}},
}
FORM = {"@type": "FormFieldRequestItem", "mustBeAccepted": False, "title": "t"}
YES: dict[str, Any] = {"accept": True}
NO: dict[str, Any] = {"accept": False, "code": "x"}


def request(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "REQ1",
        "peer": "did:e:peer",
        "createdAt": "2026-06-01T12:00:00.000Z",
        "source": {"type": "Message", "reference": "MSG1"},
        "content": {
            "@type": "Request",
            "title": "Hello",
            "expiresAt": "2026-07-01T00:00:00.000Z",
            "items": list(items),
        },
    }


def rule(request_config: dict[str, Any], response_config: dict[str, Any]) -> AutomationRule:
    return AutomationRule(request_config=request_config, response_config=response_config)


def decision(*rules: AutomationRule, items: Any = (CREATE,), exists: bool = True) -> list[Any] | None:
    return decide_by_rules(request(*items), rules, relationship_exists=exists)


@pytest.mark.parametrize(
    ("config", "fits"),
    [
        ({}, True),
        ({"peer": "did:e:peer"}, True),
        ({"peer": ["did:e:other", "did:e:peer"]}, True),
        ({"peer": "did:e:other"}, False),
        ({"source.type": "Message"}, True),
        ({"source.type": "RelationshipTemplate"}, False),
        ({"content.title": "Hello"}, True),
        ({"content.description": "Hello"}, False),
        ({"content.metadata": {"a": 1}}, False),
        ({"createdAt": ">2026-05-01T00:00:00.000Z"}, True),
        ({"createdAt": [">2026-05-01", "<2026-06-01"]}, False),
        ({"createdAt": "2026-06-01T14:00:00+02:00"}, True),
        ({"createdAt": "soon"}, False),
        ({"content.expiresAt": "<2027-01-01"}, True),
        ({"relationshipAlreadyExists": True}, True),
        ({"relationshipAlreadyExists": False}, False),
    ],
)
def test_a_general_rule_fits_the_whole_request(config: dict[str, Any], fits: bool) -> None:
    assert decision(rule(config, NO)) == ([NO] if fits else None)


@pytest.mark.parametrize(
    ("config", "fits"),
    [
        ({"content.item.@type": "ReadAttributeRequestItem"}, True),
        ({"content.item.@type": ["ReadAttributeRequestItem", "ProposeAttributeRequestItem"]}, True),
        ({"content.item.mustBeAccepted": True}, True),
        ({"content.item.mustBeAccepted": [True]}, True),
        ({"content.item.mustBeAccepted": 1}, False),
        ({"content.item.query.valueType": "GivenName"}, True),
        ({"content.item.query.tags": ["x:b", "x:c"]}, True),
        ({"content.item.query.tags": ["x:c"]}, False),
        ({"content.item.query.tags": "x:b"}, False),
        (
            {
                "content.item.query": {
                    "tags": ["x:a", "x:b"],
                    "valueType": "GivenName",
                    "@type": "IdentityAttributeQuery",
                }
            },
            True,
        ),
        ({"content.item.attribute.value.value": "Ada"}, False),
        ({"content.item.@type": "ReadAttributeRequestItem", "peer": "did:e:other"}, False),
    ],
)
def test_a_rule_about_items_fits_single_items(config: dict[str, Any], fits: bool) -> None:
    assert decision(rule(config, NO), items=(READ,)) == ([NO] if fits else None)


def test_the_first_rule_that_fits_an_item_decides_it() -> None:
    reads = rule({"content.item.@type": "ReadAttributeRequestItem"}, {**YES, "newAttribute": {}})
    rest = rule({}, NO)
    group = {"@type": "RequestItemGroup", "items": [READ, CREATE]}
    assert decision(reads, rest, items=(CREATE, group)) == [NO, {"items": [{**YES, "newAttribute": {}}, NO]}]
    assert decision(reads, items=(CREATE, group)) is None


def test_general_acceptance_covers_only_what_needs_no_answer() -> None:
    assert decision(rule({}, YES)) == [YES]
    assert decision(rule({}, YES), items=(FORM,)) is None
    assert decision(rule({}, YES), rule({}, NO), items=(CREATE, FORM)) == [YES, NO]


@pytest.mark.parametrize("name", ["AuthenticationRequestItem", "ConsentRequestItem"])
def test_people_decide_about_authentication_and_consent(name: str) -> None:
    group = {"@type": "RequestItemGroup", "items": [{"@type": name, "mustBeAccepted": False}]}
    assert decision(rule({}, NO), items=(CREATE, group)) is None


def test_whether_anything_is_accepted_looks_into_groups() -> None:
    assert not any_accepted([NO, {"items": [NO]}])
    assert any_accepted([NO, {"items": [NO, YES]}])


@pytest.mark.parametrize(
    ("request_config", "response_config", "fits"),
    [
        ({}, NO, True),
        ({"content.item.@type": "DeleteAttributeRequestItem"}, NO, True),
        ({}, YES, True),
        ({}, {**YES, "deletionDate": "2099-01-01"}, False),
        ({"content.item.@type": "DeleteAttributeRequestItem"}, {**YES, "deletionDate": "2099-01-01"}, True),
        ({"content.item.@type": "DeleteAttributeRequestItem"}, YES, False),
        ({"content.item.@type": "ProposeAttributeRequestItem"}, {**YES, "attribute": {}}, True),
        ({"content.item.@type": "ReadAttributeRequestItem"}, {**YES, "newAttribute": {}}, True),
        ({"content.item.@type": "ReadAttributeRequestItem"}, {**YES, "attribute": {}}, False),
        ({"content.item.@type": ["ReadAttributeRequestItem"]}, {**YES, "newAttribute": {}}, False),
        ({"content.item.@type": "ShareAttributeRequestItem"}, YES, True),
        ({}, {}, False),
        ({"relationshipAlreadyExists": "yes"}, NO, False),
    ],
)
def test_rules_that_cannot_work_are_refused_at_the_start(
    request_config: dict[str, Any], response_config: dict[str, Any], fits: bool
) -> None:
    rules = [rule(request_config, response_config)]
    if fits:
        check_rules(rules)
        return
    with pytest.raises(ConnectorError) as caught:
        check_rules(rules)
    assert caught.value.code == "error.runtime.decide.requestConfigDoesNotMatchResponseConfig"
