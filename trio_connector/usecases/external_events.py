"""Working through the external events of a sync run (transport spec section 16.3).

Events are handled in order. Messages that follow each other are fetched with one request and stored with one commit,
since they are most of what an organisation receives. Whatever a stranger sent, it ends as that event's error and never
as the end of the run; an event that was handled before (the process died before it could say so) changes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import msgspec
import structlog
import trio

from trio_connector.backbone import ExternalEvent, MessageAnswer, RelationshipAnswer
from trio_connector.content import parse, to_json
from trio_connector.crypto.channel import RequestSecrets, answer_request
from trio_connector.crypto.dates import iso
from trio_connector.crypto.ids import new_id
from trio_connector.crypto.relationships import open_acceptance, open_creation, parse_acceptance, parse_creation
from trio_connector.domain.collection import Record
from trio_connector.domain.file import File
from trio_connector.domain.identity import Identity
from trio_connector.domain.identity_deletion import (
    IDENTITY_DELETION_PROCESSES,
    IdentityDeletionProcess,
    identity_deletion_process_dto,
)
from trio_connector.domain.message import MESSAGES, Message
from trio_connector.domain.relationship import (
    RELATIONSHIPS,
    PeerDeletionInfo,
    Relationship,
)
from trio_connector.domain.template import template_dto
from trio_connector.errors import BackboneRequestError, ConnectorError, CoreError, RecordNotFound, UnexpectedCondition
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.usecases.files import file_event, refreshed_file
from trio_connector.usecases.messages import MESSAGE_RECEIVED, load_attachments, message_event, open_received
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.relationships import (
    PENDING_CREATIONS,
    REACTIVATION_COMPLETED,
    REACTIVATION_REQUESTED,
    RELATIONSHIP_CHANGED,
    audit_log_of,
    peer_of,
    relationship_event,
    with_answer,
)
from trio_connector.usecases.secrets import (
    load_relationship_secret,
    load_template_keypair,
    store_secret,
)
from trio_connector.usecases.services import Services

PROCESSED_EVENTS = "ProcessedExternalEvents"
"""Map from the id of an external event to true, until its run is finalized."""

UNKNOWN_ERROR = "error.transport.unknown"
MAX_ERROR_CODE_LENGTH = 100
MESSAGES_PER_COMMIT = 50
_ALREADY_DECOMPOSED = "error.platform.validation.relationship.relationshipAlreadyDecomposed"
_PEER_DELETION_PERIOD = timedelta(days=14)

log = structlog.get_logger("Transport.SyncController")


@dataclass(frozen=True)
class ProcessedEvent:
    """What became of one external event: the record it changed, or the code of why it failed."""

    id: str
    record: Record | None = None
    error_code: str | None = None


async def process_external_events(services: Services, events: Sequence[ExternalEvent]) -> list[ProcessedEvent]:
    """Handle ``events`` in the order given; one result each, in the same order.

    A cancellation takes effect between two events (or two batches of messages), never within one. Raises
    BackboneRequestError only when the Backbone cannot be reached at all, so that no event counts as failed for that.
    """
    processed: list[ProcessedEvent] = []
    for is_message, group in groupby(events, lambda event: event.type == "MessageReceived"):
        run = list(group)
        if is_message:
            for start in range(0, len(run), MESSAGES_PER_COMMIT):
                processed += await _process_messages(services, run[start : start + MESSAGES_PER_COMMIT])
                await trio.lowlevel.checkpoint()
        else:
            for event in run:
                processed.append(await _process(services, event))
                await trio.lowlevel.checkpoint()
    return processed


# --- one event -----------------------------------------------------------------------------------------------------

Processor = Callable[[Services, ExternalEvent], Awaitable[Record | None]]


async def _process(services: Services, event: ExternalEvent) -> ProcessedEvent:
    processor = _PROCESSORS.get(event.type)
    if processor is None:
        # Reporting an error would only make the Backbone offer it twice more (transport 22.3).
        log.info(
            "Acknowledged an external event of a type that needs nothing done", type=event.type, external_event=event.id
        )
        return ProcessedEvent(event.id)
    try:
        return ProcessedEvent(event.id, record=await processor(services, event))
    except Exception as error:  # noqa: BLE001 (the border to what strangers send: one event never ends the run)
        return _failed(event, error)


def _failed(event: ExternalEvent, error: Exception) -> ProcessedEvent:
    if is_unreachable(error):
        raise error
    if isinstance(error, ConnectorError):
        log.error(
            "An external event failed", type=event.type, external_event=event.id, code=error.code, error=error.message
        )
    else:
        log.exception("An external event failed unexpectedly", type=event.type, external_event=event.id, exc_info=error)
    code = error.code if isinstance(error, CoreError) else UNKNOWN_ERROR
    return ProcessedEvent(event.id, error_code=code[:MAX_ERROR_CODE_LENGTH])


def _first_time(unit: Unit, event_id: str) -> bool:
    """Whether the event is told of for the first time; one that was committed before the process died is not."""
    if unit.value(PROCESSED_EVENTS, event_id) is not None:
        return False
    unit.put_value(PROCESSED_EVENTS, event_id, True)
    return True


def _payload(event: ExternalEvent, member: str) -> str:
    value = event.payload.get(member)
    if not isinstance(value, str):
        raise UnexpectedCondition(f"The external event '{event.type}' has no '{member}'.")
    return value


# --- messages ------------------------------------------------------------------------------------------------------


async def _process_messages(services: Services, events: Sequence[ExternalEvent]) -> list[ProcessedEvent]:
    """Fetch, open and store a batch of messages; what fails for one of them touches no other."""
    results: dict[str, ProcessedEvent] = {}
    wanted: dict[str, str] = {}
    for event in events:
        try:
            message_id = _payload(event, "id")
        except UnexpectedCondition as error:
            results[event.id] = _failed(event, error)
            continue
        stored = services.store.get(MESSAGES, message_id)
        if stored is not None:
            results[event.id] = ProcessedEvent(event.id)
        else:
            wanted[event.id] = message_id
    answers = await _fetch(services, list(dict.fromkeys(wanted.values())))
    opened: list[tuple[ExternalEvent, Message, list[File]]] = []
    for event in events:
        if event.id not in wanted:
            continue
        try:
            answer = answers.get(wanted[event.id]) or await services.backbone.messages.get(wanted[event.id])
            message, references = open_received(services, answer)
            opened.append((event, message, await load_attachments(services, references)))
        except Exception as error:  # noqa: BLE001 (the border to what strangers send: one event never ends the run)
            results[event.id] = _failed(event, error)
    if opened:
        stored_ids = await services.store.transact(lambda unit: _store_messages(services, unit, opened))
        for event, message, _ in opened:
            results[event.id] = ProcessedEvent(event.id, record=message if message.id in stored_ids else None)
    return [results[event.id] for event in events]


async def _fetch(services: Services, ids: list[str]) -> dict[str, MessageAnswer]:
    if not ids:
        return {}
    answers = await services.backbone.messages.list(ids)
    return {answer.id: answer for answer in answers}


def _store_messages(
    services: Services, unit: Unit, opened: Sequence[tuple[ExternalEvent, Message, list[File]]]
) -> set[str]:
    stored: set[str] = set()
    for _, message, files in opened:
        if message.id in stored or unit.get(MESSAGES, message.id) is not None:
            continue
        for file in files:
            if unit.get(services.collections.files, file.id) is None:
                unit.put(services.collections.files, file)
        unit.insert(MESSAGES, message)
        unit.append(message_event(MESSAGE_RECEIVED, message))
        stored.add(message.id)
    return stored


# --- relationships -------------------------------------------------------------------------------------------------


async def _relationship_status_changed(services: Services, event: ExternalEvent) -> Record | None:
    return await _apply_relationship_event(services, event, None)


async def _reactivation_requested(services: Services, event: ExternalEvent) -> Record | None:
    return await _apply_relationship_event(services, event, REACTIVATION_REQUESTED)


async def _reactivation_completed(services: Services, event: ExternalEvent) -> Record | None:
    return await _apply_relationship_event(services, event, REACTIVATION_COMPLETED)


async def _apply_relationship_event(
    services: Services, event: ExternalEvent, first_namespace: str | None
) -> Record | None:
    """Create or update the relationship (transport 16.3 A); ``first_namespace`` is told first."""
    relationship_id = _payload(event, "relationshipId")
    if services.store.get(RELATIONSHIPS, relationship_id) is None:
        try:
            answer = await services.backbone.relationships.get(relationship_id)
        except BackboneRequestError as error:
            if error.code == _ALREADY_DECOMPOSED:
                return None
            raise
        if answer.from_ == services.address:
            return await _take_up_own_creation(services, answer)
        return await _incoming_creation(services, answer)
    answer = await services.backbone.relationships.get(relationship_id)
    return await _update(services, answer, event.id, first_namespace)


async def _incoming_creation(services: Services, answer: RelationshipAnswer) -> Relationship:
    """Somebody used a template of ours (transport 12.3); the record starts as Pending whatever came after."""
    if not answer.creation_content:
        raise UnexpectedCondition("Creation content is missing")
    template_id = answer.relationship_template_id
    template = None if template_id is None else services.store.get(services.collections.templates, template_id)
    if template is None or not template.is_own:
        raise RecordNotFound("RelationshipTemplate", template_id)
    keypair = load_template_keypair(services.store, services.account, str(template.template_key.get("id")))
    creation = parse_creation(answer.creation_content)
    secrets = answer_request(keypair, creation.request, services.entropy)
    opened = open_creation(creation, secrets, created_by=answer.from_, template_id=template.id)
    relationship = Relationship(
        id=answer.id,
        relationship_secret_id=new_id("TRPRSE", services.entropy),
        peer=peer_of(opened.identity),
        status="Pending",
        audit_log=audit_log_of(answer),
        template_id=template.id,
        creation_content=to_json(parse(opened.content)),
    )

    def record(unit: Unit) -> Relationship:
        known = unit.get(RELATIONSHIPS, relationship.id)
        if known is not None:
            return known
        store_secret(unit, services, relationship.relationship_secret_id, secrets)
        unit.put(RELATIONSHIPS, relationship)
        unit.append(relationship_event(RELATIONSHIP_CHANGED, relationship))
        return relationship

    return await services.store.transact(record)


async def _take_up_own_creation(services: Services, answer: RelationshipAnswer) -> Relationship:
    """A relationship this identity asked for, and did not live to record: its secrets were kept beforehand."""
    template_id = answer.relationship_template_id or ""
    pending = services.store.value(PENDING_CREATIONS, template_id)
    if pending is None:
        raise RecordNotFound("CryptoRelationshipRequestSecrets | CryptoRelationshipSecrets", answer.id)
    created = Relationship(
        id=answer.id,
        relationship_secret_id=pending["secretId"],
        peer=msgspec.convert(pending["peer"], Identity),
        status="Pending",
        audit_log=audit_log_of(answer)[:1],
        template_id=template_id,
        creation_content=pending["creationContent"],
    )

    def record(unit: Unit) -> None:
        unit.put(RELATIONSHIPS, created)
        unit.delete_value(PENDING_CREATIONS, template_id)
        unit.append(relationship_event(RELATIONSHIP_CHANGED, created))

    await services.store.transact(record)
    log.info("Took up a relationship whose creation was interrupted", relationship=answer.id)
    return await _update(services, answer, answer.id) or created


async def _update(
    services: Services, answer: RelationshipAnswer, event_id: str, first_namespace: str | None = None
) -> Relationship | None:
    """Bring a known relationship up to the Backbone's answer, and its secrets to the peer's acceptance."""

    def record(unit: Unit) -> Relationship | None:
        first_time = _first_time(unit, event_id)
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
        if first_namespace is not None and first_time:
            unit.append(relationship_event(first_namespace, changed))
        if len(changed.audit_log) != len(current.audit_log):
            unit.append(relationship_event(RELATIONSHIP_CHANGED, changed))
        return changed

    return await services.store.transact(record)


async def _peer_to_be_deleted(services: Services, event: ExternalEvent) -> Record | None:
    return await _set_peer_deletion(services, event, "ToBeDeleted", "transport.peerToBeDeleted")


async def _peer_deleted(services: Services, event: ExternalEvent) -> Record | None:
    return await _set_peer_deletion(services, event, "Deleted", "transport.peerDeleted")


async def _peer_deletion_cancelled(services: Services, event: ExternalEvent) -> Record | None:
    return await _set_peer_deletion(services, event, None, "transport.peerDeletionCancelled")


async def _set_peer_deletion(
    services: Services, event: ExternalEvent, status: str | None, namespace: str
) -> Record | None:
    relationship_id = _payload(event, "relationshipId")
    info: PeerDeletionInfo | None = None
    if status is not None:
        default = services.clock() + (_PEER_DELETION_PERIOD if status == "ToBeDeleted" else timedelta())
        date = event.payload.get("deletionDate")
        info = msgspec.convert(
            {"deletionStatus": status, "deletionDate": date if isinstance(date, str) else iso(default)},
            PeerDeletionInfo,
        )

    def record(unit: Unit) -> Relationship:
        relationship = unit.get(RELATIONSHIPS, relationship_id)
        if relationship is None:
            raise RecordNotFound("Relationship", relationship_id)
        changed = msgspec.structs.replace(relationship, peer_deletion_info=info)
        unit.put(RELATIONSHIPS, changed)
        if _first_time(unit, event.id):
            unit.append(relationship_event(namespace, changed))
        return changed

    return await services.store.transact(record)


# --- the rest ------------------------------------------------------------------------------------------------------


async def _identity_deletion_process_changed(services: Services, event: ExternalEvent) -> Record | None:
    process_id = _payload(event, "deletionProcessId")
    answer = await services.backbone.identity_deletion_processes.get(process_id)
    process = msgspec.convert(msgspec.to_builtins(answer), IdentityDeletionProcess)

    def record(unit: Unit) -> None:
        unit.put(IDENTITY_DELETION_PROCESSES, process)
        if _first_time(unit, event.id):
            unit.append(
                NewEvent(
                    namespace="transport.identityDeletionProcessStatusChanged",
                    data=identity_deletion_process_dto(process),
                )
            )

    await services.store.transact(record)
    return process


async def _template_allocations_exhausted(services: Services, event: ExternalEvent) -> Record | None:
    template_id = _payload(event, "relationshipTemplateId")
    template = services.store.get(services.collections.templates, template_id)
    if template is not None:
        exhausted = NewEvent(
            namespace="transport.relationshipTemplateAllocationsExhausted",
            data=template_dto(template, services.base_url),
        )

        def record(unit: Unit) -> None:
            if _first_time(unit, event.id):
                unit.append(exhausted)

        await services.store.transact(record)
    return None


async def _file_ownership_locked(services: Services, event: ExternalEvent) -> Record | None:
    file_id = _payload(event, "fileId")

    def record(unit: Unit) -> File | None:
        file = unit.get(services.collections.files, file_id)
        if file is None:
            return None
        locked = msgspec.structs.replace(file, ownership_is_locked=True)
        unit.put(services.collections.files, locked)
        if _first_time(unit, event.id):
            unit.append(file_event(services, "transport.fileOwnershipLocked", locked))
        return locked

    return await services.store.transact(record)


async def _file_ownership_claimed(services: Services, event: ExternalEvent) -> Record | None:
    file_id = _payload(event, "fileId")
    file = services.store.get(services.collections.files, file_id)
    if file is None:
        raise RecordNotFound("File", file_id)
    claimed = await refreshed_file(services, file)

    def record(unit: Unit) -> None:
        unit.put(services.collections.files, claimed)
        if _first_time(unit, event.id):
            unit.append(file_event(services, "transport.fileOwnershipClaimed", claimed))

    await services.store.transact(record)
    return claimed


_PROCESSORS: dict[str, Processor] = {
    "RelationshipStatusChanged": _relationship_status_changed,
    "RelationshipReactivationRequested": _reactivation_requested,
    "RelationshipReactivationCompleted": _reactivation_completed,
    "IdentityDeletionProcessStarted": _identity_deletion_process_changed,
    "IdentityDeletionProcessStatusChanged": _identity_deletion_process_changed,
    "PeerToBeDeleted": _peer_to_be_deleted,
    "PeerDeletionCancelled": _peer_deletion_cancelled,
    "PeerDeleted": _peer_deleted,
    "RelationshipTemplateAllocationsExhausted": _template_allocations_exhausted,
    "FileOwnershipLocked": _file_ownership_locked,
    "FileOwnershipClaimed": _file_ownership_claimed,
}
