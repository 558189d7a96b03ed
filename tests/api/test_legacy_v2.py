"""``/api/v2`` beyond what the test with its SDK asks: 2022 under this prefix, and refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.accounts import FAR_FUTURE
from tests.api.old_clients import OldClient, two_clients
from tests.connectors import request_with_status
from trio_connector.domain.shapes_2022 import change_id

INVALID = "error.runtime.validation.invalidPropertyValue"
NAME = {"@type": "GivenName", "value": "Ada"}
CONTENT = {"@type": "ArbitraryRelationshipTemplateContent", "value": {"from": "us"}}


class Pair(NamedTuple):
    """Two Connectors with an active relationship: ``one`` had the template."""

    one: OldClient
    other: OldClient
    relationship_id: str
    template_id: str


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """Two Connectors with an active relationship, asked for and accepted in the words of 2022."""
    async with two_clients("/api/v2") as (one, other):
        template = await one.template(maxNumberOfRelationships=1)
        await other.post("RelationshipTemplates/Peer", {"reference": template["truncatedReference"]})
        body = {"templateId": template["id"], "content": {"from": "them"}}
        relationship_id = (await other.post("Relationships", body))["id"]
        await one.ask("POST", "Account/Sync")
        await one.put(f"Relationships/{relationship_id}/Changes/{change_id(relationship_id)}/Accept")
        await other.ask("POST", "Account/Sync")
        yield Pair(one, other, relationship_id, template["id"])


async def accepted(one: OldClient, other: OldClient, item: dict[str, Any]) -> str:
    """The id of a request of ``one`` that ``other`` accepted, and of which both know everything."""
    body = {"content": {"items": [{"mustBeAccepted": True, **item}]}, "peer": other.address}
    request = await one.post("Requests/Outgoing", body)
    await one.post("Messages", {"recipients": [other.address], "content": request["content"]})
    await other.ask("POST", "Account/Sync")
    await request_with_status(other.services, "ManualDecisionRequired", own=False)
    await other.put(f"Requests/Incoming/{request['id']}/Accept", {"items": [{"accept": True}]})
    await request_with_status(other.services, "Completed", own=False)
    await one.ask("POST", "Account/Sync")
    await request_with_status(one.services, "Completed", own=True)
    identifier: str = request["id"]
    return identifier


async def test_what_2022_asked_is_answered_in_the_shapes_of_6(pair: Pair) -> None:
    one, other, relationship_id, template_id = pair
    relationship = await other.get(f"Relationships/{relationship_id}")
    assert list(relationship) == [
        "id",
        "template",
        "status",
        "peer",
        "peerIdentity",
        "creationContent",
        "auditLog",
    ]
    assert relationship["status"] == "Active"
    assert relationship["creationContent"] == {
        "@type": "ArbitraryRelationshipCreationContent",
        "value": {"from": "them"},
    }
    assert (relationship["template"]["content"], relationship["template"]["maxNumberOfAllocations"]) == (CONTENT, 1)
    assert [entry["reason"] for entry in relationship["auditLog"]] == ["Creation", "AcceptanceOfCreation"]
    assert await other.get("Relationships", **{"template.id": template_id}) == [relationship]
    message = await one.post("Messages", {"recipients": [other.address], "content": "text"})
    assert message["content"] == {"@type": "ArbitraryMessageContent", "value": "text"}
    assert (await one.post(f"Relationships/{relationship_id}/Changes"))["status"] == "Terminated"
    response = await other.ask("POST", "Account/Sync")
    assert (response.status_code, response.content) == (204, b"")


async def test_a_relationship_outlives_its_template(pair: Pair) -> None:
    one, _, relationship_id, template_id = pair
    gone = await one.api.client.delete(f"/api/core/v1/RelationshipTemplates/{template_id}")
    assert gone.status_code == 204
    assert (await one.get(f"Relationships/{relationship_id}"))["template"] == {"id": template_id}
    one.prefix = "/api/v1"
    assert (await one.get("Relationships"))[0]["template"] == {"id": template_id}


async def test_a_query_may_be_the_body_or_in_it(pair: Pair) -> None:
    one, _, _, _ = pair
    attribute = await one.post("Attributes", {"content": {"value": NAME}})
    query = {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}
    for body in (query, {"query": query}):
        assert await one.post("Attributes/ExecuteIdentityAttributeQuery", body, status=200) == [attribute]
    body = {"query": {"@type": "RelationshipAttributeQuery", "key": "k", "owner": one.address}}
    status, code, _ = await one.refused("POST", "Attributes/ExecuteRelationshipAttributeQuery", json=body)
    assert status in (400, 404), code


async def test_copies_are_shown_filtered_and_only_deleted_with_their_attribute(pair: Pair) -> None:
    one, other, _, _ = pair
    attribute = await one.post("Attributes", {"content": {"value": NAME, "tags": ["x:a"]}})
    request_id = await accepted(
        one,
        other,
        {
            "@type": "ShareAttributeRequestItem",
            "attribute": attribute["content"],
            "sourceAttributeId": attribute["id"],
        },
    )
    path = "Attributes/Own/Shared/Identity"
    (copy,) = await one.get(path, peer=other.address)
    assert copy == {
        **attribute,
        "shareInfo": {"requestReference": request_id, "peer": other.address, "sourceAttribute": attribute["id"]},
    }
    for name, value, found in (
        ("shareInfo.requestReference", request_id, True),
        ("query.shareInfo.requestReference", request_id, True),
        ("query.shareInfo.sourceAttribute", attribute["id"], True),
        ("query.shareInfo.notificationReference", "!", True),
        ("content.tags", "x:a", True),
        ("content.tags", "x:b", False),
        ("content.value.@type", "Surname", False),
        ("deletionInfo.deletionStatus", "DeletedByPeer", False),
        ("content.value.@type", "~name", True),
        ("unknown", "ignored", True),
    ):
        assert await one.get(path, peer=other.address, **{name: value}) == ([copy] if found else []), name
    assert (await one.refused("GET", path))[:2] == (400, INVALID)
    for query in (
        {"peer": "nobody"},
        {"peer": [other.address, one.address]},
        {"peer": other.address, "hideTechnical": ["true", "true"]},
        {"peer": other.address, "content.value.@type": "~("},
    ):
        assert (await one.refused("GET", path, params=query))[:2] == (400, INVALID), query

    (theirs,) = await other.get("Attributes/Peer/Shared/Identity", peer=one.address)
    for client, kind, id_, name in (
        (one, "Own/Shared/", attribute["id"], "error.connector.legacy.copyCannotBeDeleted"),
        (one, "Peer/Shared/", attribute["id"], "error.runtime.attributes.isNotPeerSharedAttribute"),
        (one, "ThirdParty/", attribute["id"], "error.runtime.attributes.isNotThirdPartyRelationshipAttribute"),
        (other, "Own/Shared/", theirs["id"], "error.runtime.attributes.isNotOwnSharedAttribute"),
        (other, "", theirs["id"], "error.runtime.attributes.isNotRepositoryAttribute"),
    ):
        status, code, _ = await client.refused("DELETE", f"Attributes/{kind}{id_}")
        assert (status, code) == (400, name)
    for kind in ("", "Own/Shared/", "Peer/Shared/", "ThirdParty/"):
        assert (await one.refused("DELETE", f"Attributes/{kind}ATTaaaaaaaaaaaaaaaaa"))[0] == 404
        assert (await one.refused("DELETE", f"Attributes/{kind}no-id"))[:2] == (400, INVALID)
    response = await one.ask("DELETE", f"Attributes/{attribute['id']}")
    assert (response.status_code, response.content) == (204, b"")


async def test_shared_versions_belong_to_those_who_have_them(pair: Pair) -> None:
    one, other, _, _ = pair
    attribute = await one.post("Attributes", {"content": {"value": NAME}})
    path = f"Attributes/{attribute['id']}/Versions/Shared"
    assert await one.get(path) == []
    item = {"attribute": attribute["content"], "sourceAttributeId": attribute["id"]}
    await accepted(one, other, {"@type": "ShareAttributeRequestItem", **item})
    (shared,) = await one.get(path)
    for peers in (other.address, [other.address], [other.address, one.address]):
        assert await one.get(path, peers=peers) == [shared]
    assert await one.get(path, **{"peers[]": other.address}) == [shared]
    assert await one.get(path, peers=one.address) == []
    assert (await one.refused("GET", "Attributes/no-id/Versions/Shared"))[:2] == (400, INVALID)
    assert (await one.refused("GET", "Attributes/ATTaaaaaaaaaaaaaaaaa/Versions/Shared"))[0] == 404


async def test_what_has_no_end_cannot_be_limited(pair: Pair) -> None:
    one, _, _, _ = pair
    attribute = await one.post("Attributes", {"content": {"value": NAME, "validFrom": None}})
    limited = {"value": {**NAME, "value": "Augusta"}, "validTo": FAR_FUTURE}
    for path, body in (
        ("Attributes", {"content": limited}),
        (f"Attributes/{attribute['id']}/Succeed", {"successorContent": limited}),
    ):
        assert await one.refused("POST", path, json=body) == (
            400,
            INVALID,
            "Attributes have no validFrom and validTo any more.",
        )
