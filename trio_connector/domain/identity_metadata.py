"""Identity metadata: what an operator notes down about an identity, by key (consumption spec section 6). Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.errors import ConnectorError


class IdentityMetadata(Record, frozen=True, kw_only=True):
    """One value about ``reference``, an address; without key it has a slot of its own."""

    reference: str
    key: str | None = None
    value: Any


class IdentityMetadataDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Identity metadata as the API shows it."""

    reference: str
    key: str | None = None
    value: Any


def identity_metadata_dto(metadata: IdentityMetadata) -> IdentityMetadataDTO:
    """What API users see of ``metadata``."""
    return IdentityMetadataDTO(reference=metadata.reference, key=metadata.key, value=metadata.value)


IDENTITY_METADATA: Collection[IdentityMetadata] = Collection(
    name="IdentityMetadata",
    record=IdentityMetadata,
    kind="IdentityMetadata",
    keys={"reference": lambda metadata: metadata.reference, "metadata_key": lambda metadata: metadata.key},
    prepare=identity_metadata_dto,
)


def unfamiliar_referenced_identity() -> ConnectorError:
    """Only metadata about oneself and about peers is kept."""
    return ConnectorError(
        "error.runtime.identityMetadata.unfamiliarReferencedIdentity",
        "The reference of the IdentityMetadata resolves neither to the address of a peer of a Relationship nor the "
        "address of the own Identity.",
    )


def metadata_not_found() -> ConnectorError:
    """Nothing is stored under this reference and key."""
    return ConnectorError(
        "error.runtime.identityMetadata.notFound",
        "There is no stored IdentityMetadata for the specified combination of reference and key.",
    )
