"""Files (backbone spec 11)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to

OwnershipToken = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class NewFile(Answer, frozen=True, kw_only=True):
    """A file that was uploaded."""

    id: Id
    created_at: Date
    created_by: Address
    created_by_device: Id
    owner: Address
    owner_signature: str
    ownership_token: OwnershipToken
    cipher_size: int
    cipher_hash: str
    expires_at: Date


class FileMetadataAnswer(Answer, frozen=True, kw_only=True):
    """What the Backbone knows of a file; ``encrypted_properties`` is the encrypted metadata in base64url."""

    id: Id
    created_at: Date
    created_by: Address
    created_by_device: Id
    owner: Address
    owner_signature: str
    cipher_size: int
    cipher_hash: str
    expires_at: Date
    encrypted_properties: str
    ownership_is_locked: bool | None = None
    modified_at: Date | None = None
    modified_by: Address | None = None
    modified_by_device: Id | None = None
    deleted_at: Date | None = None
    deleted_by: Address | None = None
    deleted_by_device: Id | None = None


class OwnershipTokenValidity(Answer, frozen=True, kw_only=True):
    """Whether an ownership token is the right one."""

    is_valid: bool


class NewOwnershipToken(Answer, frozen=True, kw_only=True):
    """The ownership token that counts from now on."""

    new_ownership_token: OwnershipToken


class Files:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def upload(
        self,
        *,
        content: bytes,
        cipher_hash: str,
        owner: str,
        owner_signature: str,
        expires_at: str,
        encrypted_properties: str,
    ) -> NewFile:
        """Upload an encrypted file. A lost response leaves open whether the Backbone keeps a copy nobody uses."""
        fields = {
            "cipherHash": cipher_hash,
            "owner": owner,
            "ownerSignature": owner_signature,
            "expiresAt": expires_at,
            "encryptedProperties": encrypted_properties,
        }
        return await self._connection.upload(
            path_to("Files"), NewFile, fields=fields, name="content", content=content, filename="cipher.bin"
        )

    async def metadata(self, file_id: str) -> FileMetadataAnswer:
        """What the Backbone knows of a file."""
        return await self._connection.get(path_to("Files", file_id, "metadata"), FileMetadataAnswer)

    async def list(self, ids: Sequence[str]) -> list[FileMetadataAnswer]:
        """The own files with these ids."""
        return await self._connection.pages(path_to("Files"), FileMetadataAnswer, query={"ids": ids}) if ids else []

    async def download(self, file_id: str) -> bytes:
        """The encrypted content."""
        return await self._connection.download(path_to("Files", file_id))

    async def delete(self, file_id: str) -> None:
        """Delete a file this identity created."""
        await self._connection.send_without_answer("DELETE", path_to("Files", file_id))

    async def validate_ownership_token(self, file_id: str, ownership_token: str) -> OwnershipTokenValidity:
        """Whether the token is the right one; a wrong one locks a peer's file."""
        path = path_to("Files", file_id, "ValidateOwnershipToken")
        body = {"ownershipToken": ownership_token}
        return await self._connection.send("POST", path, OwnershipTokenValidity, body=body)

    async def regenerate_ownership_token(self, file_id: str) -> NewOwnershipToken:
        """A new token for an own file; it unlocks the file."""
        path = path_to("Files", file_id, "RegenerateOwnershipToken")
        return await self._connection.send("PATCH", path, NewOwnershipToken)

    async def claim_ownership(self, file_id: str, ownership_token: str) -> NewOwnershipToken:
        """Become the owner of a peer's file; a wrong token locks it."""
        path = path_to("Files", file_id, "ClaimOwnership")
        body = {"ownershipToken": ownership_token}
        return await self._connection.send("PATCH", path, NewOwnershipToken, body=body)
