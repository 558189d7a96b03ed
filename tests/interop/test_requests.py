"""Requests, attributes and notifications between the official runtime and us, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import trio

from tests.accounts import (
    FAR_FUTURE,
    template_reference,
)
from tests.connectors import Connector, stepwise_connector
from tests.interop.peers import Peer, Peers
from tests.interop.test_relationships_and_messages import connected
from trio_connector.domain.attributes.record import ATTRIBUTES, LocalAttribute
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.domain.requests.record import REQUESTS, LocalRequest
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.relationships import accept_relationship
from trio_connector.usecases.requests import create_outgoing_request
from trio_connector.usecases.templates import create_own_template, load_peer_template

Json = dict[str, Any]

MODULES: Json = {name: {"enabled": True} for name in ("decider", "request", "notification")}


@pytest.fixture
async def connector(backbone_url: str) -> AsyncIterator[Connector]:
    """One of us, with modules."""
    async with stepwise_connector(backbone_url) as found:
        yield found


@pytest.fixture
async def official(peers: Peers) -> Peer:
    """One of them, with modules."""
    return await peers.open("official", **MODULES)


async def eventually(find: Callable[[], Awaitable[Any]], is_right: Callable[[Any], bool] = bool) -> Any:
    """What ``find`` answers, once it is right; modules of the official runtime work in the background."""
    with trio.fail_after(30):
        while not is_right(found := await find()):
            await trio.sleep(0.02)  # polls another process
    return found


async def their_incoming(official: Peer, status: str) -> Json:
    """The incoming request of the official account, once it is in ``status``."""

    async def find() -> Any:
        found = await official.consumption("incomingRequests.getRequests", {})
        return [request for request in found if request["status"] == status]

    [request] = await eventually(find)
    return dict(request)


async def their_outgoing(official: Peer, status: str) -> Json:
    """The outgoing request of the official account, once it is in ``status``."""

    async def find() -> Any:
        found = await official.consumption("outgoingRequests.getRequests", {})
        return [request for request in found if request["status"] == status]

    [request] = await eventually(find)
    return dict(request)


def our_requests(connector: Connector, *, is_own: bool) -> list[LocalRequest]:
    """Our outgoing or incoming requests."""
    return [request for request in connector.services.store.select(REQUESTS) if request.is_own == is_own]


def our_attributes(connector: Connector) -> list[LocalAttribute]:
    """All our attributes."""
    return connector.services.store.select(ATTRIBUTES)


def given_name(owner: str, name: str = "Ada") -> Json:
    """An identity attribute."""
    return {"@type": "IdentityAttribute", "owner": owner, "value": {"@type": "GivenName", "value": name}}


def membership(owner: str, key: str = "membership") -> Json:
    """A relationship attribute."""
    return {
        "@type": "RelationshipAttribute",
        "owner": owner,
        "key": key,
        "confidentiality": "public",
        "value": {"@type": "ProprietaryString", "title": "Membership", "value": "gold"},
    }


def every_simple_item(asker: str, asked: str) -> list[Json]:
    """One item of each type that needs no attribute or file of somebody beforehand, two of them in a group."""
    name_query = {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}
    return [
        {"@type": "CreateAttributeRequestItem", "mustBeAccepted": True, "attribute": membership(asker)},
        {"@type": "ReadAttributeRequestItem", "mustBeAccepted": True, "query": name_query},
        {
            "@type": "ProposeAttributeRequestItem",
            "mustBeAccepted": True,
            "query": {"@type": "IdentityAttributeQuery", "valueType": "Surname"},
            "attribute": {
                "@type": "IdentityAttribute",
                "owner": "",
                "value": {"@type": "Surname", "value": "Lovelace"},
            },
        },
        {
            "@type": "RequestItemGroup",
            "items": [
                {"@type": "ConsentRequestItem", "mustBeAccepted": True, "consent": "May we?"},
                {"@type": "AuthenticationRequestItem", "mustBeAccepted": True, "title": "Is it you?"},
            ],
        },
        {
            "@type": "FormFieldRequestItem",
            "mustBeAccepted": True,
            "title": "Size",
            "settings": {"@type": "StringFormFieldSettings", "max": 3},
        },
    ]


def accepting_every_simple_item(asked: str) -> list[Json]:
    """The decisions that accept ``every_simple_item``."""
    surname = {"@type": "IdentityAttribute", "owner": asked, "value": {"@type": "Surname", "value": "Lovelace"}}
    return [
        {"accept": True},
        {"accept": True, "newAttribute": given_name(asked)},
        {"accept": True, "attribute": surname},
        {"items": [{"accept": True}, {"accept": True}]},
        {"accept": True, "response": "XL"},
    ]


def results(response: Json) -> list[str]:
    """The result of each item of a response, groups nested in order."""
    found: list[str] = []
    for item in response["items"]:
        found += results(item) if item["@type"] == "ResponseItemGroup" else [item["result"]]
    return found


async def relationship_between(connector: Connector, official: Peer) -> None:
    """An active relationship."""
    await connected(connector.services, official)
    await connector.settle()


async def ask_by_message(connector: Connector, official: Peer, *items: Json, **more: Any) -> str:
    """Our request, sent to the official account; its id."""
    created = await create_outgoing_request(
        connector.services, {"content": {"items": list(items), **more}, "peer": official.address}
    )
    content = created.content
    await send_message(connector.services, recipients=[official.address], content=content)
    await connector.settle()
    return created.id


async def be_asked_by_message(connector: Connector, official: Peer, *items: Json, **more: Any) -> str:
    """A request of the official account, sent to us; its id."""
    created = await official.consumption(
        "outgoingRequests.create",
        {"content": {"items": list(items), **more}, "peer": connector.services.address},
    )
    await official.transport(
        "messages.sendMessage", {"recipients": [connector.services.address], "content": created["content"]}
    )
    await connector.sync()
    return str(created["id"])


# --- requests in templates -----------------------------------------------------------------------------------------


async def test_the_official_runtime_accepts_the_request_in_our_template(connector: Connector, official: Peer) -> None:
    ours = connector.services
    content = {
        "@type": "RelationshipTemplateContent",
        "onNewRelationship": {"@type": "Request", "items": every_simple_item(ours.address, official.address)},
    }
    template = await create_own_template(ours, content=content, expires_at=FAR_FUTURE)
    await official.transport(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": template_reference(ours, template.id)}
    )
    request = await their_incoming(official, "ManualDecisionRequired")
    await official.consumption(
        "incomingRequests.accept",
        {"requestId": request["id"], "items": accepting_every_simple_item(official.address)},
    )
    await their_incoming(official, "Completed")
    await connector.sync()
    [relationship] = ours.store.select(RELATIONSHIPS)
    await accept_relationship(ours, relationship.id)
    await connector.settle()
    [stored] = our_requests(connector, is_own=True)
    assert stored.status == "Completed"
    assert stored.response is not None
    assert results(stored.response.content) == ["Accepted"] * 6
    kinds = sorted(attribute.content["value"]["@type"] for attribute in our_attributes(connector))
    assert kinds == ["GivenName", "ProprietaryString", "Surname"]


async def test_we_accept_the_request_in_an_official_template(connector: Connector, official: Peer) -> None:
    ours = connector.services
    content = {
        "@type": "RelationshipTemplateContent",
        "onNewRelationship": {"@type": "Request", "items": every_simple_item(official.address, ours.address)},
    }
    template = await official.transport(
        "relationshipTemplates.createOwnRelationshipTemplate", {"content": content, "expiresAt": FAR_FUTURE}
    )
    await load_peer_template(ours, template["reference"]["truncated"])
    await connector.settle()
    [request] = our_requests(connector, is_own=False)
    assert request.status == "ManualDecisionRequired"
    await connector.decide(request.id, *accepting_every_simple_item(ours.address))
    [completed] = our_requests(connector, is_own=False)
    assert completed.status == "Completed"
    await official.sync()
    their = await their_outgoing(official, "Completed")
    assert results(their["response"]["content"]) == ["Accepted"] * 6
    attributes = await official.consumption("attributes.getAttributes", {})
    kinds = sorted(attribute["content"]["value"]["@type"] for attribute in attributes)
    assert kinds == ["GivenName", "ProprietaryString", "Surname"]


async def test_a_rejected_request_in_a_template_leaves_no_relationship(connector: Connector, official: Peer) -> None:
    ours = connector.services
    item = {"@type": "ConsentRequestItem", "mustBeAccepted": True, "consent": "May we?"}
    content = {
        "@type": "RelationshipTemplateContent",
        "onNewRelationship": {"@type": "Request", "items": [item]},
    }
    template = await official.transport(
        "relationshipTemplates.createOwnRelationshipTemplate", {"content": content, "expiresAt": FAR_FUTURE}
    )
    await load_peer_template(ours, template["reference"]["truncated"])
    await connector.settle()
    [request] = our_requests(connector, is_own=False)
    await connector.decide(request.id, {"accept": False}, accept=False)
    [completed] = our_requests(connector, is_own=False)
    assert completed.status == "Completed"
    assert ours.store.select(RELATIONSHIPS) == []

    mine = await create_own_template(ours, content=content, expires_at=FAR_FUTURE)
    await official.transport(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": template_reference(ours, mine.id)}
    )
    their = await their_incoming(official, "ManualDecisionRequired")
    await official.consumption("incomingRequests.reject", {"requestId": their["id"], "items": [{"accept": False}]})
    await their_incoming(official, "Completed")
    await connector.sync()
    assert ours.store.select(RELATIONSHIPS) == []


# --- requests in messages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", [True, False])
async def test_our_request_by_message_is_answered(connector: Connector, official: Peer, accept: bool) -> None:
    await relationship_between(connector, official)
    item = {"@type": "ConsentRequestItem", "mustBeAccepted": True, "consent": "May we?"}
    request_id = await ask_by_message(connector, official, item)
    await official.sync()
    request = await their_incoming(official, "ManualDecisionRequired")
    operation = "accept" if accept else "reject"
    await official.consumption(
        f"incomingRequests.{operation}", {"requestId": request["id"], "items": [{"accept": accept}]}
    )
    await their_incoming(official, "Completed")
    await connector.sync()
    stored = connector.services.store.get(REQUESTS, request_id)
    assert stored is not None
    assert stored.status == "Completed"
    assert stored.response is not None
    assert stored.response.content["result"] == ("Accepted" if accept else "Rejected")


@pytest.mark.parametrize("accept", [True, False])
async def test_a_request_to_us_by_message_is_answered(connector: Connector, official: Peer, accept: bool) -> None:
    await relationship_between(connector, official)
    item = {"@type": "ConsentRequestItem", "mustBeAccepted": True, "consent": "May we?"}
    request_id = await be_asked_by_message(connector, official, item)
    await connector.decide(request_id, {"accept": accept}, accept=accept)
    await official.sync()
    completed = await their_outgoing(official, "Completed")
    assert completed["response"]["content"]["result"] == ("Accepted" if accept else "Rejected")


FORM_FIELDS: list[tuple[Json, Any]] = [
    ({"@type": "StringFormFieldSettings"}, "text"),
    ({"@type": "IntegerFormFieldSettings", "min": 1}, 5),
    ({"@type": "DoubleFormFieldSettings"}, 1.5),
    ({"@type": "BooleanFormFieldSettings"}, True),
    ({"@type": "DateFormFieldSettings"}, "2026-01-01"),
    ({"@type": "RatingFormFieldSettings", "maxRating": 5}, 3),
    (
        {
            "@type": "SelectionFormFieldSettings",
            "options": ["a", "b"],
            "allowMultipleSelection": True,
        },
        ["a", "b"],
    ),
]


async def test_form_fields_of_every_type_are_answered_on_both_sides(connector: Connector, official: Peer) -> None:
    await relationship_between(connector, official)
    items = [
        {"@type": "FormFieldRequestItem", "mustBeAccepted": True, "title": "t", "settings": settings}
        for settings, _ in FORM_FIELDS
    ]
    decisions = [{"accept": True, "response": response} for _, response in FORM_FIELDS]
    request_id = await ask_by_message(connector, official, *items)
    await official.sync()
    request = await their_incoming(official, "ManualDecisionRequired")
    await official.consumption("incomingRequests.accept", {"requestId": request["id"], "items": decisions})
    await their_incoming(official, "Completed")
    await connector.sync()
    stored = connector.services.store.get(REQUESTS, request_id)
    assert stored is not None
    assert stored.response is not None
    assert [item["response"] for item in stored.response.content["items"]] == [answer for _, answer in FORM_FIELDS]

    asked = await be_asked_by_message(connector, official, *items)
    await connector.decide(asked, *decisions)
    await official.sync()
    completed = await their_outgoing(official, "Completed")
    answers = [item["response"] for item in completed["response"]["content"]["items"]]
    assert answers == [answer for _, answer in FORM_FIELDS]


# --- the decider ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("automation", "expected"),
    [
        ([{"requestConfig": {}, "responseConfig": {"accept": False, "message": "no"}}], "Rejected"),
        (
            [
                {
                    "requestConfig": {"content.item.@type": "CreateAttributeRequestItem"},
                    "responseConfig": {"accept": True},
                }
            ],
            "Accepted",
        ),
        ([{"requestConfig": {"peer": "nobody"}, "responseConfig": {"accept": False}}], None),
    ],
    ids=["rejects", "accepts", "leaves it to people"],
)
async def test_the_decider_answers_as_configured(
    backbone_url: str, official: Peer, automation: list[Json], expected: str | None
) -> None:
    async with stepwise_connector(backbone_url, automation=automation) as connector:
        await relationship_between(connector, official)
        item = {
            "@type": "CreateAttributeRequestItem",
            "mustBeAccepted": True,
            "attribute": membership(official.address),
        }
        request_id = await be_asked_by_message(connector, official, item)
        request = connector.services.store.get(REQUESTS, request_id)
        assert request is not None
        if expected is None:
            assert request.status == "ManualDecisionRequired"
            return
        assert request.status == "Completed"
        assert request.was_automatically_decided
        await official.sync()
        completed = await their_outgoing(official, "Completed")
        assert completed["response"]["content"]["result"] == expected
