"""Sync runs and the datawallet: what may happen when (Backbone spec section 12)."""

from __future__ import annotations

from dataclasses import dataclass

from trio_connector.embedded.domain import errors
from trio_connector.embedded.domain.moments import SECOND, Moment

EXTERNAL_EVENT_SYNC = "ExternalEventSync"
DATAWALLET_VERSION_UPGRADE = "DatawalletVersionUpgrade"
TYPES = (EXTERNAL_EVENT_SYNC, DATAWALLET_VERSION_UPGRADE)

MODIFICATION_TYPES = ("Create", "Update", "Delete", "CacheChanged")
DEFAULT_DURATION_SECONDS = 10
MAX_SYNC_ERRORS = 3
"""After so many failed attempts an event is not offered again."""

NOT_PROCESSED = "notProcessed"
SYNC_RUN_CANCELED = "syncRunCanceled"


@dataclass(frozen=True)
class SyncRun:
    """A sync run of one identity, started by one of its devices."""

    id: str
    owner: str
    position: int
    type: str
    created_at: Moment
    created_by_device: str
    expires_at: Moment
    finalized_at: Moment | None
    event_count: int

    @property
    def is_finalized(self) -> bool:
        """Whether it is over."""
        return self.finalized_at is not None


@dataclass(frozen=True)
class NewModification:
    """A datawallet modification that a client sends."""

    object_identifier: str
    payload_category: str | None
    collection: str
    type: str
    encrypted_payload: bytes | None
    datawallet_version: int


def expiry(duration_seconds: int | None, now: Moment) -> Moment:
    """When a sync run that starts now expires."""
    return now + (DEFAULT_DURATION_SECONDS if duration_seconds is None else duration_seconds) * SECOND


def check_may_start(type_: str, identity_is_active: bool, datawallet_version: int | None, supported: int) -> None:
    """The first four checks; raises PlatformError."""
    if not identity_is_active:
        raise errors.cannot_sync_while_to_be_deleted()
    check_supported_version_is_given(supported)
    if type_ == EXTERNAL_EVENT_SYNC and datawallet_version is None:
        raise errors.not_found("Datawallet")
    check_supported_version(datawallet_version, supported)


def check_supported_version_is_given(supported: int) -> None:
    """The header has to be there."""
    if supported < 1:
        raise errors.invalid_property("'SupportedDatawalletVersion' must be greater than 0.")


def check_supported_version(datawallet_version: int | None, supported: int) -> None:
    """A client must understand the datawallet."""
    if datawallet_version is not None and supported < datawallet_version:
        raise errors.insufficient_supported_datawallet_version()


def must_be_cancelled_first(previous: SyncRun | None, now: Moment) -> bool:
    """Whether the previous run is abandoned; raises PlatformError while it is running."""
    if previous is None or previous.is_finalized:
        return False
    if previous.expires_at >= now:
        raise errors.another_sync_run_is_running(previous.id)
    return True


def check_may_finalize(run: SyncRun, type_: str, device_id: str) -> None:
    """Also an expired run may be finalized, as long as nobody started another one."""
    if run.type != type_:
        raise errors.unexpected_sync_run_type(type_)
    if run.created_by_device != device_id:
        raise errors.cannot_finalize_sync_run_of_another_device()
    if run.is_finalized:
        raise errors.sync_run_already_finalized()


def check_may_read_events(run: SyncRun, device_id: str) -> None:
    """Only while it runs, and only on the device that started it."""
    if run.is_finalized:
        raise errors.sync_run_already_finalized()
    if run.created_by_device != device_id:
        raise errors.cannot_read_events_of_another_device()


def check_may_refresh(run: SyncRun, device_id: str) -> None:
    """Only while it runs, and only by the device that started it."""
    if run.created_by_device != device_id:
        raise errors.cannot_refresh_sync_run_of_another_device()
    if run.is_finalized:
        raise errors.sync_run_already_finalized()


def check_modifications(modifications: list[NewModification], datawallet_version: int) -> None:
    """None may be newer than the datawallet."""
    for modification in modifications:
        if modification.datawallet_version > datawallet_version:
            raise errors.modification_version_too_high(datawallet_version, modification.datawallet_version)


def check_local_index(local_index: int | None, latest_index: int | None) -> None:
    """Who pushes has to know everything that is there."""
    if latest_index is not None and local_index != latest_index:
        raise errors.datawallet_not_up_to_date(local_index, latest_index)
