"""Relationship templates: record, expiry, what a token of one must inherit, and the DTO (transport 11, runtime 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Identity, Json
from trio_connector.domain.password_protection import (
    PasswordProtection,
    PasswordProtectionDTO,
    PasswordProtectionParameters,
    password_protection_dto,
    shared_protection,
)
from trio_connector.domain.reference import ReferenceDTO, reference_dto
from trio_connector.domain.relationship import wrapped
from trio_connector.errors import ConnectorError


class RelationshipTemplate(Record, frozen=True, kw_only=True):
    """An own or loaded template (transport spec section 11); ``template_key`` is ``{"id", "pub", "alg"}``."""

    secret_key: Json
    is_own: bool
    identity: Identity
    created_by: str
    created_by_device: str
    created_at: str
    expires_at: str | None = None
    template_key: Json
    max_number_of_allocations: int | None = None
    for_identity: str | None = None
    content: Any
    password_protection: PasswordProtection | None = None
    metadata: Any = None
    metadata_modified_at: str | None = None

    def is_expired(self, now: str) -> bool:
        """Whether ``now`` (ISO, UTC, milliseconds) is strictly after the expiry; without one it never expires."""
        return self.expires_at is not None and now > self.expires_at


TEMPLATE_CONTENT_TYPES = frozenset({"RelationshipTemplateContent", "ArbitraryRelationshipTemplateContent"})


class RelationshipTemplateDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A template as the API and events show it."""

    id: str
    is_own: bool
    created_by: str
    created_by_device: str
    created_at: str
    for_identity: str | None = None
    password_protection: PasswordProtectionDTO | None = None
    content: Any
    expires_at: str | None = None
    max_number_of_allocations: int | None = None
    reference: ReferenceDTO


def template_dto(template: RelationshipTemplate, base_url: str) -> RelationshipTemplateDTO:
    """What API users see; unknown content is wrapped into its Arbitrary form."""
    return RelationshipTemplateDTO(
        id=template.id,
        is_own=template.is_own,
        created_by=template.created_by,
        created_by_device=template.created_by_device,
        created_at=template.created_at,
        for_identity=template.for_identity,
        password_protection=password_protection_dto(template.password_protection),
        content=wrapped(template.content, TEMPLATE_CONTENT_TYPES, "ArbitraryRelationshipTemplateContent"),
        expires_at=template.expires_at,
        max_number_of_allocations=template.max_number_of_allocations,
        reference=reference_dto(
            template.id,
            base_url,
            template.secret_key,
            template.for_identity,
            shared_protection(template.password_protection),
        ),
    )


def template_collection(
    dto: Callable[[RelationshipTemplate], RelationshipTemplateDTO],
) -> Collection[RelationshipTemplate]:
    """The collection of templates, with DTOs made by ``dto``."""
    return Collection(
        name="Templates",
        record=RelationshipTemplate,
        kind="RelationshipTemplate",
        keys={"created_by": lambda template: template.created_by},
        indexed=("createdAt", "isOwn"),
        prepare=dto,
    )


def check_token_inherits(
    template: RelationshipTemplate, for_identity: str | None, protection: PasswordProtectionParameters | None
) -> None:
    """Refuse a token that would open ``template`` to more people than the template itself (runtime spec 5.3)."""
    if not template.is_own:
        raise ConnectorError(
            "error.runtime.relationshipTemplates.cannotCreateTokenForPeerTemplate",
            "You cannot create a Token for a peer RelationshipTemplate.",
        )
    if template.for_identity is not None and template.for_identity != for_identity:
        raise ConnectorError(
            "error.runtime.relationshipTemplates.personalizationMustBeInherited",
            "If a RelationshipTemplate is personalized, Tokens created from it must have the same personalization.",
        )
    own = template.password_protection
    if own is not None and (
        protection is None
        or protection.password != own.password
        or protection.password_type != own.password_type
        or protection.location_number != own.password_location_indicator
    ):
        raise ConnectorError(
            "error.runtime.relationshipTemplates.passwordProtectionMustBeInherited",
            "If a RelationshipTemplate has password protection, Tokens created from it must have the same password "
            "protection.",
        )


def request_cannot_expire_after_template() -> ConnectorError:
    """A request inside a template must not outlive it."""
    return ConnectorError(
        "error.runtime.relationshipTemplates.requestCannotExpireAfterRelationshipTemplate",
        "The expiration date of the Request within the onNewRelationship property of the RelationshipTemplateContent "
        "must be set such that the expiration date of the RelationshipTemplate is not exceeded.",
    )
