"""Sync runs, external events and the datawallet (Backbone spec section 12)."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.embedded.api.call import Call, Reply, Routes, created, paged, result, text_of
from trio_connector.embedded.api.fields import Fields
from trio_connector.embedded.domain import errors, rules
from trio_connector.embedded.domain import sync_runs as domain
from trio_connector.embedded.domain.deletion import ACTIVE
from trio_connector.embedded.domain.moments import SECOND, written, written_or_none
from trio_connector.embedded.domain.sync_runs import NewModification, SyncRun
from trio_connector.embedded.store import events
from trio_connector.embedded.store import sync_runs as store
from trio_connector.embedded.store.identities import identity_status

_MAX_DURATION_SECONDS = 65_535
_MAX_VERSION = 65_535
_REFRESH_SECONDS = 10
_MAX_ERROR_CODE = 100
_DATAWALLET_MODIFICATIONS_CREATED = "DatawalletModificationsCreated"

ROUTES = Routes()


@ROUTES.add("POST", "/SyncRuns")
def start_sync_run(call: Call) -> Reply:
    """Take all external events that wait, or begin a version upgrade."""
    fields = call.optional_fields
    type_ = fields.choice("type", domain.TYPES, domain.EXTERNAL_EVENT_SYNC)
    duration = fields.optional_integer("duration")
    if duration is not None and not 0 <= duration <= _MAX_DURATION_SECONDS:
        raise errors.cannot_be_parsed("duration", "The value is not an unsigned number of 16 bits.")
    version = store.datawallet_version(call.tx, call.me)
    is_active = identity_status(call.tx, call.me) == ACTIVE
    domain.check_may_start(type_, is_active, version, _supported_version(call))
    previous = store.newest_run(call.tx, call.me)
    if previous is not None and domain.must_be_cancelled_first(previous, call.now):
        _cancel(call, previous)
    if type_ == domain.EXTERNAL_EVENT_SYNC and not events.events_wait(call.tx, call.me, domain.MAX_SYNC_ERRORS):
        return result({"status": "NoNewEvents", "syncRun": None})
    id_ = call.tx.new_id("SYR")
    takes_events = type_ == domain.EXTERNAL_EVENT_SYNC
    run = SyncRun(
        id=id_,
        owner=call.me,
        position=0 if previous is None else previous.position + 1,
        type=type_,
        created_at=call.now,
        created_by_device=call.caller.device_id,
        expires_at=domain.expiry(duration, call.now),
        finalized_at=None,
        event_count=events.assign_waiting_events(call.tx, call.me, id_) if takes_events else 0,
    )
    store.insert_run(call.tx, run)
    return created({"status": "Created", "syncRun": _dto(run)})


@ROUTES.add("GET", "/SyncRuns/{}", reads=True)
def get_sync_run(call: Call) -> Reply:
    """One of the caller's runs."""
    run = _run(call)
    return result({**_dto(run), "finalizedAt": written_or_none(run.finalized_at)})


@ROUTES.add("PUT", "/SyncRuns/{}/RefreshExpirationTime")
def refresh_sync_run(call: Call) -> Reply:
    """Ten more seconds from now."""
    run = _run(call)
    domain.check_may_refresh(run, call.caller.device_id)
    expires_at = call.now + _REFRESH_SECONDS * SECOND
    store.refresh_run(call.tx, run.id, expires_at)
    return result({"expiresAt": written(expires_at)})


@ROUTES.add("GET", "/SyncRuns/{}/ExternalEvents", reads=True)
def list_external_events(call: Call) -> Reply:
    """What the run has to do with, in order."""
    run = _run(call)
    domain.check_may_read_events(run, call.caller.device_id)
    page = call.page
    rows = events.events_of_run(call.tx, run.id, page.offset, page.size)
    items = [
        {
            "id": id_,
            "type": type_,
            "index": position,
            "createdAt": written(created_at),
            "syncErrorCount": error_count,
            "payload": msgspec.Raw(payload.encode()),
        }
        for id_, type_, position, created_at, error_count, payload in rows
    ]
    return paged(items, events.count_events_of_run(call.tx, run.id), page)


@ROUTES.add("PUT", "/SyncRuns/{}/FinalizeExternalEventSync")
def finalize_external_event_sync(call: Call) -> Reply:
    """What became of the events, and what changed in the datawallet thereby."""
    fields = call.fields
    error_codes: dict[str, str | None] = {}
    for item in fields.items("externalEventResults"):
        id_, error_code = item.text("externalEventId"), item.optional_text("errorCode")
        rules.valid_id("externalEventId", id_, "SYI")
        if error_code is not None and len(error_code) > _MAX_ERROR_CODE:
            raise errors.rule_broken(
                "MaximumLengthValidator",
                f"The length of 'errorCode' must be {_MAX_ERROR_CODE} characters or fewer. You entered "
                f"{len(error_code)} characters.",
            )
        error_codes.setdefault(id_, error_code)
    modifications = _modifications(fields, "datawalletModifications")
    run = _run(call)
    domain.check_may_finalize(run, domain.EXTERNAL_EVENT_SYNC, call.caller.device_id)
    version = store.datawallet_version(call.tx, call.me)
    if version is None:
        raise errors.not_found("Datawallet")
    store.finalize_run(call.tx, run.id)
    for id_ in events.ids_of_events_of_run(call.tx, run.id):
        error_code = error_codes.get(id_, domain.NOT_PROCESSED)
        if error_code:
            events.return_failed_event(call.tx, run.id, id_, error_code)
    added = _add_modifications(call, version, modifications)
    return result(
        {
            "newDatawalletModificationIndex": store.latest_modification_index(call.tx, call.me),
            "datawalletModifications": added,
            "newUnsyncedExternalEventsExist": events.events_wait(call.tx, call.me, 1),
        }
    )


@ROUTES.add("PUT", "/SyncRuns/{}/FinalizeDatawalletVersionUpgrade")
def finalize_datawallet_version_upgrade(call: Call) -> Reply:
    """The datawallet has the new version now; the first upgrade makes it."""
    fields = call.fields
    new_version = fields.integer("newDatawalletVersion")
    if not 0 <= new_version <= _MAX_VERSION:
        raise errors.cannot_be_parsed("newDatawalletVersion", "The value is not an unsigned number of 16 bits.")
    if new_version == 0:
        raise errors.invalid_property("'newDatawalletVersion' must not be empty.")
    modifications = _modifications(fields, "datawalletModifications")
    run = _run(call)
    domain.check_may_finalize(run, domain.DATAWALLET_VERSION_UPGRADE, call.caller.device_id)
    version = store.datawallet_version(call.tx, call.me)
    if version is not None and new_version < version:
        raise errors.cannot_downgrade_datawallet(version, new_version)
    store.finalize_run(call.tx, run.id)
    store.set_datawallet_version(call.tx, call.me, new_version)
    added = _add_modifications(call, new_version, modifications)
    return result(
        {
            "newDatawalletModificationIndex": store.latest_modification_index(call.tx, call.me),
            "datawalletModifications": added,
        }
    )


@ROUTES.add("GET", "/Datawallet", reads=True)
def get_datawallet(call: Call) -> Reply:
    """Its version."""
    version = store.datawallet_version(call.tx, call.me)
    if version is None:
        raise errors.not_found("Datawallet")
    return result({"version": version})


@ROUTES.add("GET", "/Datawallet/Modifications", reads=True)
def list_modifications(call: Call) -> Reply:
    """What came after ``localIndex``, without what newer modifications have made obsolete."""
    local_index = call.query.integer("localIndex")
    supported = _supported_version(call)
    page = call.page
    domain.check_supported_version(store.datawallet_version(call.tx, call.me), supported)
    after = -1 if local_index is None else local_index
    rows = store.list_modifications(call.tx, call.me, after, page.offset, page.size)
    items = [
        {
            "id": id_,
            "datawalletVersion": datawallet_version,
            "index": position,
            "objectIdentifier": object_identifier,
            "payloadCategory": payload_category,
            "createdAt": written(created_at),
            "createdByDevice": created_by_device,
            "collection": collection,
            "type": type_,
            "encryptedPayload": text_of(payload),
        }
        for (
            id_,
            datawallet_version,
            position,
            object_identifier,
            payload_category,
            created_at,
            created_by_device,
            collection,
            type_,
            payload,
        ) in rows
    ]
    return paged(items, store.count_modifications(call.tx, call.me, after), page)


@ROUTES.add("POST", "/Datawallet/Modifications")
def push_modifications(call: Call) -> Reply:
    """Append modifications, if the client knows all there are."""
    fields = call.fields
    if not fields.mentions("localIndex"):
        raise errors.cannot_be_parsed("localIndex", "The property is required.")
    local_index = fields.optional_integer("localIndex")
    modifications = _modifications(fields, "modifications")
    rules.not_empty("modifications", modifications)
    supported = _supported_version(call)
    domain.check_supported_version_is_given(supported)
    newest = store.newest_run(call.tx, call.me)
    if newest is not None and not newest.is_finalized:
        raise errors.cannot_push_during_active_sync_run()
    version = store.datawallet_version(call.tx, call.me)
    if version is None:
        raise errors.not_found("Datawallet")
    domain.check_supported_version(version, supported)
    domain.check_local_index(local_index, store.latest_modification_index(call.tx, call.me))
    added = _add_modifications(call, version, modifications)
    return created({"newIndex": store.latest_modification_index(call.tx, call.me), "modifications": added})


def _supported_version(call: Call) -> int:
    """The header of that name; 0 when it is missing."""
    value = call.request.headers.get(b"x-supported-datawallet-version", b"0").strip()
    if not value.isdigit() or len(value) > 5 or int(value) > _MAX_VERSION:
        raise errors.cannot_be_parsed("X-Supported-Datawallet-Version", "The value is not valid.")
    return int(value)


def _run(call: Call) -> SyncRun:
    run = store.run_of(call.tx, call.me, call.id_("SYR", name="syncRunId"))
    if run is None:
        raise errors.not_found("SyncRun")
    return run


def _cancel(call: Call, run: SyncRun) -> None:
    store.finalize_run(call.tx, run.id)
    for id_ in events.ids_of_events_of_run(call.tx, run.id):
        events.return_failed_event(call.tx, run.id, id_, domain.SYNC_RUN_CANCELED)


def _modifications(fields: Fields, name: str) -> list[NewModification]:
    return [_modification(item) for item in fields.items(name)]


def _modification(item: Fields) -> NewModification:
    modification = NewModification(
        object_identifier=item.text("objectIdentifier"),
        payload_category=item.optional_text("payloadCategory"),
        collection=item.text("collection"),
        type=item.choice("type", domain.MODIFICATION_TYPES),
        encrypted_payload=item.optional_data("encryptedPayload"),
        datawallet_version=item.integer("datawalletVersion"),
    )
    if not 0 <= modification.datawallet_version <= _MAX_VERSION:
        raise errors.cannot_be_parsed("datawalletVersion", "The value is not an unsigned number of 16 bits.")
    rules.not_empty("objectIdentifier", modification.object_identifier)
    rules.at_most_characters("objectIdentifier", modification.object_identifier, 100)
    rules.at_most_characters("payloadCategory", modification.payload_category, 50)
    rules.not_empty("collection", modification.collection)
    rules.at_most_characters("collection", modification.collection, 50)
    return modification


def _add_modifications(call: Call, version: int, modifications: list[NewModification]) -> list[dict[str, Any]]:
    domain.check_modifications(modifications, version)
    if modifications:
        call.tx.signal(call.me, _DATAWALLET_MODIFICATIONS_CREATED, not_to=call.caller.device_id)
    added = store.add_modifications(call.tx, call.me, call.caller.device_id, modifications)
    return [{"id": id_, "index": index, "createdAt": written(call.now)} for id_, index in added]


def _dto(run: SyncRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "type": run.type,
        "expiresAt": written(run.expires_at),
        "index": run.position,
        "createdAt": written(run.created_at),
        "createdBy": run.owner,
        "createdByDevice": run.created_by_device,
        "eventCount": run.event_count,
    }
