"""Synchronising with the Backbone: one run at a time, shared by everybody who asks (transport spec section 16).

The synchronizer is a task of the daemon's nursery. Use cases and the sync loop ask it for a run and wait; whoever goes
away leaves the run untouched. A run works through the external events in order; what an event changes is committed
together with the events that tell of it before the next one is looked at. The id of the open run is kept in the
store, so that a process that died in the middle finishes its own run: a run that expires counts as a failure of each of
its events, and after three of those the Backbone does not offer an event again.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
import trio

from trio_connector.backbone import ExternalEvent, ExternalEventResult
from trio_connector.correlation import correlated, current_correlation_id, new_correlation_id
from trio_connector.errors import BackboneRequestError, ConnectorError
from trio_connector.store import Unit
from trio_connector.store.errors import WriteFailed
from trio_connector.usecases.account import ensure_datawallet, upgrade_datawallet
from trio_connector.usecases.event_payloads import PROCESSED_EVENTS
from trio_connector.usecases.external_events import ProcessedEvent, process_external_events
from trio_connector.usecases.messages import recover_pending_messages
from trio_connector.usecases.reachability import NOT_FOUND, is_away, running_sync_run, was_refused
from trio_connector.usecases.services import Services

log = structlog.get_logger("Transport.SyncController")

SYNC_INFO = "SyncInfo"
_OPEN_RUN = "OpenSyncRun"
MAX_RUNS = 100
"""So many runs follow each other in one synchronisation; what is left then waits for the next one."""

_RUN_ALREADY_FINALIZED = "error.platform.validation.syncRun.syncRunAlreadyFinalized"


SyncObserver = Callable[[str, float], None]
"""Is told of every run that ended, for metrics: ``done``, ``failed`` or ``stopped``, and the seconds it took."""


@dataclass(frozen=True)
class ChangedItems:
    """The ids of the records that one synchronisation created or changed, in order."""

    ids: tuple[str, ...] = ()


@dataclass
class _Run:
    """One run somebody waits for: its outcome is there once ``done`` is set."""

    correlation_id: str | None
    done: trio.Event = field(default_factory=trio.Event)
    changed: ChangedItems | None = None
    error: Exception | None = None


class Synchronizer:
    """Owns the synchronisation of one account. ``run`` is its task; ``sync_everything`` asks for a run."""

    def __init__(self) -> None:
        self._running: _Run | None = None
        self._wanted: _Run | None = None
        self._wake = trio.Event()
        self._stopping = False
        self.on_run_ended: list[SyncObserver] = []

    async def run(
        self, services: Services, *, task_status: trio.TaskStatus[trio.CancelScope] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve requests for synchronisation until the scope handed back is cancelled.

        Cancelled in the middle of a run it finishes the external event it works on, leaves the rest to the next run
        and tells those who wait.
        """
        try:
            with trio.CancelScope() as scope:
                task_status.started(scope)
                while True:
                    await self._wake.wait()
                    self._wake = trio.Event()
                    if (wanted := self._wanted) is not None:
                        self._wanted, self._running = None, wanted
                        await self._serve(services, wanted)
        finally:
            self._stopping = True
            for left in (self._running, self._wanted):
                if left is not None and not left.done.is_set():
                    left.error = ConnectorError("error.connector.stopping", "The Connector is stopping.", status=503)
                    left.done.set()

    async def sync_everything(self) -> ChangedItems:
        """Synchronise with the Backbone, or join the run that is under way; answers what it changed.

        Raises BackboneRequestError when the run could not be started, read or finalized, WriteFailed when the disk
        takes nothing, and ``error.connector.stopping`` at the end; everybody who shares the run gets the same answer.
        A caller that is cancelled leaves the run going.
        """
        if self._stopping:
            raise ConnectorError("error.connector.stopping", "The Connector is stopping.", status=503)
        shared = self._running or self._wanted
        if shared is None:
            shared = self._wanted = _Run(current_correlation_id() or new_correlation_id())
            self._wake.set()
        await shared.done.wait()
        if shared.error is not None:
            raise copy.copy(shared.error) from shared.error
        assert shared.changed is not None  # noqa: S101 (one of both is set before done)
        return shared.changed

    async def _serve(self, services: Services, run: _Run) -> None:
        started_at = trio.current_time()
        outcome = "failed"
        try:
            with correlated(run.correlation_id):
                run.changed = await _sync_everything(services)
            outcome = "done"
        except (ConnectorError, WriteFailed) as error:
            run.error = error
        finally:
            self._running = None
            if run.changed is not None or run.error is not None:
                run.done.set()
            else:  # cancelled, or a bug that ends the daemon
                self._running = run
                outcome = "stopped"
            for observer in self.on_run_ended:
                observer(outcome, trio.current_time() - started_at)


async def _sync_everything(services: Services) -> ChangedItems:
    changed: list[str] = []
    await ensure_datawallet(services.store, services.backbone)
    await recover_pending_messages(services)
    left_open = services.store.value(SYNC_INFO, _OPEN_RUN)
    if isinstance(left_open, str):
        await _work_through(services, left_open, changed)
    for _ in range(MAX_RUNS):
        run_id = await _start_run(services)
        if run_id is None or not await _work_through(services, run_id, changed):
            break
    await _record_success(services)
    return ChangedItems(tuple(changed))


async def _start_run(services: Services) -> str | None:
    """Start a run, or take up the one that an earlier attempt left open; ``None`` when there is nothing to do."""
    run_id: str | None
    try:
        run_id = await _start(services)
    except BackboneRequestError as error:
        if error.code == NOT_FOUND and "Datawallet" in error.message:
            # The identity was created, but the process died before the first upgrade run (transport 22.2).
            await upgrade_datawallet(services.backbone)
            run_id = await _start(services)
        else:
            run_id = running_sync_run(error)  # its start seemed to fail, but only the answer was lost
            if run_id is None:
                raise
    if run_id is not None:
        await services.store.transact(lambda unit: unit.put_value(SYNC_INFO, _OPEN_RUN, run_id))
    return run_id


async def _start(services: Services) -> str | None:
    answer = await services.backbone.sync_runs.start_external_event_sync()
    return None if answer.sync_run is None else answer.sync_run.id


async def _work_through(services: Services, run_id: str, changed: list[str]) -> bool:
    """Handle the events of a run and finalize it; whether there may be new events. ``changed`` gets the ids."""
    try:
        events = await services.backbone.sync_runs.external_events(run_id)
    except BackboneRequestError as error:
        if is_away(error) or not was_refused(error):
            raise
        log.info("A sync run that was left open is over", run=run_id, code=error.code)
        await _close(services)
        return True
    processed = await process_external_events(services, sorted(events, key=_index))
    changed.extend(event.changed_id for event in processed if event.changed_id is not None)
    return await _finalize(services, run_id, processed)


def _index(event: ExternalEvent) -> int:
    return event.index


async def _finalize(services: Services, run_id: str, processed: Sequence[ProcessedEvent]) -> bool:
    """Report the outcome of each event; whether there are new events that were never tried."""
    results = [ExternalEventResult(external_event_id=event.id, error_code=event.error_code) for event in processed]
    try:
        answer = await services.backbone.sync_runs.finalize_external_event_sync(run_id, results)
        more = answer.new_unsynced_external_events_exist
    except BackboneRequestError as error:
        if error.code != _RUN_ALREADY_FINALIZED:
            raise
        more = True
    await _close(services)
    return more


async def _close(services: Services) -> None:
    def close(unit: Unit) -> None:
        unit.delete_value(SYNC_INFO, _OPEN_RUN)
        for event_id in unit.values(PROCESSED_EVENTS):
            unit.delete_value(PROCESSED_EVENTS, event_id)

    await services.store.transact(close)


async def _record_success(services: Services) -> None:
    now = services.now()
    await services.store.transact(lambda unit: unit.put_value(SYNC_INFO, "SyncTime-Everything", now))


def sync_info(services: Services) -> dict[str, object]:
    """When the last complete sync ended: ``{"lastSyncRun": {"completedAt": ...}}``, or ``{}`` (runtime 3)."""
    completed_at = services.store.value(SYNC_INFO, "SyncTime-Everything")
    return {} if completed_at is None else {"lastSyncRun": {"completedAt": completed_at}}


async def sync_forever(
    services: Services,
    interval_seconds: float,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """The ``sync`` module: one run at once, then one ``interval_seconds`` after the end of each (connector spec 9.1).

    It counts as started when the first run has ended. A failed run is logged and the loop goes on.
    """
    started = False
    while True:
        with correlated(new_correlation_id()):
            await sync_and_log(services)
        if not started:
            task_status.started()
            started = True
        await trio.sleep(interval_seconds if interval_seconds > 0 else math.ulp(1.0))


async def sync_and_log(services: Services) -> bool:
    """One run whose failure is logged; whether it succeeded."""
    try:
        await services.synchronizer.sync_everything()
    except ConnectorError as error:
        structlog.get_logger("SyncModule").error("Sync failed", code=error.code, error=error.message)
        return False
    except WriteFailed as error:
        structlog.get_logger("SyncModule").error("Sync failed", error=str(error))
        return False
    return True
