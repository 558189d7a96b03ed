"""Working through the external events of a sync run (transport spec section 16.3).

Events are handled in order. Messages that follow each other are fetched with one request and stored with one commit,
since they are most of what an organisation receives. Whatever a stranger sent, it ends as that event's error and never
as the end of the run; an event that was handled before (the process died before it could say so) changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby

import msgspec
import structlog
import trio

from trio_connector.backbone import ExternalEvent
from trio_connector.crypto.errors import CryptoError
from trio_connector.domain.file import File
from trio_connector.domain.message import MESSAGES
from trio_connector.domain.template import template_dto
from trio_connector.errors import ConnectorError, CoreError, RecordNotFound
from trio_connector.events.model import NewEvent
from trio_connector.store import Unit
from trio_connector.store.errors import StoreClosed, WriteFailed
from trio_connector.usecases.event_payloads import first_time, payload_id
from trio_connector.usecases.files import file_event, refreshed_file
from trio_connector.usecases.identity_deletion import identity_deletion_process_changed
from trio_connector.usecases.reachability import is_away
from trio_connector.usecases.received_messages import (
    ReceivedMessage,
    fetch_message,
    fetch_messages,
    open_received,
    store_received,
)
from trio_connector.usecases.relationship_events import (
    peer_deleted,
    peer_deletion_cancelled,
    peer_to_be_deleted,
    reactivation_completed,
    reactivation_requested,
    relationship_status_changed,
)
from trio_connector.usecases.services import Services

UNKNOWN_ERROR = "error.transport.unknown"
MAX_ERROR_CODE_LENGTH = 100
MESSAGES_PER_REQUEST = 50
BYTES_PER_COMMIT = 4 * 1024 * 1024
"""So much of received messages is held in memory before it is stored."""

GRACE_SECONDS = 5.0
"""How long the event at hand may go on when the program stops."""

STOPPED_AT = "StoppedAt"
"""Map with one entry, ``event``: at which external event runs ended since the Backbone was away, and how often."""

MAX_STOPS = 3
"""So often in a row one event may end a run; then it is counted as failed, and the others get their turn."""

log = structlog.get_logger("Transport.SyncController")


@dataclass(frozen=True)
class ProcessedEvent:
    """What became of one external event: the id of the record it changed, or the code of why it failed."""

    id: str
    changed_id: str | None = None
    error_code: str | None = None


async def process_external_events(services: Services, events: Sequence[ExternalEvent]) -> list[ProcessedEvent]:
    """Handle ``events`` in the order given; one result each.

    Cancelled, it finishes the event at hand (for some seconds), and leaves the others alone. Raises
    BackboneRequestError only when the Backbone is away, so that no event counts as failed for that, and WriteFailed
    when the disk takes nothing; what was handled until then stays.
    """
    processed: list[ProcessedEvent] = []
    failure: Exception | None = None
    async with finishing(GRACE_SECONDS) as is_stopping:
        try:
            for group in _groups(events):
                if is_stopping():
                    break
                if group[0].type == "MessageReceived":
                    processed += await _process_messages(services, group)
                else:
                    processed.append(await _process(services, group[0]))
                await trio.lowlevel.checkpoint()
        except Exception as error:  # noqa: BLE001 (raised below, so that it does not leave a nursery as a group)
            failure = error
    await trio.lowlevel.checkpoint()
    if failure is not None:
        raise failure
    return processed


@asynccontextmanager
async def finishing(grace_seconds: float) -> AsyncIterator[Callable[[], bool]]:
    """Protect what the block does from cancellation, but only for ``grace_seconds`` after it was asked for.

    Gives a function that tells whether it was. Nothing may be raised inside.
    """
    async with trio.open_nursery() as nursery:
        with trio.CancelScope(shield=True) as protected:
            is_stopping = False

            async def watch() -> None:
                nonlocal is_stopping
                try:
                    await trio.sleep_forever()
                finally:
                    is_stopping = True
                    protected.deadline = trio.current_time() + grace_seconds

            nursery.start_soon(watch)
            yield lambda: is_stopping
        nursery.cancel_scope.cancel("the work is done")


def _groups(events: Sequence[ExternalEvent]) -> Iterator[list[ExternalEvent]]:
    """The events one by one, but messages that follow each other together."""
    for is_message, found in groupby(events, lambda event: event.type == "MessageReceived"):
        group = list(found)
        size = MESSAGES_PER_REQUEST if is_message else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


# --- the border ----------------------------------------------------------------------------------------------------

Processor = Callable[[Services, ExternalEvent], Awaitable[str | None]]


async def _process(services: Services, event: ExternalEvent) -> ProcessedEvent:
    processor = _PROCESSORS.get(event.type)
    if processor is None:
        # Reporting an error would only make the Backbone offer it twice more (transport 22.3).
        log.info(
            "Acknowledged an external event of a type that needs nothing done",
            type=event.type[:100],
            external_event=event.id,
        )
        return ProcessedEvent(event.id)
    try:
        return ProcessedEvent(event.id, changed_id=await processor(services, event))
    except Exception as error:  # noqa: BLE001 (the border to what strangers send: one event never ends the run)
        return await _failed(services, event, error)


async def _failed(services: Services, event: ExternalEvent, error: Exception) -> ProcessedEvent:
    """The failure of this event alone; raises ``error`` again when it is everybody's."""
    if isinstance(error, WriteFailed | StoreClosed):
        raise error
    if is_away(error) and await _may_stop_at(services, event.id):
        raise error
    if isinstance(error, ConnectorError):
        log.error(
            "An external event failed", type=event.type, external_event=event.id, code=error.code, error=error.message
        )
    else:
        log.exception("An external event failed unexpectedly", type=event.type, external_event=event.id, exc_info=error)
    has_code = isinstance(error, CoreError) and not isinstance(error, CryptoError)
    code = error.code if has_code and isinstance(error, ConnectorError) else UNKNOWN_ERROR
    return ProcessedEvent(event.id, error_code=code[:MAX_ERROR_CODE_LENGTH])


async def _may_stop_at(services: Services, event_id: str) -> bool:
    """Whether the run may end here: yes, until the same event has ended some runs in a row."""

    def count(unit: Unit) -> bool:
        last = unit.value(STOPPED_AT, "event")
        times = last["times"] + 1 if last is not None and last["id"] == event_id else 1
        unit.put_value(STOPPED_AT, "event", {"id": event_id, "times": times})
        return times < MAX_STOPS

    return await services.store.transact(count)


# --- messages ------------------------------------------------------------------------------------------------------


async def _process_messages(services: Services, events: Sequence[ExternalEvent]) -> list[ProcessedEvent]:
    """Fetch, open and store a batch of messages; what fails for one of them touches no other."""
    results: list[ProcessedEvent] = []
    wanted: list[tuple[ExternalEvent, str]] = []
    for event in events:
        try:
            message_id = payload_id(event, "id")
        except ConnectorError as error:
            results.append(await _failed(services, event, error))
            continue
        if services.store.get(MESSAGES, message_id) is None:
            wanted.append((event, message_id))
        else:
            results.append(ProcessedEvent(event.id))
    answers = await fetch_messages(services, list(dict.fromkeys(message_id for _, message_id in wanted)))
    batch: list[tuple[ExternalEvent, ReceivedMessage]] = []
    try:
        for event, message_id in wanted:
            try:
                answer = answers.pop(message_id, None) or await fetch_message(services, message_id)
                batch.append((event, await open_received(services, answer)))
            except Exception as error:  # noqa: BLE001 (the border to what strangers send)
                results.append(await _failed(services, event, error))
            if sum(received.size_bytes for _, received in batch) >= BYTES_PER_COMMIT:
                results += await _store(services, batch)
                batch = []
    finally:  # also what came before an event that ends the run
        results += await _store(services, batch)
    return results


async def _store(services: Services, batch: Sequence[tuple[ExternalEvent, ReceivedMessage]]) -> list[ProcessedEvent]:
    if not batch:
        return []
    received = [message for _, message in batch]
    try:
        stored = await services.store.transact(lambda unit: store_received(services, unit, received))
    except Exception as error:  # noqa: BLE001 (the border to what strangers send)
        if len(batch) == 1:
            return [await _failed(services, batch[0][0], error)]
        return [result for one in batch for result in await _store(services, [one])]
    return [
        ProcessedEvent(event.id, changed_id=one.message.id if one.message.id in stored else None)
        for event, one in batch
    ]


# --- the rest ------------------------------------------------------------------------------------------------------


async def _template_allocations_exhausted(services: Services, event: ExternalEvent) -> None:
    template_id = payload_id(event, "relationshipTemplateId")

    def record(unit: Unit) -> None:
        template = unit.get(services.collections.templates, template_id)
        if template is not None and first_time(unit, event.id):
            unit.append(
                NewEvent(
                    namespace="transport.relationshipTemplateAllocationsExhausted",
                    data=template_dto(template, services.base_url),
                )
            )

    await services.store.transact(record)


async def _file_ownership_locked(services: Services, event: ExternalEvent) -> str | None:
    file_id = payload_id(event, "fileId")

    def record(unit: Unit) -> str | None:
        file = unit.get(services.collections.files, file_id)
        if file is None:
            return None
        locked = msgspec.structs.replace(file, ownership_is_locked=True)
        unit.put(services.collections.files, locked)
        if first_time(unit, event.id):
            unit.append(file_event(services, "transport.fileOwnershipLocked", locked))
        return file_id

    return await services.store.transact(record)


async def _file_ownership_claimed(services: Services, event: ExternalEvent) -> str:
    file_id = payload_id(event, "fileId")
    file = services.store.get(services.collections.files, file_id)
    if file is None:
        raise RecordNotFound("File", file_id)
    claimed: File = await refreshed_file(services, file)

    def record(unit: Unit) -> None:
        if unit.get(services.collections.files, file_id) is None:
            return
        unit.put(services.collections.files, claimed)
        if first_time(unit, event.id):
            unit.append(file_event(services, "transport.fileOwnershipClaimed", claimed))

    await services.store.transact(record)
    return file_id


_PROCESSORS: dict[str, Processor] = {
    "RelationshipStatusChanged": relationship_status_changed,
    "RelationshipReactivationRequested": reactivation_requested,
    "RelationshipReactivationCompleted": reactivation_completed,
    "IdentityDeletionProcessStarted": identity_deletion_process_changed,
    "IdentityDeletionProcessStatusChanged": identity_deletion_process_changed,
    "PeerToBeDeleted": peer_to_be_deleted,
    "PeerDeletionCancelled": peer_deletion_cancelled,
    "PeerDeleted": peer_deleted,
    "RelationshipTemplateAllocationsExhausted": _template_allocations_exhausted,
    "FileOwnershipLocked": _file_ownership_locked,
    "FileOwnershipClaimed": _file_ownership_claimed,
}
