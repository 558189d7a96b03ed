"""External events: what an identity has to be told (Backbone spec section 13)."""

from __future__ import annotations

from typing import Any

import msgspec

from trio_connector.embedded.domain.deletion import ACTIVE
from trio_connector.embedded.domain.messages import MESSAGE_RECEIVED
from trio_connector.embedded.domain.sync_runs import MAX_SYNC_ERRORS
from trio_connector.embedded.store.database import Row, Transaction
from trio_connector.embedded.store.identities import identity_status

EXTERNAL_EVENT_CREATED = "ExternalEventCreated"


def add_event(
    tx: Transaction,
    owner: str,
    type_: str,
    payload: dict[str, Any],
    *,
    relationship_id: str | None = None,
    is_blocked: bool = False,
) -> None:
    """Tell ``owner``, at its next sync and on its event streams. Identities that are gone are told nothing."""
    status = identity_status(tx, owner)
    if status is None:
        return
    tx.run(
        "INSERT INTO external_events (id, owner, position, type, created_at, payload, relationship_id, is_blocked)"
        " VALUES (?1, ?2, (SELECT coalesce(max(position) + 1, 0) FROM external_events WHERE owner = ?2),"
        " ?3, ?4, ?5, ?6, ?7)",
        tx.new_id("SYI"),
        owner,
        type_,
        tx.now,
        msgspec.json.encode(payload).decode(),
        relationship_id,
        is_blocked,
    )
    if not is_blocked and status == ACTIVE:
        tx.signal(owner, EXTERNAL_EVENT_CREATED)


def delete_message_events(tx: Transaction, owner: str, relationship_id: str) -> None:
    """What ``owner`` has not synced of a relationship it decomposes."""
    tx.run(
        "DELETE FROM external_events WHERE relationship_id = ? AND owner = ? AND sync_run_id IS NULL AND type = ?",
        relationship_id,
        owner,
        MESSAGE_RECEIVED,
    )


def unblock_message_events(tx: Transaction, relationship_id: str) -> None:
    """The relationship is active (again)."""
    tx.run("UPDATE external_events SET is_blocked = 0 WHERE relationship_id = ? AND is_blocked", relationship_id)


def delete_blocked_message_events(tx: Transaction, relationship_id: str) -> None:
    """The relationship never became active."""
    tx.run("DELETE FROM external_events WHERE relationship_id = ? AND is_blocked", relationship_id)


def assign_waiting_events(tx: Transaction, owner: str, sync_run_id: str) -> int:
    """Give a sync run everything that waits; how much that is."""
    return tx.run(
        "UPDATE external_events SET sync_run_id = ? WHERE owner = ? AND sync_run_id IS NULL AND NOT is_blocked"
        " AND sync_error_count < ?",
        sync_run_id,
        owner,
        MAX_SYNC_ERRORS,
    )


def events_wait(tx: Transaction, owner: str, max_errors: int) -> bool:
    """Whether something waits that failed less than ``max_errors`` times."""
    return (
        tx.one(
            "SELECT 1 FROM external_events WHERE owner = ? AND sync_run_id IS NULL AND NOT is_blocked"
            " AND sync_error_count < ? LIMIT 1",
            owner,
            max_errors,
        )
        is not None
    )


def events_of_run(tx: Transaction, sync_run_id: str, offset: int, limit: int) -> list[Row]:
    """Id, type, position, creation, error count and payload (JSON), in order."""
    return tx.all(
        "SELECT id, type, position, created_at, sync_error_count, payload FROM external_events WHERE sync_run_id = ?"
        " ORDER BY position LIMIT ? OFFSET ?",
        sync_run_id,
        limit,
        offset,
    )


def count_events_of_run(tx: Transaction, sync_run_id: str) -> int:
    """How many events the run has to do with."""
    return int(tx.value("SELECT count(*) FROM external_events WHERE sync_run_id = ?", sync_run_id))


def ids_of_events_of_run(tx: Transaction, sync_run_id: str) -> list[str]:
    """In order."""
    rows = tx.all("SELECT id FROM external_events WHERE sync_run_id = ? ORDER BY position", sync_run_id)
    return [id_ for (id_,) in rows]


def return_failed_event(tx: Transaction, sync_run_id: str, id_: str, error_code: str) -> None:
    """Back to those that wait, with one more error."""
    tx.run("UPDATE external_events SET sync_run_id = NULL, sync_error_count = sync_error_count + 1 WHERE id = ?", id_)
    tx.run("INSERT INTO sync_errors VALUES (?, ?, ?, ?)", tx.new_id("SYE"), sync_run_id, id_, error_code)
