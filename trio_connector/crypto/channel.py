"""The secrets of a relationship and what is done with them (crypto spec section 4).

::

    templator                                   requestor
    template key pair --- template (public) --->
                                                create_request()        RequestSecrets
                      <-- public request ------
    answer_request()    RelationshipSecrets
                      --- public response ----->
                                                complete_request()      RelationshipSecrets

After that both sides hold `RelationshipSecrets`; what one encrypts with its transmit state the other decrypts with its
receive state. Counters come from the caller: see `first_counter` and `next_counter`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.ciphers import (
    NONCE_BYTES,
    Cipher,
    SecretKey,
    decrypt,
    decrypt_with_counter,
    encrypt,
    encrypt_with_counter,
)
from trio_connector.crypto.derivation import derive
from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.entropy import Entropy, uniform
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.exchange import (
    ExchangeKeypair,
    ExchangePublicKey,
    derive_requestor,
    derive_templator,
)
from trio_connector.crypto.json_text import sorted_members
from trio_connector.crypto.objects import MAX_COUNTER, CryptoObject, Members
from trio_connector.crypto.signatures import SHA256, Signature, SignatureKeypair, SignaturePublicKey, sign, verify
from trio_connector.crypto.states import (
    RECEIVE,
    TRANSMIT,
    PrivateState,
    PublicState,
    base_nonce,
    wrong_state_type,
)

TEMPLATOR = 1
REQUESTOR = 2


@dataclass(frozen=True, slots=True)
class PublicRequest(CryptoObject):
    """What the requestor sends in the clear with the relationship creation content."""

    TYPE: ClassVar[str] = "CryptoRelationshipPublicRequest"
    exchange_key: ExchangePublicKey
    signature_key: SignaturePublicKey
    ephemeral_key: ExchangePublicKey
    nonce: bytes
    id: str | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``exc sig eph nnc id? @type``, keys in short form."""
        members: dict[str, Any] = {
            "exc": self.exchange_key.to_json(False),
            "sig": self.signature_key.to_json(False),
            "eph": self.ephemeral_key.to_json(False),
            "nnc": to_base64url(self.nonce),
        }
        if self.id is not None:
            members["id"] = self.id
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> PublicRequest:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(
            ExchangePublicKey.from_json(members.need("exc", "exchangeKey")),
            SignaturePublicKey.from_json(members.need("sig", "signatureKey")),
            ExchangePublicKey.from_json(members.need("eph", "ephemeralKey")),
            base_nonce(members),
            members.optional_text("id"),
        )


@dataclass(frozen=True, slots=True)
class PublicResponse(CryptoObject):
    """What the templator sends in the clear with the acceptance."""

    TYPE: ClassVar[str] = "CryptoRelationshipPublicResponse"
    exchange_key: ExchangePublicKey
    signature_key: SignaturePublicKey
    state: PublicState
    id: str | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``exc sig sta id? @type``, nested objects in short form."""
        members: dict[str, Any] = {
            "exc": self.exchange_key.to_json(False),
            "sig": self.signature_key.to_json(False),
            "sta": self.state.to_json(False),
        }
        if self.id is not None:
            members["id"] = self.id
        return members | {"@type": self.TYPE} if verbose else members

    @classmethod
    def from_json(cls, value: object) -> PublicResponse:
        """See `CryptoObject.from_json`; the state must be a transmit state."""
        members = Members(cls.TYPE, value)
        state = PublicState.from_json(members.need("sta", "state"))
        if state.state_type != TRANSMIT:
            raise wrong_state_type()
        return cls(
            ExchangePublicKey.from_json(members.need("exc", "exchangeKey")),
            SignaturePublicKey.from_json(members.need("sig", "signatureKey")),
            state,
            members.optional_text("id"),
        )


@dataclass(frozen=True, slots=True)
class RequestSecrets(CryptoObject):
    """What the requestor keeps until the templator accepts."""

    TYPE: ClassVar[str] = "CryptoRelationshipRequestSecrets"
    exchange: ExchangeKeypair
    ephemeral: ExchangeKeypair
    signature: SignatureKeypair
    request_key: SecretKey
    nonce: bytes
    peer_exchange_key: ExchangePublicKey
    peer_identity_key: SignaturePublicKey
    id: str | None = None

    def public_request(self) -> PublicRequest:
        """What the templator gets to see."""
        return PublicRequest(
            self.exchange.public_key, self.signature.public_key, self.ephemeral.public_key, self.nonce, self.id
        )

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type eph exc id? key nnc pik pxk sig``, nested objects in short form."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "eph": self.ephemeral.to_json(False),
                "exc": self.exchange.to_json(False),
                "id": self.id,
                "key": self.request_key.to_json(False),
                "nnc": to_base64url(self.nonce),
                "pik": self.peer_identity_key.to_json(False),
                "pxk": _general(self.peer_exchange_key),
                "sig": self.signature.to_json(False),
            }
        )

    @classmethod
    def from_json(cls, value: object) -> RequestSecrets:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(
            exchange=ExchangeKeypair.from_json(members.need("exc", "exchangeKeypair")),
            ephemeral=ExchangeKeypair.from_json(members.need("eph", "ephemeralKeypair")),
            signature=SignatureKeypair.from_json(members.need("sig", "signatureKeypair")),
            request_key=SecretKey.from_json(members.need("key", "secretKey")),
            nonce=base_nonce(members),
            peer_exchange_key=ExchangePublicKey.from_json(members.need("pxk", "peerExchangeKey")),
            peer_identity_key=SignaturePublicKey.from_json(members.need("pik", "peerIdentityKey")),
            id=members.optional_text("id"),
        )


@dataclass(frozen=True, slots=True)
class RelationshipSecrets(CryptoObject):
    """What both sides keep of a relationship whose channel stands; ``role`` is `TEMPLATOR` or `REQUESTOR`."""

    TYPE: ClassVar[str] = "CryptoRelationshipSecrets"
    role: int
    exchange: ExchangeKeypair
    signature: SignatureKeypair
    transmit: PrivateState
    receive: PrivateState
    peer_exchange_key: ExchangePublicKey
    peer_signature_key: SignaturePublicKey
    peer_template_key: ExchangePublicKey
    request_key: SecretKey
    peer_identity_key: SignaturePublicKey | None = None
    id: str | None = None

    def public_response(self) -> PublicResponse:
        """What the templator sends with its acceptance."""
        return PublicResponse(self.exchange.public_key, self.signature.public_key, self.transmit.public(), self.id)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type exc id? pik? psk ptk pxk rsk rx sig tx typ``, nested objects in short form."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "exc": self.exchange.to_json(False),
                "id": self.id,
                "pik": self.peer_identity_key.to_json(False) if self.peer_identity_key else None,
                "psk": self.peer_signature_key.to_json(False),
                "ptk": _general(self.peer_template_key),
                "pxk": _general(self.peer_exchange_key),
                "rsk": self.request_key.to_json(False),
                "rx": self.receive.to_json(False),
                "sig": self.signature.to_json(False),
                "tx": self.transmit.to_json(False),
                "typ": self.role,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> RelationshipSecrets:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        role = members.number("typ", "type")
        if role not in (TEMPLATOR, REQUESTOR):
            raise CryptoError("error.crypto.state.wrongType", "Relationship type is not supported.")
        identity_key = members.find("pik", "peerIdentityKey")
        transmit = PrivateState.from_json(members.need("tx", "transmitState"))
        receive = PrivateState.from_json(members.need("rx", "receiveState"))
        if transmit.state_type != TRANSMIT or receive.state_type != RECEIVE:
            raise wrong_state_type()
        return cls(
            role=role,
            exchange=ExchangeKeypair.from_json(members.need("exc", "exchangeKeypair")),
            signature=SignatureKeypair.from_json(members.need("sig", "signatureKeypair")),
            transmit=transmit,
            receive=receive,
            peer_exchange_key=ExchangePublicKey.from_json(members.need("pxk", "peerExchangeKey")),
            peer_signature_key=SignaturePublicKey.from_json(members.need("psk", "peerSignatureKey")),
            peer_template_key=ExchangePublicKey.from_json(members.need("ptk", "peerTemplateKey")),
            request_key=SecretKey.from_json(members.need("rsk", "requestSecretKey")),
            peer_identity_key=None if identity_key is None else SignaturePublicKey.from_json(identity_key),
            id=members.optional_text("id"),
        )


def create_request(
    template_key: ExchangePublicKey, peer_identity_key: SignaturePublicKey, entropy: Entropy
) -> RequestSecrets:
    """Requestor: fresh secrets for a relationship to the owner of the template with ``template_key``."""
    exchange = ExchangeKeypair.generate(entropy)
    ephemeral = ExchangeKeypair.generate(entropy)
    signature = SignatureKeypair.generate(entropy)
    return RequestSecrets(
        exchange=exchange,
        ephemeral=ephemeral,
        signature=signature,
        request_key=_derive(derive_requestor(ephemeral, template_key).transmit.reveal(), "REQTMP01"),
        nonce=entropy(NONCE_BYTES),
        peer_exchange_key=template_key,
        peer_identity_key=peer_identity_key,
    )


def answer_request(template_keypair: ExchangeKeypair, request: PublicRequest, entropy: Entropy) -> RelationshipSecrets:
    """Templator: the secrets of the relationship that ``request`` asks for.

    ``request_key`` of the result opens the creation content.
    """
    exchange = ExchangeKeypair.generate(entropy)
    signature = SignatureKeypair.generate(entropy)
    return templator_secrets(template_keypair, request, exchange, signature, entropy(NONCE_BYTES))


def templator_secrets(
    template_keypair: ExchangeKeypair,
    request: PublicRequest,
    exchange: ExchangeKeypair,
    signature: SignatureKeypair,
    nonce: bytes,
) -> RelationshipSecrets:
    """What `answer_request` computes from its random choices ``exchange``, ``signature`` and ``nonce``."""
    request_key = _derive(derive_templator(template_keypair, request.ephemeral_key).receive.reveal(), "REQTMP01")
    derived = derive_templator(exchange, request.exchange_key)
    return RelationshipSecrets(
        role=TEMPLATOR,
        exchange=exchange,
        signature=signature,
        transmit=PrivateState(nonce, _derive(derived.transmit.reveal(), "RELTEM01"), TRANSMIT),
        receive=PrivateState(request.nonce, _derive(derived.receive.reveal(), "RELREQ01"), RECEIVE),
        peer_exchange_key=request.exchange_key,
        peer_signature_key=request.signature_key,
        peer_template_key=request.ephemeral_key,
        request_key=request_key,
    )


def complete_request(secrets: RequestSecrets, response: PublicResponse) -> RelationshipSecrets:
    """Requestor: the secrets of the relationship that the templator accepted with ``response``."""
    derived = derive_requestor(secrets.exchange, response.exchange_key)
    return RelationshipSecrets(
        role=REQUESTOR,
        exchange=secrets.exchange,
        signature=secrets.signature,
        transmit=PrivateState(secrets.nonce, _derive(derived.transmit.reveal(), "RELREQ01"), TRANSMIT),
        receive=PrivateState(response.state.nonce, _derive(derived.receive.reveal(), "RELTEM01"), RECEIVE),
        peer_exchange_key=response.exchange_key,
        peer_signature_key=response.signature_key,
        peer_template_key=secrets.peer_exchange_key,
        request_key=secrets.request_key,
        peer_identity_key=secrets.peer_identity_key,
    )


def encrypt_request(plaintext: bytes, secrets: RequestSecrets, entropy: Entropy) -> Cipher:
    """Requestor: encrypt the creation content (random nonce, request key)."""
    return encrypt(plaintext, secrets.request_key, entropy)


def decrypt_request(cipher: Cipher, secrets: RequestSecrets | RelationshipSecrets) -> bytes:
    """Either side, at any time: decrypt the creation content."""
    return decrypt(cipher, secrets.request_key)


def encrypt_to_peer(plaintext: bytes, secrets: RelationshipSecrets, counter: int) -> Cipher:
    """Encrypt on the channel. ``counter`` must never have been used for this relationship by this device."""
    return encrypt_with_counter(plaintext, secrets.transmit.key, secrets.transmit.nonce, counter)


def decrypt_from_peer(cipher: Cipher, secrets: RelationshipSecrets) -> bytes:
    """Decrypt what the peer encrypted on the channel, under the counter in the cipher.

    Official senders use counter 0 for everything, so neither order nor uniqueness is asked for.
    """
    return decrypt_with_counter(cipher, secrets.receive.key, secrets.receive.nonce)


def decrypt_own(cipher: Cipher, secrets: RelationshipSecrets) -> bytes:
    """Decrypt what this side encrypted on the channel."""
    return decrypt_with_counter(cipher, secrets.transmit.key, secrets.transmit.nonce)


def sign_for_peer(content: bytes, secrets: RequestSecrets | RelationshipSecrets) -> Signature:
    """Sign with the relationship's own key (label SHA-256)."""
    return sign(content, secrets.signature.private_key, SHA256)


def verify_from_peer(content: bytes, signature: Signature, secrets: RelationshipSecrets) -> bool:
    """Whether the peer signed ``content`` with its key of this relationship; raises like `signatures.verify`."""
    return verify(content, signature, secrets.peer_signature_key)


def first_counter(entropy: Entropy) -> int:
    """Where a device starts to count for a relationship: random in 1 ... 2**32 - 1.

    Several devices of an identity share the channel's key, and random starts keep them apart.
    """
    return uniform(MAX_COUNTER, entropy) + 1


def next_counter(last: int) -> int:
    """The counter after ``last``: plus one, modulo 2**32, never 0 (which every official sender uses)."""
    return last % MAX_COUNTER + 1


def _general(key: ExchangePublicKey) -> dict[str, Any]:
    """Short, but a key of a more special class than declared names its class."""
    return key.to_json(type(key) is not ExchangePublicKey)


def _derive(base: bytes, context: str) -> SecretKey:
    return derive(SecretKey.of(base), 1, context)
