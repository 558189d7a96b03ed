"""Tokens: record, what their contents can be, and the DTO (transport spec section 10, runtime spec section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.domain.password_protection import (
    PasswordProtection,
    PasswordProtectionDTO,
    password_protection_dto,
    shared_protection,
)
from trio_connector.domain.reference import ReferenceDTO, reference_dto
from trio_connector.errors import ConnectorError, CoreError


class Token(Record, frozen=True, kw_only=True):
    """An own or loaded token (transport spec section 10)."""

    secret_key: Json
    is_own: bool
    created_by: str
    for_identity: str | None = None
    created_by_device: str
    created_at: str
    expires_at: str
    content: Any
    password_protection: PasswordProtection | None = None
    metadata: Any = None
    metadata_modified_at: str | None = None


class TokenDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A token as the API shows it."""

    id: str
    is_own: bool
    created_by: str
    created_by_device: str
    content: Any
    created_at: str
    expires_at: str
    for_identity: str | None = None
    password_protection: PasswordProtectionDTO | None = None
    reference: ReferenceDTO
    is_ephemeral: bool


def token_dto(token: Token, base_url: str, *, is_ephemeral: bool = False) -> TokenDTO:
    """What API users see; an ephemeral token is one that is not stored."""
    return TokenDTO(
        id=token.id,
        is_own=token.is_own,
        created_by=token.created_by,
        created_by_device=token.created_by_device,
        content=token.content,
        created_at=token.created_at,
        expires_at=token.expires_at,
        for_identity=token.for_identity,
        password_protection=password_protection_dto(token.password_protection),
        reference=reference_dto(
            token.id, base_url, token.secret_key, token.for_identity, shared_protection(token.password_protection)
        ),
        is_ephemeral=is_ephemeral,
    )


def token_collection(dto: Callable[[Token], TokenDTO]) -> Collection[Token]:
    """The collection of tokens, with DTOs made by ``dto``."""
    return Collection(
        name="Tokens",
        record=Token,
        kind="Token",
        keys={"created_by": lambda token: token.created_by},
        indexed=("createdAt", "isOwn"),
        prepare=dto,
    )


def empty_token(token_id: str) -> CoreError:
    """The Backbone has the token, but nobody filled it yet."""
    return CoreError(
        "error.transport.tokens.emptyToken",
        f"The content, createdBy and/or createdByDevice of the Token '{token_id}' are empty.",
    )


def invalid_token_content() -> ConnectorError:
    """The token carries something else than the route needs."""
    return ConnectorError("error.runtime.invalidTokenContent", "The given Token has an invalid content for this route.")


def invalid_reference() -> ConnectorError:
    """The reference names another kind of object."""
    return ConnectorError(
        "error.runtime.invalidReference", "The given reference is invalid for performing the requested action."
    )
