"""Relationships: create, answer, end (transport spec section 12, runtime spec 5.4). Decomposing: ``decomposition``.

Each operation: look up, check (pure), ask the Backbone, record the answer together with its events. Callers shield it.
What the Backbone did and this process did not live to record is recorded by the next attempt: an operation that the
Backbone refuses because its effect is already there counts as done.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import structlog

from trio_connector.backbone import RelationshipAnswer
from trio_connector.backbone.relationships import RelationshipStatus
from trio_connector.content import to_json
from trio_connector.crypto.channel import RequestSecrets, create_request
from trio_connector.crypto.exchange import TemplatePublicKey
from trio_connector.crypto.identity import Identity as SignedIdentity
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.relationships import CreationContent, seal_acceptance, seal_creation
from trio_connector.crypto.signatures import SignaturePublicKey
from trio_connector.domain.identity import Identity, Json
from trio_connector.domain.relationship import (
    RELATIONSHIPS,
    AuditLogEntry,
    Operation,
    Reason,
    Relationship,
    Status,
    cannot_create,
    deleted_owner_of_relationship_template,
    existing,
    newest,
    ordered_audit_log,
    permit,
    relationship_currently_exists,
    relationship_dto,
    relationship_template_is_expired,
)
from trio_connector.domain.requests.creation import check_creation_content
from trio_connector.domain.template import RelationshipTemplate
from trio_connector.errors import BackboneRequestError, UnexpectedCondition, runtime_record_not_found
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.contents import readable, sent
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.reachability import NOT_FOUND
from trio_connector.usecases.secrets import load_channel_secrets, load_relationship_secret, store_secret
from trio_connector.usecases.services import Services

RELATIONSHIP_CHANGED = "transport.relationshipChanged"
REACTIVATION_REQUESTED = "transport.relationshipReactivationRequested"
REACTIVATION_COMPLETED = "transport.relationshipReactivationCompleted"

PENDING_CREATIONS = "PendingCreations"
"""Map from the id of a template to the secrets with which a relationship was asked for, and to whom: until the
relationship is recorded. Asking again uses the same, so it does not matter which of the questions arrived."""

log = structlog.get_logger("Transport.RelationshipsController")


# --- looking up ----------------------------------------------------------------------------------------------------


def get_relationship(services: Services, relationship_id: str) -> Relationship:
    """The relationship; raises ``error.runtime.recordNotFound``."""
    relationship = services.store.get(RELATIONSHIPS, relationship_id)
    if relationship is None:
        raise runtime_record_not_found("Relationship")
    return relationship


def newest_relationship_to(services: Services, address: str) -> Relationship | None:
    """The newest relationship to ``address``, in any status (transport 12.1)."""
    return newest(services.store.select(RELATIONSHIPS, peer=address))


def active_relationship_to(services: Services, address: str) -> Relationship | None:
    """The active relationship to ``address``."""
    return newest(services.store.select(RELATIONSHIPS, peer=address, status="Active"))


# --- creating ------------------------------------------------------------------------------------------------------


async def check_can_create_relationship(
    services: Services, template_id: str, creation_content: Any = None
) -> RelationshipTemplate:
    """Raise the error with which creating a relationship from this template would fail (transport 12.2, runtime 5.4).

    ``creation_content`` is looked at only when it is not None. Answers the template.
    """
    template = services.store.get(services.collections.templates, template_id)
    if template is None:
        raise runtime_record_not_found("RelationshipTemplate")
    blocking = existing(services.store.select(RELATIONSHIPS, peer=template.created_by))
    if blocking is not None:
        raise relationship_currently_exists(blocking.status)
    if template.is_expired(services.now()):
        raise relationship_template_is_expired(template.id)
    try:
        answer = await services.backbone.relationships.can_create(template.created_by)
    except BackboneRequestError as error:
        if error.code == NOT_FOUND and "Identity not found." in error.message:
            raise deleted_owner_of_relationship_template() from error
        raise
    if not answer.can_create:
        raise cannot_create(answer.code)
    if creation_content is not None:
        check_creation_content(services.store, template, readable(creation_content))
    return template


async def create_relationship(services: Services, template_id: str, creation_content: Any) -> Relationship:
    """Ask the owner of a template for a relationship (transport 12.2).

    The secrets are stored before the Backbone is asked: should the process die before the answer is recorded, the
    first event about the relationship takes it up.
    """
    content: Json = to_json(readable(creation_content))
    template = await check_can_create_relationship(services, template_id, creation_content)
    account = services.account
    fresh = create_request(
        TemplatePublicKey.from_json(template.template_key),
        SignaturePublicKey.from_json(template.identity.public_key),
        services.entropy,
    )
    fresh_id = new_id("TRPRSE", services.entropy)

    def prepare(unit: Unit) -> tuple[str, RequestSecrets]:
        pending = unit.value(PENDING_CREATIONS, template.id)
        if pending is not None:
            secrets = load_relationship_secret(unit, account, pending["secretId"])
            if isinstance(secrets, RequestSecrets):
                return pending["secretId"], secrets
        store_secret(unit, services, fresh_id, fresh)
        unit.put_value(PENDING_CREATIONS, template.id, {"secretId": fresh_id, "peer": template.identity})
        return fresh_id, fresh

    secret_id, secrets = await services.store.transact(prepare)
    signed_identity = SignedIdentity.from_json(msgspec.to_builtins(account.identity))
    creation = CreationContent(sent(content), signed_identity, template.id)
    seal = partial(seal_creation, creation, secrets, account.device_key, services.entropy)
    sealed = await by_size(seal, len(msgspec.json.encode(content)))
    answer = await services.backbone.relationships.create(template.id, sealed)
    created = Relationship(
        id=answer.id,
        relationship_secret_id=secret_id,
        peer=template.identity,
        status="Pending",
        audit_log=audit_log_of(answer),
        template_id=template.id,
        creation_content=content,
    )
    return await services.store.transact(lambda unit: record_created(unit, created))


def record_created(unit: Unit, created: Relationship) -> Relationship:
    """Store an own relationship and tell of it, unless an event about it was quicker; the stored one."""
    known = unit.get(RELATIONSHIPS, created.id)
    if known is not None:
        return known
    unit.insert(RELATIONSHIPS, created)
    unit.delete_value(PENDING_CREATIONS, created.template_id)
    unit.append(relationship_event(RELATIONSHIP_CHANGED, created))
    return created


# --- answering and ending ------------------------------------------------------------------------------------------


async def accept_relationship(services: Services, relationship_id: str) -> Relationship:
    """Accept a pending relationship of a peer (transport 12.4)."""
    relationship = get_relationship(services, relationship_id)
    permit("accept", relationship)
    secrets = load_channel_secrets(services.store, services.account, relationship.relationship_secret_id)
    counter = await services.counters.take(relationship.relationship_secret_id)
    content = seal_acceptance(relationship.id, secrets, services.account.device_key, counter)
    return await _operate(services, "accept", relationship, content)


async def change_relationship(services: Services, operation: Operation, relationship_id: str) -> Relationship:
    """Any operation that needs no content: reject, revoke, terminate and the four of reactivation (transport 12.4)."""
    relationship = get_relationship(services, relationship_id)
    permit(operation, relationship)
    return await _operate(services, operation, relationship, None)


async def reject_relationship(services: Services, relationship_id: str) -> Relationship:
    """Refuse a pending relationship of a peer."""
    return await change_relationship(services, "reject", relationship_id)


async def revoke_relationship(services: Services, relationship_id: str) -> Relationship:
    """Take back an own pending relationship."""
    return await change_relationship(services, "revoke", relationship_id)


async def terminate_relationship(services: Services, relationship_id: str) -> Relationship:
    """End an active relationship."""
    return await change_relationship(services, "terminate", relationship_id)


async def request_relationship_reactivation(services: Services, relationship_id: str) -> Relationship:
    """Ask the peer to make a terminated relationship active again."""
    return await change_relationship(services, "requestReactivation", relationship_id)


async def accept_relationship_reactivation(services: Services, relationship_id: str) -> Relationship:
    """Agree to the peer's request for reactivation."""
    return await change_relationship(services, "acceptReactivation", relationship_id)


async def reject_relationship_reactivation(services: Services, relationship_id: str) -> Relationship:
    """Refuse the peer's request for reactivation."""
    return await change_relationship(services, "rejectReactivation", relationship_id)


async def revoke_relationship_reactivation(services: Services, relationship_id: str) -> Relationship:
    """Take back the own request for reactivation."""
    return await change_relationship(services, "revokeReactivation", relationship_id)


_REASON: dict[Operation, Reason] = {
    "accept": "AcceptanceOfCreation",
    "reject": "RejectionOfCreation",
    "revoke": "RevocationOfCreation",
    "terminate": "Termination",
    "requestReactivation": "ReactivationRequested",
    "acceptReactivation": "AcceptanceOfReactivation",
    "rejectReactivation": "RejectionOfReactivation",
    "revokeReactivation": "RevocationOfReactivation",
}

_SECOND_EVENT: dict[Operation, str] = {
    "requestReactivation": REACTIVATION_REQUESTED,
    "acceptReactivation": REACTIVATION_COMPLETED,
    "rejectReactivation": REACTIVATION_COMPLETED,
    "revokeReactivation": REACTIVATION_COMPLETED,
}


async def _operate(
    services: Services, operation: Operation, relationship: Relationship, content: str | None
) -> Relationship:
    try:
        answer = await _ask(services, operation, relationship.id, content)
    except BackboneRequestError as error:
        if not error.code.startswith("error.platform.validation.relationship."):
            raise
        answer = await services.backbone.relationships.get(relationship.id)
        last = audit_log_of(answer)[-1]
        if last.reason != _REASON[operation] or last.created_by != services.address:
            raise error from None
        log.info("The Backbone had already recorded this step", operation=operation, relationship=relationship.id)

    def record(unit: Unit) -> Relationship:
        current = unit.get(RELATIONSHIPS, relationship.id)
        changed = with_answer(current or relationship, answer)
        if current is None or len(changed.audit_log) == len(current.audit_log):  # forgotten or recorded meanwhile
            return changed
        unit.put(RELATIONSHIPS, changed)
        unit.append(relationship_event(RELATIONSHIP_CHANGED, changed))
        if operation in _SECOND_EVENT:
            unit.append(relationship_event(_SECOND_EVENT[operation], changed))
        return changed

    return await services.store.transact(record)


async def _ask(
    services: Services, operation: Operation, relationship_id: str, content: str | None
) -> RelationshipAnswer:
    relationships = services.backbone.relationships
    match operation:
        case "accept":
            return await relationships.accept(relationship_id, content or "")
        case "reject":
            return await relationships.reject(relationship_id)
        case "revoke":
            return await relationships.revoke(relationship_id)
        case "terminate":
            return await relationships.terminate(relationship_id)
        case "requestReactivation":
            return await relationships.reactivate(relationship_id)
        case "acceptReactivation":
            return await relationships.accept_reactivation(relationship_id)
        case "rejectReactivation":
            return await relationships.reject_reactivation(relationship_id)
        case "revokeReactivation":
            return await relationships.revoke_reactivation(relationship_id)
        case "decompose":
            raise AssertionError("decomposing has no answer to record; see usecases.decomposition")


# --- records from answers ------------------------------------------------------------------------------------------


def audit_log_of(answer: RelationshipAnswer) -> list[AuditLogEntry]:
    """The audit log of a Backbone answer as it stands in records; raises UnexpectedCondition for an empty one."""
    if not answer.audit_log:
        raise UnexpectedCondition(f"The Relationship '{answer.id}' has no audit log.")
    return ordered_audit_log(
        [
            AuditLogEntry(
                created_at=entry.created_at,
                created_by=entry.created_by,
                created_by_device=entry.created_by_device,
                reason=entry.reason,
                old_status=None if entry.old_status is None else _shown_status(entry.old_status),
                new_status=_shown_status(entry.new_status),
            )
            for entry in answer.audit_log
        ]
    )


def _shown_status(status: RelationshipStatus) -> Status:
    """The status as clients know it; the Backbone's last one means that nobody has any business with it."""
    return "DeletionProposed" if status == "ReadyForDeletion" else status


def with_answer(relationship: Relationship, answer: RelationshipAnswer) -> Relationship:
    """``relationship`` brought up to the Backbone's answer; an answer that is older than the record changes nothing."""
    audit_log = audit_log_of(answer)
    if len(audit_log) < len(relationship.audit_log):
        return relationship
    return msgspec.structs.replace(relationship, status=_shown_status(answer.status), audit_log=audit_log)


def relationship_event(namespace: str, relationship: Relationship) -> NewEvent:
    """An event that carries ``relationship``."""
    return NewEvent(namespace=namespace, data=relationship_dto(relationship), entity=relationship.peer.address)


def peer_of(identity: SignedIdentity) -> Identity:
    """An identity from signed content as it stands in records."""
    return Identity(address=identity.address, public_key=identity.public_key.to_json(False))
