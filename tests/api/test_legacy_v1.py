"""``/api/v1``, the API of 2022 (spec 08 section 3), between two Connectors."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.accounts import FAR_FUTURE
from tests.api.old_clients import OldClient, two_clients
from tests.connectors import request_with_status
from trio_connector.domain.shapes_2022 import change_id

INVALID = "error.runtime.validation.invalidPropertyValue"
NOT_FOUND = "error.runtime.recordNotFound"
NAME = {"@type": "GivenName", "value": "Ada"}


class Pair(NamedTuple):
    """Two Connectors with an active relationship: ``one`` had the template."""

    one: OldClient
    other: OldClient
    relationship_id: str


@pytest.fixture
async def clients() -> AsyncIterator[tuple[OldClient, OldClient]]:
    """Two Connectors that do not know each other."""
    async with two_clients("/api/v1") as found:
        yield found


async def asked(one: OldClient, other: OldClient, content: Any = None) -> Any:
    """A relationship for which ``other`` asks ``one``."""
    template = await one.template()
    await other.post("RelationshipTemplates/Peer", {"reference": template["truncatedReference"]})
    body = {"templateId": template["id"], "content": {"from": "them"} if content is None else content}
    return await other.post("Relationships", body)


@pytest.fixture
async def pair(clients: tuple[OldClient, OldClient]) -> Pair:
    """Two Connectors with an active relationship."""
    one, other = clients
    relationship = await asked(one, other)
    await one.post("Account/Sync", status=200)
    await one.put(f"Relationships/{relationship['id']}/Changes/{relationship['changes'][0]['id']}/Accept")
    await other.post("Account/Sync", status=200)
    return Pair(one, other, relationship["id"])


async def sent_request(one: OldClient, other: OldClient, *items: dict[str, Any]) -> str:
    """The id of a request that ``other`` has to decide."""
    body = {"content": {"items": list(items)}, "peer": other.address}
    assert (await one.post("Requests/Outgoing/Validate", body))["isSuccess"]
    request = await one.post("Requests/Outgoing", body)
    await one.post("Messages", {"recipients": [other.address], "content": request["content"]})
    await other.post("Account/Sync", status=200)
    await request_with_status(other.services, "ManualDecisionRequired", own=False)
    identifier: str = request["id"]
    return identifier


async def shared_attribute(one: OldClient, other: OldClient) -> tuple[Any, str]:
    """An attribute of ``one`` that ``other`` has too, and the request that brought it."""
    attribute = await one.post(
        "Attributes", {"content": {"@type": "IdentityAttribute", "owner": one.address, "value": NAME}}
    )
    item = {
        "@type": "ShareAttributeRequestItem",
        "mustBeAccepted": True,
        "attribute": attribute["content"],
        "attributeId": attribute["id"],
    }
    request_id = await sent_request(one, other, item)
    await other.put(f"Requests/Incoming/{request_id}/Accept", {"items": [{"accept": True}]})
    await request_with_status(other.services, "Completed", own=False)
    await one.post("Account/Sync", status=200)
    await request_with_status(one.services, "Completed", own=True)
    return attribute, request_id


# --- account -------------------------------------------------------------------------------------------------------


async def test_the_account_says_who_it_is_and_when_it_synchronised(clients: tuple[OldClient, OldClient]) -> None:
    one, _ = clients
    info = await one.get("Account/IdentityInfo")
    assert list(info) == ["address", "publicKey"]
    assert info["address"] == one.address
    assert await one.get("Account/SyncInfo") == {}
    assert await one.post("Account/Sync", status=200) == {"relationships": [], "messages": []}
    assert list((await one.get("Account/SyncInfo"))["lastSyncRun"]) == ["completedAt"]


async def test_a_synchronisation_answers_what_it_brought(pair: Pair) -> None:
    one, other, relationship_id = pair
    relationship = await one.get(f"Relationships/{relationship_id}")
    first = await one.post("Messages", {"recipients": [other.address], "content": {"number": 1}})
    second = await one.post("Messages", {"recipients": [other.address], "content": {"number": 2}})
    synced = await other.post("Account/Sync", status=200)
    assert synced["relationships"] == []
    assert [message["id"] for message in synced["messages"]] == [first["id"], second["id"]]
    assert synced["messages"] == [await other.get(f"Messages/{each['id']}") for each in (first, second)]
    await one.post(f"Relationships/{relationship_id}/Changes")
    synced = await other.post("Account/Sync", status=200)
    assert [each["status"] for each in synced["relationships"]] == ["Terminated"]
    assert synced["relationships"][0]["changes"] == relationship["changes"]
    assert await other.post("Account/Sync", status=200) == {"relationships": [], "messages": []}


# --- templates and relationships -----------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [{"any": {"thing": 1}}, {"@type": "of ours", "a": None}, [1, "two"], "text", 3])
async def test_a_template_has_any_content(clients: tuple[OldClient, OldClient], content: Any) -> None:
    one, other = clients
    template = await one.template(content)
    assert list(template) == [
        "id",
        "isOwn",
        "createdBy",
        "createdByDevice",
        "createdAt",
        "content",
        "expiresAt",
        "truncatedReference",
    ]
    assert (template["content"], template["isOwn"], template["createdBy"]) == (content, True, one.address)
    loaded = await other.post("RelationshipTemplates/Peer", {"reference": template["truncatedReference"]})
    assert (loaded["id"], loaded["content"], loaded["isOwn"]) == (template["id"], content, False)
    assert await other.get(f"RelationshipTemplates/{template['id']}") == loaded


async def test_a_template_with_a_request_keeps_its_type(clients: tuple[OldClient, OldClient]) -> None:
    one, _ = clients
    question = {
        "@type": "ReadAttributeRequestItem",
        "mustBeAccepted": True,
        "responseMetadata": {"ours": 1},
        "query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName"},
    }
    content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"@type": "Request", "items": [question]}}
    shown = (await one.template(content))["content"]
    assert shown["@type"] == "RelationshipTemplateContent"
    item = shown["onNewRelationship"]["items"][0]
    assert (item["responseMetadata"], item["metadata"]) == ({"ours": 1}, {"ours": 1})


async def test_templates_are_listed_by_their_limits(clients: tuple[OldClient, OldClient]) -> None:
    one, _ = clients
    two = await one.template(maxNumberOfRelationships=2)
    three = await one.template(maxNumberOfAllocations=5, maxNumberOfRelationships=3)
    assert (two["maxNumberOfAllocations"], two["maxNumberOfRelationships"]) == (2, 2)
    assert (three["maxNumberOfAllocations"], three["maxNumberOfRelationships"]) == (3, 3)
    for path in ("RelationshipTemplates", "RelationshipTemplates/Own"):
        assert await one.get(path, maxNumberOfRelationships="3") == [three]
        assert await one.get(path, maxNumberOfAllocations=">=2") == [two, three]
    assert await one.get("RelationshipTemplates/Peer") == []
    refusal = await one.refused(
        "POST",
        "RelationshipTemplates/Own",
        json={"content": {}, "expiresAt": FAR_FUTURE, "maxNumberOfRelationships": 0},
    )
    assert refusal[:2] == (400, INVALID)


async def test_templates_files_and_tokens_are_loaded_by_id_and_secret_key(
    clients: tuple[OldClient, OldClient],
) -> None:
    one, other = clients
    template = await one.template()
    reference = base64.urlsafe_b64decode(template["truncatedReference"] + "==").decode()
    secret_key = base64.urlsafe_b64encode(
        json.dumps({"key": reference.split("|")[2], "alg": 3}, separators=(",", ":")).encode()
    ).decode()
    secret_key = secret_key.rstrip("=")
    loaded = await other.post("RelationshipTemplates/Peer", {"id": template["id"], "secretKey": secret_key})
    assert loaded["id"] == template["id"]
    file = await one.upload()
    loaded = await other.post("Files/Peer", {"id": file["id"], "secretKey": file["secretKey"]})
    assert (loaded["id"], loaded["secretKey"]) == (file["id"], file["secretKey"])
    token = await one.post("Tokens/Own", {"content": {"a": 1}, "expiresAt": FAR_FUTURE})
    body = {"id": token["id"], "secretKey": token["secretKey"], "ephemeral": True}
    loaded = await other.post("Tokens/Peer", body)
    assert (loaded["content"], loaded["isEphemeral"]) == ({"a": 1}, True)
    for wrong in (
        {"id": token["id"]},
        {"secretKey": token["secretKey"]},
        {"id": file["id"], "secretKey": token["secretKey"]},
        {"id": token["id"], "secretKey": "no key"},
        {"id": 1, "secretKey": 2},
        {},
    ):
        assert (await other.refused("POST", "Tokens/Peer", json=wrong))[:2] == (400, INVALID)


async def test_a_relationship_is_shown_with_one_change(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    relationship = await asked(one, other, {"from": "them"})
    assert list(relationship) == ["id", "template", "status", "peer", "peerIdentity", "changes"]
    assert (relationship["status"], relationship["peer"]) == ("Pending", one.address)
    assert list(relationship["peerIdentity"]) == ["address", "publicKey"]
    assert relationship["template"] == (await other.get("RelationshipTemplates"))[0]
    (change,) = relationship["changes"]
    assert change["id"] == change_id(relationship["id"])
    assert (change["type"], change["status"]) == ("Creation", "Pending")
    request = change["request"]
    assert (request["createdBy"], request["content"]) == (other.address, {"from": "them"})
    assert request["createdByDevice"].startswith("DVC")

    synced = await one.post("Account/Sync", status=200)
    (seen,) = synced["relationships"]
    assert (seen["changes"], seen["template"]["isOwn"]) == (relationship["changes"], True)
    path = f"Relationships/{relationship['id']}"
    accepted = await one.put(f"{path}/Changes/{change['id']}/Accept", {"content": {}})
    assert accepted["status"] == "Active"
    assert accepted["changes"][0]["id"] == change["id"]
    assert accepted["changes"][0]["status"] == "Accepted"
    assert accepted["changes"][0]["response"]["createdBy"] == one.address
    await other.post("Account/Sync", status=200)
    assert (await other.get(path))["changes"] == accepted["changes"]
    template_id = relationship["template"]["id"]
    for query in (
        {"template.id": template_id},
        {"peer": one.address},
        {"status": "Active"},
        {"templateId": template_id},
    ):
        assert [each["id"] for each in await other.get("Relationships", **query)] == [relationship["id"]]
    assert await other.get("Relationships", **{"template.id": "RLTaaaaaaaaaaaaaaaaa"}) == []
    assert await other.get(f"{path}/Attributes") == []

    terminated = await other.post(f"{path}/Changes")
    assert terminated["status"] == "Terminated"
    assert terminated["changes"] == accepted["changes"]


async def test_a_relationship_is_rejected_or_revoked_by_its_change(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    first = await asked(one, other)
    await one.post("Account/Sync", status=200)
    rejected = await one.put(f"Relationships/{first['id']}/Changes/{first['changes'][0]['id']}/Reject")
    assert (rejected["status"], rejected["changes"][0]["status"]) == ("Rejected", "Rejected")
    await other.post("Account/Sync", status=200)
    second = await asked(one, other)
    path = f"Relationships/{second['id']}/Changes/{second['changes'][0]['id']}"
    revoked = await other.put(f"{path}/Revoke", {"content": None})
    assert (revoked["status"], revoked["changes"][0]["status"]) == ("Revoked", "Revoked")


async def test_an_answer_names_the_change_and_says_nothing_else(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    relationship = await asked(one, other)
    await one.post("Account/Sync", status=200)
    change = relationship["changes"][0]["id"]
    for name in ("Accept", "Reject", "Revoke"):
        path = f"Relationships/{relationship['id']}/Changes"
        assert (await one.refused("PUT", f"{path}/RCHaaaaaaaaaaaaaaaaa/{name}", json={}))[:2] == (404, NOT_FOUND)
        status, code, _ = await one.refused("PUT", f"{path}/{change}/{name}", json={"content": {"a": 1}})
        assert (status, code) == (400, "error.connector.legacy.contentCannotBeTransmitted")
        unknown = f"Relationships/RELaaaaaaaaaaaaaaaaa/Changes/{change}/{name}"
        assert (await one.refused("PUT", unknown, json={}))[:2] == (404, NOT_FOUND)
        assert (await one.refused("PUT", f"Relationships/no-id/Changes/{change}/{name}"))[:2] == (400, INVALID)
    assert (await one.get(f"Relationships/{relationship['id']}"))["status"] == "Pending"
    assert (await other.refused("POST", "Relationships", json={"templateId": relationship["template"]["id"]})) == (
        400,
        INVALID,
        "must have required property 'content'",
    )


# --- messages ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [{"any": "thing"}, ["a", 1], "text", {"@type": ["no text"]}])
async def test_a_message_has_any_content(pair: Pair, content: Any) -> None:
    one, other, relationship_id = pair
    message = await one.post("Messages", {"recipients": [other.address], "content": content})
    assert list(message) == [
        "id",
        "content",
        "createdBy",
        "createdByDevice",
        "recipients",
        "relationshipIds",
        "createdAt",
        "attachments",
    ]
    assert message["content"] == content
    assert message["recipients"] == [{"address": other.address, "relationshipId": relationship_id}]
    assert message["relationshipIds"] == [relationship_id]
    await other.post("Account/Sync", status=200)
    assert (await other.get(f"Messages/{message['id']}"))["content"] == content


async def test_a_mail_stays_a_mail_and_brings_its_files(pair: Pair) -> None:
    one, other, relationship_id = pair
    file = await one.upload(description="D")
    mail = {"@type": "Mail", "to": [other.address], "subject": "S", "body": "B", "cc": []}
    message = await one.post("Messages", {"recipients": [other.address], "content": mail, "attachments": [file["id"]]})
    assert (message["content"], message["attachments"]) == (mail, [file["id"]])
    await other.post("Account/Sync", status=200)
    for query in (
        {"content.subject": "S"},
        {"content.body": "B", "content.@type": "Mail"},
        {"participant": one.address, "attachments": file["id"]},
        {"recipients.address": other.address, "recipients.relationshipId": relationship_id},
        {"createdBy": one.address, "createdByDevice": message["createdByDevice"], "createdAt": message["createdAt"]},
    ):
        assert [each["id"] for each in await other.get("Messages", **query)] == [message["id"]]
    assert await other.get("Messages", **{"content.subject": "another"}) == []
    (attachment,) = (await other.get(f"Messages/{message['id']}"))["attachments"]
    assert attachment == {**file, "isOwn": False}
    path = f"Messages/{message['id']}/Attachments/{file['id']}"
    assert await other.get(path) == attachment
    download = await other.ask("GET", f"{path}/Download")
    assert (download.content, download.headers["content-type"]) == (b"content", "text/plain")


# --- files and tokens ----------------------------------------------------------------------------------------------


async def test_files_have_titles_and_secret_keys(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    file = await one.upload(description="D")
    assert list(file) == [
        "id",
        "filename",
        "filesize",
        "createdAt",
        "createdBy",
        "createdByDevice",
        "expiresAt",
        "mimetype",
        "isOwn",
        "title",
        "description",
        "secretKey",
        "truncatedReference",
    ]
    key = json.loads(base64.urlsafe_b64decode(file["secretKey"] + "=="))
    assert (list(key), key["alg"]) == (["key", "alg"], 3)
    assert await one.get(f"Files/{file['id']}") == file
    assert (await one.ask("GET", f"Files/{file['id']}/Download")).content == b"content"
    for path in ("Files", "Files/Own"):
        assert await one.get(path, title="Title", filesize="7", isOwn="true") == [file]
    loaded = await other.post("Files/Peer", {"reference": file["truncatedReference"]})
    assert loaded == {**file, "isOwn": False}
    assert await other.get("Files/Peer", createdBy=one.address) == [loaded]
    token = await one.post(f"Files/{file['id']}/Token", {"expiresAt": FAR_FUTURE, "ephemeral": False})
    assert await one.get("Tokens/Own") == [token]
    assert (await other.post("Files/Peer", {"reference": token["truncatedReference"]}))["id"] == file["id"]
    for missing in ("title", "expiresAt"):
        data = {name: value for name, value in {"title": "T", "expiresAt": FAR_FUTURE}.items() if name != missing}
        refusal = await one.refused("POST", "Files/Own", data=data, files={"file": ("a", b"a")})
        assert refusal == (400, INVALID, f"must have required property '{missing}'")


async def test_a_file_without_a_title_is_shown_with_its_name(clients: tuple[OldClient, OldClient]) -> None:
    one, _ = clients
    today = await one.api.client.post("/api/core/v1/Files/Own", files={"file": ("a.txt", b"a")})
    assert (await one.get(f"Files/{today.json()['result']['id']}"))["title"] == "a.txt"


async def test_tokens_are_made_and_loaded(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    token = await one.post("Tokens/Own", {"content": {"a": {"b": [1]}}, "expiresAt": FAR_FUTURE})
    assert list(token) == [
        "id",
        "createdBy",
        "createdByDevice",
        "content",
        "createdAt",
        "expiresAt",
        "secretKey",
        "truncatedReference",
        "isEphemeral",
    ]
    assert (token["content"], token["isEphemeral"]) == ({"a": {"b": [1]}}, False)
    assert await one.get(f"Tokens/{token['id']}") == token
    loaded = await other.post("Tokens/Peer", {"reference": token["truncatedReference"]})
    assert loaded == token
    assert await other.get("Tokens/Peer", createdBy=one.address, expiresAt=FAR_FUTURE) == [loaded]
    assert await one.get("Tokens/Own", createdAt=token["createdAt"], createdByDevice=token["createdByDevice"]) == [
        token
    ]
    template = await one.template()
    handed = await one.post(f"RelationshipTemplates/Own/{template['id']}/Token", {})
    assert handed["isEphemeral"] is True
    loaded = await other.post("RelationshipTemplates/Peer", {"reference": handed["truncatedReference"]})
    assert loaded["id"] == template["id"]


# --- attributes ----------------------------------------------------------------------------------------------------


async def test_own_attributes_are_created_listed_and_queried(clients: tuple[OldClient, OldClient]) -> None:
    one, _ = clients
    content = {"@type": "IdentityAttribute", "owner": one.address, "value": NAME, "tags": ["x:t"]}
    attribute = await one.post("Attributes", {"content": content})
    assert list(attribute) == ["id", "createdAt", "content"]
    assert attribute["content"] == content
    assert await one.get(f"Attributes/{attribute['id']}") == attribute
    for query in (
        {},
        {"createdAt": attribute["createdAt"]},
        {"content.@type": "IdentityAttribute", "content.value.@type": "GivenName"},
        {"content.owner": one.address, "content.tags": "x:t"},
        {"content.validTo": "!", "shareInfo.peer": "!"},
        {"succeeds": "!", "succeededBy": "!"},
    ):
        for path in ("Attributes", "Attributes/Valid"):
            assert await one.get(path, **query) == [attribute]
    for query in ({"content.validFrom": ">2000"}, {"content.key": "k"}, {"shareInfo.sourceAttribute": attribute["id"]}):
        assert await one.get("Attributes", **query) == []
    query = {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}
    assert await one.post("Attributes/ExecuteIdentityAttributeQuery", query, status=200) == [attribute]
    assert (await one.refused("POST", "Attributes/ExecuteIdentityAttributeQuery", json={}))[0] == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"owner": "did:e:localhost:dids:0123456789abcdef012345"}, "not owned by yourself"),
        ({"owner": None}, "not owned by yourself"),
        ({"@type": "RelationshipAttribute", "key": "k", "confidentiality": "public"}, "is created with a Request"),
        ({"validFrom": "2020"}, "no validFrom and validTo"),
        ({"validTo": "2020"}, "no validFrom and validTo"),
        ({"unknown": 1}, "must NOT have additional properties"),
        ({"value": {"@type": "No type"}}, "content.value.@type"),
    ],
)
async def test_only_what_can_be_kept_is_created(
    clients: tuple[OldClient, OldClient], change: dict[str, Any], message: str
) -> None:
    one, _ = clients
    content = {"@type": "IdentityAttribute", "owner": one.address, "value": NAME, **change}
    content = {name: value for name, value in content.items() if value is not None}
    status, code, text = await one.refused("POST", "Attributes", json={"content": content})
    assert (status, code) == (400, INVALID)
    assert message in text


async def test_an_attribute_says_with_whom_it_is_shared(pair: Pair) -> None:
    one, other, relationship_id = pair
    attribute, request_id = await shared_attribute(one, other)
    (got,) = await other.get("Attributes", **{"shareInfo.peer": one.address})
    assert got["shareInfo"] == {"requestReference": request_id, "peer": one.address}
    assert await other.get("Attributes", **{"shareInfo.requestReference": request_id}) == [got]
    assert await other.get("Attributes", **{"shareInfo.requestReference": "REQaaaaaaaaaaaaaaaaa"}) == []
    assert await other.get(f"Relationships/{relationship_id}/Attributes") == [got]
    # What was a copy in 2022 is the attribute itself.
    assert await one.get("Attributes", **{"shareInfo.sourceAttribute": attribute["id"]}) == [attribute]


async def test_a_relationship_attribute_is_found_by_a_query(pair: Pair) -> None:
    one, other, _ = pair
    content = {
        "@type": "RelationshipAttribute",
        "owner": one.address,
        "key": "customer",
        "confidentiality": "public",
        "isTechnical": False,
        "value": {"@type": "ProprietaryString", "title": "Customer", "value": "17"},
    }
    item = {"@type": "CreateAttributeRequestItem", "mustBeAccepted": True, "attribute": content}
    request_id = await sent_request(one, other, item)
    await other.put(f"Requests/Incoming/{request_id}/Accept", {"items": [{"accept": True}]})
    await request_with_status(other.services, "Completed", own=False)
    await one.post("Account/Sync", status=200)
    await request_with_status(one.services, "Completed", own=True)
    query = {
        "@type": "RelationshipAttributeQuery",
        "key": "customer",
        "owner": one.address,
        "attributeCreationHints": {"title": "C", "valueType": "ProprietaryString", "confidentiality": "public"},
    }
    (found,) = await one.post("Attributes/ExecuteRelationshipAttributeQuery", query, status=200)
    assert (found["content"], found["shareInfo"]["peer"]) == (content, other.address)
    assert await one.get("Attributes", **{"content.key": "customer", "content.confidentiality": "public"}) == [found]
    query["key"] = "another"
    assert await one.post("Attributes/ExecuteRelationshipAttributeQuery", query, status=200) == []
    assert (await one.refused("POST", "Attributes/ExecuteRelationshipAttributeQuery", json={"key": "k"}))[0] == 400


# --- requests and challenges ---------------------------------------------------------------------------------------


async def test_requests_are_decided(pair: Pair) -> None:
    one, other, _ = pair
    item = {"@type": "ConsentRequestItem", "mustBeAccepted": False, "consent": "C", "responseMetadata": {"ours": 1}}
    request_id = await sent_request(one, other, item)
    draft = await one.get(f"Requests/Outgoing/{request_id}")
    assert list(draft) == ["id", "isOwn", "peer", "createdAt", "status", "content", "source"]
    assert draft["content"]["items"][0]["responseMetadata"] == {"ours": 1}
    path = f"Requests/Incoming/{request_id}"
    accept = {"items": [{"accept": True}]}
    reject = {"items": [{"accept": False}]}
    assert (await other.put(f"{path}/CanAccept", accept))["isSuccess"]
    assert (await other.put(f"{path}/CanReject", reject))["isSuccess"]
    assert (await other.put(f"{path}/Reject", reject))["status"] == "Decided"
    await request_with_status(other.services, "Completed", own=False)
    (incoming,) = await other.get("Requests/Incoming", status="Completed", peer=one.address)
    assert incoming == await other.get(path)
    assert incoming["response"]["source"]["type"] == "Message"
    await one.post("Account/Sync", status=200)
    await request_with_status(one.services, "Completed", own=True)
    (outgoing,) = await one.get("Requests/Outgoing", **{"response.content.result": "Rejected"})
    assert outgoing["id"] == request_id


async def test_the_response_in_a_relationship_comes_from_its_change(clients: tuple[OldClient, OldClient]) -> None:
    one, other = clients
    question = {
        "@type": "ReadAttributeRequestItem",
        "mustBeAccepted": True,
        "query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName"},
    }
    content = {"@type": "RelationshipTemplateContent", "onNewRelationship": {"@type": "Request", "items": [question]}}
    template = await one.template(content)
    await other.post("RelationshipTemplates/Peer", {"reference": template["truncatedReference"]})
    request = await request_with_status(other.services, "ManualDecisionRequired", own=False)
    answer = {
        "accept": True,
        "newAttribute": {"@type": "IdentityAttribute", "owner": other.address, "value": NAME},
    }
    await other.put(f"Requests/Incoming/{request['id']}/Accept", {"items": [answer]})
    await request_with_status(other.services, "Completed", own=False)
    (relationship,) = await other.get("Relationships")
    change = relationship["changes"][0]
    assert change["request"]["content"]["@type"] == "RelationshipCreationContent"
    expected = {"type": "RelationshipChange", "reference": change["id"]}
    assert (await other.get(f"Requests/Incoming/{request['id']}"))["response"]["source"] == expected
    for kind, count in (("RelationshipChange", 1), ("Message", 0)):
        assert len(await other.get("Requests/Incoming", **{"response.source.type": kind})) == count


async def test_challenges_are_signed_and_validated(pair: Pair) -> None:
    one, other, relationship_id = pair
    challenge = await one.post("Challenges", {"challengeType": "Relationship", "relationship": relationship_id})
    signed = {name: challenge[name] for name in ("challengeString", "signature")}
    validation = await other.post("Challenges/Validate", signed, status=200)
    assert validation["isValid"]
    assert validation["correspondingRelationship"] == await other.get(f"Relationships/{relationship_id}")
