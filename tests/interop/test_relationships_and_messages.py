"""The official runtime as our partner: templates, relationships, messages and files in both directions."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.accounts import (
    ARBITRARY_CREATION,
    ARBITRARY_TEMPLATE,
    FAR_FUTURE,
    namespaces,
    running_account,
    synchronized,
    template_reference,
)
from tests.interop.peers import Peer, PeerError, Peers
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import ConnectorError
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.files import download_file, get_or_load_file, upload_own_file
from trio_connector.usecases.messages import download_attachment, send_message
from trio_connector.usecases.relationships import (
    accept_relationship,
    accept_relationship_reactivation,
    create_relationship,
    reject_relationship,
    reject_relationship_reactivation,
    request_relationship_reactivation,
    revoke_relationship,
    revoke_relationship_reactivation,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import create_own_template, create_token_for_template, load_peer_template

MAIL = {"@type": "Mail", "subject": "Grüße", "body": "Hello 👋", "cc": [], "bodyFormat": "PlainText"}


def status_of(ours: Services, relationship_id: str) -> str:
    """The status of a relationship as our account knows it."""
    relationship = ours.store.get(RELATIONSHIPS, relationship_id)
    assert relationship is not None
    return relationship.status


async def their_status(peer: Peer, relationship_id: str) -> str:
    """The status of a relationship as the official account knows it."""
    found = await peer.transport("relationships.getRelationship", {"id": relationship_id})
    return str(found["status"])


async def requested_by_peer(ours: Services, peer: Peer) -> str:
    """A relationship that the official account asks us for; its id."""
    template = await create_own_template(ours, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE)
    loaded = await peer.transport(
        "relationshipTemplates.loadPeerRelationshipTemplate", {"reference": template_reference(ours, template.id)}
    )
    assert loaded["content"] == ARBITRARY_TEMPLATE
    created = await peer.transport(
        "relationships.createRelationship", {"templateId": loaded["id"], "creationContent": ARBITRARY_CREATION}
    )
    await synchronized(ours)
    return str(created["id"])


async def requested_by_us(ours: Services, peer: Peer) -> str:
    """A relationship that we ask the official account for; its id."""
    template = await peer.transport(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {"content": ARBITRARY_TEMPLATE, "expiresAt": FAR_FUTURE, "maxNumberOfAllocations": 1},
    )
    loaded = await load_peer_template(ours, template["reference"]["truncated"])
    relationship = await create_relationship(ours, loaded.id, ARBITRARY_CREATION)
    await peer.sync()
    return relationship.id


async def connected(ours: Services, peer: Peer) -> str:
    """An active relationship, requested by the official account; its id."""
    relationship_id = await requested_by_peer(ours, peer)
    await accept_relationship(ours, relationship_id)
    await peer.sync()
    assert await their_status(peer, relationship_id) == "Active"
    return relationship_id


async def test_we_accept_a_relationship_of_the_official_runtime(ours: Services, peer: Peer) -> None:
    relationship_id = await requested_by_peer(ours, peer)
    relationship = ours.store.get(RELATIONSHIPS, relationship_id)
    assert relationship is not None
    assert relationship.creation_content == ARBITRARY_CREATION
    assert relationship.peer.address == peer.address
    await accept_relationship(ours, relationship_id)
    await peer.sync()
    assert await their_status(peer, relationship_id) == "Active"
    assert (await namespaces(ours)).count("transport.relationshipChanged") == 2


async def test_the_official_runtime_accepts_a_relationship_of_ours(ours: Services, peer: Peer) -> None:
    relationship_id = await requested_by_us(ours, peer)
    await peer.transport("relationships.acceptRelationship", {"relationshipId": relationship_id})
    await synchronized(ours)
    assert status_of(ours, relationship_id) == "Active"


async def test_relationships_are_rejected_and_revoked_on_both_sides(ours: Services, peer: Peer) -> None:
    first = await requested_by_peer(ours, peer)
    await reject_relationship(ours, first)
    await peer.sync()
    assert await their_status(peer, first) == "Rejected"

    second = await requested_by_us(ours, peer)
    await peer.transport("relationships.rejectRelationship", {"relationshipId": second})
    await synchronized(ours)
    assert status_of(ours, second) == "Rejected"

    third = await requested_by_us(ours, peer)
    await revoke_relationship(ours, third)
    await peer.sync()
    assert await their_status(peer, third) == "Revoked"

    fourth = await requested_by_peer(ours, peer)
    await peer.transport("relationships.revokeRelationship", {"relationshipId": fourth})
    await synchronized(ours)
    assert status_of(ours, fourth) == "Revoked"


async def test_a_terminated_relationship_is_reactivated_in_all_its_steps(ours: Services, peer: Peer) -> None:
    relationship_id = await connected(ours, peer)
    await terminate_relationship(ours, relationship_id)
    await peer.sync()
    assert await their_status(peer, relationship_id) == "Terminated"

    await request_relationship_reactivation(ours, relationship_id)
    await revoke_relationship_reactivation(ours, relationship_id)
    await peer.sync()
    await peer.transport("relationships.requestRelationshipReactivation", {"relationshipId": relationship_id})
    await synchronized(ours)
    await reject_relationship_reactivation(ours, relationship_id)
    await peer.sync()
    assert await their_status(peer, relationship_id) == "Terminated"

    await peer.transport("relationships.requestRelationshipReactivation", {"relationshipId": relationship_id})
    await synchronized(ours)
    await accept_relationship_reactivation(ours, relationship_id)
    await peer.sync()
    assert await their_status(peer, relationship_id) == "Active"

    await peer.transport("relationships.terminateRelationship", {"relationshipId": relationship_id})
    await synchronized(ours)
    await request_relationship_reactivation(ours, relationship_id)
    await peer.sync()
    await peer.transport("relationships.acceptRelationshipReactivation", {"relationshipId": relationship_id})
    await synchronized(ours)
    assert status_of(ours, relationship_id) == "Active"


@pytest.mark.parametrize("we_go_first", [True, False])
async def test_a_relationship_is_decomposed_and_established_again(
    ours: Services, peer: Peer, we_go_first: bool
) -> None:
    relationship_id = await connected(ours, peer)
    await terminate_relationship(ours, relationship_id)
    await peer.sync()
    if we_go_first:
        await decompose_relationship(ours, relationship_id)
        await peer.sync()
        assert await their_status(peer, relationship_id) == "DeletionProposed"
        await peer.transport("relationships.decomposeRelationship", {"relationshipId": relationship_id})
    else:
        await peer.transport("relationships.decomposeRelationship", {"relationshipId": relationship_id})
        await synchronized(ours)
        assert status_of(ours, relationship_id) == "DeletionProposed"
        await decompose_relationship(ours, relationship_id)
    assert ours.store.get(RELATIONSHIPS, relationship_id) is None
    assert await connected(ours, peer) != relationship_id


async def test_messages_with_attachments_go_both_ways(ours: Services, peer: Peer) -> None:
    await connected(ours, peer)
    file = await upload_own_file(
        ours, content=b"\x00\x01our bytes", filename="ä b.bin", mimetype="application/octet-stream", title="t"
    )
    sent = await send_message(
        ours, recipients=[peer.address], content={**MAIL, "to": [peer.address]}, attachments=[file.id]
    )
    [received] = (await peer.sync())["messages"]
    assert received["id"] == sent.id
    assert received["content"]["subject"] == "Grüße"
    downloaded = await peer.transport("messages.downloadAttachment", {"id": sent.id, "attachmentId": file.id})
    assert downloaded["content"] == b"\x00\x01our bytes"
    assert downloaded["filename"] == "ä b.bin"

    theirs = await peer.transport(
        "files.uploadOwnFile",
        {
            "content": b"their bytes",
            "filename": "b.txt",
            "mimetype": "text/plain",
            "expiresAt": FAR_FUTURE,
            "title": "b",
        },
    )
    answer = await peer.transport(
        "messages.sendMessage",
        {
            "recipients": [ours.address],
            "content": {"@type": "Mail", "to": [ours.address], "cc": [], "subject": "re", "body": "back"},
            "attachments": [theirs["id"]],
        },
    )
    await synchronized(ours)
    stored = ours.store.get(MESSAGES, answer["id"])
    assert stored is not None
    assert stored.content["body"] == "back"
    found, content = await download_attachment(ours, stored.id, theirs["id"])
    assert (found.filename, content) == ("b.txt", b"their bytes")
    assert "transport.messageReceived" in await namespaces(ours)


async def test_a_message_reaches_two_official_recipients(ours: Services, peers: Peers, peer: Peer) -> None:
    other = await peers.open("other")
    for recipient in (peer, other):
        await connected(ours, recipient)
    content = {**MAIL, "to": [peer.address], "cc": [other.address]}
    sent = await send_message(ours, recipients=[peer.address, other.address], content=content)
    for recipient in (peer, other):
        [received] = (await recipient.sync())["messages"]
        assert received["id"] == sent.id
        assert received["content"]["cc"] == [other.address]


async def test_two_of_us_are_recipients_of_an_official_message(ours: Services, peer: Peer, backbone_url: str) -> None:
    async with running_account(backbone_url) as second:
        for account in (ours, second):
            await connected(account, peer)
        sent = await peer.transport(
            "messages.sendMessage",
            {
                "recipients": [ours.address, second.address],
                "content": {"@type": "ArbitraryMessageContent", "value": {"n": 1}},
            },
        )
        for account in (ours, second):
            await synchronized(account)
            stored = account.store.get(MESSAGES, sent["id"])
            assert stored is not None
            assert stored.content == {"@type": "ArbitraryMessageContent", "value": {"n": 1}}
            assert [recipient.address for recipient in stored.recipients] == [account.address]


@pytest.mark.parametrize(
    ("password", "is_pin"), [(None, False), ("a password", False), ("12345", True)], ids=["plain", "password", "pin"]
)
async def test_templates_are_handed_on_by_token_in_both_directions(
    ours: Services, peer: Peer, password: str | None, is_pin: bool
) -> None:
    protection = None if password is None else PasswordProtectionParameters(password=password, is_pin=is_pin)
    template = await create_own_template(
        ours, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE, password_protection=protection
    )
    token = await create_token_for_template(ours, template.id, password_protection=protection)
    collection = ours.collections.tokens
    assert collection.prepare is not None
    dto: Any = collection.prepare(token)
    wanted = {"reference": dto.reference.truncated, **({"password": password} if password else {})}
    loaded = await peer.transport("relationshipTemplates.loadPeerRelationshipTemplate", wanted)
    assert loaded["id"] == template.id
    if password is not None:
        with pytest.raises(PeerError):
            await peer.transport("tokens.loadPeerToken", {"reference": dto.reference.truncated, "ephemeral": True})

    theirs = {"password": password, **({"passwordIsPin": True} if is_pin else {})} if password else None
    created = await peer.transport(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {
            "content": ARBITRARY_TEMPLATE,
            "expiresAt": FAR_FUTURE,
            **({"passwordProtection": theirs} if theirs else {}),
        },
    )
    their_token = await peer.transport(
        "relationshipTemplates.createTokenForOwnRelationshipTemplate",
        {"templateId": created["id"], **({"passwordProtection": theirs} if theirs else {})},
    )
    for reference in (their_token["reference"]["truncated"], their_token["reference"]["url"]):
        assert (await load_peer_template(ours, reference, password)).id == created["id"]
    if password is not None:
        with pytest.raises(ConnectorError) as caught:
            await load_peer_template(ours, their_token["reference"]["truncated"])
        assert caught.value.code == "error.transport.noPasswordProvided"


async def test_a_template_for_somebody_else_is_refused_by_both(ours: Services, peers: Peers, peer: Peer) -> None:
    other = await peers.open("other")
    template = await create_own_template(
        ours, content=ARBITRARY_TEMPLATE, expires_at=FAR_FUTURE, for_identity=other.address
    )
    reference = template_reference(ours, template.id)
    with pytest.raises(PeerError) as refused:
        await peer.transport("relationshipTemplates.loadPeerRelationshipTemplate", {"reference": reference})
    assert refused.value.code == "error.transport.general.notIntendedForYou"
    loaded = await other.transport("relationshipTemplates.loadPeerRelationshipTemplate", {"reference": reference})
    assert loaded["forIdentity"] == other.address

    theirs = await peer.transport(
        "relationshipTemplates.createOwnRelationshipTemplate",
        {"content": ARBITRARY_TEMPLATE, "expiresAt": FAR_FUTURE, "forIdentity": other.address},
    )
    with pytest.raises(ConnectorError) as caught:
        await load_peer_template(ours, theirs["reference"]["truncated"])
    assert caught.value.code == "error.transport.general.notIntendedForYou"


async def test_files_are_loaded_by_reference_in_both_directions(ours: Services, peer: Peer) -> None:
    content = bytes(range(256)) * 400
    file = await upload_own_file(ours, content=content, filename="f.bin", mimetype="image/png", tags=["x:ours"])
    collection = ours.collections.files
    assert collection.prepare is not None
    dto: Any = msgspec.to_builtins(collection.prepare(file))
    loaded = await peer.transport("files.getOrLoadFile", {"reference": dto["reference"]["url"]})
    assert loaded["tags"] == ["x:ours"]
    assert (await peer.transport("files.downloadFile", {"id": file.id}))["content"] == content

    theirs = await peer.transport(
        "files.uploadOwnFile",
        {"content": content, "filename": "g.bin", "mimetype": "image/png", "expiresAt": FAR_FUTURE, "title": "g"},
    )
    found = await get_or_load_file(ours, theirs["reference"]["truncated"])
    assert (await download_file(ours, found.id))[1] == content
