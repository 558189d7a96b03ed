"""Tokens: create, load, delete (transport spec section 10, runtime spec 5.3)."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec

from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.dates import normalized
from trio_connector.crypto.references import TokenReference
from trio_connector.crypto.tokens import open_token, seal_token
from trio_connector.domain.identity import Json
from trio_connector.domain.password_protection import PasswordProtectionParameters
from trio_connector.domain.token import Token, empty_token, invalid_token_content
from trio_connector.errors import (
    BackboneRequestError,
    ConnectorError,
    UnexpectedCondition,
    runtime_record_not_found,
)
from trio_connector.store import Unit
from trio_connector.usecases.contents import kept, sent
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.protection import check_password_given, known_protection, password_for, protect
from trio_connector.usecases.reachability import NOT_FOUND
from trio_connector.usecases.services import Services


def get_token(services: Services, token_id: str) -> Token:
    """The stored token; raises ``error.runtime.recordNotFound``."""
    token = services.store.get(services.collections.tokens, token_id)
    if token is None:
        raise runtime_record_not_found("Token")
    return token


async def create_own_token(
    services: Services,
    *,
    content: Any,
    expires_at: str,
    ephemeral: bool,
    for_identity: str | None = None,
    password_protection: PasswordProtectionParameters | None = None,
) -> Token:
    """Put ``content`` (any JSON object) into a token; it is stored unless ``ephemeral``.

    Raises ``error.runtime.invalidTokenContent`` for content that is no object or whose ``@type`` refuses it.
    """
    try:
        kept_content = kept(content)
    except ConnectorError as error:
        raise invalid_token_content() from error
    return await send_token(
        services,
        content=kept_content,
        expires_at=expires_at,
        ephemeral=ephemeral,
        for_identity=for_identity,
        password_protection=password_protection,
    )


async def send_token(
    services: Services,
    *,
    content: dict[str, Any],
    expires_at: str,
    ephemeral: bool,
    for_identity: str | None = None,
    password_protection: PasswordProtectionParameters | None = None,
) -> Token:
    """As ``create_own_token``, with content that is known to be valid."""
    expires_at = normalized(expires_at)
    protection, hashed = await protect(services, password_protection)
    secret_key = SecretKey.generate(services.entropy)
    seal = partial(seal_token, sent(content), secret_key, services.entropy)
    answer = await services.backbone.tokens.create(
        content=await by_size(seal, len(msgspec.json.encode(content))),
        expires_at=expires_at,
        for_identity=for_identity,
        password=hashed,
    )
    token = Token(
        id=answer.id,
        secret_key=secret_key.to_json(False),
        is_own=True,
        created_by=services.address,
        for_identity=for_identity,
        created_by_device=services.account.device_id,
        created_at=answer.created_at,
        expires_at=expires_at,
        content=content,
        password_protection=protection,
    )
    if not ephemeral:
        await services.store.transact(lambda unit: unit.put(services.collections.tokens, token))
    return token


async def load_peer_token(
    services: Services, reference: TokenReference, *, ephemeral: bool, password: str | None = None
) -> Token:
    """The token behind a reference, from the store or from the Backbone; stored unless ``ephemeral`` (transport 10)."""
    check_password_given(reference, password)
    stored = services.store.get(services.collections.tokens, reference.id)
    if stored is not None:
        return stored
    hashed = await password_for(services, reference, password)
    answer = await services.backbone.tokens.get(reference.id, password=hashed)
    if answer.id != reference.id:
        raise UnexpectedCondition(f"The Backbone answered with another Token than '{reference.id}'.")
    if not answer.content or not answer.created_by or not answer.created_by_device:
        raise empty_token(reference.id)
    opening = partial(_open, answer.content, reference.key)
    token = Token(
        id=answer.id,
        secret_key=reference.key.to_json(False),
        is_own=False,
        created_by=answer.created_by,
        for_identity=answer.for_identity,
        created_by_device=answer.created_by_device,
        created_at=answer.created_at,
        expires_at=answer.expires_at,
        content=await by_size(opening, len(answer.content)),
        password_protection=known_protection(reference, password),
    )
    if not ephemeral:
        await services.store.transact(lambda unit: unit.put(services.collections.tokens, token))
    return token


def _open(content: str, key: SecretKey) -> Json:
    return kept(open_token(content, key))


async def delete_token(services: Services, token_id: str) -> None:
    """Delete a token; an own one at the Backbone first. One that the Backbone has no more is deleted here alone."""
    token = get_token(services, token_id)
    if token.is_own:
        try:
            await services.backbone.tokens.delete(token_id)
        except BackboneRequestError as error:
            if error.code != NOT_FOUND:
                raise

    def forget(unit: Unit) -> None:
        unit.delete(services.collections.tokens, token_id)

    await services.store.transact(forget)
