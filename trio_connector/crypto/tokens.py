"""Tokens on the wire and the token contents that carry keys (crypto spec sections 9.6 and 9.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt_text, encrypt_text
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.identity import Identity
from trio_connector.crypto.json_text import json_text, parse_json_object, sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.crypto.password_protection import SharedPasswordProtection
from trio_connector.crypto.references import FileReference, RelationshipTemplateReference
from trio_connector.crypto.signatures import SignaturePrivateKey
from trio_connector.errors import DeserializationError


def seal_token(content: dict[str, Any], secret_key: SecretKey, entropy: Entropy) -> str:
    """``content`` for the Backbone, of any JSON object; also ``newContent`` of an empty token. It is not signed."""
    return encrypt_text(json_text(content), secret_key, entropy).to_base64()


def open_token(content: str, secret_key: SecretKey) -> dict[str, Any]:
    """The JSON object inside; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
    return parse_json_object(decrypt_text(Cipher.from_base64(content), secret_key))


@dataclass(frozen=True, slots=True)
class TokenContentFile(CryptoObject):
    """A token that hands on a file."""

    TYPE: ClassVar[str] = "TokenContentFile"
    file_id: str
    secret_key: SecretKey

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type fileId secretKey{short}``."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "fileId": self.file_id,
                "secretKey": self.secret_key.to_json(False),
            }
        )

    @classmethod
    def from_json(cls, value: object) -> TokenContentFile:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        return cls(members.text("fileId"), SecretKey.from_json(members.need("secretKey")))

    def reference(self) -> FileReference:
        """The file, as a reference without base URL; raises `DeserializationError` for an id that is no file's."""
        return FileReference(self.file_id, self.secret_key)


@dataclass(frozen=True, slots=True)
class TokenContentRelationshipTemplate(CryptoObject):
    """A token that hands on a relationship template; ``for_identity`` is a full address."""

    TYPE: ClassVar[str] = "TokenContentRelationshipTemplate"
    template_id: str
    secret_key: SecretKey
    for_identity: str | None = None
    password_protection: SharedPasswordProtection | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type forIdentity? passwordProtection? secretKey{short} templateId``."""
        protection = self.password_protection
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "forIdentity": self.for_identity,
                "passwordProtection": None if protection is None else protection.to_json(False),
                "secretKey": self.secret_key.to_json(False),
                "templateId": self.template_id,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> TokenContentRelationshipTemplate:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        protection = members.find("passwordProtection")
        return cls(
            members.text("templateId"),
            SecretKey.from_json(members.need("secretKey")),
            members.optional_text("forIdentity"),
            None if protection is None else SharedPasswordProtection.from_json(protection),
        )

    def reference(self) -> RelationshipTemplateReference:
        """The template, as a reference without base URL; raises `DeserializationError` for another kind of id."""
        return RelationshipTemplateReference(
            id=self.template_id,
            key=self.secret_key,
            for_identity_truncated=self.for_identity[-4:] if self.for_identity else None,
            password_protection=self.password_protection,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSharedSecret(CryptoObject):
    """Everything a new device of the identity needs; the private key only for admin devices. Hidden in ``repr``."""

    TYPE: ClassVar[str] = "DeviceSharedSecret"
    id: str
    created_at: str
    created_by_device: str
    device_index: int
    identity: Identity
    is_backup_device: bool
    username: str
    password: str
    secret_base_key: SecretKey
    synchronization_key: SecretKey
    identity_private_key: SignaturePrivateKey | None = None
    name: str | None = None
    description: str | None = None
    profile_name: str | None = None

    def __repr__(self) -> str:
        return f"DeviceSharedSecret({self.id!r}, ...)"

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """The members in alphabetical order, keys in short form."""
        private_key = self.identity_private_key
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "createdAt": normalized(self.created_at),
                "createdByDevice": self.created_by_device,
                "description": self.description,
                "deviceIndex": self.device_index,
                "id": self.id,
                "identity": self.identity.to_json(False),
                "identityPrivateKey": None if private_key is None else private_key.to_json(False),
                "isBackupDevice": self.is_backup_device,
                "name": self.name,
                "password": self.password,
                "profileName": self.profile_name,
                "secretBaseKey": self.secret_base_key.to_json(False),
                "synchronizationKey": self.synchronization_key.to_json(False),
                "username": self.username,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> DeviceSharedSecret:
        """See `CryptoObject.from_json`; a missing ``isBackupDevice`` is false."""
        members = Members(cls.TYPE, value)
        index = members.number("deviceIndex")
        if index is None or not 0 <= index < 2**31 // 1_000_000:
            raise DeserializationError("DeviceSharedSecret.deviceIndex :: Value is not a number.")
        private_key = members.find("identityPrivateKey")
        return cls(
            id=members.text("id"),
            created_at=normalized(members.text("createdAt")),
            created_by_device=members.text("createdByDevice"),
            device_index=index,
            identity=Identity.from_json(members.need("identity")),
            is_backup_device=members.find("isBackupDevice") is True,
            username=members.text("username"),
            password=members.text("password"),
            secret_base_key=SecretKey.from_json(members.need("secretBaseKey")),
            synchronization_key=SecretKey.from_json(members.need("synchronizationKey")),
            identity_private_key=None if private_key is None else SignaturePrivateKey.from_json(private_key),
            name=members.optional_text("name"),
            description=members.optional_text("description"),
            profile_name=members.optional_text("profileName"),
        )


@dataclass(frozen=True, slots=True)
class TokenContentDeviceSharedSecret(CryptoObject):
    """A token that onboards a device."""

    TYPE: ClassVar[str] = "TokenContentDeviceSharedSecret"
    shared_secret: DeviceSharedSecret

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """``@type sharedSecret{short}``."""
        return sorted_members(
            {"@type": self.TYPE if verbose else None, "sharedSecret": self.shared_secret.to_json(False)}
        )

    @classmethod
    def from_json(cls, value: object) -> TokenContentDeviceSharedSecret:
        """See `CryptoObject.from_json`."""
        return cls(DeviceSharedSecret.from_json(Members(cls.TYPE, value).need("sharedSecret")))


def parse_token_content(
    content: dict[str, Any],
) -> TokenContentFile | TokenContentRelationshipTemplate | TokenContentDeviceSharedSecret | None:
    """The content as one of the kinds above, ``None`` for any other JSON object.

    Raises `CryptoError`, `EncodingError` or `DeserializationError` when it names a kind and is none.
    """
    match content.get("@type"):
        case TokenContentFile.TYPE:
            return TokenContentFile.from_json(content)
        case TokenContentRelationshipTemplate.TYPE:
            return TokenContentRelationshipTemplate.from_json(content)
        case TokenContentDeviceSharedSecret.TYPE:
            return TokenContentDeviceSharedSecret.from_json(content)
    return None
