"""Files: record and DTO (transport spec section 9, runtime spec section 3)."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.domain.reference import ReferenceDTO, reference_dto
from trio_connector.errors import ConnectorError, CoreError

NEVER_EXPIRES = "9999-12-31T00:00:00.000Z"
MAX_PLAINTEXT_SIZE_BYTES = 10 * 1024 * 1024


class File(Record, frozen=True, kw_only=True):
    """A file whose metadata this identity knows (transport spec section 9).

    ``secret_key`` decrypts the metadata and goes into references, ``cipher_key`` decrypts the content.
    """

    secret_key: Json
    cipher_key: Json
    is_own: bool
    title: str | None = None
    description: str | None = None
    filename: str
    tags: list[str] | None = None
    filesize: int
    filemodified: str | None = None
    mimetype: str
    cipher_hash: str
    plaintext_hash: str
    created_at: str
    expires_at: str
    deleted_at: str | None = None
    created_by: str
    owner: str
    deleted_by: str | None = None
    created_by_device: str
    deleted_by_device: str | None = None
    owner_signature: Json
    ownership_token: str | None = None
    ownership_is_locked: bool | None = None
    metadata: object = None
    metadata_modified_at: str | None = None


class FileDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A file as the API and events show it."""

    id: str
    is_own: bool
    filename: str
    tags: list[str] | None = None
    filesize: int
    created_at: str
    created_by: str
    created_by_device: str
    expires_at: str
    mimetype: str
    title: str | None = None
    description: str | None = None
    owner: str
    ownership_token: str | None = None
    ownership_is_locked: bool | None = None
    reference: ReferenceDTO


def file_dto(file: File, base_url: str) -> FileDTO:
    """What API users see; references name ``base_url``."""
    return FileDTO(
        id=file.id,
        is_own=file.is_own,
        filename=file.filename,
        tags=file.tags,
        filesize=file.filesize,
        created_at=file.created_at,
        created_by=file.created_by,
        created_by_device=file.created_by_device,
        expires_at=file.expires_at,
        mimetype=file.mimetype,
        title=file.title,
        description=file.description,
        owner=file.owner,
        ownership_token=file.ownership_token if file.is_own else None,
        ownership_is_locked=True if file.ownership_is_locked else None,
        reference=reference_dto(file.id, base_url, file.secret_key),
    )


def file_collection(dto: Callable[[File], FileDTO]) -> Collection[File]:
    """The collection of files, with DTOs made by ``dto``."""
    return Collection(name="Files", record=File, kind="File", indexed=("createdBy", "createdAt", "isOwn"), prepare=dto)


def max_file_size_exceeded(size_bytes: int) -> CoreError:
    """The plaintext is larger than the Backbone accepts."""
    return CoreError(
        "error.transport.files.maxFileSizeExceeded",
        f"The given File content size ({size_bytes}) exceeds the max File size the Backbone accepts "
        f"({MAX_PLAINTEXT_SIZE_BYTES}).",
    )


def invalid_metadata(file_id: str) -> CoreError:
    """The decrypted metadata is not FileMetadata."""
    return CoreError(
        "error.transport.files.invalidMetadata", f"The metadata of the File with id '{file_id}' is invalid."
    )


def not_owned_by_you() -> ConnectorError:
    """Only the owner may do this."""
    return ConnectorError("error.runtime.files.notOwnedByYou", "Only the owner of the File can perform this action.")
