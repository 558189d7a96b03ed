"""Deleting the own identity: start, look at and cancel a deletion process (transport 14, runtime 5.1)."""

from __future__ import annotations

import structlog

from trio_connector.backbone import ExternalEvent, IdentityDeletionProcessAnswer
from trio_connector.domain.identity_deletion import (
    IDENTITY_DELETION_PROCESSES,
    IdentityDeletionProcess,
    active_identity_deletion_process_already_exists,
    identity_deletion_process_dto,
    no_active_identity_deletion_process,
)
from trio_connector.errors import BackboneRequestError
from trio_connector.events.model import NewEvent
from trio_connector.store import Store, Unit
from trio_connector.usecases.event_payloads import first_time, payload_id
from trio_connector.usecases.services import Services

STATUS_CHANGED = "transport.identityDeletionProcessStatusChanged"
_ONLY_ONE_ALLOWED = "error.platform.validation.device.onlyOneActiveDeletionProcessAllowed"
_NOT_IN_STATUS = "error.platform.validation.device.deletionProcessIsNotInRequiredStatus"

log = structlog.get_logger("Transport.IdentityDeletionProcessController")


def active_deletion_process(store: Store) -> IdentityDeletionProcess | None:
    """The deletion process that runs, if any."""
    return next(iter(store.select(IDENTITY_DELETION_PROCESSES, status="Active")), None)


def get_active_identity_deletion_process(services: Services) -> IdentityDeletionProcess:
    """The deletion process that runs; raises ``noActiveIdentityDeletionProcess``."""
    process = active_deletion_process(services.store)
    if process is None:
        raise no_active_identity_deletion_process()
    return process


async def initiate_identity_deletion(
    services: Services, length_of_grace_period_in_days: float | None = None
) -> IdentityDeletionProcess:
    """Start to delete the own identity; it can be cancelled until the grace period ends.

    A process that the Backbone started before, and whose start this process did not live to record, is taken up.
    """
    if active_deletion_process(services.store) is not None:
        raise active_identity_deletion_process_already_exists()
    try:
        answer = await services.backbone.identity_deletion_processes.start(length_of_grace_period_in_days)
    except BackboneRequestError as error:
        if error.code != _ONLY_ONE_ALLOWED:
            raise
        known = await services.backbone.identity_deletion_processes.all()
        found = next((process for process in known if process.status == "Active"), None)
        if found is None:
            raise
        answer = found
        log.info("Took up a deletion process whose start was interrupted", process=answer.id)
    return await _record(services, answer)


async def cancel_identity_deletion(services: Services) -> IdentityDeletionProcess:
    """Cancel the deletion process that runs."""
    process = get_active_identity_deletion_process(services)
    try:
        answer = await services.backbone.identity_deletion_processes.cancel(process.id)
    except BackboneRequestError as error:
        if error.code != _NOT_IN_STATUS:
            raise
        answer = await services.backbone.identity_deletion_processes.get(process.id)
        if answer.status != "Cancelled":
            raise error from None
        log.info("The Backbone had already cancelled the deletion process", process=answer.id)
    return await _record(services, answer)


async def identity_deletion_process_changed(services: Services, event: ExternalEvent) -> str:
    """What external events do: take over the process as the Backbone has it now (transport 16.3)."""
    answer = await services.backbone.identity_deletion_processes.get(payload_id(event, "deletionProcessId"))
    process = await _record(services, answer, event.id)
    return process.id


async def _record(
    services: Services, answer: IdentityDeletionProcessAnswer, event_id: str | None = None
) -> IdentityDeletionProcess:
    process = IdentityDeletionProcess(
        id=answer.id,
        # "Deleting" is seen by nobody: from then on the Backbone lets no device in.
        status="Cancelled" if answer.status == "Cancelled" else "Active",
        created_at=answer.created_at,
        created_by_device=answer.created_by_device,
        grace_period_ends_at=answer.grace_period_ends_at,
        cancelled_at=answer.cancelled_at,
        cancelled_by_device=answer.cancelled_by_device,
    )

    def record(unit: Unit) -> None:
        unit.put(IDENTITY_DELETION_PROCESSES, process)
        if event_id is None or first_time(unit, event_id):
            unit.append(NewEvent(namespace=STATUS_CHANGED, data=identity_deletion_process_dto(process)))

    await services.store.transact(record)
    return process
