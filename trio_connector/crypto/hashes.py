"""Content hashes (crypto spec section 2.6)."""

from __future__ import annotations

import hashlib

from trio_connector.crypto.encoding import to_base64url


def sha512(content: bytes) -> bytes:
    """The raw 64 bytes. Ten megabytes take some tens of milliseconds: callers use a thread."""
    return hashlib.sha512(content).digest()


def sha256(content: bytes) -> bytes:
    """The raw 32 bytes."""
    return hashlib.sha256(content).digest()


def content_hash(content: bytes) -> str:
    """base64url of SHA-512: ``cipherHash`` and ``plaintextHash`` of files."""
    return to_base64url(sha512(content))
