"""Identities, their deletion processes and feature flags, and challenges."""

from __future__ import annotations

from collections.abc import Mapping

from trio_connector.embedded.domain.deletion import DeletionProcess
from trio_connector.embedded.domain.moments import Moment
from trio_connector.embedded.store.database import Row, Transaction

_PROCESS = """id, address, status, created_at, created_by_device, grace_ends_at, reminder_1_sent_at,
 reminder_2_sent_at, reminder_3_sent_at"""


def identity_status(tx: Transaction, address: str) -> str | None:
    """``Active``, ``ToBeDeleted``, ``Deleting``; ``None`` when there is no such identity."""
    status: str | None = tx.value("SELECT status FROM identities WHERE address = ?", address)
    return status


def identity(tx: Transaction, address: str) -> Row | None:
    """Address, public key, client id, identity version, creation, status."""
    return tx.one(
        "SELECT address, public_key, client_id, identity_version, created_at, status FROM identities WHERE address = ?",
        address,
    )


def public_key(tx: Transaction, address: str) -> bytes:
    """The raw key of an identity that exists."""
    return bytes(tx.value("SELECT public_key FROM identities WHERE address = ?", address))


def count_identities(tx: Transaction, client_id: str) -> int:
    """How many identities the client has created (and not lost again)."""
    return int(tx.value("SELECT count(*) FROM identities WHERE client_id = ?", client_id))


def insert_identity(tx: Transaction, address: str, key: bytes, client_id: str, version: int) -> None:
    """A new, active identity."""
    tx.run("INSERT INTO identities VALUES (?, ?, ?, ?, ?, 'Active', NULL)", address, key, client_id, version, tx.now)


def set_identity_status(tx: Transaction, address: str, status: str, grace_ends_at: Moment | None) -> None:
    """Move the identity to another state."""
    tx.run("UPDATE identities SET status = ?, grace_ends_at = ? WHERE address = ?", status, grace_ends_at, address)


def identities_past_grace(tx: Transaction) -> list[str]:
    """Those whose time is over."""
    rows = tx.all("SELECT address FROM identities WHERE grace_ends_at < ? ORDER BY grace_ends_at", tx.now)
    return [address for (address,) in rows]


# --- deletion processes --------------------------------------------------------------------------------------------


def insert_process(tx: Transaction, process: DeletionProcess) -> None:
    """A new process."""
    tx.run(
        f"INSERT INTO deletion_processes ({_PROCESS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        process.id,
        process.address,
        process.status,
        process.created_at,
        process.created_by_device,
        process.grace_ends_at,
        *process.reminders_sent_at,
    )


def update_process(tx: Transaction, process: DeletionProcess) -> None:
    """Status, end of the grace period and reminders."""
    tx.run(
        "UPDATE deletion_processes SET status = ?, grace_ends_at = ?, reminder_1_sent_at = ?, reminder_2_sent_at = ?,"
        " reminder_3_sent_at = ? WHERE id = ?",
        process.status,
        process.grace_ends_at,
        *process.reminders_sent_at,
        process.id,
    )


def process_of(tx: Transaction, address: str, id_: str) -> DeletionProcess | None:
    """One process of an identity."""
    row = tx.one(
        f"SELECT {_PROCESS} FROM deletion_processes WHERE address = ? AND id = ?",
        address,
        id_,
    )
    return None if row is None else _process(row)


def processes_of(tx: Transaction, address: str) -> list[DeletionProcess]:
    """All processes of an identity, oldest first."""
    rows = tx.all(
        f"SELECT {_PROCESS} FROM deletion_processes WHERE address = ? ORDER BY created_at",
        address,
    )
    return [_process(row) for row in rows]


def active_processes(tx: Transaction) -> list[DeletionProcess]:
    """Of all identities."""
    rows = tx.all(f"SELECT {_PROCESS} FROM deletion_processes WHERE status = 'Active'")
    return [_process(row) for row in rows]


def _process(row: Row) -> DeletionProcess:
    id_, address, status, created_at, created_by_device, grace_ends_at, *reminders = row
    return DeletionProcess(id_, address, status, created_at, created_by_device, grace_ends_at, tuple(reminders))


# --- feature flags -------------------------------------------------------------------------------------------------


def feature_flags(tx: Transaction, address: str) -> dict[str, bool]:
    """By name."""
    rows = tx.all("SELECT name, enabled FROM feature_flags WHERE address = ? ORDER BY name", address)
    return {name: bool(enabled) for name, enabled in rows}


def put_feature_flags(tx: Transaction, address: str, flags: Mapping[str, bool]) -> None:
    """Add and change some."""
    for name, enabled in flags.items():
        tx.run("INSERT OR REPLACE INTO feature_flags VALUES (?, ?, ?)", address, name, enabled)


# --- challenges ----------------------------------------------------------------------------------------------------


def insert_challenge(tx: Transaction, id_: str, expires_at: Moment, by: str | None, device: str | None) -> None:
    """A new challenge, of somebody or nobody."""
    tx.run("INSERT INTO challenges VALUES (?, ?, ?, ?)", id_, expires_at, by, device)


def challenge(tx: Transaction, id_: str) -> Row | None:
    """Id, expiry, creator, creating device."""
    return tx.one("SELECT id, expires_at, created_by, created_by_device FROM challenges WHERE id = ?", id_)


def challenge_expiry(tx: Transaction, id_: str) -> Moment | None:
    """``None`` when there is no such challenge."""
    expires_at: Moment | None = tx.value("SELECT expires_at FROM challenges WHERE id = ?", id_)
    return expires_at
