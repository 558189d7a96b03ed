"""Deletion processes of the own identity (backbone spec 6.2)."""

from __future__ import annotations

from typing import Literal

from trio_connector.backbone.answers import Answer, Date, Id
from trio_connector.backbone.connection import Connection, path_to


class IdentityDeletionProcessAnswer(Answer, frozen=True, kw_only=True):
    """A deletion process as the Backbone knows it."""

    id: Id
    status: Literal["Active", "Cancelled", "Deleting"]
    created_at: Date | None = None
    created_by_device: Id | None = None
    approved_at: Date | None = None
    approved_by_device: Id | None = None
    grace_period_ends_at: Date | None = None
    grace_period_reminder1_sent_at: Date | None = None
    grace_period_reminder2_sent_at: Date | None = None
    grace_period_reminder3_sent_at: Date | None = None
    cancelled_at: Date | None = None
    cancelled_by_device: Id | None = None


class IdentityDeletionProcesses:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self, length_of_grace_period_in_days: float | None = None) -> IdentityDeletionProcessAnswer:
        """Start the deletion; the Backbone's default is 14 days."""
        body = {"lengthOfGracePeriodInDays": length_of_grace_period_in_days}
        return await self._connection.send("POST", _path(), IdentityDeletionProcessAnswer, body=body)

    async def all(self) -> list[IdentityDeletionProcessAnswer]:
        """All processes of this identity."""
        return await self._connection.get(_path(), list[IdentityDeletionProcessAnswer])

    async def get(self, process_id: str) -> IdentityDeletionProcessAnswer:
        """One process."""
        return await self._connection.get(_path(process_id), IdentityDeletionProcessAnswer)

    async def cancel(self, process_id: str) -> IdentityDeletionProcessAnswer:
        """Cancel an active process."""
        return await self._connection.send("PUT", _path(process_id, "Cancel"), IdentityDeletionProcessAnswer)


def _path(*parts: str) -> str:
    return path_to("Identities", "Self", "DeletionProcesses", *parts)
