"""``/api/v2`` as the official SDK 6.7.0 uses it: every answer has to fit the types of the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE
from tests.interop.peers import PeerError, PeerProcess
from tests.interop.sdk_clients import SdkClient, asked, related, sdk_clients, sdk_program

PNG = b"\x89PNG\r\n\x1a\n"
GIVEN_NAME = {"@type": "GivenName", "value": "Ada"}
UNKNOWN_FILE = "FIL00000000000000000"


@pytest.fixture(scope="module")
def sdk_process() -> Iterator[PeerProcess]:
    """The process in which the SDK lives."""
    process = PeerProcess(sdk_program())
    yield process
    process.end()


@pytest.fixture
async def two(sdk_process: PeerProcess, backbone_url: str, tmp_path: Path) -> AsyncIterator[list[SdkClient]]:
    """The clients of two daemons that do not know each other."""
    async with sdk_clients(sdk_process, backbone_url, tmp_path, "one", "other") as clients:
        yield clients


async def uploaded(client: SdkClient, content: bytes = b"bytes \x00\xff", **members: Any) -> dict[str, Any]:
    """A file that ``client`` uploaded."""
    request = {"title": "A title", "expiresAt": FAR_FUTURE, "file": content, "filename": "a name.txt", **members}
    found: dict[str, Any] = await client.ask("files.uploadOwnFile", request)
    return found


async def refused(client: SdkClient, path: str, *arguments: Any) -> str:
    """The code of the error with which the Connector refuses a call."""
    with pytest.raises(PeerError) as caught:
        await client.ask(path, *arguments)
    return caught.value.code


async def test_accounts_and_monitoring(two: list[SdkClient]) -> None:
    client, _ = two
    assert await client.ask("account.getSyncInfo") == {}
    await client.ask("account.sync")
    assert (await client.ask("account.getSyncInfo"))["lastSyncRun"]["completedAt"]
    assert (await client.ask("monitoring.getHealth"))["isHealthy"] is True
    assert (await client.ask("monitoring.getVersion"))["version"]
    assert (await client.ask("monitoring.getRequests"))["requestCountByStatus"]["204"] == 1
    assert (await client.ask("monitoring.getSupport"))["identityInfo"]["address"] == client.address
    metadata = {"reference": client.address, "key": "k", "value": {"any": ["json"]}}
    assert await client.ask("identityMetadata.upsertIdentityMetadata", metadata) == metadata
    assert await client.ask("identityMetadata.getIdentityMetadata", client.address, "k") == metadata
    await client.ask("identityMetadata.deleteIdentityMetadata", client.address, "k")
    code = await refused(client, "identityMetadata.getIdentityMetadata", client.address, "k")
    assert code == "error.runtime.identityMetadata.notFound"


async def test_challenges(two: list[SdkClient]) -> None:
    one, other = two
    relationship = await related(other, one)
    device = await other.ask("challenges.createChallenge", {"challengeType": "Device"})
    assert await refused(one, "challenges.validateChallenge", signed(device)) == "error.runtime.notSupported"
    for request in (
        {"challengeType": "Identity"},
        {"challengeType": "Relationship", "relationship": relationship["id"]},
    ):
        challenge = await other.ask("challenges.createChallenge", request)
        validation = await one.ask("challenges.validateChallenge", signed(challenge))
        assert validation["isValid"] is True
        assert validation["correspondingRelationship"] == relationship
        forged = {**signed(challenge), "signature": device["signature"]}
        assert await one.ask("challenges.validateChallenge", forged) == {"isValid": False}


def signed(challenge: dict[str, Any]) -> dict[str, Any]:
    """What has to be validated of a challenge."""
    return {name: challenge[name] for name in ("challengeString", "signature")}


async def test_files_go_from_one_to_the_other(two: list[SdkClient]) -> None:
    one, other = two
    file = await uploaded(one, description="What it is")
    assert (file["title"], file["filename"], file["filesize"]) == ("A title", "a name.txt", 8)
    assert (file["mimetype"], file["isOwn"], file["createdBy"]) == ("text/plain", True, one.address)
    assert await one.ask("files.getFile", file["id"]) == file
    assert await one.ask("files.getFiles", {"title": "A title"}) == [file]
    assert await one.ask("files.getOwnFiles", {"filename": "another"}) == []
    assert await one.ask("files.downloadFile", file["id"]) == b"bytes \x00\xff"
    assert (await one.ask("files.getQrCodeForFile", file["id"])).startswith(PNG)
    assert (await one.ask("files.createTokenQrCodeForFile", file["id"])).startswith(PNG)

    token = await one.ask("files.createTokenForFile", file["id"])
    assert token["content"]["@type"] == "TokenContentFile"
    loaded = await other.ask("files.loadPeerFile", {"reference": token["truncatedReference"]})
    assert loaded == {**file, "isOwn": False}
    assert await other.ask("files.getPeerFiles") == [loaded]
    assert await other.ask("files.getFile", file["truncatedReference"]) == loaded
    assert await other.ask("files.downloadFile", file["id"]) == b"bytes \x00\xff"

    assert await refused(other, "files.getFile", UNKNOWN_FILE) == "error.runtime.recordNotFound"
    assert await refused(other, "files.downloadFile", UNKNOWN_FILE) == "error.runtime.recordNotFound"
    assert await refused(other, "files.loadPeerFile", {}) == "error.runtime.validation.invalidPropertyValue"


async def test_tokens_go_from_one_to_the_other(two: list[SdkClient]) -> None:
    one, other = two
    request = {"content": {"any": ["json", 1, None]}, "expiresAt": FAR_FUTURE}
    own = await one.ask("tokens.createOwnToken", request)
    assert (own["content"], own["isEphemeral"]) == (request["content"], False)
    assert await one.ask("tokens.getToken", own["id"]) == own
    assert await one.ask("tokens.getOwnTokens", {"expiresAt": FAR_FUTURE}) == [own]
    assert (await one.ask("tokens.getQrCodeForToken", own["id"])).startswith(PNG)
    loaded = await other.ask("tokens.loadPeerToken", {"reference": own["truncatedReference"]})
    assert loaded["content"] == own["content"]
    assert await other.ask("tokens.getPeerTokens", {"createdBy": one.address}) == [loaded]

    protection = {"password": "1234", "passwordIsPin": True}
    protected = await one.ask("tokens.createOwnToken", {**request, "passwordProtection": protection})
    assert protected["passwordProtection"] == protection
    reference = {"reference": protected["truncatedReference"]}
    assert await refused(other, "tokens.loadPeerToken", reference) == "error.transport.noPasswordProvided"
    loaded = await other.ask("tokens.loadPeerToken", {**reference, "password": "1234"})
    assert loaded["passwordProtection"] == protection

    personal = await one.ask("tokens.createOwnToken", {**request, "forIdentity": other.address})
    assert personal["forIdentity"] == other.address
    assert (await other.ask("tokens.loadPeerToken", {"reference": personal["truncatedReference"]}))["id"]


async def test_templates_go_from_one_to_the_other(two: list[SdkClient]) -> None:
    one, other = two
    request = {
        "content": {"@type": "ArbitraryRelationshipTemplateContent", "value": {"any": "json"}},
        "expiresAt": FAR_FUTURE,
        "maxNumberOfAllocations": 3,
    }
    own = await one.ask("relationshipTemplates.createOwnRelationshipTemplate", request)
    assert {name: own[name] for name in request} == request
    assert await one.ask("relationshipTemplates.getRelationshipTemplate", own["id"]) == own
    assert await one.ask("relationshipTemplates.getRelationshipTemplates", {"isOwn": True}) == [own]
    assert await one.ask("relationshipTemplates.getOwnRelationshipTemplates", {"maxNumberOfAllocations": 3}) == [own]
    assert await one.ask("relationshipTemplates.getOwnRelationshipTemplates", {"maxNumberOfAllocations": 4}) == []
    for qr_code in ("getQrCodeForOwnRelationshipTemplate", "createTokenQrCodeForOwnRelationshipTemplate"):
        assert (await one.ask(f"relationshipTemplates.{qr_code}", own["id"])).startswith(PNG)

    token = await one.ask("relationshipTemplates.createTokenForOwnRelationshipTemplate", own["id"], {"ephemeral": True})
    assert token["isEphemeral"] is True
    loaded = await other.ask(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": token["truncatedReference"]}
    )
    assert loaded["content"] == request["content"]
    assert loaded["isOwn"] is False
    assert await other.ask("relationshipTemplates.getPeerRelationshipTemplates") == [loaded]

    protected = await one.ask(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {**request, "passwordProtection": {"password": "a word"}, "forIdentity": other.address},
    )
    assert protected["passwordProtection"] == {"password": "a word"}
    assert protected["forIdentity"] == other.address
    loaded = await other.ask(
        "relationshipTemplates.loadPeerRelationshipTemplate",
        {"reference": protected["truncatedReference"], "password": "a word"},
    )
    assert loaded["passwordProtection"] == {"password": "a word"}


async def test_relationships_live_and_end(two: list[SdkClient]) -> None:
    one, other = two
    first = await asked(other, one)
    assert first["peer"] == other.address
    assert first["creationContent"]["value"] == {"reason": "any"}
    assert first["template"]["content"]["value"] == {"offer": "any"}
    assert (await one.ask("relationships.rejectRelationship", first["id"]))["status"] == "Rejected"
    await other.relationship(first["id"], "Rejected")

    second = await asked(other, one)
    assert (await other.ask("relationships.revokeRelationship", second["id"]))["status"] == "Revoked"
    await one.relationship(second["id"], "Revoked")

    third = await related(other, one)
    assert third["status"] == "Active"
    known = await one.ask("relationships.getRelationships", {"peer": other.address})
    assert [relationship["id"] for relationship in known] == [first["id"], second["id"], third["id"]]
    assert await one.ask("relationships.getRelationships", {"status": ["Active", "Terminated"]}) == [third]
    assert await one.ask("relationships.getRelationships", {"status": "Pending"}) == []
    assert await one.ask("relationships.getRelationship", third["id"]) == third
    assert await one.ask("relationships.getAttributesForRelationship", third["id"]) == []

    assert (await one.ask("relationships.terminateRelationship", third["id"]))["status"] == "Terminated"
    await other.relationship(third["id"], "Terminated")
    for step, shown in (
        ("rejectRelationshipReactivation", "Terminated"),
        ("revokeRelationshipReactivation", "Terminated"),
        ("acceptRelationshipReactivation", "Active"),
    ):
        await one.ask("relationships.requestRelationshipReactivation", third["id"])
        await other.until(partial(last_entry, other, third["id"], "ReactivationRequested"))
        answering = one if step.startswith("revoke") else other
        assert (await answering.ask(f"relationships.{step}", third["id"]))["status"] == shown
        reason = (await answering.ask("relationships.getRelationship", third["id"]))["auditLog"][-1]["reason"]
        for client in (one, other):
            await client.until(partial(last_entry, client, third["id"], reason))
    await one.ask("relationships.terminateRelationship", third["id"])
    await one.ask("relationships.decomposeRelationship", third["id"])
    await other.relationship(third["id"], "DeletionProposed")
    await other.ask("relationships.decomposeRelationship", third["id"])
    assert await refused(other, "relationships.getRelationship", third["id"]) == "error.runtime.recordNotFound"


async def last_entry(client: SdkClient, relationship_id: str, reason: str) -> bool:
    """Whether this happened last to a relationship."""
    relationship = await client.ask("relationships.getRelationship", relationship_id)
    return bool(relationship["auditLog"][-1]["reason"] == reason)


async def test_a_template_tells_whether_a_relationship_is_possible(two: list[SdkClient]) -> None:
    one, other = two
    own = await one.ask(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {"content": {"@type": "ArbitraryRelationshipTemplateContent", "value": {}}, "expiresAt": FAR_FUTURE},
    )
    await other.ask("relationshipTemplates.loadPeerRelationshipTemplate", {"reference": own["truncatedReference"]})
    possible = {
        "templateId": own["id"],
        "creationContent": {"@type": "ArbitraryRelationshipCreationContent", "value": {}},
    }
    assert await other.ask("relationships.canCreateRelationship", possible) == {"isSuccess": True}
    await other.ask("relationships.createRelationship", possible)
    again = await other.ask("relationships.canCreateRelationship", possible)
    assert again["isSuccess"] is False
    assert again["code"] == "error.transport.relationships.relationshipCurrentlyExists"


async def test_messages_go_with_their_attachments(two: list[SdkClient]) -> None:
    one, other = two
    await related(other, one)
    file = await uploaded(one, b"attached")
    mail = {"@type": "Mail", "to": [other.address], "cc": [], "subject": "Grüße", "body": "Hello 👋"}
    sent = await one.ask(
        "messages.sendMessage", {"recipients": [other.address], "content": mail, "attachments": [file["id"]]}
    )
    assert sent["attachments"] == [file["id"]]
    received = await other.message(sent["id"])
    assert (received["createdBy"], received["isOwn"]) == (one.address, False)
    assert received["content"]["body"] == "Hello 👋"
    assert received["attachments"] == [file["id"]]
    (expanded,) = (await other.ask("messages.getMessage", sent["id"]))["attachments"]
    assert expanded == {**file, "isOwn": False}
    assert await other.ask("messages.getAttachment", sent["id"], file["id"]) == expanded
    assert await other.ask("messages.downloadAttachment", sent["id"], file["id"]) == b"attached"
    found = await other.ask("messages.getMessages", {"participant": one.address, "attachments": file["id"]})
    assert [message["id"] for message in found] == [sent["id"]]

    arbitrary = {"@type": "ArbitraryMessageContent", "value": ["any", "json"]}
    sent = await other.ask("messages.sendMessage", {"recipients": [one.address], "content": arbitrary})
    assert (await one.message(sent["id"]))["content"] == arbitrary
    nobody = {"recipients": [one.address], "content": arbitrary}
    assert await refused(one, "messages.sendMessage", nobody) == "error.runtime.messages.hasNoActiveRelationship"


async def test_repository_attributes(two: list[SdkClient]) -> None:
    client, _ = two
    created = await client.ask("attributes.createRepositoryAttribute", {"content": {"value": GIVEN_NAME}})
    assert created["content"] == {"@type": "IdentityAttribute", "owner": client.address, "value": GIVEN_NAME}
    assert "shareInfo" not in created
    succession = await client.ask(
        "attributes.succeedAttribute", created["id"], {"successorContent": {"value": {**GIVEN_NAME, "value": "Eve"}}}
    )
    old, new = succession["predecessor"], succession["successor"]
    assert (old["id"], old["succeededBy"], new["succeeds"]) == (created["id"], new["id"], created["id"])
    assert await client.ask("attributes.getAttribute", new["id"]) == new
    assert await client.ask("attributes.getOwnRepositoryAttributes") == [new]
    assert await client.ask("attributes.getOwnRepositoryAttributes", {"onlyLatestVersions": False}) == [old, new]
    assert await client.ask("attributes.getValidAttributes", {"content": {"value": {"@type": "GivenName"}}}) == [new]
    assert await client.ask("attributes.getAttributes", {"succeeds": old["id"]}) == [new]
    assert await client.ask("attributes.getAttributes", {"content": {"value": {"@type": "Surname"}}}) == []
    assert await client.ask("attributes.getVersionsOfAttribute", old["id"]) == [new, old]
    assert await client.ask("attributes.getSharedVersionsOfAttribute", old["id"], {}) == []
    query = {"query": {"@type": "IdentityAttributeQuery", "valueType": "GivenName"}}
    assert await client.ask("attributes.executeIdentityAttributeQuery", query) == [old, new]
    iql = {"query": {"@type": "IQLQuery", "queryString": "GivenName=Eve"}}
    assert await client.ask("attributes.executeIQLQuery", iql) == [new]
    await client.ask("attributes.deleteRepositoryAttribute", new["id"])
    assert await refused(client, "attributes.getAttribute", new["id"]) == "error.runtime.recordNotFound"


async def shared(sender: SdkClient, recipient: SdkClient, item: dict[str, Any]) -> dict[str, Any]:
    """Send a request with one item, which the other accepts; the completed request as the sender has it."""
    content = {"items": [{"mustBeAccepted": True, **item}]}
    possible = await sender.ask("outgoingRequests.canCreateRequest", {"content": content, "peer": recipient.address})
    assert possible["isSuccess"] is True, possible
    request = await sender.ask("outgoingRequests.createRequest", {"content": content, "peer": recipient.address})
    assert request["status"] == "Draft"
    await sender.ask("messages.sendMessage", {"recipients": [recipient.address], "content": request["content"]})
    received = await recipient.incoming_request(request["id"])
    assert received["source"]["type"] == "Message"
    decision = {"items": [{"accept": True}]}
    assert (await recipient.ask("incomingRequests.canAccept", request["id"], decision))["isSuccess"] is True
    assert (await recipient.ask("incomingRequests.accept", request["id"], decision))["status"] == "Decided"
    return await sender.outgoing_request(request["id"])


async def test_shared_attributes_succeed_and_end(two: list[SdkClient]) -> None:
    one, other = two
    await related(other, one)
    own = await one.ask("attributes.createRepositoryAttribute", {"content": {"value": GIVEN_NAME}})
    item = {"@type": "ShareAttributeRequestItem", "sourceAttributeId": own["id"], "attribute": own["content"]}
    request = await shared(one, other, item)
    assert request["response"]["content"]["result"] == "Accepted"
    assert await one.ask("outgoingRequests.getRequest", request["id"]) == request
    assert (await other.ask("incomingRequests.getRequest", request["id"]))["status"] == "Completed"

    (copy,) = await one.ask("attributes.getOwnSharedIdentityAttributes", {"peer": other.address})
    assert copy["shareInfo"] == {
        "requestReference": request["id"],
        "peer": other.address,
        "sourceAttribute": own["id"],
    }
    assert await one.ask("attributes.getOwnSharedIdentityAttributes", {"peer": one.address}) == []
    (theirs,) = await other.ask("attributes.getPeerSharedIdentityAttributes", {"peer": one.address})
    assert theirs["content"] == own["content"]
    assert theirs["shareInfo"] == {"requestReference": request["id"], "peer": one.address}
    assert await one.ask("attributes.getSharedVersionsOfAttribute", own["id"], {"peers": [other.address]}) == [copy]

    newer = {"successorContent": {"value": {**GIVEN_NAME, "value": "Eve"}}}
    successor = (await one.ask("attributes.succeedAttribute", own["id"], newer))["successor"]
    told = await one.ask(
        "attributes.notifyPeerAboutRepositoryAttributeSuccession", successor["id"], {"peer": other.address}
    )

    async def newest() -> Any:
        known = await other.ask("attributes.getPeerSharedIdentityAttributes", {"peer": one.address})
        return [attribute for attribute in known if attribute["content"]["value"]["value"] == "Eve"]

    (theirs,) = await other.until(newest)
    assert theirs["shareInfo"] == {"notificationReference": told["notificationId"], "peer": one.address}
    deleted = await other.ask("attributes.deletePeerSharedAttributeAndNotifyOwner", theirs["id"])
    assert deleted["notificationId"].startswith("NOT")
    await one.until(partial(deleted_by_peer, one, other))
    wrong_kind = await refused(one, "attributes.deleteThirdPartyRelationshipAttributeAndNotifyPeer", own["id"])
    assert wrong_kind.startswith("error.runtime.attributes.")


async def deleted_by_peer(owner: SdkClient, peer: SdkClient) -> bool:
    """Whether the owner of what was shared knows that the peer no longer has it."""
    copies = await owner.ask(
        "attributes.getOwnSharedIdentityAttributes", {"peer": peer.address, "onlyLatestVersions": False}
    )
    return any(copy.get("deletionInfo", {}).get("deletionStatus") == "DeletedByPeer" for copy in copies)


async def test_relationship_attributes_are_created_queried_and_deleted(two: list[SdkClient]) -> None:
    one, other = two
    await related(other, one)
    content = {
        "@type": "RelationshipAttribute",
        "owner": one.address,
        "key": "customerId",
        "confidentiality": "public",
        "value": {"@type": "ProprietaryString", "title": "Customer", "value": "4711"},
    }
    await shared(one, other, {"@type": "CreateAttributeRequestItem", "attribute": content})
    (own,) = await one.ask("attributes.getAttributes", {"content": {"key": "customerId"}})
    assert own["content"] == {**content, "isTechnical": False}
    assert own["shareInfo"]["peer"] == other.address
    query = {
        "@type": "RelationshipAttributeQuery",
        "key": "customerId",
        "owner": one.address,
        "attributeCreationHints": {
            "title": "Customer",
            "valueType": "ProprietaryString",
            "confidentiality": "public",
        },
    }
    assert await one.ask("attributes.executeRelationshipAttributeQuery", {"query": query}) == own
    deleted = await one.ask("attributes.deleteOwnSharedAttributeAndNotifyPeer", own["id"])
    assert deleted["notificationId"].startswith("NOT")

    async def marked() -> Any:
        known = await other.ask("attributes.getAttributes", {"content": {"key": "customerId"}})
        return [attribute for attribute in known if "deletionInfo" in attribute]

    (theirs,) = await other.until(marked)
    assert theirs["deletionInfo"]["deletionStatus"] == "DeletedByOwner"


async def test_a_request_can_be_rejected_and_listed(two: list[SdkClient]) -> None:
    one, other = two
    await related(other, one)
    content = {"items": [{"@type": "ConsentRequestItem", "consent": "Agree?", "mustBeAccepted": False}]}
    request = await one.ask("outgoingRequests.createRequest", {"content": content, "peer": other.address})
    await one.ask("messages.sendMessage", {"recipients": [other.address], "content": request["content"]})
    await other.incoming_request(request["id"])
    listed = await other.ask("incomingRequests.getRequests", {"content": {"items": {"@type": "ConsentRequestItem"}}})
    assert [each["id"] for each in listed] == [request["id"]]
    decision = {"items": [{"accept": False, "code": "a.code", "message": "No"}]}
    assert (await other.ask("incomingRequests.canReject", request["id"], decision))["isSuccess"] is True
    await other.ask("incomingRequests.reject", request["id"], decision)
    completed = await one.outgoing_request(request["id"])
    assert completed["response"]["content"]["result"] == "Rejected"
    found = await one.ask("outgoingRequests.getRequests", {"response": {"content": {"result": "Rejected"}}})
    assert found == [completed]
    assert await one.ask("outgoingRequests.getRequests", {"response": {"content": {"result": "Accepted"}}}) == []


async def test_a_third_party_gets_attributes_of_a_relationship(
    sdk_process: PeerProcess, backbone_url: str, tmp_path: Path
) -> None:
    async with sdk_clients(sdk_process, backbone_url, tmp_path, "one", "other", "third") as (one, other, third):
        await related(other, one)
        await related(third, one)
        content = {
            "@type": "RelationshipAttribute",
            "owner": one.address,
            "key": "customerId",
            "confidentiality": "protected",
            "value": {"@type": "ProprietaryString", "title": "Customer", "value": "4711"},
        }
        await shared(one, other, {"@type": "CreateAttributeRequestItem", "attribute": content})
        query = {
            "@type": "ThirdPartyRelationshipAttributeQuery",
            "key": "customerId",
            "owner": "recipient",
            "thirdParty": [other.address],
        }
        (own,) = await one.ask("attributes.executeThirdPartyRelationshipAttributeQuery", {"query": query})
        item = {
            "@type": "ShareAttributeRequestItem",
            "attribute": own["content"],
            "sourceAttributeId": own["id"],
            "thirdPartyAddress": other.address,
        }
        request = await shared(one, third, item)
        assert request["content"]["items"][0]["thirdPartyAddress"] == other.address
        (copy,) = await third.ask("attributes.getAttributes", {"shareInfo": {"peer": one.address}})
        assert copy["content"] == own["content"]
        assert copy["shareInfo"] == {
            "requestReference": request["id"],
            "peer": one.address,
            "thirdPartyAddress": other.address,
        }
        deleted = await third.ask("attributes.deleteThirdPartyRelationshipAttributeAndNotifyPeer", copy["id"])
        assert deleted["notificationId"].startswith("NOT")
        assert await third.ask("attributes.getAttributes", {}) == []
