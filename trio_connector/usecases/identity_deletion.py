"""Deleting the own identity: start, look at and cancel a deletion process (transport 14, runtime 5.1)."""

from __future__ import annotations

import msgspec

from trio_connector.backbone import IdentityDeletionProcessAnswer
from trio_connector.domain.identity_deletion import (
    IDENTITY_DELETION_PROCESSES,
    IdentityDeletionProcess,
    active_identity_deletion_process_already_exists,
    identity_deletion_process_dto,
    no_active_identity_deletion_process,
)
from trio_connector.events.model import NewEvent
from trio_connector.store import Store, Unit
from trio_connector.usecases.services import Services

STATUS_CHANGED = "transport.identityDeletionProcessStatusChanged"


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
    """Start to delete the own identity; it can be cancelled until the grace period ends."""
    if active_deletion_process(services.store) is not None:
        raise active_identity_deletion_process_already_exists()
    answer = await services.backbone.identity_deletion_processes.start(length_of_grace_period_in_days)
    return await _record(services, answer)


async def cancel_identity_deletion(services: Services) -> IdentityDeletionProcess:
    """Cancel the deletion process that runs."""
    process = get_active_identity_deletion_process(services)
    answer = await services.backbone.identity_deletion_processes.cancel(process.id)
    return await _record(services, answer)


async def _record(services: Services, answer: IdentityDeletionProcessAnswer) -> IdentityDeletionProcess:
    process = msgspec.convert(msgspec.to_builtins(answer), IdentityDeletionProcess)

    def record(unit: Unit) -> None:
        unit.put(IDENTITY_DELETION_PROCESSES, process)
        unit.append(NewEvent(namespace=STATUS_CHANGED, data=identity_deletion_process_dto(process)))

    await services.store.transact(record)
    return process
