"""Identity metadata: note something down about an identity, read it, forget it (runtime spec 5.1)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from trio_connector.domain.changes import Changes, Reader
from trio_connector.domain.identity_metadata import (
    IDENTITY_METADATA,
    IdentityMetadata,
    IdentityMetadataDTO,
    identity_metadata_dto,
    metadata_not_found,
    unfamiliar_referenced_identity,
)
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import DeserializationError
from trio_connector.usecases.consumption import change
from trio_connector.usecases.services import Services


async def upsert_identity_metadata(
    services: Services, *, reference: str, key: str | None, value: Any
) -> IdentityMetadataDTO:
    """Store ``value`` (JSON, not null) about ``reference`` under ``key``, in place of what was there.

    Raises ``error.runtime.identityMetadata.unfamiliarReferencedIdentity``.
    """
    if value is None:
        raise DeserializationError("IdentityMetadata.value :: Value is not defined")

    def upsert(changes: Changes) -> IdentityMetadataDTO:
        if reference != changes.me and not changes.select(RELATIONSHIPS, peer=reference):
            raise unfamiliar_referenced_identity()
        known = _find(changes, reference, key)
        if known is None:
            known = IdentityMetadata(id=changes.new_id("IDM"), reference=reference, key=key, value=value)
        metadata = replace(known, value=value)
        changes.put(IDENTITY_METADATA, metadata)
        return identity_metadata_dto(metadata)

    return await change(services, upsert)


async def get_identity_metadata(services: Services, reference: str, key: str | None) -> IdentityMetadataDTO:
    """What is stored about ``reference`` under ``key``. Raises ``error.runtime.identityMetadata.notFound``."""
    known = _find(services.store, reference, key)
    if known is None:
        raise metadata_not_found()
    return identity_metadata_dto(known)


async def delete_identity_metadata(services: Services, reference: str, key: str | None) -> None:
    """Forget it. Raises ``error.runtime.identityMetadata.notFound``."""

    def delete(changes: Changes) -> None:
        known = _find(changes, reference, key)
        if known is None:
            raise metadata_not_found()
        changes.delete(IDENTITY_METADATA, known.id)

    await change(services, delete)


def _find(reader: Reader, reference: str, key: str | None) -> IdentityMetadata | None:
    found = reader.select(IDENTITY_METADATA, reference=reference, metadata_key=key)
    return next(iter(found), None)
