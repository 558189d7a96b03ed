"""Challenges: the own proof, and the check of a peer's (transport 8, runtime 5.1)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.usecases.world import a_world, two_accounts, two_partners
from trio_connector.crypto.challenges import Challenge, ChallengeType, sign_challenge
from trio_connector.domain.challenge import ChallengeDTO
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import ConnectorError, CoreError, RecordNotFound, ValidationFailed
from trio_connector.usecases.challenges import create_challenge, validate_challenge
from trio_connector.usecases.relationships import terminate_relationship
from trio_connector.usecases.services import Services


def relationship_id_of(services: Services) -> str:
    """The only one there is."""
    (relationship,) = services.store.select(RELATIONSHIPS, status="Active")
    return relationship.id


@pytest.mark.parametrize("challenge_type", ["Identity", "Relationship"])
async def test_a_partner_confirms_who_signed(challenge_type: ChallengeType) -> None:
    async with two_partners() as (_, one, other):
        relationship_id = relationship_id_of(one)
        challenge = await create_challenge(one, challenge_type, relationship_id)
        assert (challenge.created_by, challenge.type) == (one.address, challenge_type)
        result = await validate_challenge(other, challenge.challenge_string, challenge.signature)
        assert result.is_valid
        assert result.corresponding_relationship is not None
        assert result.corresponding_relationship.id == relationship_id


async def test_signatures_of_devices_cannot_be_checked() -> None:
    async with two_partners() as (_, one, other):
        challenge = await create_challenge(one, "Device")
        with pytest.raises(ConnectorError) as refused:
            await validate_challenge(other, challenge.challenge_string, challenge.signature)
        assert refused.value.code == "error.runtime.notSupported"


async def test_strangers_prove_nothing() -> None:
    async with two_accounts() as (_, one, other):
        challenge = await create_challenge(one, "Identity")
        with pytest.raises(RecordNotFound):
            await validate_challenge(other, challenge.challenge_string, challenge.signature)


async def test_a_relationship_challenge_needs_an_active_relationship() -> None:
    async with two_partners() as (_, one, _other):
        with pytest.raises(CoreError) as nameless:
            await create_challenge(one, "Relationship")
        assert nameless.value.code == "error.transport.challenges.challengeTypeRequiresActiveRelationship"
        with pytest.raises(ConnectorError) as unknown:
            await create_challenge(one, "Relationship", "REL" + 17 * "x")
        assert unknown.value.code == "error.runtime.recordNotFound"
        relationship_id = relationship_id_of(one)
        await terminate_relationship(one, relationship_id)
        with pytest.raises(CoreError) as ended:
            await create_challenge(one, "Relationship", relationship_id)
        assert ended.value.code == "error.transport.challenges.challengeTypeRequiresActiveRelationship"


async def test_an_expired_challenge_proves_nothing() -> None:
    async with two_partners() as (world, one, other):
        challenge = await create_challenge(one, "Identity")
        world.time_passes(3600)
        assert not (await validate_challenge(other, challenge.challenge_string, challenge.signature)).is_valid


@pytest.mark.parametrize(
    "change",
    [
        {"id": "CHL" + 17 * "x"},
        {"id": "../../Tokens"},
        {"id": "x" * 100_000},
        {"createdBy": None},
        {"createdBy": "did:e:localhost:dids:0123456789012345678901"},
        {"createdByDevice": "DVC" + 17 * "x"},
        {"expiresAt": "2098-01-01T00:00:00.000Z"},
        {"type": "Relationship"},
    ],
    ids=["unknown", "a path", "long", "anonymous", "somebody else's", "another device", "longer", "another type"],
)
async def test_a_changed_challenge_proves_nothing(change: dict[str, Any]) -> None:
    async with two_partners() as (_, one, other):
        challenge = await create_challenge(one, "Identity")
        content = {**json.loads(challenge.challenge_string), **change}
        text = json.dumps({name: value for name, value in content.items() if value is not None})
        assert not (await validate_challenge(other, text, challenge.signature)).is_valid


async def test_somebody_elses_key_proves_nothing() -> None:
    async with two_partners() as (_, one, other):
        forged = await _signed_by(other, one)
        assert not (await validate_challenge(other, forged.challenge_string, forged.signature)).is_valid


async def _signed_by(signer: Services, victim: Services) -> ChallengeDTO:
    issued = await victim.backbone.challenges.create()
    challenge = Challenge(issued.id, issued.expires_at, "Identity", victim.address, victim.account.device_id)
    signed = sign_challenge(challenge, signer.account.identity_key)
    return ChallengeDTO(
        id=challenge.id,
        expires_at=challenge.expires_at,
        type="Identity",
        signature=signed.signature.to_base64(),
        challenge_string=signed.challenge,
    )


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"id":1}', '{"id":"CHL","type":"Other","expiresAt":""}'])
async def test_what_is_no_challenge_is_refused(text: str) -> None:
    async with a_world() as world, world.account() as one:
        challenge = await create_challenge(one, "Identity")
        with pytest.raises(ValidationFailed) as refused:
            await validate_challenge(one, text, challenge.signature)
        assert refused.value.message == "The challengeString is invalid."


@pytest.mark.parametrize("signature", ["", "no base64!", "e30", "eyJzaWciOiJBQUFBIiwiYWxnIjoyfQ"])
async def test_what_is_no_signature_is_refused(signature: str) -> None:
    async with a_world() as world, world.account() as one:
        challenge = await create_challenge(one, "Identity")
        with pytest.raises(ValidationFailed) as refused:
            await validate_challenge(one, challenge.challenge_string, signature)
        assert refused.value.message == "The signature is invalid."
