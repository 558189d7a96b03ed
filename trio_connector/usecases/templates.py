"""Relationship templates: create, load, hand on by token, delete (transport spec section 11, runtime spec 5.3)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from trio_connector.crypto.ciphers import SecretKey
from trio_connector.crypto.dates import iso, normalized
from trio_connector.crypto.identity import Identity as SignedIdentity
from trio_connector.crypto.references import (
    Reference,
    RelationshipTemplateReference,
    TokenReference,
    not_intended_for_you,
)
from trio_connector.crypto.templates import TemplateContent, new_template_key, open_template, seal_template
from trio_connector.crypto.tokens import TokenContentRelationshipTemplate, parse_token_content
from trio_connector.domain.identity import Identity, Json
from trio_connector.domain.password_protection import PasswordProtectionParameters, shared_protection
from trio_connector.domain.template import (
    TEMPLATE_CONTENT_TYPES,
    RelationshipTemplate,
    check_token_inherits,
    request_cannot_expire_after_template,
    template_dto,
)
from trio_connector.domain.token import Token, invalid_reference, invalid_token_content
from trio_connector.errors import (
    BackboneRequestError,
    UnexpectedCondition,
    ValidationFailed,
    runtime_record_not_found,
)
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.contents import kept, sent
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.protection import check_password_given, known_protection, password_for, protect
from trio_connector.usecases.reachability import NOT_FOUND
from trio_connector.usecases.requests import check_can_create_outgoing_request
from trio_connector.usecases.secrets import store_secret
from trio_connector.usecases.services import Services
from trio_connector.usecases.tokens import load_peer_token, send_token

PEER_TEMPLATE_LOADED = "transport.peerRelationshipTemplateLoaded"
_TOKEN_LIFETIME = timedelta(days=12)


def get_template(services: Services, template_id: str) -> RelationshipTemplate:
    """The stored template; raises ``error.runtime.recordNotFound``."""
    template = services.store.get(services.collections.templates, template_id)
    if template is None:
        raise runtime_record_not_found("RelationshipTemplate")
    return template


async def create_own_template(
    services: Services,
    *,
    content: Any,
    expires_at: str,
    max_number_of_allocations: int | None = None,
    for_identity: str | None = None,
    password_protection: PasswordProtectionParameters | None = None,
) -> RelationshipTemplate:
    """Create a template, with the checks of runtime 5.3."""
    kept_content = kept(content)
    if kept_content.get("@type") not in TEMPLATE_CONTENT_TYPES:
        raise ValidationFailed(
            "The content of a RelationshipTemplate must either be a RelationshipTemplateContent or an "
            "ArbitraryRelationshipTemplateContent."
        )
    if kept_content["@type"] == "RelationshipTemplateContent":
        kept_content = await _checked_requests(services, kept_content, expires_at)
    return await _send_template(
        services, kept_content, expires_at, max_number_of_allocations, for_identity, password_protection
    )


async def _checked_requests(services: Services, content: dict[str, Any], expires_at: str) -> dict[str, Any]:
    """``content`` whose requests could be created, the first with the template's expiry when it names none."""
    on_new = content["onNewRelationship"]
    if on_new.get("expiresAt") is not None and normalized(on_new["expiresAt"]) > normalized(expires_at):
        raise request_cannot_expire_after_template()
    await check_can_create_outgoing_request(services, on_new)
    if content.get("onExistingRelationship") is not None:
        await check_can_create_outgoing_request(services, content["onExistingRelationship"])
    if on_new.get("expiresAt") is None:
        on_new = dict(sorted({**on_new, "expiresAt": normalized(expires_at)}.items()))
        content = {**content, "onNewRelationship": on_new}
    return content


async def _send_template(
    services: Services,
    content: dict[str, Any],
    expires_at: str,
    max_number_of_allocations: int | None,
    for_identity: str | None,
    password_protection: PasswordProtectionParameters | None,
) -> RelationshipTemplate:
    account = services.account
    expires_at = normalized(expires_at)
    template_key, keypair = new_template_key(services.entropy)
    secret_key = SecretKey.generate(services.entropy)
    identity = SignedIdentity.from_json(msgspec.to_builtins(account.identity))
    template_content = TemplateContent(sent(content), identity, template_key)
    seal = partial(seal_template, template_content, account.identity_key, secret_key, services.entropy)
    sealed = await by_size(seal, len(msgspec.json.encode(content)))
    protection, hashed = await protect(services, password_protection)
    # The key is kept before the Backbone is asked: a template without its key could answer no relationship.
    await services.store.transact(lambda unit: store_secret(unit, services, template_key.id, keypair))
    answer = await services.backbone.relationship_templates.create(
        content=sealed,
        expires_at=expires_at,
        max_number_of_allocations=max_number_of_allocations,
        for_identity=for_identity,
        password=hashed,
    )
    template = RelationshipTemplate(
        id=answer.id,
        secret_key=secret_key.to_json(False),
        is_own=True,
        identity=account.identity,
        created_by=services.address,
        created_by_device=account.device_id,
        created_at=answer.created_at,
        expires_at=expires_at,
        template_key=template_key.to_json(False),
        max_number_of_allocations=max_number_of_allocations,
        for_identity=for_identity,
        content=content,
        password_protection=protection,
    )
    await services.store.transact(lambda unit: unit.put(services.collections.templates, template))
    return template


async def load_peer_template(
    services: Services, reference_text: str, password: str | None = None
) -> RelationshipTemplate:
    """The template behind a truncated or URL reference, to itself or to a token that holds one (runtime 5.3).

    Raises ``error.runtime.invalidReference`` for other objects, ``error.runtime.invalidTokenContent`` for other tokens.
    """
    reference = Reference.of_text(reference_text)
    if reference.id.startswith("RLT"):
        return await load_template(services, RelationshipTemplateReference.of_text(reference_text), password)
    if not reference.id.startswith("TOK"):
        raise invalid_reference()
    token = await load_peer_token(services, TokenReference.of_text(reference_text), ephemeral=True, password=password)
    inside = parse_token_content(token.content)
    if not isinstance(inside, TokenContentRelationshipTemplate):
        raise invalid_token_content()
    return await load_template(services, inside.reference(), password, for_identity=inside.for_identity)


async def load_template(
    services: Services,
    reference: RelationshipTemplateReference,
    password: str | None = None,
    *,
    for_identity: str | None = None,
) -> RelationshipTemplate:
    """The template behind ``reference``; a peer's is announced each time it is loaded (transport 11).

    ``for_identity`` is the whole address that a token with the reference names.
    """
    check_password_given(reference, password)
    templates = services.collections.templates
    stored = services.store.get(templates, reference.id)
    if stored is not None:
        if not stored.is_own:
            await services.store.transact(lambda unit: unit.append(_loaded(services, stored)))
        return stored
    if for_identity is not None and not services.address.endswith(for_identity):
        raise not_intended_for_you(reference.id)
    hashed = await password_for(services, reference, password)
    answer = await services.backbone.relationship_templates.get(reference.id, password=hashed)
    if answer.id != reference.id:
        raise UnexpectedCondition(f"The Backbone answered with another RelationshipTemplate than '{reference.id}'.")
    opening = partial(_open, answer.content, reference.key, answer.created_by)
    opened, content = await by_size(opening, len(answer.content))
    template = RelationshipTemplate(
        id=answer.id,
        secret_key=reference.key.to_json(False),
        is_own=False,
        identity=Identity(address=opened.identity.address, public_key=opened.identity.public_key.to_json(False)),
        created_by=answer.created_by,
        created_by_device=answer.created_by_device,
        created_at=answer.created_at,
        expires_at=answer.expires_at,
        template_key=opened.template_key.to_json(False),
        max_number_of_allocations=answer.max_number_of_allocations,
        for_identity=answer.for_identity,
        content=content,
        password_protection=known_protection(reference, password),
    )

    def keep(unit: Unit) -> None:
        unit.put(templates, template)
        unit.append(_loaded(services, template))

    await services.store.transact(keep)
    return template


def _open(content: str, key: SecretKey, created_by: str) -> tuple[TemplateContent, Json]:
    opened = open_template(content, key, created_by)
    return opened, kept(opened.content)


async def create_token_for_template(
    services: Services,
    template_id: str,
    *,
    expires_at: str | None = None,
    ephemeral: bool = True,
    for_identity: str | None = None,
    password_protection: PasswordProtectionParameters | None = None,
) -> Token:
    """A token that hands on an own template; it inherits personalisation and password (runtime 5.3)."""
    template = get_template(services, template_id)
    check_token_inherits(template, for_identity, password_protection)
    content: dict[str, Any] = {
        "@type": "TokenContentRelationshipTemplate",
        "templateId": template.id,
        "secretKey": template.secret_key,
    }
    if template.for_identity is not None:
        content["forIdentity"] = template.for_identity
    if (shared := shared_protection(template.password_protection)) is not None:
        content["passwordProtection"] = shared
    return await send_token(
        services,
        content=dict(sorted(content.items())),
        expires_at=expires_at or template.expires_at or iso(services.clock() + _TOKEN_LIFETIME),
        ephemeral=ephemeral,
        for_identity=for_identity,
        password_protection=password_protection,
    )


async def delete_template(services: Services, template_id: str) -> None:
    """Delete a template; an own one at the Backbone first. One that the Backbone has no more is deleted here alone."""
    template = get_template(services, template_id)
    if template.is_own:
        try:
            await services.backbone.relationship_templates.delete(template_id)
        except BackboneRequestError as error:
            if error.code != NOT_FOUND:
                raise
    await services.store.transact(lambda unit: unit.delete(services.collections.templates, template_id))


def _loaded(services: Services, template: RelationshipTemplate) -> NewEvent:
    return NewEvent(
        namespace=PEER_TEMPLATE_LOADED,
        data=template_dto(template, services.base_url),
        entity=template.created_by,
    )
