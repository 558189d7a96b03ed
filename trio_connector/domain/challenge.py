"""Challenges: proving who somebody is (transport spec section 8, runtime spec section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from trio_connector.domain.relationship import RelationshipDTO
from trio_connector.errors import ConnectorError, CoreError

ChallengeType = Literal["Identity", "Device", "Relationship"]


class ChallengeDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A signed challenge as the API shows it; the first five members repeat what ``challenge_string`` says."""

    id: str
    expires_at: str
    created_by: str | None = None
    created_by_device: str | None = None
    type: ChallengeType
    signature: str
    challenge_string: str


class ChallengeContent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What a challenge's text says."""

    id: str
    expires_at: str
    type: ChallengeType
    created_by: str | None = None
    created_by_device: str | None = None


class ChallengeValidationResultDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Whether a peer's challenge is genuine, and whose it is."""

    is_valid: bool
    corresponding_relationship: RelationshipDTO | None = None


def requires_active_relationship() -> CoreError:
    """A relationship challenge is signed with the keys of an active relationship."""
    return CoreError(
        "error.transport.challenges.challengeTypeRequiresActiveRelationship",
        "The challenge type Relationship requires an active Relationship.",
    )


def device_challenges_not_supported() -> ConnectorError:
    """Nobody knows the keys of a peer's devices."""
    return ConnectorError(
        "error.runtime.notSupported", "Validating challenges of the type 'Device' is not yet supported."
    )
