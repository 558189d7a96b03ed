"""Secret-key encryption: XChaCha20-Poly1305-IETF with a random nonce or with a counter (crypto spec section 2.1).

All functions are synchronous; ten megabytes take some tens of milliseconds, so callers run those in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import nacl.bindings
import nacl.exceptions

from trio_connector.crypto.encoding import from_utf8, to_base64url, to_utf8
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.objects import (
    ALGORITHM,
    CryptoObject,
    Members,
    Secret,
    check_counter,
)

KEY_BYTES = 32
NONCE_BYTES = 24
MAX_CIPHER_BYTES = 100 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SecretKey(CryptoObject):
    """A key for `encrypt` and `derive`; 32 bytes, hidden in ``repr``. Raises ``wrongSecretKey`` for other lengths."""

    TYPE: ClassVar[str] = "CryptoSecretKey"
    secret: Secret

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise CryptoError(
                "error.crypto.encryption.wrongSecretKey",
                f"SecretKey must be {KEY_BYTES} bytes long for encryption algorithm {ALGORITHM}",
            )

    @classmethod
    def of(cls, key: bytes) -> SecretKey:
        """The key with these 32 bytes."""
        return cls(Secret(key))

    @classmethod
    def generate(cls, entropy: Entropy) -> SecretKey:
        """A fresh random key."""
        return cls.of(entropy(KEY_BYTES))

    @property
    def key(self) -> bytes:
        """The 32 bytes."""
        return self.secret.reveal()

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``key alg @type``."""
        members: dict[str, Any] = {"key": to_base64url(self.key), "alg": ALGORITHM}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> SecretKey:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        members.encryption_algorithm()
        key = members.bytes_within("key", "secretKey", 0, 1024)
        if len(key) != KEY_BYTES:
            raise CryptoError(
                "error.crypto.encryption.wrongSecretKey",
                f"SecretKey must be {KEY_BYTES} bytes long for encryption algorithm {ALGORITHM} (is {len(key)})",
            )
        return cls.of(key)


@dataclass(frozen=True, slots=True)
class Cipher(CryptoObject):
    """Ciphertext and tag with either the nonce or the counter it was made with."""

    TYPE: ClassVar[str] = "CryptoCipher"
    cipher: bytes
    nonce: bytes | None = None
    counter: int | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``cph alg nnc? cnt? @type``."""
        members: dict[str, Any] = {"cph": to_base64url(self.cipher), "alg": ALGORITHM}
        if self.nonce is not None:
            members["nnc"] = to_base64url(self.nonce)
        if self.counter is not None:
            members["cnt"] = self.counter
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> Cipher:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        members.encryption_algorithm()
        has_counter = members.find("cnt", "counter") is not None
        has_nonce = members.find("nnc", "nonce") is not None
        if has_nonce and has_counter:
            raise CryptoError("error.crypto.validation.nonceAndCounter", "Nonce and counter properties are set.")
        if not has_nonce and not has_counter:
            raise CryptoError("error.crypto.validation.noNonceNorCounter", "No nonce nor counter property set.")
        cipher = members.bytes_within("cph", "cipher", 2, MAX_CIPHER_BYTES)
        if has_nonce:
            return cls(cipher, nonce=members.bytes_within("nnc", "nonce", 12, NONCE_BYTES))
        counter = members.number("cnt", "counter")
        return cls(cipher, counter=check_counter(-1 if counter is None else counter))

    def __repr__(self) -> str:
        return f"Cipher({len(self.cipher)} bytes, counter={self.counter})"


def encrypt(plaintext: bytes, key: SecretKey, entropy: Entropy) -> Cipher:
    """Encrypt under a fresh random nonce, which the cipher carries."""
    return encrypt_with_nonce(plaintext, key, entropy(NONCE_BYTES))


def encrypt_text(text: str, key: SecretKey, entropy: Entropy) -> Cipher:
    """`encrypt` the UTF-8 bytes of ``text``: ``enc(text, key)`` of the specification."""
    return encrypt(to_utf8(text), key, entropy)


def encrypt_with_nonce(plaintext: bytes, key: SecretKey, nonce: bytes) -> Cipher:
    """Encrypt under a given nonce. Never give the same nonce twice for one key; use `encrypt` where possible."""
    return Cipher(_seal(plaintext, nonce, key), nonce=bytes(nonce))


def encrypt_with_counter(plaintext: bytes, key: SecretKey, base_nonce: bytes, counter: int) -> Cipher:
    """Encrypt under ``base_nonce`` advanced by ``counter``, which the cipher carries instead of a nonce.

    The caller makes sure that no counter is ever used twice for one key and base nonce.
    """
    return Cipher(_seal(plaintext, effective_nonce(base_nonce, counter), key), counter=counter)


def decrypt(cipher: Cipher, key: SecretKey) -> bytes:
    """The plaintext of a cipher that carries its nonce; raises ``error.crypto.encryption.decrypt``."""
    if cipher.nonce is None:
        raise _decryption_failed("the cipher carries no nonce")
    return _open(cipher.cipher, cipher.nonce, key)


def decrypt_text(cipher: Cipher, key: SecretKey) -> str:
    """`decrypt` to text; raises `EncodingError` too when the plaintext is not UTF-8."""
    return from_utf8(decrypt(cipher, key))


def decrypt_with_counter(cipher: Cipher, key: SecretKey, base_nonce: bytes) -> bytes:
    """The plaintext of a cipher that carries a counter; raises ``error.crypto.encryption.decrypt``."""
    if cipher.counter is None:
        raise _decryption_failed("the cipher carries no counter")
    return _open(cipher.cipher, effective_nonce(base_nonce, cipher.counter), key)


def effective_nonce(base_nonce: bytes, counter: int) -> bytes:
    """``base_nonce`` with ``counter`` added to its last four bytes, little-endian, the carry dropped."""
    if len(base_nonce) != NONCE_BYTES:
        raise CryptoError("error.crypto.encryption.wrongNonce", f"Nonce must be {NONCE_BYTES} bytes long.")
    check_counter(counter)
    last = (int.from_bytes(base_nonce[20:], "little") + counter) % 2**32
    return base_nonce[:20] + last.to_bytes(4, "little")


def _seal(plaintext: bytes, nonce: bytes, key: SecretKey) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise CryptoError("error.crypto.encryption.wrongNonce", f"Nonce must be {NONCE_BYTES} bytes long.")
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, b"", nonce, key.key)
    except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
        raise CryptoError("error.crypto.encryption.encrypt", str(error)) from error


def _open(cipher: bytes, nonce: bytes, key: SecretKey) -> bytes:
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(cipher, b"", nonce, key.key)
    except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
        raise _decryption_failed(str(error)) from error


def _decryption_failed(reason: str) -> CryptoError:
    return CryptoError("error.crypto.encryption.decrypt", reason)
