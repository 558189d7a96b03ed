"""Files: upload, load, download, hand on, own, delete (transport 9, runtime 5.2). The crypto of large ones runs in
threads."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import structlog

from trio_connector.backbone import FileMetadataAnswer
from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.encoding import from_base64url
from trio_connector.crypto.files import SealedFile, open_content, open_metadata, seal_file
from trio_connector.crypto.json_text import parse_json
from trio_connector.crypto.references import FileReference, Reference, TokenReference
from trio_connector.crypto.signatures import Signature
from trio_connector.crypto.tokens import TokenContentFile, parse_token_content
from trio_connector.domain.file import (
    MAX_PLAINTEXT_SIZE_BYTES,
    NEVER_EXPIRES,
    File,
    file_dto,
    invalid_metadata,
    max_file_size_exceeded,
    not_owned_by_you,
)
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.token import Token, invalid_reference, invalid_token_content
from trio_connector.errors import (
    BackboneRequestError,
    ConnectorError,
    UnexpectedCondition,
    runtime_record_not_found,
)
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.reachability import NOT_FOUND
from trio_connector.usecases.services import Services
from trio_connector.usecases.tags import check_file_tags
from trio_connector.usecases.tokens import load_peer_token, send_token

_ALREADY_OWN = "error.platform.validation.file.cannotClaimOwnershipOfOwnFile"
_LARGEST_EXACT_NUMBER = 2**53 - 1

log = structlog.get_logger("Transport.FileController")


def get_file(services: Services, file_id: str) -> File:
    """The stored file; raises ``error.runtime.recordNotFound``."""
    file = services.store.get(services.collections.files, file_id)
    if file is None:
        raise runtime_record_not_found("File")
    return file


def get_file_by_id_or_reference(services: Services, id_or_reference: str) -> File:
    """A stored file by its id, or by a reference to it; raises like ``Reference.of_text``."""
    if id_or_reference.startswith("FIL"):
        return get_file(services, id_or_reference)
    return get_file(services, FileReference.of_text(id_or_reference).id)


async def upload_own_file(
    services: Services,
    *,
    content: bytes,
    filename: str,
    mimetype: str,
    expires_at: str | None = None,
    title: str | None = None,
    description: str | None = None,
    tags: list[str] | None = None,
) -> File:
    """Encrypt and upload a file; raises ``files.maxFileSizeExceeded``, and DeserializationError for what is no date."""
    if len(content) > MAX_PLAINTEXT_SIZE_BYTES:
        raise max_file_size_exceeded(len(content))
    if tags:
        await check_file_tags(services, tags)
    expires = normalized(expires_at or NEVER_EXPIRES)
    seal = partial(
        seal_file,
        content,
        services.account.device_key,
        services.entropy,
        filename=filename,
        mimetype=mimetype,
        title=title,
        description=description,
        tags=None if tags is None else tuple(tags),
    )
    sealed: SealedFile = await by_size(seal, len(content))
    answer = await services.backbone.files.upload(
        content=sealed.content,
        cipher_hash=sealed.cipher_hash,
        owner=services.address,
        owner_signature=sealed.owner_signature,
        expires_at=expires,
        encrypted_properties=sealed.encrypted_properties,
    )
    file = File(
        id=answer.id,
        secret_key=sealed.metadata_key.to_json(False),
        cipher_key=sealed.metadata.secret_key.to_json(False),
        is_own=True,
        title=title,
        description=description,
        filename=filename,
        tags=tags,
        filesize=len(content),
        mimetype=mimetype,
        cipher_hash=sealed.cipher_hash,
        plaintext_hash=sealed.metadata.plaintext_hash,
        created_at=answer.created_at,
        expires_at=expires,
        created_by=services.address,
        owner=services.address,
        created_by_device=services.account.device_id,
        owner_signature=sealed.signature.to_json(False),
        ownership_token=answer.ownership_token,
    )
    await services.store.transact(lambda unit: unit.put(services.collections.files, file))
    return file


async def get_or_load_file(services: Services, reference_text: str, password: str | None = None) -> File:
    """The file behind a truncated or URL reference, to itself or to a token that holds one (runtime 5.2)."""
    reference = Reference.of_text(reference_text)
    if reference.id.startswith("FIL"):
        return await load_file(services, FileReference.of_text(reference_text))
    if not reference.id.startswith("TOK"):
        raise invalid_reference()
    token = await load_peer_token(services, TokenReference.of_text(reference_text), ephemeral=True, password=password)
    inside = parse_token_content(token.content)
    if not isinstance(inside, TokenContentFile):
        raise invalid_token_content()
    return await load_file(services, inside.reference())


async def load_file(services: Services, reference: FileReference) -> File:
    """The stored file with this id, else its metadata from the Backbone, which is then stored (transport 9)."""
    stored = services.store.get(services.collections.files, reference.id)
    if stored is not None:
        return stored
    file = await fetch_file(services, reference)
    await services.store.transact(lambda unit: unit.put(services.collections.files, file))
    return file


async def fetch_file(services: Services, reference: FileReference) -> File:
    """The file as the Backbone has it, not stored: for callers that store it in a unit of their own."""
    answer = await services.backbone.files.metadata(reference.id)
    if answer.id != reference.id:
        raise UnexpectedCondition(f"The Backbone answered with another File than '{reference.id}'.")
    return _record(answer, reference.key, is_own=False)


def _record(answer: FileMetadataAnswer, metadata_key: SecretKey, *, is_own: bool) -> File:
    try:
        metadata = open_metadata(answer.encrypted_properties, metadata_key)
        signature = Signature.from_json(parse_json(from_base64url(answer.owner_signature)))
    except ConnectorError as error:
        raise invalid_metadata(answer.id) from error
    shown = (metadata.title, metadata.description, metadata.filename, metadata.mimetype, *(metadata.tags or ()))
    if not 0 <= metadata.filesize <= _LARGEST_EXACT_NUMBER or not all(map(_is_text, shown)):
        raise invalid_metadata(answer.id)
    return File(
        id=answer.id,
        secret_key=metadata_key.to_json(False),
        cipher_key=metadata.secret_key.to_json(False),
        is_own=is_own,
        title=metadata.title,
        description=metadata.description,
        filename=metadata.filename,
        tags=None if metadata.tags is None else list(metadata.tags),
        filesize=metadata.filesize,
        filemodified=metadata.filemodified,
        mimetype=metadata.mimetype,
        cipher_hash=answer.cipher_hash,
        plaintext_hash=metadata.plaintext_hash,
        created_at=answer.created_at,
        expires_at=answer.expires_at,
        deleted_at=answer.deleted_at,
        created_by=answer.created_by,
        owner=answer.owner,
        deleted_by=answer.deleted_by,
        created_by_device=answer.created_by_device,
        deleted_by_device=answer.deleted_by_device,
        owner_signature=signature.to_json(False),
    )


def _is_text(value: str | None) -> bool:
    """Whether it can be stored and shown: JavaScript's strings may hold half characters."""
    return value is None or not any("\ud800" <= character <= "\udfff" for character in value)


async def download_file(services: Services, file_id: str) -> tuple[File, bytes]:
    """The file and its decrypted content, checked against both hashes."""
    file = get_file(services, file_id)
    content = await services.backbone.files.download(file.id)
    opened = partial(
        open_content,
        content,
        SecretKey.from_json(file.cipher_key),
        cipher_hash=file.cipher_hash,
        plaintext_hash=file.plaintext_hash,
    )
    return file, await by_size(opened, len(content))


async def create_token_for_file(
    services: Services,
    file_id: str,
    *,
    expires_at: str | None = None,
    ephemeral: bool = True,
    for_identity: str | None = None,
    password_protection: PasswordProtectionParameters | None = None,
) -> Token:
    """A token that hands on a file (runtime 5.2)."""
    file = get_file(services, file_id)
    return await send_token(
        services,
        content={"@type": "TokenContentFile", "fileId": file.id, "secretKey": file.secret_key},
        expires_at=expires_at or file.expires_at,
        ephemeral=ephemeral,
        for_identity=for_identity,
        password_protection=password_protection,
    )


async def delete_file(services: Services, file_id: str) -> None:
    """Delete a file; an own one at the Backbone first. One that the Backbone has no more is deleted here alone."""
    file = get_file(services, file_id)
    if file.is_own:
        try:
            await services.backbone.files.delete(file_id)
        except BackboneRequestError as error:
            if error.code != NOT_FOUND:
                raise
    await services.store.transact(lambda unit: unit.delete(services.collections.files, file_id))


async def regenerate_ownership_token(services: Services, file_id: str) -> File:
    """A new ownership token for an own file; it also unlocks the ownership (transport 9)."""
    file = get_file(services, file_id)
    if not file.is_own:
        raise not_owned_by_you()
    answer = await services.backbone.files.regenerate_ownership_token(file_id)
    return await _change(services, file_id, ownership_token=answer.new_ownership_token, ownership_is_locked=None)


async def validate_ownership_token(services: Services, file_id: str, token: str) -> bool:
    """Whether the Backbone would accept this token; a wrong one locks a peer's file."""
    answer = await services.backbone.files.validate_ownership_token(file_id, token)
    return answer.is_valid


async def claim_ownership(services: Services, file_id: str, token: str) -> File:
    """Become the owner of a peer's file, with the token its owner gave (transport 9).

    When the Backbone did so before, and this process did not live to record it, the file gets another token.
    """
    file = get_file(services, file_id)
    try:
        answer = await services.backbone.files.claim_ownership(file_id, token)
    except BackboneRequestError as error:
        if error.code != _ALREADY_OWN or file.is_own:
            raise
        log.info("The Backbone had already handed over the file", file=file_id)
        answer = await services.backbone.files.regenerate_ownership_token(file_id)
    refreshed = await refreshed_file(services, file)

    def keep(unit: Unit) -> File:
        owned = msgspec.structs.replace(refreshed, ownership_token=answer.new_ownership_token)
        unit.put(services.collections.files, owned)
        return owned

    return await services.store.transact(keep)


async def refreshed_file(services: Services, file: File) -> File:
    """The file as the Backbone has it now, with the owner it names; not stored."""
    answer = await services.backbone.files.metadata(file.id)
    return _record(answer, SecretKey.from_json(file.secret_key), is_own=answer.owner == services.address)


def file_event(services: Services, namespace: str, file: File) -> NewEvent:
    """An event that carries ``file``."""
    return NewEvent(namespace=namespace, data=file_dto(file, services.base_url), entity=file.id)


async def _change(services: Services, file_id: str, **changes: Any) -> File:
    def change(unit: Unit) -> File:
        current = unit.get(services.collections.files, file_id)
        if current is None:
            raise runtime_record_not_found("File")
        changed = msgspec.structs.replace(current, **changes)
        unit.put(services.collections.files, changed)
        return changed

    return await services.store.transact(change)
