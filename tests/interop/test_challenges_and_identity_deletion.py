"""Proving identities to each other, and identities that are deleted, between the official runtime and us."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.accounts import namespaces, synchronized
from tests.interop.peers import Peer
from tests.interop.test_relationships_and_messages import MAIL, connected
from trio_connector.domain.challenge import ChallengeType
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import ConnectorError
from trio_connector.usecases.challenges import create_challenge, validate_challenge
from trio_connector.usecases.identity_deletion import cancel_identity_deletion, initiate_identity_deletion
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.services import Services


@pytest.mark.parametrize("kind", ["Identity", "Relationship"])
async def test_our_challenge_is_valid_for_the_official_runtime(ours: Services, peer: Peer, kind: ChallengeType) -> None:
    relationship_id = await connected(ours, peer)
    challenge = await create_challenge(ours, kind, relationship_id if kind == "Relationship" else None)
    result = await peer.transport(
        "challenges.validateChallenge",
        {"challengeString": challenge.challenge_string, "signature": challenge.signature},
    )
    assert result["isValid"] is True
    assert result["correspondingRelationship"]["id"] == relationship_id


@pytest.mark.parametrize("kind", ["Identity", "Relationship"])
async def test_an_official_challenge_is_valid_for_us(ours: Services, peer: Peer, kind: ChallengeType) -> None:
    relationship_id = await connected(ours, peer)
    wanted: dict[str, Any] = {"challengeType": kind}
    if kind == "Relationship":
        wanted["relationship"] = relationship_id
    challenge = await peer.transport("challenges.createChallenge", wanted)
    result = await validate_challenge(ours, challenge["challengeString"], challenge["signature"])
    assert result.is_valid
    assert result.corresponding_relationship is not None
    assert result.corresponding_relationship.id == relationship_id


async def test_a_challenge_with_a_foreign_signature_is_invalid_on_both_sides(ours: Services, peer: Peer) -> None:
    await connected(ours, peer)
    first = await create_challenge(ours, "Identity")
    second = await create_challenge(ours, "Identity")
    result = await peer.transport(
        "challenges.validateChallenge",
        {"challengeString": first.challenge_string, "signature": second.signature},
    )
    assert result["isValid"] is False
    theirs = await peer.transport("challenges.createChallenge", {"challengeType": "Identity"})
    other = await peer.transport("challenges.createChallenge", {"challengeType": "Identity"})
    assert not (await validate_challenge(ours, theirs["challengeString"], other["signature"])).is_valid


async def test_we_see_that_the_official_identity_is_being_deleted_and_that_it_stays(ours: Services, peer: Peer) -> None:
    relationship_id = await connected(ours, peer)
    process = await peer.transport("identityDeletionProcesses.initiateIdentityDeletionProcess", {})
    await synchronized(ours)
    relationship = ours.store.get(RELATIONSHIPS, relationship_id)
    assert relationship is not None
    assert relationship.peer_deletion_info is not None
    assert relationship.peer_deletion_info.deletion_status == "ToBeDeleted"
    assert relationship.peer_deletion_info.deletion_date == process["gracePeriodEndsAt"]
    with pytest.raises(ConnectorError) as caught:
        await send_message(ours, recipients=[peer.address], content={**MAIL, "to": [peer.address]})
    assert caught.value.code == "error.runtime.messages.peerIsInDeletion"

    await peer.transport("identityDeletionProcesses.cancelIdentityDeletionProcess")
    await synchronized(ours)
    relationship = ours.store.get(RELATIONSHIPS, relationship_id)
    assert relationship is not None
    assert relationship.peer_deletion_info is None
    told = await namespaces(ours)
    assert told[-2:] == ["transport.peerToBeDeleted", "transport.peerDeletionCancelled"]


async def test_the_official_runtime_sees_that_our_identity_is_being_deleted_and_that_it_stays(
    ours: Services, peer: Peer
) -> None:
    relationship_id = await connected(ours, peer)
    process = await initiate_identity_deletion(ours)
    await peer.sync()
    found = await peer.transport("relationships.getRelationship", {"id": relationship_id})
    assert found["peerDeletionInfo"]["deletionStatus"] == "ToBeDeleted"
    assert found["peerDeletionInfo"]["deletionDate"] == process.grace_period_ends_at

    cancelled = await cancel_identity_deletion(ours)
    assert msgspec.to_builtins(cancelled)["status"] == "Cancelled"
    await peer.sync()
    found = await peer.transport("relationships.getRelationship", {"id": relationship_id})
    assert "peerDeletionInfo" not in found
