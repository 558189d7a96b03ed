"""The two directions of a relationship channel: a key and a base nonce each (crypto spec sections 1.5 and 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.ciphers import NONCE_BYTES, SecretKey
from trio_connector.crypto.encoding import from_base64url, to_base64url
from trio_connector.crypto.errors import CryptoError
from trio_connector.crypto.objects import ALGORITHM, CryptoObject, Members, check_counter

RECEIVE = 1
TRANSMIT = 2


@dataclass(frozen=True, slots=True)
class PublicState(CryptoObject):
    """What the peer needs to know of our transmit state: its base nonce."""

    TYPE: ClassVar[str] = "CryptoPublicState"
    nonce: bytes
    state_type: int
    id: str | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type nnc alg typ id?``."""
        members: dict[str, Any] = {"nnc": to_base64url(self.nonce), "alg": ALGORITHM, "typ": self.state_type}
        if self.id is not None:
            members["id"] = self.id
        return {"@type": self.TYPE} | members if verbose else members

    @classmethod
    def from_json(cls, value: object) -> PublicState:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        members.encryption_algorithm()
        state_type = members.number("typ", "stateType")
        if state_type not in (RECEIVE, TRANSMIT):
            raise wrong_state_type()
        return cls(base_nonce(members), state_type, members.optional_text("id"))


@dataclass(frozen=True, slots=True)
class PrivateState(CryptoObject):
    """Key and base nonce of one direction; ``state_type`` is `RECEIVE` or `TRANSMIT`; stored ``counter``s are 0."""

    nonce: bytes
    key: SecretKey
    state_type: int
    counter: int = 0
    id: str | None = None

    def public(self) -> PublicState:
        """What the peer may know."""
        return PublicState(self.nonce, self.state_type, self.id)

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``nnc cnt key alg typ id? @type``, with ``@type`` in the short form too."""
        members: dict[str, Any] = {
            "nnc": to_base64url(self.nonce),
            "cnt": self.counter,
            "key": to_base64url(self.key.key),
            "alg": ALGORITHM,
            "typ": self.state_type,
        }
        if self.id is not None:
            members["id"] = self.id
        members["@type"] = "CryptoPrivateStateTransmit" if self.state_type == TRANSMIT else "CryptoPrivateStateReceive"
        return members

    @classmethod
    def from_json(cls, value: object) -> PrivateState:
        """See `CryptoObject.from_json`."""
        members = Members("CryptoPrivateState", value)
        members.encryption_algorithm()
        state_type = members.number("typ", "stateType")
        if state_type not in (RECEIVE, TRANSMIT):
            raise wrong_state_type()
        counter = members.number("cnt", "counter")
        return cls(
            base_nonce(members),
            SecretKey.of(members.bytes_within("key", "secretKey", 1, 64)),
            state_type,
            check_counter(-1 if counter is None else counter),
            members.optional_text("id"),
        )


def base_nonce(members: Members) -> bytes:
    """The member ``nnc`` of 24 bytes; raises ``error.crypto.encryption.wrongNonce``."""
    nonce = from_base64url(members.text("nnc", "nonce"))
    if len(nonce) != NONCE_BYTES:
        raise CryptoError("error.crypto.encryption.wrongNonce", f"Nonce must be {NONCE_BYTES} bytes long.")
    return nonce


def wrong_state_type() -> CryptoError:
    """``typ`` is neither 1 nor 2, or not the one that is needed here."""
    return CryptoError("error.crypto.state.wrongType", "State type is not supported.")
