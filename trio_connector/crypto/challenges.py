"""Challenges: proof of holding a key, for account and device creation and between peers (crypto spec section 9.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal, cast, get_args

from trio_connector.crypto.dates import normalized, parse_date
from trio_connector.crypto.encoding import to_utf8
from trio_connector.crypto.json_text import sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.crypto.signatures import (
    SHA256,
    SHA512,
    Signature,
    SignaturePrivateKey,
    SignaturePublicKey,
    sign,
    verify,
)
from trio_connector.errors import DeserializationError

ChallengeType = Literal["Identity", "Device", "Relationship"]
_TYPES = frozenset(get_args(ChallengeType))


@dataclass(frozen=True, slots=True)
class Challenge(CryptoObject):
    """What the Backbone issued, and which of our keys signs it. Without ``created_by`` it is for a new account."""

    TYPE: ClassVar[str] = "Challenge"
    id: str
    expires_at: str
    type: ChallengeType
    created_by: str | None = None
    created_by_device: str | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type createdBy? createdByDevice? expiresAt id type``; signed in the short form."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "createdBy": self.created_by,
                "createdByDevice": self.created_by_device,
                "expiresAt": normalized(self.expires_at),
                "id": self.id,
                "type": self.type,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> Challenge:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        type_ = members.text("type")
        if type_ not in _TYPES:
            raise DeserializationError(f"Challenge.type :: Value '{type_[:40]}' is not a type of challenge")
        return cls(
            members.text("id"),
            normalized(members.text("expiresAt")),
            cast(ChallengeType, type_),
            members.optional_text("createdBy"),
            members.optional_text("createdByDevice"),
        )

    def is_expired(self, now: datetime) -> bool:
        """Whether it is no longer valid at ``now``."""
        return parse_date(self.expires_at) < now


@dataclass(frozen=True, slots=True)
class SignedChallenge(CryptoObject):
    """The challenge as text, and the signature over exactly that text."""

    TYPE: ClassVar[str] = "ChallengeSigned"
    challenge: str
    signature: Signature

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``challenge signature @type``; account creation sends the short form, device creation the verbose one."""
        members: dict[str, Any] = {"challenge": self.challenge, "signature": self.signature.to_base64()}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> SignedChallenge:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(members.text("challenge"), Signature.from_base64(members.text("signature")))

    def content(self) -> Challenge:
        """The challenge inside; raises like `Challenge.from_json`, `EncodingError` when the text is not JSON."""
        return Challenge.parse(self.challenge)


def sign_challenge(challenge: Challenge, private_key: SignaturePrivateKey) -> SignedChallenge:
    """Sign with the key that the challenge's type names: of the identity, the device or a relationship."""
    text = challenge.serialize(False)
    label = SHA256 if challenge.type == "Relationship" else SHA512
    return SignedChallenge(text, sign(to_utf8(text), private_key, label))


def verify_challenge(signed: SignedChallenge, public_key: SignaturePublicKey) -> bool:
    """Whether the owner of ``public_key`` signed it; expiry, type and creator are the caller's to check."""
    return verify(to_utf8(signed.challenge), signed.signature, public_key)
