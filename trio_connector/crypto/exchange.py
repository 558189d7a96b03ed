"""X25519 key exchange (crypto spec 2.3): in a relationship the requestor is the server, the templator the client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import nacl.bindings
import nacl.exceptions

from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.json_text import json_bytes
from trio_connector.crypto.objects import ALGORITHM, CryptoObject, Members, Secret, check_size

PUBLIC_KEY_BYTES = 32
PRIVATE_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class ExchangePublicKey(CryptoObject):
    """The public half of an exchange keypair."""

    TYPE: ClassVar[str] = "CryptoExchangePublicKey"
    key: bytes

    def __post_init__(self) -> None:
        check_size(self.key, "publicKey", 20, 40)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type pub alg``."""
        members: dict[str, Any] = {"pub": to_base64url(self.key), "alg": ALGORITHM}
        return {"@type": self.TYPE} | members if verbose else members

    @classmethod
    def from_json(cls, value: object) -> ExchangePublicKey:
        """See `CryptoObject.from_json`; an object with an ``id`` of a template key stays one."""
        members = Members(cls.TYPE, value)
        _check_algorithm(members)
        key = members.bytes_within("pub", "publicKey", 20, 40)
        if members.find("@type") == TemplatePublicKey.TYPE:
            return TemplatePublicKey(key, members.text("id"))
        return cls(key)


@dataclass(frozen=True, slots=True)
class TemplatePublicKey(ExchangePublicKey):
    """The public key inside a relationship template; ``id`` (``TRPRTK...``) names the stored private key."""

    TYPE: ClassVar[str] = "RelationshipTemplatePublicKey"
    id: str

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``id pub alg @type``."""
        members: dict[str, Any] = {"id": self.id, "pub": to_base64url(self.key), "alg": ALGORITHM}
        return members | {"@type": self.TYPE} if verbose else members

    def to_base64(self, verbose: bool = True) -> str:
        """Always of the verbose form, as the official class writes it."""
        return to_base64url(json_bytes(self.to_json()))

    @classmethod
    def from_json(cls, value: object) -> TemplatePublicKey:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        _check_algorithm(members)
        return cls(members.bytes_within("pub", "publicKey", 20, 40), members.text("id"))


@dataclass(frozen=True, slots=True)
class ExchangePrivateKey(CryptoObject):
    """The private half of an exchange keypair, hidden in ``repr``."""

    TYPE: ClassVar[str] = "CryptoExchangePrivateKey"
    secret: Secret

    def __post_init__(self) -> None:
        check_size(self.key, "privateKey", 20, 40)

    @property
    def key(self) -> bytes:
        """The 32 bytes."""
        return self.secret.reveal()

    def public_key(self) -> ExchangePublicKey:
        """The public key that belongs to this one."""
        # The binding does not look: the library would read beyond the end of a shorter key.
        if len(self.secret) != PRIVATE_KEY_BYTES:
            raise CryptoError("error.crypto.exchange.keyDerivation", "TypeError: invalid privateKey length")
        try:
            return ExchangePublicKey(nacl.bindings.crypto_scalarmult_base(self.key))
        except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
            raise CryptoError("error.crypto.exchange.keyDerivation", str(error)) from error

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``prv alg @type``."""
        members: dict[str, Any] = {"prv": to_base64url(self.key), "alg": ALGORITHM}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> ExchangePrivateKey:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        _check_algorithm(members)
        return cls(Secret(members.bytes_within("prv", "privateKey", 20, 40)))


@dataclass(frozen=True, slots=True)
class ExchangeKeypair(CryptoObject):
    """A private key with its public key."""

    TYPE: ClassVar[str] = "CryptoExchangeKeypair"
    public_key: ExchangePublicKey
    private_key: ExchangePrivateKey

    @classmethod
    def generate(cls, entropy: Entropy) -> ExchangeKeypair:
        """A fresh random keypair."""
        return cls.of(ExchangePrivateKey(Secret(entropy(PRIVATE_KEY_BYTES))))

    @classmethod
    def of(cls, private_key: ExchangePrivateKey) -> ExchangeKeypair:
        """The keypair of ``private_key``."""
        return cls(private_key.public_key(), private_key)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``pub{short} prv{short} @type``."""
        members: dict[str, Any] = {"pub": self.public_key.to_json(False), "prv": self.private_key.to_json(False)}
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> ExchangeKeypair:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(
            ExchangePublicKey.from_json(members.need("pub", "publicKey")),
            ExchangePrivateKey.from_json(members.need("prv", "privateKey")),
        )


@dataclass(frozen=True, slots=True)
class ExchangeSecrets(CryptoObject):
    """What both sides derive: ``rx`` to receive and ``tx`` to transmit (the peer has them the other way round)."""

    TYPE: ClassVar[str] = "CryptoExchangeSecrets"
    receive: Secret
    transmit: Secret

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``rx tx alg @type``."""
        members: dict[str, Any] = {
            "rx": to_base64url(self.receive.reveal()),
            "tx": to_base64url(self.transmit.reveal()),
            "alg": ALGORITHM,
        }
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> ExchangeSecrets:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        members.encryption_algorithm()
        return cls(
            Secret(members.bytes_within("rx", "receivingKey", 32, 32)),
            Secret(members.bytes_within("tx", "transmissionKey", 32, 32)),
        )


def derive_requestor(own: ExchangeKeypair, peer: ExchangePublicKey) -> ExchangeSecrets:
    """The session keys of the requestor of a relationship (server side).

    Raises ``error.crypto.exchange.keyDerivation``, also for keys of low order.
    """
    return _derive(nacl.bindings.crypto_kx_server_session_keys, own, peer, "clientPublicKey")


def derive_templator(own: ExchangeKeypair, peer: ExchangePublicKey) -> ExchangeSecrets:
    """The session keys of the templator of a relationship (client side); raises like `derive_requestor`."""
    return _derive(nacl.bindings.crypto_kx_client_session_keys, own, peer, "serverPublicKey")


def _derive(session_keys: Any, own: ExchangeKeypair, peer: ExchangePublicKey, peer_name: str) -> ExchangeSecrets:
    if len(peer.key) != PUBLIC_KEY_BYTES:
        raise CryptoError("error.crypto.exchange.keyDerivation", f"TypeError: invalid {peer_name} length")
    try:
        receive, transmit = session_keys(own.public_key.key, own.private_key.key, peer.key)
    except (nacl.exceptions.CryptoError, ValueError, TypeError) as error:
        raise CryptoError("error.crypto.exchange.keyDerivation", f"Error: {error}") from error
    return ExchangeSecrets(Secret(receive), Secret(transmit))


def _check_algorithm(members: Members) -> None:
    if members.number("alg", "algorithm") not in (1, 2, 3):
        raise CryptoError("error.crypto.exchange.wrongExchangeAlgorithm", "Exchange algorithm is not set or supported.")
