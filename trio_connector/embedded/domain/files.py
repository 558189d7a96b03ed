"""Who owns a file, and how ownership moves (Backbone spec section 11)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from enum import Enum, auto

from trio_connector.crypto.entropy import Entropy, choose
from trio_connector.embedded.domain.errors import invalid_property
from trio_connector.embedded.domain.moments import Moment

OWNERSHIP_LOCKED = "FileOwnershipLocked"
OWNERSHIP_CLAIMED = "FileOwnershipClaimed"

_TOKEN_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@#$%^&*()_-+=<>?/{}[]|~"  # noqa: S105
_TOKEN_CHARACTERS = frozenset(_TOKEN_ALPHABET)
_TOKEN_LENGTH = 20


@dataclass(frozen=True)
class File:
    """A file without its content."""

    id: str
    created_at: Moment
    created_by: str
    created_by_device: str
    modified_at: Moment
    modified_by: str
    modified_by_device: str
    owner: str
    owner_signature: bytes
    ownership_token: str
    ownership_is_locked: bool
    cipher_size: int
    cipher_hash: bytes
    expires_at: Moment
    encrypted_properties: bytes


class Claim(Enum):
    """What became of the wish to own a file."""

    GRANTED = auto()
    OWN_FILE = auto()
    REFUSED = auto()
    LOCKED_NOW = auto()
    """The token was wrong: the file is locked from now on, and the owner is told."""


def new_ownership_token(entropy: Entropy) -> str:
    """Twenty characters."""
    return "".join(choose(_TOKEN_ALPHABET, entropy) for _ in range(_TOKEN_LENGTH))


def check_ownership_token(token: str | None) -> str:
    """Raises PlatformError for what cannot be an ownership token."""
    if not token or len(token) > _TOKEN_LENGTH or not _TOKEN_CHARACTERS.issuperset(token):
        raise invalid_property("Invalid ownership token.")
    return token


def validated(file: File, token: str, me: str) -> tuple[bool, bool]:
    """Whether ``token`` is the right one, and whether the file is to be locked because it is not."""
    if file.ownership_is_locked:
        return False, False
    if _equal(file.ownership_token, token):
        return True, False
    return False, me != file.owner


def claimed(file: File, token: str, me: str, new_token: str) -> tuple[Claim, File]:
    """What a claim by ``me`` with ``token`` leads to, and the file afterwards."""
    if file.owner == me:
        return Claim.OWN_FILE, file
    if file.ownership_is_locked:
        return Claim.REFUSED, file
    if not _equal(file.ownership_token, token):
        return Claim.LOCKED_NOW, replace(file, ownership_is_locked=True)
    return Claim.GRANTED, replace(file, owner=me, ownership_token=new_token, ownership_is_locked=False)


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())


def with_token(file: File, token: str) -> File:
    """The file with a new token, and unlocked."""
    return replace(file, ownership_token=token, ownership_is_locked=False)


def locked(file: File) -> File:
    """The file after somebody guessed its token wrongly."""
    return replace(file, ownership_is_locked=True)
