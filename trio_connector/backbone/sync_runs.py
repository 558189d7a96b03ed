"""Sync runs and the external events they hand out (backbone spec 12 and 13)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from trio_connector.backbone.answers import Address, Answer, Date, Id
from trio_connector.backbone.connection import DATAWALLET_HEADERS, Connection, path_to
from trio_connector.backbone.datawallet import NewDatawalletModification, PushedModification


class SyncRun(Answer, frozen=True, kw_only=True):
    """A sync run of this device."""

    id: Id
    type: Literal["ExternalEventSync", "DatawalletVersionUpgrade"]
    expires_at: Date
    index: int
    created_at: Date
    created_by: Address
    created_by_device: Id
    event_count: int = 0


class StartedSyncRun(Answer, frozen=True, kw_only=True):
    """What came of starting a run; ``sync_run`` is ``None`` when there are no new events."""

    status: Literal["Created", "NoNewEvents"]
    sync_run: SyncRun | None = None


class ExternalEvent(Answer, frozen=True, kw_only=True):
    """Something that happened to this identity; ``type`` and ``payload`` as backbone spec 13.1, or newer ones."""

    id: Id
    type: str
    index: int
    created_at: Date
    sync_error_count: int = 0
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class ExternalEventResult(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """How the processing of an event ended; with an ``error_code`` (at most 100 characters) it comes again."""

    external_event_id: str
    error_code: str | None = None


class FinalizedUpgrade(Answer, frozen=True, kw_only=True):
    """The end of a version upgrade; ``None``: the datawallet is empty."""

    new_datawallet_modification_index: int | None = None
    datawallet_modifications: list[PushedModification] = msgspec.field(default_factory=list)


class FinalizedSync(FinalizedUpgrade, frozen=True, kw_only=True):
    """The end of an event sync, and whether there are new events that were never offered."""

    new_unsynced_external_events_exist: bool = False


class SyncRuns:
    """Raises BackboneRequestError throughout."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start_external_event_sync(self, duration_seconds: int | None = None) -> StartedSyncRun:
        """Get hold of all new events; the Backbone's default duration is 10 seconds.

        A lost response leaves a run open until it expires.
        """
        return await self._start("ExternalEventSync", duration_seconds)

    async def start_datawallet_version_upgrade(self, duration_seconds: int | None = None) -> StartedSyncRun:
        """Begin to create or upgrade the datawallet; behaves like `start_external_event_sync`."""
        return await self._start("DatawalletVersionUpgrade", duration_seconds)

    async def external_events(self, sync_run_id: str) -> list[ExternalEvent]:
        """All events of a run, in order."""
        path = path_to("SyncRuns", sync_run_id, "ExternalEvents")
        return await self._connection.pages(path, ExternalEvent, headers=DATAWALLET_HEADERS)

    async def finalize_external_event_sync(
        self,
        sync_run_id: str,
        results: Sequence[ExternalEventResult],
        modifications: Sequence[NewDatawalletModification] = (),
    ) -> FinalizedSync:
        """End a run; events without a result or with an error code are offered again."""
        body = {
            "externalEventResults": [
                msgspec.structs.replace(result, error_code=result.error_code[:100]) if result.error_code else result
                for result in results
            ],
            "datawalletModifications": list(modifications),
        }
        path = path_to("SyncRuns", sync_run_id, "FinalizeExternalEventSync")
        return await self._connection.send("PUT", path, FinalizedSync, body=body, headers=DATAWALLET_HEADERS)

    async def finalize_datawallet_version_upgrade(
        self,
        sync_run_id: str,
        new_datawallet_version: int,
        modifications: Sequence[NewDatawalletModification] = (),
    ) -> FinalizedUpgrade:
        """End an upgrade; creates the datawallet where there is none."""
        body = {
            "newDatawalletVersion": new_datawallet_version,
            "datawalletModifications": list(modifications),
        }
        path = path_to("SyncRuns", sync_run_id, "FinalizeDatawalletVersionUpgrade")
        return await self._connection.send("PUT", path, FinalizedUpgrade, body=body, headers=DATAWALLET_HEADERS)

    async def _start(self, run_type: str, duration_seconds: int | None) -> StartedSyncRun:
        body = {"type": run_type, "duration": duration_seconds}
        return await self._connection.send(
            "POST", path_to("SyncRuns"), StartedSyncRun, body=body, headers=DATAWALLET_HEADERS
        )
