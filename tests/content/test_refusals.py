"""Refusals that no catalogue lists: shapes, nested content, rules across members, each with its exact text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.content.catalogue import example_input
from trio_connector.content import Mail, StructureRefused, parse, parse_as
from trio_connector.errors import ConnectorError, DeserializationError, UnexpectedCondition, UnknownType

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)
LOGIN = {"@type": "AuthenticationRequestItem", "title": "Login", "mustBeAccepted": True}


def refusal(value: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        parse(value, now=NOW)
    return caught.value


MAIL = {"@type": "Mail", "to": ["a"], "subject": "s", "body": "b"}

TEXTS: list[tuple[dict[str, Any], str]] = [
    ({**MAIL, "to": []}, "Mail.to:Array :: may not be empty"),
    ({"@type": "Mail"}, "Mail.to :: Value is not defined"),
    (
        {**MAIL, "to": ["a", 5]},
        "Mail.to :: Item with index 1 could not be deserialized to a CoreAddress "
        "(CoreAddress.from() :: Parameter must be an object - is '5')",
    ),
    (
        {**MAIL, "to": [{"@type": "CoreId", "id": "x"}]},
        "Mail.to :: Item with index 0 could not be deserialized to a CoreAddress "
        "(Mail.to[] :: Parsed object is not an instance of any allowed types CoreAddress.)",
    ),
    (
        {**MAIL, "to": [{}]},
        "Mail.to :: Item with index 0 could not be deserialized to a CoreAddress "
        "(CoreAddress.address :: Value is not defined)",
    ),
    ({**MAIL, "bodyFormat": "HTML"}, "Mail.bodyFormat:String :: must be one of: PlainText,Markdown"),
    (
        {"@type": "Request", "items": [{"@type": "RequestItemGroup", "items": [{**LOGIN, "title": 5}]}]},
        "Request.items :: Item with index 0 could not be deserialized to a Serializable "
        "(RequestItemGroup.items :: Item with index 0 could not be deserialized to a Serializable "
        "(AuthenticationRequestItem.title :: Value is not a string))",
    ),
    ({"@type": "Request", "items": []}, "Request.items:Array :: may not be empty"),
    ({"@type": "Request", "items": [LOGIN], "id": 5}, "CoreId.from() :: Parameter must be an object - is '5'"),
    ({"@type": "Request", "items": [LOGIN], "id": {}}, "CoreId.id :: Value is not defined"),
    ({"@type": "Request", "items": [LOGIN], "id": {"id": 5}}, "CoreId.id :: Value is not a string"),
    (
        {"@type": "Request", "items": [LOGIN], "id": {"@type": "CoreAddress", "address": "x"}},
        "Request.id :: Parsed object is not an instance of any allowed types CoreId.",
    ),
    (
        {"@type": "Request", "items": [LOGIN], "expiresAt": {"@type": "CoreId", "id": "x"}},
        "Request.expiresAt :: Parsed object is not an instance of any allowed types CoreDate.",
    ),
    (
        {"@type": "IdentityAttribute", "owner": "", "value": {"@type": "GivenName", "value": "A"}, "tags": ["a", 1]},
        "IdentityAttribute.tags :: Item with index 1 could not be deserialized to a String "
        "(IdentityAttribute.tags[] :: Value is not a string)",
    ),
    (
        {
            "@type": "ReadAttributeRequestItem",
            "mustBeAccepted": True,
            "query": {"@type": "IQLQuery", "queryString": "("},
        },
        "IQLQuery.queryString:String :: invalid IQL query at character offset 2",
    ),
    ({"@type": "BirthDate", "day": 31, "month": 2, "year": 2000}, "BirthDate :: The BirthDate is not a valid date."),
    (
        {"@type": "BirthDate", "day": 16, "month": 6, "year": 2025},
        "BirthDate :: You cannot enter a BirthDate that is in the future.",
    ),
    (
        {"@type": "BirthDate", "day": 1, "month": 13, "year": 2000},
        "BirthMonth.value:Number :: must be an integer value between 1 and 12",
    ),
    (
        {"@type": "Consent", "consent": "c", "linkDisplayText": "link"},
        "Consent.linkDisplayText :: A linkDisplayText can only be defined if a link is defined too.",
    ),
    (
        {"@type": "ConsentRequestItem", "consent": "c", "linkDisplayText": "link", "mustBeAccepted": True},
        "ConsentRequestItem.linkDisplayText :: A linkDisplayText can only be defined if a link is defined too.",
    ),
    (
        {"@type": "ValueHints", "propertyHints": {"part": 5}},
        "ValueHints.from() :: Parameter must be an object - is '5'",
    ),
    (
        {"@type": "ProprietaryString", "title": "t", "value": "v", "valueHintsOverride": {"@type": "ValueHints"}},
        "ProprietaryString.valueHintsOverride :: "
        "Parsed object is not an instance of any allowed types ValueHintsOverride.",
    ),
    ({"@type": "Message", "to": []}, "Message.secretKey :: Value is not defined"),
    (
        {"@type": "TransferFileOwnershipRequestItem", "mustBeAccepted": True, "ownershipToken": "t"},
        "TransferFileOwnershipRequestItem.fileReference :: Value is not defined",
    ),
]


@pytest.mark.parametrize(("value", "text"), TEXTS, ids=[text[:60] for _, text in TEXTS])
def test_content_is_refused_with_the_official_text(value: dict[str, Any], text: str) -> None:
    error = refusal(value)
    assert isinstance(error, DeserializationError)
    assert error.message == text
    assert error.code == "error.runtime.requestDeserialization"


def propose(query: dict[str, Any], attribute: str) -> dict[str, Any]:
    return {
        "@type": "ProposeAttributeRequestItem",
        "mustBeAccepted": True,
        "query": query,
        "attribute": example_input(attribute),
    }


def test_a_proposal_must_fit_its_query() -> None:
    relationship_query = example_input("RelationshipAttributeQuery")
    iql = {"@type": "IQLQuery", "queryString": "GivenName", "attributeCreationHints": {"valueType": "Surname"}}
    cases = {
        "ProposeAttributeRequestItem. :: When proposing a RelationshipAttribute, the corresponding query has to be a "
        "RelationshipAttributeQuery.": propose(
            {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}, "RelationshipAttribute"
        ),
        "ProposeAttributeRequestItem. :: When proposing an IdentityAttribute, the corresponding query has to be a "
        "IdentityAttributeQuery or IQLQuery.": propose(relationship_query, "IdentityAttribute"),
        "ProposeAttributeRequestItem.query.valueType :: You cannot propose an Attribute whose type of the value "
        "('GivenName') is different from the value type of the query ('Surname').": propose(
            {"@type": "IdentityAttributeQuery", "valueType": "Surname"}, "IdentityAttribute"
        ),
        "ProposeAttributeRequestItem.query.attributeCreationHints.valueType :: You cannot propose an Attribute whose "
        "type of the value ('GivenName') is different from the value type of the query ('Surname').": propose(
            iql, "IdentityAttribute"
        ),
    }
    for text, value in cases.items():
        assert refusal(value).message == text
    without_hints = {"@type": "IQLQuery", "queryString": "Surname"}
    parse(propose(without_hints, "IdentityAttribute"))
    parse(propose(relationship_query, "RelationshipAttribute"))


@pytest.mark.parametrize("version", [None, "", 0, 1, "1", "1.9x", 1.5])
def test_every_type_has_version_one(version: Any) -> None:
    assert isinstance(parse({**MAIL, "@version": version}), Mail)


def test_an_unknown_type_or_version_is_told_apart() -> None:
    error = refusal({"@type": "NonExistentType"})
    assert isinstance(error, UnknownType)
    assert error.message == (
        "Type 'NonExistentType' with version 1 was not found within reflection classes. "
        "You might have to install a module first."
    )
    assert "with version 2 was" in refusal({**MAIL, "@version": "2"}).message
    assert isinstance(refusal({**MAIL, "@version": "9" * 10_000}), UnknownType)
    strange = refusal({**MAIL, "@version": "x"})
    assert isinstance(strange, StructureRefused)
    assert "with version NaN was" in strange.message


def test_an_unknown_type_within_an_array_is_a_refusal_of_the_array() -> None:
    error = refusal({"@type": "Request", "items": [{"@type": "FreeTextRequestItem"}]})
    assert error.code == "error.runtime.requestDeserialization"
    assert error.message.startswith(
        "Request.items :: Item with index 0 could not be deserialized to a Serializable (Type '"
    )
    inside_value = refusal({"@type": "IdentityAttribute", "owner": "", "value": {"@type": "Foo"}})
    assert inside_value.code == "error.runtime.unknownType"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"@type": 5}, "@type is not a string."),
        ({**MAIL, "to": "a"}, "Value is not an Array."),
        ({"@type": "ProprietaryString", "title": "", "value": "", "valueHintsOverride": [1]}, "Value is not an Array."),
    ],
)
def test_a_wrong_shape_has_its_own_code(value: dict[str, Any], text: str) -> None:
    error = refusal(value)
    assert (error.code, error.message) == ("error.runtime.servalError", text)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "Cannot read properties of null (reading 'hasOwnProperty')"),
        ({"@type": "Request", "items": [LOGIN], "expiresAt": "2023-01-01 00:00:00"}, "The date is invalid."),
        (
            {"@type": "Request", "items": [LOGIN], "expiresAt": ""},
            "The provided object is undefined and cannot be deserialized.",
        ),
        (
            {"@type": "Request", "items": [LOGIN], "expiresAt": True},
            "The provided object is invalid and cannot be deserialized.",
        ),
    ],
)
def test_plain_errors_of_the_official_software_become_unknown_errors(value: Any, reason: str) -> None:
    error = refusal(value)
    assert isinstance(error, UnexpectedCondition)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), ("text", "text"), (5.0, "5"), (1e21, "1e+21"), (True, "true")],
)
def test_what_is_no_object_is_shown_as_javascript_does(value: Any, shown: str) -> None:
    with pytest.raises(DeserializationError) as caught:
        parse_as(Mail, value)
    assert caught.value.message == f"Mail.from() :: Parameter must be an object - is '{shown}'"


ITEMS = [
    ("Request", {"items": [{"title": "no type"}]}, "Request.items[]", "(RequestItemGroup|RequestItem)"),
    ("Request", {"items": [{"@type": "GivenName", "value": "A"}]}, "Request.items[]", "(RequestItemGroup|RequestItem)"),
    ("RequestItemGroup", {"items": ["text"]}, "RequestItemGroup.items[]", "RequestItem"),
    ("Response", {"items": [LOGIN]}, "Response.items[]", "(ResponseItemGroup|ResponseItem)"),
    ("ResponseItemGroup", {"items": [LOGIN]}, "ResponseItemGroup.items[]", "ResponseItem"),
]


@pytest.mark.parametrize(("type_name", "members", "where", "allowed"), ITEMS)
def test_items_of_another_kind_are_refused_at_once(
    type_name: str, members: dict[str, Any], where: str, allowed: str
) -> None:
    error = refusal({**example_input(type_name), **members})
    assert error.message == (
        f"{type_name}.items :: Item with index 0 could not be deserialized to a Serializable "
        f"({where} :: Parsed object is not an instance of any allowed types {allowed}.)"
    )


def test_null_is_no_element_of_an_array() -> None:
    for value in (
        {**MAIL, "to": [None]},
        {"@type": "Request", "items": [None]},
        {"@type": "Notification", "id": "", "items": [None]},
    ):
        assert "Parameter must be an object - is 'null'" in refusal(value).message


def test_content_nested_without_end_is_refused() -> None:
    hints: dict[str, Any] = {}
    for _ in range(3000):
        hints = {"propertyHints": {"part": hints}}
    assert refusal({"@type": "ValueHints", **hints}).message == "The content is nested too deeply."


def test_json_values_are_measured_as_text() -> None:
    within = {"@type": "ProprietaryJSON", "title": "t", "value": "x" * 4094}
    parse(within)
    text = "ProprietaryJSON.value:Object :: stringified value must not be longer than 4096 characters"
    assert refusal({**within, "value": "x" * 4095}).message == text
    assert refusal({**within, "value": ["é😀" * 1365]}).message == text
    parse({**within, "value": ["é😀" * 1364]})


def test_large_json_values_have_a_limit_too() -> None:
    limit = 52_428_800
    for type_name in ("VerifiableCredential", "TokenContentVerifiablePresentation"):
        value = {"@type": type_name, "value": "x" * (limit - 1)}
        expected = f"{type_name}.value:Object :: stringified value must not be longer than {limit} characters"
        assert refusal(value).message == expected


def test_a_birth_date_in_the_future_is_only_refused_when_the_time_is_known() -> None:
    tomorrow = {"@type": "BirthDate", "day": 16, "month": 6, "year": 2025}
    today = {**tomorrow, "day": 15}
    parse(tomorrow)
    parse(today, now=NOW)
