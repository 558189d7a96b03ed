"""How keys are kept: device secrets and synchronised secrets, each encrypted on its own (crypto spec section 3).

Device secrets are encrypted under a key of the device; synchronised ones under a key derived from the identity's shared
base key and a number that grows with each secret of the device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from trio_connector.crypto.channel import RelationshipSecrets, RequestSecrets
from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text, encrypt_text
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.derivation import derive
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.exchange import ExchangeKeypair
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.json_text import parse_json_object, sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.crypto.signatures import SignatureKeypair, SignaturePrivateKey
from trio_connector.errors import CoreError, DeserializationError, UnknownType

SHARED_BASE_KEY = "shared_basekey"
SYNCHRONIZATION_MASTER = "identity_synchronization_master"
IDENTITY_SIGNATURE = "identity_signature"
DEVICE_SIGNATURE = "device_signature"
DEVICE_CREDENTIALS = "device_credentials"

INDEXES_PER_DEVICE = 1_000_000


@dataclass(frozen=True, slots=True)
class DeviceCredentials(CryptoObject):
    """With what a device logs in; the password is hidden in ``repr``."""

    TYPE: ClassVar[str] = "DeviceSecretCredentials"
    id: str
    username: str
    password: str

    def __repr__(self) -> str:
        return f"DeviceCredentials({self.id!r}, {self.username!r}, ...)"

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type id password username``."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "id": self.id,
                "password": self.password,
                "username": self.username,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> DeviceCredentials:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(members.text("id"), members.text("username"), members.text("password"))


KeptSecret = (
    SecretKey
    | SignaturePrivateKey
    | SignatureKeypair
    | ExchangeKeypair
    | RequestSecrets
    | RelationshipSecrets
    | DeviceCredentials
)
_KINDS: tuple[type[KeptSecret], ...] = (
    SecretKey,
    SignaturePrivateKey,
    SignatureKeypair,
    ExchangeKeypair,
    RequestSecrets,
    RelationshipSecrets,
    DeviceCredentials,
)
_BY_TYPE = {kind.TYPE: kind for kind in _KINDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretContainer(CryptoObject):
    """An encrypted secret as it is stored; ``nonce`` is the number of its key, absent for device secrets."""

    TYPE: ClassVar[str] = "SecretContainerCipher"
    id: str
    name: str
    cipher: Cipher
    created_at: str
    valid_from: str
    active: bool = True
    description: str = ""
    nonce: int | None = None
    valid_to: str | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type active cipher{short} createdAt description id name nonce? validFrom validTo?``."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "active": self.active,
                "cipher": self.cipher.to_json(False),
                "createdAt": self.created_at,
                "description": self.description,
                "id": self.id,
                "name": self.name,
                "nonce": self.nonce,
                "validFrom": self.valid_from,
                "validTo": self.valid_to,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> SecretContainer:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        valid_to = members.optional_text("validTo")
        return cls(
            id=members.text("id"),
            name=members.text("name"),
            cipher=Cipher.from_json(members.need("cipher")),
            created_at=normalized(members.text("createdAt")),
            valid_from=normalized(members.text("validFrom")),
            active=members.find("active") is True,
            description=members.optional_text("description") or "",
            nonce=members.number("nonce"),
            valid_to=None if valid_to is None else normalized(valid_to),
        )

    def succeeded(self, at: str) -> SecretContainer:
        """This container after a newer one of the same name took its place at ``at``."""
        return replace(self, active=False, valid_to=at)


def seal_device_secret(
    name: str, secret: KeptSecret, device_base_key: SecretKey, created_at: str, entropy: Entropy
) -> SecretContainer:
    """Encrypt a secret for this device alone."""
    return _seal(name, secret, _device_key(device_base_key), created_at, None, entropy)


def open_device_secret(container: SecretContainer, device_base_key: SecretKey) -> KeptSecret:
    """Decrypt a device secret; raises `CryptoError`, `EncodingError`, `DeserializationError` or `UnknownType`."""
    return _open(container, _device_key(device_base_key))


def seal_shared_secret(
    name: str, secret: KeptSecret, shared_base_key: SecretKey, index: int, created_at: str, entropy: Entropy
) -> SecretContainer:
    """Encrypt a secret for all devices of the identity; ``index`` is `next_index` of the last one used."""
    return _seal(name, secret, derive(shared_base_key, index, "SECRET01"), created_at, index, entropy)


def open_shared_secret(container: SecretContainer, shared_base_key: SecretKey) -> KeptSecret:
    """Decrypt a synchronised secret; raises like `open_device_secret`."""
    return _open(container, derive(shared_base_key, container.nonce or 0, "SECRET01"))


def next_index(last: int | None) -> int:
    """The number of the next synchronised secret after ``last`` (``None``: none yet on the first device)."""
    return 0 if last is None else last + 1


def first_index(device_index: int) -> int:
    """What an onboarded device stores as the last number it used."""
    return device_index * INDEXES_PER_DEVICE


def parse_secret(text: str) -> KeptSecret:
    """Read the JSON text of a secret, whose ``@type`` says what it is; raises like `open_device_secret`."""
    value = parse_json_object(text)
    type_name = value.get("@type")
    if not isinstance(type_name, str):
        raise DeserializationError("SecretContainerCipher.cipher :: the secret does not name its type")
    kind = _BY_TYPE.get(type_name)
    if kind is None:
        raise UnknownType(type_name[:100])
    return kind.from_json(value)


def secret_not_found(name: str) -> CoreError:
    """No active secret ``name`` is stored."""
    return CoreError("error.transport.secrets.secretNotFound", f"Secret '{name}' not found.")


def wrong_secret_type(secret_id: str | None = None) -> CoreError:
    """A secret exists, but of a kind that does not fit here."""
    data = None if secret_id is None else {"secretId": secret_id}
    return CoreError("error.transport.secrets.wrongSecretType", "The given secret type is not supported!", data=data)


def _device_key(device_base_key: SecretKey) -> SecretKey:
    return derive(device_base_key, 1, "DEVICE01")


def _seal(
    name: str, secret: KeptSecret, key: SecretKey, created_at: str, index: int | None, entropy: Entropy
) -> SecretContainer:
    return SecretContainer(
        id=new_id("TRPSEC", entropy),
        name=name,
        cipher=encrypt_text(secret.serialize(), key, entropy),
        created_at=created_at,
        valid_from=created_at,
        nonce=index,
    )


def _open(container: SecretContainer, key: SecretKey) -> KeptSecret:
    return parse_secret(decrypt_text(container.cipher, key))
