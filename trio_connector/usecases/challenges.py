"""Challenges: prove the own identity, check a peer's proof (transport spec section 8, runtime spec 5.1)."""

from __future__ import annotations

from trio_connector.crypto.challenges import Challenge, SignedChallenge, sign_challenge, verify_challenge
from trio_connector.crypto.ids import is_id
from trio_connector.crypto.signatures import SignaturePrivateKey, SignaturePublicKey
from trio_connector.domain.challenge import (
    ChallengeDTO,
    ChallengeType,
    ChallengeValidationResultDTO,
    device_challenges_not_supported,
    requires_active_relationship,
)
from trio_connector.domain.identity import crypto_json_text
from trio_connector.domain.relationship import relationship_dto
from trio_connector.errors import BackboneRequestError, ConnectorError, RecordNotFound, ValidationFailed
from trio_connector.usecases.reachability import NOT_FOUND
from trio_connector.usecases.relationships import active_relationship_to, get_relationship
from trio_connector.usecases.secrets import load_channel_secrets
from trio_connector.usecases.services import Services


async def create_challenge(
    services: Services, challenge_type: ChallengeType, relationship_id: str | None = None
) -> ChallengeDTO:
    """A fresh challenge of the Backbone, signed with the key that ``challenge_type`` names.

    ``Relationship`` needs an active relationship, else ``challengeTypeRequiresActiveRelationship``.
    """
    key = _signing_key(services, challenge_type, relationship_id)
    issued = await services.backbone.challenges.create()
    challenge = Challenge(
        id=issued.id,
        expires_at=issued.expires_at,
        type=challenge_type,
        created_by=services.address,
        created_by_device=services.account.device_id,
    )
    signed = sign_challenge(challenge, key)
    return ChallengeDTO(
        id=challenge.id,
        expires_at=challenge.expires_at,
        created_by=challenge.created_by,
        created_by_device=challenge.created_by_device,
        type=challenge_type,
        signature=crypto_json_text(signed.signature.to_json(False)),
        challenge_string=signed.challenge,
    )


def _signing_key(services: Services, challenge_type: ChallengeType, relationship_id: str | None) -> SignaturePrivateKey:
    match challenge_type:
        case "Identity":
            return services.account.identity_key
        case "Device":
            return services.account.device_key
        case "Relationship":
            if relationship_id is None:
                raise requires_active_relationship()
            relationship = get_relationship(services, relationship_id)
            if relationship.status != "Active":
                raise requires_active_relationship()
            name = relationship.relationship_secret_id
            return load_channel_secrets(services.store, services.account, name).signature.private_key


async def validate_challenge(services: Services, challenge_string: str, signature: str) -> ChallengeValidationResultDTO:
    """Whether a peer with an active relationship signed this challenge and the Backbone issued it to that peer.

    Raises ValidationFailed for texts that are no challenge or signature, RecordNotFound for a creator without an
    active relationship, ``error.runtime.notSupported`` for device challenges.
    """
    signed, challenge = _parse(challenge_string, signature)
    invalid = ChallengeValidationResultDTO(is_valid=False)
    if challenge.is_expired(services.clock()):
        return invalid
    if not is_id("CHL", challenge.id):
        return invalid
    try:
        issued = await services.backbone.challenges.get(challenge.id)
    except BackboneRequestError as error:
        if error.code == NOT_FOUND:
            return invalid
        raise
    if challenge.created_by is None or issued.created_by != challenge.created_by or issued.id != challenge.id:
        return invalid
    relationship = active_relationship_to(services, challenge.created_by)
    if relationship is None:
        raise RecordNotFound("Relationship", challenge.created_by)
    if challenge.type == "Device":
        raise device_challenges_not_supported()
    if challenge.type == "Identity":
        key = SignaturePublicKey.from_json(relationship.peer.public_key)
    else:
        name = relationship.relationship_secret_id
        key = load_channel_secrets(services.store, services.account, name).peer_signature_key
    if not verify_challenge(signed, key):
        return invalid
    return ChallengeValidationResultDTO(is_valid=True, corresponding_relationship=relationship_dto(relationship))


def _parse(challenge_string: str, signature: str) -> tuple[SignedChallenge, Challenge]:
    try:
        signed = SignedChallenge.from_json({"challenge": challenge_string, "signature": signature})
    except ConnectorError as error:
        raise ValidationFailed("The signature is invalid.") from error
    try:
        return signed, signed.content()
    except ConnectorError as error:
        raise ValidationFailed("The challengeString is invalid.") from error
