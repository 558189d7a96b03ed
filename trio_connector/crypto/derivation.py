"""Keys derived from a base key, and password hashes (crypto spec sections 2.4 and 2.5)."""

from __future__ import annotations

import hashlib
from typing import Literal

import nacl.pwhash.argon2id

from trio_connector.crypto.ciphers import KEY_BYTES, SecretKey
from trio_connector.crypto.encoding import to_utf8
from trio_connector.errors import UnexpectedCondition

Context = Literal["REQTMP01", "RELREQ01", "RELTEM01", "SECRET01", "DEVICE01", "DataSync"]
"""What a derived key is for; eight ASCII characters."""

MAX_KEY_ID = 2**31 - 1
SALT_BYTES = 16
ARGON2_OPSLIMIT = 3
ARGON2_MEMLIMIT_BYTES = 20 * 1024 * 1024


def derive(base_key: SecretKey, key_id: int, context: str) -> SecretKey:
    """The key number ``key_id`` (0 ... 2**31 - 1) for ``context`` (a `Context`; eight characters).

    The same as libsodium's ``crypto_kdf_derive_from_key``. Raises `UnexpectedCondition` for other ids and contexts.
    """
    if not 0 <= key_id <= MAX_KEY_ID:
        raise UnexpectedCondition("subkey_id must be an unsigned integer or bigint")
    if len(context) != 8 or not context.isascii():
        raise UnexpectedCondition("The context should be exactly 8 characters long!")
    return SecretKey.of(
        hashlib.blake2b(
            digest_size=KEY_BYTES,
            key=base_key.key,
            salt=key_id.to_bytes(8, "little") + bytes(8),
            person=context.encode("ascii") + bytes(8),
        ).digest()
    )


def derive_from_password(password: str, salt: bytes) -> bytes:
    """argon2id of the password as it stands (32 bytes).

    Takes some tens of milliseconds and 20 MiB, so callers run it in a thread. Raises `UnexpectedCondition` when the
    salt has not exactly 16 bytes.
    """
    if len(salt) != SALT_BYTES:
        raise UnexpectedCondition(f"The salt must be exactly {SALT_BYTES} bytes long!")
    return nacl.pwhash.argon2id.kdf(
        KEY_BYTES, to_utf8(password), salt, opslimit=ARGON2_OPSLIMIT, memlimit=ARGON2_MEMLIMIT_BYTES
    )
