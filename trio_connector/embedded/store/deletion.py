"""Deleting identities for good, and sweeping out what is long over (Backbone spec 6.5, 18.3)."""

from __future__ import annotations

from trio_connector.embedded.domain.deletion import DELETING, reminded
from trio_connector.embedded.domain.moments import DAY, HOUR, written
from trio_connector.embedded.domain.relationships import (
    ALLOWING_MESSAGES,
    READY_FOR_DELETION,
    STATUS_CHANGED,
    decomposed_by_deletion,
)
from trio_connector.embedded.store.database import Transaction
from trio_connector.embedded.store.devices import devices_of
from trio_connector.embedded.store.events import add_event
from trio_connector.embedded.store.identities import active_processes, identities_past_grace, update_process
from trio_connector.embedded.store.messages import anonymize_messages, forget_messages
from trio_connector.embedded.store.relationships import relationships_of, update_relationship

_SWEPT_AFTER = 30 * DAY


def delete_next_identity(tx: Transaction, anonymized: str) -> str | None:
    """Delete one identity whose grace period is over; its address, ``None`` when there is none."""
    addresses = identities_past_grace(tx)
    if not addresses:
        return None
    address = addresses[0]
    tx.run("UPDATE identities SET status = ? WHERE address = ?", DELETING, address)
    tx.signal(address, "DeletionStarts")
    _leave_relationships(tx, address, anonymized)
    _delete_templates(tx, address, anonymized)
    _delete_tokens(tx, address, anonymized)
    _delete_files(tx, address, anonymized)
    for table, column in (
        ("external_events", "owner"),
        ("sync_runs", "owner"),
        ("modifications", "address"),
        ("datawallets", "address"),
        ("challenges", "created_by"),
        ("feature_flags", "address"),
        ("announcement_recipients", "address"),
        ("deletion_processes", "address"),
    ):
        tx.run(f"DELETE FROM {table} WHERE {column} = ?", address)
    for device in devices_of(tx, address):
        tx.run("INSERT OR REPLACE INTO deleted_users VALUES (?, ?)", device.username, tx.now)
    tx.run("DELETE FROM devices WHERE address = ?", address)
    tx.run("DELETE FROM identities WHERE address = ?", address)
    return address


def remind(tx: Transaction) -> None:
    """Tell the event streams of those who are leaving how soon it will be."""
    for process in active_processes(tx):
        changed = reminded(process, tx.now)
        if changed is not None:
            update_process(tx, changed)
            tx.signal(process.address, "DeletionProcessGracePeriodReminder")


def _leave_relationships(tx: Transaction, address: str, anonymized: str) -> None:
    for before in relationships_of(tx, address):
        peer = before.peer_of(address)
        if before.status in ALLOWING_MESSAGES:
            add_event(tx, peer, "PeerDeleted", {"relationshipId": before.id, "deletionDate": written(tx.now)})
        after = decomposed_by_deletion(before, address, anonymized, tx.now)
        update_relationship(tx, after)
        if after.status == READY_FOR_DELETION:
            forget_messages(tx, after.id, anonymized)
            continue
        anonymize_messages(tx, after.id, address, anonymized)
        if not before.decomposed_by(address):
            add_event(tx, peer, STATUS_CHANGED, {"relationshipId": after.id})


def _delete_templates(tx: Transaction, address: str, anonymized: str) -> None:
    tx.run(
        "UPDATE relationships SET template_id = NULL WHERE template_id IN"
        " (SELECT id FROM templates WHERE created_by = ?)",
        address,
    )
    tx.run("DELETE FROM templates WHERE created_by = ?", address)
    tx.run("UPDATE templates SET for_identity = ? WHERE for_identity = ?", anonymized, address)
    tx.run("UPDATE template_allocations SET address = ? WHERE address = ?", anonymized, address)


def _delete_tokens(tx: Transaction, address: str, anonymized: str) -> None:
    tx.run("DELETE FROM tokens WHERE created_by = ?", address)
    tx.run("UPDATE tokens SET for_identity = ? WHERE for_identity = ?", anonymized, address)
    tx.run("UPDATE token_allocations SET address = ? WHERE address = ?", anonymized, address)


def _delete_files(tx: Transaction, address: str, anonymized: str) -> None:
    tx.run("DELETE FROM files WHERE owner = ?", address)
    for column in ("created_by", "modified_by"):
        tx.run(f"UPDATE files SET {column} = ? WHERE {column} = ?", anonymized, address)


def sweep(tx: Transaction) -> None:
    """Remove what expired, was decomposed or was synced more than thirty days ago."""
    before = tx.now - _SWEPT_AFTER
    tx.run("DELETE FROM challenges WHERE expires_at <= ?", tx.now - HOUR)
    tx.run("DELETE FROM tokens WHERE expires_at <= ?", before)
    tx.run("DELETE FROM files WHERE expires_at <= ?", before)
    tx.run(
        "DELETE FROM relationships WHERE status = ?1 AND EXISTS (SELECT 1 FROM audit_log a"
        " WHERE a.relationship_id = relationships.id AND a.new_status = ?1 AND a.created_at <= ?2)",
        READY_FOR_DELETION,
        before,
    )
    tx.run(
        "DELETE FROM templates WHERE expires_at <= ? AND id NOT IN"
        " (SELECT template_id FROM relationships WHERE template_id IS NOT NULL)",
        before,
    )
    tx.run(
        "DELETE FROM external_events WHERE sync_run_id IN (SELECT id FROM sync_runs WHERE finalized_at <= ?)", before
    )
    # The newest run stays: the next one continues its count.
    tx.run(
        "DELETE FROM sync_runs WHERE finalized_at <= ? AND position <"
        " (SELECT max(position) FROM sync_runs newer WHERE newer.owner = sync_runs.owner)",
        before,
    )
