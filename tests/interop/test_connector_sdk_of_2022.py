"""``/api/v1`` as an SDK of 2022 uses it: every answer has what the types of that SDK demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.accounts import FAR_FUTURE
from tests.interop.peers import PeerError, PeerProcess
from tests.interop.sdk_clients import SdkClient, sdk_clients, sdk_program_of_2022

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def sdk_process() -> Iterator[PeerProcess]:
    """The process in which the SDK lives."""
    process = PeerProcess(sdk_program_of_2022())
    yield process
    process.end()


@pytest.fixture
async def two(sdk_process: PeerProcess, backbone_url: str, tmp_path: Path) -> AsyncIterator[list[SdkClient]]:
    """The clients of two daemons that do not know each other."""
    async with sdk_clients(sdk_process, backbone_url, tmp_path, "one", "other") as clients:
        yield clients


async def asked(requestor: SdkClient, templator: SdkClient) -> Any:
    """A relationship that ``requestor`` asks for, as the run that brought it to ``templator`` answers it."""
    own = await templator.ask(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {"content": {"any": "offer"}, "expiresAt": FAR_FUTURE, "maxNumberOfRelationships": 1},
    )
    assert (own["content"], own["maxNumberOfRelationships"]) == ({"any": "offer"}, 1)
    peer = await requestor.ask(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": own["truncatedReference"]}
    )
    created = await requestor.ask(
        "relationships.createRelationship", {"templateId": peer["id"], "content": {"any": "reason"}}
    )
    assert created["template"] == peer
    synced = await templator.ask("account.sync")
    assert synced["messages"] == []
    (relationship,) = synced["relationships"]
    assert relationship["id"] == created["id"]
    assert relationship["changes"] == created["changes"]
    return relationship


async def test_relationships_are_answered_by_their_change(two: list[SdkClient]) -> None:
    one, other = two
    for answer, answering, status in (("reject", one, "Rejected"), ("revoke", other, "Revoked")):
        relationship = await asked(other, one)
        (change,) = relationship["changes"]
        assert (change["status"], change["request"]["content"]) == ("Pending", {"any": "reason"})
        answered = await answering.ask(f"relationships.{answer}RelationshipChange", relationship["id"], change["id"])
        assert (answered["status"], answered["changes"][0]["status"]) == (status, status)
        (told,) = (await (other if answering is one else one).ask("account.sync"))["relationships"]
        assert told["changes"] == answered["changes"]
    relationship = await asked(other, one)
    change_id = relationship["changes"][0]["id"]
    with pytest.raises(PeerError) as refusal:
        await one.ask("relationships.acceptRelationshipChange", relationship["id"], change_id, {"content": {"a": 1}})
    assert refusal.value.code == "error.connector.legacy.contentCannotBeTransmitted"
    accepted = await one.ask("relationships.acceptRelationshipChange", relationship["id"], change_id)
    assert (accepted["status"], accepted["changes"][0]["status"]) == ("Active", "Accepted")
    assert await one.ask("relationships.getRelationship", relationship["id"]) == accepted
    assert await one.ask("relationships.getRelationships", {"status": "Active"}) == [accepted]
    await other.ask("account.sync")
    challenge = await one.ask("challenges.createChallenge", {"challengeType": "Identity"})
    signed = {name: challenge[name] for name in ("challengeString", "signature")}
    validation = await other.ask("challenges.validateChallenge", signed)
    assert validation["isValid"] is True
    assert validation["correspondingRelationship"]["changes"] == accepted["changes"]


async def test_messages_bring_files(two: list[SdkClient]) -> None:
    one, other = two
    relationship = await asked(other, one)
    await one.ask("relationships.acceptRelationshipChange", relationship["id"], relationship["changes"][0]["id"])
    await other.ask("account.sync")
    file = await one.ask(
        "files.uploadOwnFile",
        {"title": "Title", "description": "D", "expiresAt": FAR_FUTURE, "file": b"attached", "filename": "a.txt"},
    )
    assert await one.ask("files.getFile", file["id"]) == file
    assert await one.ask("files.getOwnFiles", {"title": "Title"}) == [file]
    assert await one.ask("files.downloadFile", file["id"]) == b"attached"
    sent = await one.ask(
        "messages.sendMessage",
        {"recipients": [other.address], "content": {"any": ["json"]}, "attachments": [file["id"]]},
    )
    assert sent["relationshipIds"] == [relationship["id"]]
    (received,) = (await other.ask("account.sync"))["messages"]
    assert (received["id"], received["content"], received["attachments"]) == (
        sent["id"],
        {"any": ["json"]},
        [file["id"]],
    )
    assert await other.ask("messages.getMessages", {"createdBy": one.address}) == [received]
    whole = await other.ask("messages.getMessage", sent["id"])
    assert whole["attachments"] == [{**file, "isOwn": False}]
    assert await other.ask("messages.getAttachment", sent["id"], file["id"]) == whole["attachments"][0]
    assert await other.ask("messages.downloadAttachment", sent["id"], file["id"]) == b"attached"


async def test_things_are_handed_on_by_reference_secret_key_and_qr_code(two: list[SdkClient]) -> None:
    one, other = two
    token = await one.ask("tokens.createOwnToken", {"content": {"a": [1]}, "expiresAt": FAR_FUTURE})
    assert await one.ask("tokens.getToken", token["id"]) == token
    assert await one.ask("tokens.getOwnTokens") == [token]
    by_key = {"id": token["id"], "secretKey": token["secretKey"], "ephemeral": True}
    assert (await other.ask("tokens.loadPeerToken", by_key))["content"] == {"a": [1]}
    loaded = await other.ask("tokens.loadPeerToken", {"reference": token["truncatedReference"]})
    assert await other.ask("tokens.getPeerTokens") == [loaded]
    file = await one.ask(
        "files.uploadOwnFile", {"title": "Title", "expiresAt": FAR_FUTURE, "file": b"f", "filename": "f"}
    )
    token = await one.ask("files.createTokenForFile", file["id"])
    assert (await other.ask("files.loadPeerFile", {"reference": token["truncatedReference"]}))["id"] == file["id"]
    by_key = {"id": file["id"], "secretKey": file["secretKey"]}
    assert await other.ask("files.loadPeerFile", by_key) == (await other.ask("files.getPeerFiles"))[0]
    template = await one.ask(
        "relationshipTemplates.createOwnRelationshipTemplate", {"content": {"a": 1}, "expiresAt": FAR_FUTURE}
    )
    token = await one.ask("relationshipTemplates.createTokenForOwnRelationshipTemplate", template["id"])
    loaded = await other.ask(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": token["truncatedReference"]}
    )
    assert (loaded["id"], loaded["content"]) == (template["id"], {"a": 1})
    for path, id_ in (
        ("tokens.getQrCodeForToken", (await one.ask("tokens.getOwnTokens"))[0]["id"]),
        ("files.createTokenQrCodeForFile", file["id"]),
        ("relationshipTemplates.createTokenQrCodeForOwnRelationshipTemplate", template["id"]),
    ):
        assert (await one.ask(path, id_)).startswith(PNG)


async def test_accounts_and_errors(two: list[SdkClient]) -> None:
    one, other = two
    assert (await one.ask("account.getSyncInfo")) == {}
    await one.ask("account.sync")
    assert (await one.ask("account.getSyncInfo"))["lastSyncRun"]["completedAt"]
    with pytest.raises(PeerError) as refusal:
        await other.ask("messages.getMessage", "MSGaaaaaaaaaaaaaaaaa")
    assert refusal.value.code == "error.runtime.recordNotFound"
    with pytest.raises(PeerError) as refusal:
        await other.ask("tokens.createOwnToken", {"content": {}, "expiresAt": "yesterday"})
    assert refusal.value.code == "error.runtime.validation.invalidPropertyValue"
