"""Ed25519 signatures over the bytes themselves (crypto spec section 2.2).

The hash algorithm in a signature is only a label: identities and devices sign with `SHA512`, relationships with
`SHA256`, and no verifier looks at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import nacl.bindings
import nacl.exceptions

from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.objects import ALGORITHM, CryptoObject, Members, Secret, check_size

SHA256 = 1
SHA512 = 2
SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 32
PRIVATE_KEY_BYTES = 64
SEED_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signature(CryptoObject):
    """A signature with its label; made by `sign`, checked by `verify`."""

    TYPE: ClassVar[str] = "CryptoSignature"
    signature: bytes
    algorithm: int

    def __post_init__(self) -> None:
        check_size(self.signature, "signature", 20, 100)
        if self.algorithm not in (1, 2, 3):
            raise _wrong_hash_algorithm()

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``sig alg @type``."""
        members: dict[str, Any] = {"sig": to_base64url(self.signature), "alg": self.algorithm}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> Signature:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        algorithm = members.number("alg", "algorithm")
        if algorithm not in (1, 2, 3):
            raise _wrong_hash_algorithm()
        return cls(members.bytes_within("sig", "signature", 20, 100), algorithm)


@dataclass(frozen=True, slots=True)
class SignaturePublicKey(CryptoObject):
    """The key that verifies."""

    TYPE: ClassVar[str] = "CryptoSignaturePublicKey"
    key: bytes

    def __post_init__(self) -> None:
        check_size(self.key, "publicKey", 20, 80)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``pub alg @type``."""
        members: dict[str, Any] = {"pub": to_base64url(self.key), "alg": ALGORITHM}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> SignaturePublicKey:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        _check_algorithm(members)
        return cls(members.bytes_within("pub", "publicKey", 20, 80))


@dataclass(frozen=True, slots=True)
class SignaturePrivateKey(CryptoObject):
    """The key that signs: seed and public key, hidden in ``repr``."""

    TYPE: ClassVar[str] = "CryptoSignaturePrivateKey"
    secret: Secret
    id: str | None = None

    def __post_init__(self) -> None:
        check_size(self.key, "privateKey", 20, 80)

    @property
    def key(self) -> bytes:
        """The 64 bytes: seed, then public key."""
        return self.secret.reveal()

    def public_key(self) -> SignaturePublicKey:
        """The key that verifies what this one signs."""
        _check_private_key(self)
        return SignaturePublicKey(self.key[SEED_BYTES:])

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``prv alg id? @type``."""
        members: dict[str, Any] = {"prv": to_base64url(self.key), "alg": ALGORITHM}
        if self.id is not None:
            members["id"] = self.id
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> SignaturePrivateKey:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        _check_algorithm(members)
        return cls(Secret(members.bytes_within("prv", "privateKey", 20, 80)), members.optional_text("id"))


@dataclass(frozen=True, slots=True)
class SignatureKeypair(CryptoObject):
    """A private key with its public key."""

    TYPE: ClassVar[str] = "CryptoSignatureKeypair"
    public_key: SignaturePublicKey
    private_key: SignaturePrivateKey

    @classmethod
    def generate(cls, entropy: Entropy) -> SignatureKeypair:
        """A fresh random keypair."""
        public, private = nacl.bindings.crypto_sign_seed_keypair(entropy(SEED_BYTES))
        return cls(SignaturePublicKey(public), SignaturePrivateKey(Secret(private)))

    @classmethod
    def of(cls, private_key: SignaturePrivateKey) -> SignatureKeypair:
        """The keypair of ``private_key``."""
        return cls(private_key.public_key(), private_key)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``pub{short} prv{short} @type``."""
        members: dict[str, Any] = {"pub": self.public_key.to_json(False), "prv": self.private_key.to_json(False)}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> SignatureKeypair:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(
            SignaturePublicKey.from_json(members.need("pub", "publicKey")),
            SignaturePrivateKey.from_json(members.need("prv", "privateKey")),
        )


def sign(content: bytes, private_key: SignaturePrivateKey, algorithm: int = SHA512) -> Signature:
    """Sign at least one byte; ``algorithm`` is the label. Raises ``wrongBuffer`` or ``signature.sign``."""
    check_size(content, "content", 1, 2**63)
    _check_private_key(private_key)
    try:
        signed = nacl.bindings.crypto_sign(content, private_key.key)
    except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
        raise CryptoError("error.crypto.signature.sign", str(error)) from error
    return Signature(signed[:SIGNATURE_BYTES], algorithm)


def verify(content: bytes, signature: Signature, public_key: SignaturePublicKey) -> bool:
    """Whether ``public_key``'s owner signed ``content``.

    Raises ``error.crypto.signature.verify`` when a length is wrong and ``wrongBuffer`` for empty content.
    """
    check_size(content, "content", 1, 2**63)
    if len(signature.signature) != SIGNATURE_BYTES:
        raise CryptoError("error.crypto.signature.verify", "TypeError: invalid signature length")
    if len(public_key.key) != PUBLIC_KEY_BYTES:
        raise CryptoError("error.crypto.signature.verify", "TypeError: invalid publicKey length")
    try:
        nacl.bindings.crypto_sign_open(signature.signature + content, public_key.key)
    except nacl.exceptions.BadSignatureError:
        return False
    except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
        raise CryptoError("error.crypto.signature.verify", str(error)) from error
    return True


def _check_private_key(private_key: SignaturePrivateKey) -> None:
    # The binding does not look: the library would read beyond the end of a shorter key.
    if len(private_key.secret) != PRIVATE_KEY_BYTES:
        raise CryptoError("error.crypto.signature.sign", "TypeError: invalid privateKey length")


def _check_algorithm(members: Members) -> None:
    if members.number("alg", "algorithm") not in (1, 2, 3):
        raise CryptoError("error.crypto.signature.wrongAlgorithm", "Signature algorithm is not set or supported.")


def _wrong_hash_algorithm() -> CryptoError:
    return CryptoError("error.crypto.hash.wrongHashAlgorithm", "Hash algorithm is not supported.")
