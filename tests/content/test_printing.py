"""Content prints as the official software prints it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.content.catalogue import example_input
from trio_connector.content import (
    JSONWrapper,
    Mail,
    ReadAttributeAcceptResponseItem,
    Request,
    RequestItemGroup,
    ResponseWrapper,
    ShareAttributeRequestItem,
    TokenContentFile,
    parse,
    parse_as,
    to_json,
    to_text,
    to_wire,
)

PEER = "did:e:example.com:dids:0123456789abcdef012345"
LOGIN: dict[str, Any] = {"@type": "AuthenticationRequestItem", "title": "Login", "mustBeAccepted": True}


def test_members_are_typed_and_reachable_by_their_json_names() -> None:
    mail = parse({"@type": "Mail", "to": [{"address": PEER}], "cc": None, "subject": "s", "body": "b"})
    assert isinstance(mail, Mail)
    assert (mail.to, mail.cc, mail.body_format) == ((PEER,), (), "PlainText")
    assert (mail["@type"], mail["bodyFormat"], mail.type_name) == ("Mail", "PlainText", "Mail")
    with pytest.raises(KeyError):
        mail["body_format"]
    assert to_text(mail) == (
        f'{{"@type":"Mail","body":"b","bodyFormat":"PlainText","cc":[],"subject":"s","to":["{PEER}"]}}'
    )


def test_contents_are_frozen_and_copied_with_changes() -> None:
    request = parse_as(Request, {"items": [LOGIN]})
    with pytest.raises(AttributeError):
        request.id = "REQ"  # type: ignore[misc]  # that it is forbidden is what is tested
    assert to_json(msgspec.structs.replace(request, id="REQabcdefghijklmnopq"))["id"] == "REQabcdefghijklmnopq"
    assert "id" not in to_json(request)


def test_unknown_members_are_dropped_and_explicit_nulls_kept() -> None:
    item = parse({**LOGIN, "requireManualDecision": True, "metadata": None})
    assert item["metadata"] is None
    assert to_json(item) == {**LOGIN, "metadata": None}
    request = parse_as(Request, {"id": None, "expiresAt": None, "items": [{**LOGIN, "unknown": {"@type": "Foo"}}]})
    assert to_json(request) == {"@type": "Request", "expiresAt": None, "id": None, "items": [LOGIN]}


def test_the_type_is_printed_only_where_the_position_does_not_tell_it() -> None:
    wrapper = parse(example_input("ResponseWrapper"))
    assert isinstance(wrapper, ResponseWrapper)
    printed = to_json(wrapper)
    assert "@type" not in printed["response"]
    assert printed["response"]["items"][0]["@type"] == "RejectResponseItem"
    template = to_json(parse(example_input("RelationshipTemplateContent")))
    assert "@type" not in template["onNewRelationship"]
    assert template["onNewRelationship"]["items"][0]["@type"] == "AuthenticationRequestItem"


def test_groups_and_items_are_told_apart_by_class() -> None:
    request = parse({"@type": "Request", "items": [LOGIN, {"@type": "RequestItemGroup", "items": [LOGIN, LOGIN]}]})
    assert isinstance(request, Request)
    single, group = request.items
    assert isinstance(group, RequestItemGroup)
    assert not isinstance(single, RequestItemGroup)
    assert [item.must_be_accepted for item in (single, *group.items)] == [True, True, True]


@pytest.mark.parametrize("type_name", ["ShareAttributeRequestItem", "ReadAttributeAcceptResponseItem"])
def test_the_initial_peer_is_understood_and_told_under_both_names(type_name: str) -> None:
    value = example_input(type_name)
    value.pop("initialAttributePeer", None)
    value.pop("thirdPartyAddress", None)
    old, new = parse({**value, "thirdPartyAddress": PEER}), parse({**value, "initialAttributePeer": PEER})
    assert old == new
    assert isinstance(old, (ShareAttributeRequestItem, ReadAttributeAcceptResponseItem))
    assert old.initial_attribute_peer == PEER
    both = parse({**value, "initialAttributePeer": PEER, "thirdPartyAddress": "other"})
    assert both == new
    assert "thirdPartyAddress" not in to_json(new)
    on_the_wire = to_wire(new)
    assert on_the_wire["thirdPartyAddress"] == on_the_wire["initialAttributePeer"] == PEER
    assert list(on_the_wire) == sorted(on_the_wire)
    assert "thirdPartyAddress" not in to_wire(parse(value))


def test_the_former_name_reaches_items_within_a_request() -> None:
    item = {**example_input("ShareAttributeRequestItem"), "initialAttributePeer": PEER}
    request = parse({"@type": "Request", "items": [{"@type": "RequestItemGroup", "items": [item]}]})
    assert to_wire(request)["items"][0]["items"][0]["thirdPartyAddress"] == PEER


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ({"a": 1, "@version": 3}, {"a": 1}),
        ([1, "x"], {"0": 1, "1": "x"}),
        ("a😀", {"0": "a", "1": "\ud83d", "2": "\ude00"}),
        (5, {}),
        (True, {}),
        ({"@type": "JSONWrapper", "value": 5}, {"value": 5}),
    ],
)
def test_json_without_type_is_wrapped(value: Any, printed: dict[str, Any]) -> None:
    found = parse(value)
    assert isinstance(found, JSONWrapper)
    assert to_json(found) == printed


def test_raw_json_keeps_its_types_and_its_order() -> None:
    raw = {"z": {"@type": "Unknown"}, "a": [None, 1.5]}
    for type_name in ("ArbitraryMessageContent", "SchematizedJSON"):
        assert to_text(parse({"@type": type_name, "value": raw})).endswith(
            '"value":{"z":{"@type":"Unknown"},"a":[null,1.5]}}'
        )
    item = parse({**LOGIN, "metadata": {"@type": "Unknown", "b": 1, "a": 2}})
    assert list(to_json(item)["metadata"]) == ["@type", "b", "a"]


@pytest.mark.parametrize(
    ("metadata", "kept"), [([1], [1]), ("ab", {"0": "a", "1": "b"}), (5, {}), ({"a": {}}, {"a": {}})]
)
def test_metadata_that_is_no_object_becomes_one(metadata: Any, kept: Any) -> None:
    assert to_json(parse({**LOGIN, "metadata": metadata}))["metadata"] == kept


def test_whole_numbers_print_without_fraction() -> None:
    value = parse({"@type": "ProprietaryInteger", "title": "t", "value": 5.0})
    assert to_text(value).endswith('"value":5}')
    assert isinstance(value["value"], int)


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("2023-01-01", "2023-01-01T00:00:00.000Z"),
        ({"date": "2023-01-01T01:00+01:00"}, "2023-01-01T00:00:00.000Z"),
        ({"@type": "CoreDate", "date": "2023-W05-2"}, "2023-01-31T00:00:00.000Z"),
        (1672531200005, "2023-01-01T00:00:00.005Z"),
    ],
)
def test_dates_print_in_one_form(value: Any, printed: str) -> None:
    assert parse_as(Request, {"items": [LOGIN], "expiresAt": value}).expires_at == printed


def test_core_types_print_as_plain_values() -> None:
    assert to_json(parse({"@type": "CoreId", "id": "REQ"})) == "REQ"
    assert to_json(parse({"@type": "CoreAddress", "address": PEER})) == PEER
    assert to_json(parse({"@type": "CoreDate", "date": "2023-01-01"})) == "2023-01-01T00:00:00.000Z"


KEY: dict[str, Any] = {"key": "AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM09o", "alg": 3}


def test_token_contents_are_read_by_crypto() -> None:
    value = {"@type": "TokenContentFile", "fileId": "FILabcdefghijklmnopq", "secretKey": KEY}
    found = parse(value)
    assert isinstance(found, TokenContentFile)
    assert to_json(found) == value
    assert KEY["key"] not in repr(found)


@pytest.mark.parametrize("type_name", ["Reference", "FileReference"])
def test_references_are_read_by_crypto(type_name: str) -> None:
    value = {"@type": type_name, "id": "FILabcdefghijklmnopq", "key": KEY}
    found = parse(value)
    assert to_json(found) == value
    assert KEY["key"] not in repr(found)


def test_a_file_reference_prints_in_its_long_truncated_form_and_never_shows() -> None:
    five_parts = example_input("TransferFileOwnershipRequestItem")["fileReference"]
    item = parse(example_input("TransferFileOwnershipRequestItem"))
    assert to_json(item)["fileReference"] == five_parts
    assert five_parts not in repr(parse({"@type": "Request", "items": [to_json(item)]}))
