"""Deletion processes of the own identity (transport spec section 14, runtime spec section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec

from trio_connector.domain.collection import Collection, Record
from trio_connector.errors import ConnectorError


class IdentityDeletionProcess(Record, frozen=True, kw_only=True):
    """A deletion process; cancellable until ``grace_period_ends_at``."""

    status: Literal["Active", "Cancelled"]
    created_at: str | None = None
    created_by_device: str | None = None
    grace_period_ends_at: str | None = None
    cancelled_at: str | None = None
    cancelled_by_device: str | None = None


class IdentityDeletionProcessDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A deletion process as the API and events show it."""

    id: str
    created_at: str | None = None
    created_by_device: str | None = None
    grace_period_ends_at: str | None = None
    cancelled_at: str | None = None
    cancelled_by_device: str | None = None
    status: Literal["Active", "Cancelled"]


def identity_deletion_process_dto(process: IdentityDeletionProcess) -> IdentityDeletionProcessDTO:
    """What API users see."""
    return IdentityDeletionProcessDTO(
        id=process.id,
        created_at=process.created_at,
        created_by_device=process.created_by_device,
        grace_period_ends_at=process.grace_period_ends_at,
        cancelled_at=process.cancelled_at,
        cancelled_by_device=process.cancelled_by_device,
        status=process.status,
    )


def no_active_identity_deletion_process() -> ConnectorError:
    """There is nothing to show or cancel."""
    return ConnectorError(
        "error.runtime.identityDeletionProcess.noActiveIdentityDeletionProcess",
        "No active IdentityDeletionProcess found.",
    )


def active_identity_deletion_process_already_exists() -> ConnectorError:
    """Only one deletion process can be active."""
    return ConnectorError(
        "error.runtime.identityDeletionProcess.activeIdentityDeletionProcessAlreadyExists",
        "There is already an active IdentityDeletionProcess. You cannot start another, as there may only be one "
        "active IdentityDeletionProcess per Identity.",
    )


IDENTITY_DELETION_PROCESSES: Collection[IdentityDeletionProcess] = Collection(
    name="IdentityDeletionProcess",
    record=IdentityDeletionProcess,
    kind="IdentityDeletionProcess",
    keys={"status": lambda process: process.status},
    prepare=identity_deletion_process_dto,
)
