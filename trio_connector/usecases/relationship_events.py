"""What external events do to relationships: asked for, answered, ended, peers going away (transport 12.3, 16.3).

Everything is checked before anything is stored; an event that comes twice changes and tells nothing the second time.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import msgspec
import structlog

from trio_connector.backbone import ExternalEvent, RelationshipAnswer
from trio_connector.crypto.channel import RelationshipSecrets, RequestSecrets, answer_request
from trio_connector.crypto.dates import iso, normalized
from trio_connector.crypto.entropy import Entropy
from trio_connector.crypto.exchange import ExchangeKeypair
from trio_connector.crypto.identity import Identity as SignedIdentity
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.relationships import (
    CreationContent,
    open_acceptance,
    open_creation,
    open_own_creation,
    parse_acceptance,
    parse_creation,
)
from trio_connector.domain.identity import Identity, Json
from trio_connector.domain.relationship import RELATIONSHIPS, PeerDeletionInfo, Relationship
from trio_connector.errors import BackboneRequestError, RecordNotFound, UnexpectedCondition
from trio_connector.store import Unit
from trio_connector.usecases.contents import kept
from trio_connector.usecases.event_payloads import first_time, payload_id
from trio_connector.usecases.large_work import by_size
from trio_connector.usecases.relationships import (
    PENDING_CREATIONS,
    REACTIVATION_COMPLETED,
    REACTIVATION_REQUESTED,
    RELATIONSHIP_CHANGED,
    audit_log_of,
    record_created,
    relationship_event,
    with_answer,
)
from trio_connector.usecases.secrets import load_relationship_secret, load_template_keypair, store_secret
from trio_connector.usecases.services import Services

_ALREADY_DECOMPOSED = "error.platform.validation.relationship.relationshipAlreadyDecomposed"
_PEER_DELETION_PERIOD = timedelta(days=14)

log = structlog.get_logger("Transport.RelationshipsController")


async def relationship_status_changed(services: Services, event: ExternalEvent) -> str | None:
    """A relationship was asked for, answered or ended."""
    return await _apply(services, event, None)


async def reactivation_requested(services: Services, event: ExternalEvent) -> str | None:
    """The peer wants a terminated relationship back."""
    return await _apply(services, event, REACTIVATION_REQUESTED)


async def reactivation_completed(services: Services, event: ExternalEvent) -> str | None:
    """The peer agreed to, refused or took back a reactivation."""
    return await _apply(services, event, REACTIVATION_COMPLETED)


async def _apply(services: Services, event: ExternalEvent, first_namespace: str | None) -> str | None:
    """Create or update the relationship (transport 16.3 A); ``first_namespace`` is told first."""
    relationship_id = payload_id(event, "relationshipId")
    is_known = services.store.get(RELATIONSHIPS, relationship_id) is not None
    try:
        answer = await services.backbone.relationships.get(relationship_id)
    except BackboneRequestError as error:
        if error.code == _ALREADY_DECOMPOSED and not is_known:
            return None
        raise
    if answer.id != relationship_id:
        raise UnexpectedCondition(f"The Backbone answered with another Relationship than '{relationship_id}'.")
    if not is_known:
        if answer.from_ != services.address:
            return await _incoming_creation(services, answer)
        await _take_up_own_creation(services, answer)
    return await _update(services, answer, event.id, first_namespace)


# --- asked for by a peer -------------------------------------------------------------------------------------------


async def _incoming_creation(services: Services, answer: RelationshipAnswer) -> str:
    """Somebody used a template of ours (transport 12.3); the record starts as Pending whatever came after."""
    if not answer.creation_content:
        raise UnexpectedCondition("Creation content is missing")
    template_id = answer.relationship_template_id
    template = None if template_id is None else services.store.get(services.collections.templates, template_id)
    if template is None or not template.is_own:
        raise RecordNotFound("RelationshipTemplate", template_id)
    keypair = load_template_keypair(services.store, services.account, str(template.template_key.get("id")))
    opening = partial(
        _open, answer.creation_content, keypair, services.entropy, created_by=answer.from_, template_id=template.id
    )
    secrets, opened, content = await by_size(opening, len(answer.creation_content))
    relationship = Relationship(
        id=answer.id,
        relationship_secret_id=new_id("TRPRSE", services.entropy),
        peer=_peer_of(opened.identity),
        status="Pending",
        audit_log=audit_log_of(answer),
        template_id=template.id,
        creation_content=content,
    )

    def record(unit: Unit) -> None:
        if unit.get(RELATIONSHIPS, relationship.id) is None:
            store_secret(unit, services, relationship.relationship_secret_id, secrets)
            unit.insert(RELATIONSHIPS, relationship)
            unit.append(relationship_event(RELATIONSHIP_CHANGED, relationship))

    await services.store.transact(record)
    return relationship.id


def _open(
    creation_content: str, keypair: ExchangeKeypair, entropy: Entropy, *, created_by: str, template_id: str
) -> tuple[RelationshipSecrets, CreationContent, Json]:
    creation = parse_creation(creation_content)
    secrets = answer_request(keypair, creation.request, entropy)
    opened = open_creation(creation, secrets, created_by=created_by, template_id=template_id)
    return secrets, opened, kept(opened.content)


def _peer_of(identity: SignedIdentity) -> Identity:
    return Identity(address=identity.address, public_key=identity.public_key.to_json(False))


# --- asked for by us -----------------------------------------------------------------------------------------------


async def _take_up_own_creation(services: Services, answer: RelationshipAnswer) -> None:
    """Record a relationship this identity asked for and did not live to record: its secrets were kept beforehand."""
    if not answer.creation_content:
        raise UnexpectedCondition("Creation content is missing")
    template_id, pending = _pending_creation(services, answer)
    secrets = load_relationship_secret(services.store, services.account, pending["secretId"])
    opened = open_own_creation(parse_creation(answer.creation_content), secrets)
    created = Relationship(
        id=answer.id,
        relationship_secret_id=pending["secretId"],
        peer=msgspec.convert(pending["peer"], Identity),
        status="Pending",
        audit_log=audit_log_of(answer)[:1],
        template_id=template_id,
        creation_content=kept(opened.content),
    )
    await services.store.transact(lambda unit: record_created(unit, created))
    log.info("Took up a relationship whose creation was interrupted", relationship=answer.id)


def _pending_creation(services: Services, answer: RelationshipAnswer) -> tuple[str, Json]:
    """The template and the entry of ``PENDING_CREATIONS``; a template that was deleted is found by its owner."""
    for template_id, pending in services.store.values(PENDING_CREATIONS).items():
        if template_id == answer.relationship_template_id or (
            answer.relationship_template_id is None and pending["peer"]["address"] == answer.to
        ):
            return template_id, pending
    raise RecordNotFound("CryptoRelationshipRequestSecrets | CryptoRelationshipSecrets", answer.id)


async def _update(
    services: Services, answer: RelationshipAnswer, event_id: str, first_namespace: str | None
) -> str | None:
    """Bring a known relationship up to the Backbone's answer, and its secrets to the peer's acceptance."""

    def record(unit: Unit) -> str | None:
        is_new = first_time(unit, event_id)
        current = unit.get(RELATIONSHIPS, answer.id)
        if current is None:
            return None
        if answer.creation_response_content:
            secrets = load_relationship_secret(unit, services.account, current.relationship_secret_id)
            if isinstance(secrets, RequestSecrets):
                acceptance = parse_acceptance(answer.creation_response_content)
                completed = open_acceptance(acceptance, secrets, relationship_id=answer.id)
                store_secret(unit, services, current.relationship_secret_id, completed)
        changed = with_answer(current, answer)
        unit.put(RELATIONSHIPS, changed)
        if first_namespace is not None and is_new:
            unit.append(relationship_event(first_namespace, changed))
        if len(changed.audit_log) != len(current.audit_log):
            unit.append(relationship_event(RELATIONSHIP_CHANGED, changed))
        return changed.id

    return await services.store.transact(record)


# --- peers that go away --------------------------------------------------------------------------------------------


async def peer_to_be_deleted(services: Services, event: ExternalEvent) -> str:
    """The peer started to delete its identity."""
    date = _deletion_date(event) or iso(services.clock() + _PEER_DELETION_PERIOD)
    info = PeerDeletionInfo(deletion_status="ToBeDeleted", deletion_date=date)
    return await _set_peer_deletion(services, event, info, "transport.peerToBeDeleted")


async def peer_deleted(services: Services, event: ExternalEvent) -> str:
    """The peer's identity is gone."""
    info = PeerDeletionInfo(deletion_status="Deleted", deletion_date=_deletion_date(event) or services.now())
    return await _set_peer_deletion(services, event, info, "transport.peerDeleted")


async def peer_deletion_cancelled(services: Services, event: ExternalEvent) -> str:
    """The peer's identity stays."""
    return await _set_peer_deletion(services, event, None, "transport.peerDeletionCancelled")


def _deletion_date(event: ExternalEvent) -> str | None:
    date = event.payload.get("deletionDate")
    return normalized(date) if isinstance(date, str) else None


async def _set_peer_deletion(
    services: Services, event: ExternalEvent, info: PeerDeletionInfo | None, namespace: str
) -> str:
    relationship_id = payload_id(event, "relationshipId")

    def record(unit: Unit) -> None:
        relationship = unit.get(RELATIONSHIPS, relationship_id)
        if relationship is None:
            raise RecordNotFound("Relationship", relationship_id)
        changed = msgspec.structs.replace(relationship, peer_deletion_info=info)
        unit.put(RELATIONSHIPS, changed)
        if first_time(unit, event.id):
            unit.append(relationship_event(namespace, changed))

    await services.store.transact(record)
    return relationship_id
