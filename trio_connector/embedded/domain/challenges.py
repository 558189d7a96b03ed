"""Challenges and the signatures over them (Backbone spec 4.1, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

from trio_connector.crypto.json_text import parse_json_object
from trio_connector.crypto.signatures import Signature, SignaturePublicKey, verify
from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.moments import HOUR, MINUTE, Moment, parsed
from trio_connector.errors import ConnectorError

LIFETIME = 10 * MINUTE
READABLE_AFTER_EXPIRY = HOUR


@dataclass(frozen=True)
class SignedChallenge:
    """The text that was signed, and the signature's JSON form in bytes."""

    text: str
    signature: bytes

    def challenge_id(self) -> str:
        """The id inside the text; raises PlatformError when there is none."""
        try:
            members = {name.lower(): value for name, value in parse_json_object(self.text).items()}
            parsed(members["expiresat"])
            id_ = members["id"]
        except (ConnectorError, KeyError, TypeError) as error:
            raise errors.cannot_be_parsed("signedChallenge.challenge", "The value is not a challenge.") from error
        if not isinstance(id_, str):
            raise errors.cannot_be_parsed("signedChallenge.challenge", "The value is not a challenge.")
        return id_


def check_signature(signed: SignedChallenge, public_key: bytes) -> None:
    """Raises ``invalidSignature`` when the owner of ``public_key`` (32 bytes) did not sign exactly this text."""
    try:
        signature = Signature.from_json(parse_json_object(signed.signature))
        is_valid = verify(signed.text.encode("utf-8"), signature, SignaturePublicKey(public_key))
    except (ConnectorError, UnicodeEncodeError) as error:
        raise errors.invalid_signature() from error
    if not is_valid:
        raise errors.invalid_signature()


def check_expiry(expires_at: Moment | None, now: Moment) -> None:
    """``expires_at`` of the stored challenge, ``None`` when there is none."""
    if expires_at is None:
        raise errors.not_found("Challenge")
    if expires_at < now:
        raise errors.challenge_has_expired()


def public_key_of(encoded: bytes) -> bytes:
    """The raw key inside ``identityPublicKey``; raises PlatformError."""
    try:
        key = SignaturePublicKey.from_json(parse_json_object(encoded)).key
    except ConnectorError as error:
        raise errors.cannot_be_parsed("identityPublicKey", "The value is not a public key.") from error
    if len(key) != 32:
        raise errors.cannot_be_parsed("identityPublicKey", "The value is not a public key.")
    return key
