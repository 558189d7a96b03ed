"""Files on the wire (crypto spec section 9.4): encrypted content, encrypted metadata, and the hashes of both contents.

The reference to a file holds the metadata key; the content key is inside the metadata. Everything here is synchronous
and takes some tenths of a second for ten megabytes, so callers run it in a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from trio_connector.crypto.ciphers import Cipher, SecretKey, decrypt, decrypt_text, encrypt, encrypt_text
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.encoding import to_base64url
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.hashes import content_hash, sha512
from trio_connector.crypto.json_text import json_bytes, sorted_members
from trio_connector.crypto.objects import CryptoObject, Members
from trio_connector.crypto.signatures import SHA512, Signature, SignaturePrivateKey, sign
from trio_connector.errors import CoreError, DeserializationError


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetadata(CryptoObject):
    """What the owner says of the file; sizes in bytes, ``plaintext_hash`` in base64url."""

    TYPE: ClassVar[str] = "FileMetadata"
    filename: str
    filesize: int
    mimetype: str
    plaintext_hash: str
    secret_key: SecretKey
    title: str | None = None
    description: str | None = None
    filemodified: str | None = None
    tags: tuple[str, ...] | None = None

    def to_json(self, verbose: bool = True) -> dict[str, Any]:
        """All members in alphabetical order, ``secretKey`` in short form."""
        return sorted_members(
            {
                "@type": self.TYPE if verbose else None,
                "description": self.description,
                "filemodified": self.filemodified,
                "filename": self.filename,
                "filesize": self.filesize,
                "mimetype": self.mimetype,
                "plaintextHash": self.plaintext_hash,
                "secretKey": self.secret_key.to_json(False),
                "tags": None if self.tags is None else list(self.tags),
                "title": self.title,
            }
        )

    @classmethod
    def from_json(cls, value: object) -> FileMetadata:
        """See `CryptoObject.from_json`."""
        members = Members(cls.TYPE, value)
        filesize = members.number("filesize")
        if filesize is None:
            raise DeserializationError("FileMetadata.filesize :: Value is not a number.")
        tags = members.find("tags")
        if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
            raise DeserializationError("FileMetadata.tags :: Value is not a list of strings.")
        modified = members.optional_text("filemodified")
        return cls(
            filename=members.text("filename"),
            filesize=filesize,
            mimetype=members.text("mimetype"),
            plaintext_hash=members.text("plaintextHash"),
            secret_key=SecretKey.from_json(members.need("secretKey")),
            title=members.optional_text("title"),
            description=members.optional_text("description"),
            filemodified=None if modified is None else normalized(modified),
            tags=None if tags is None else tuple(tags),
        )


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file ready for upload, and what its owner keeps.

    ``content`` are the bytes to upload; ``encrypted_properties`` and ``owner_signature`` the form fields of these names
    (the latter is ``signature`` in its wire form).
    """

    content: bytes
    cipher_hash: str
    encrypted_properties: str
    signature: Signature
    metadata: FileMetadata
    metadata_key: SecretKey

    @property
    def owner_signature(self) -> str:
        """The signature as the Backbone gets it."""
        return self.signature.to_base64()


def seal_file(
    plaintext: bytes,
    device_key: SignaturePrivateKey,
    entropy: Entropy,
    *,
    filename: str,
    mimetype: str,
    title: str | None = None,
    description: str | None = None,
    filemodified: str | None = None,
    tags: tuple[str, ...] | None = None,
) -> SealedFile:
    """Encrypt a file and its metadata under two fresh keys, and sign its hash with the device key."""
    plaintext_hash = sha512(plaintext)
    content_key = SecretKey.generate(entropy)
    content = json_bytes(encrypt(plaintext, content_key, entropy).to_json())
    metadata = FileMetadata(
        filename=filename,
        filesize=len(plaintext),
        mimetype=mimetype,
        plaintext_hash=to_base64url(plaintext_hash),
        secret_key=content_key,
        title=title,
        description=description,
        filemodified=filemodified,
        tags=tags,
    )
    metadata_key = SecretKey.generate(entropy)
    return SealedFile(
        content=content,
        cipher_hash=content_hash(content),
        encrypted_properties=encrypt_text(metadata.serialize(), metadata_key, entropy).to_base64(),
        signature=sign(plaintext_hash, device_key, SHA512),
        metadata=metadata,
        metadata_key=metadata_key,
    )


def open_metadata(encrypted_properties: str, metadata_key: SecretKey) -> FileMetadata:
    """Decrypt the metadata; raises `CryptoError`, `EncodingError` or `DeserializationError`."""
    return FileMetadata.parse(decrypt_text(Cipher.from_base64(encrypted_properties), metadata_key))


def open_content(content: bytes, content_key: SecretKey, *, cipher_hash: str, plaintext_hash: str) -> bytes:
    """The plaintext of a downloaded file; the hashes are the Backbone's and the metadata's.

    Raises ``error.transport.files.cipherMismatch`` or ``...plaintextHashMismatch`` when a hash differs, and
    `CryptoError`, `EncodingError` or `DeserializationError` for content that is no cipher of this key.
    """
    if content_hash(content) != cipher_hash:  # both are public
        raise CoreError(
            "error.transport.files.cipherMismatch",
            "The actual hash of the cipher does not match the given cipherHash. "
            "Something went wrong while storing/transmitting the file.",
        )
    plaintext = decrypt(Cipher.parse(content), content_key)
    if content_hash(plaintext) != plaintext_hash:
        raise CoreError(
            "error.transport.files.plaintextHashMismatch",
            "The actual hash of the plaintext does not match the given plaintextHash. "
            "Something went wrong while encrypting/decrypting the file.",
        )
    return plaintext
