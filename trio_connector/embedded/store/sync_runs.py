"""Sync runs and datawallets."""

from __future__ import annotations

from trio_connector.embedded.domain.moments import Moment
from trio_connector.embedded.domain.sync_runs import NewModification, SyncRun
from trio_connector.embedded.store.database import Row, Transaction

_COLUMNS = "id, owner, position, type, created_at, created_by_device, expires_at, finalized_at, event_count"


def newest_run(tx: Transaction, owner: str) -> SyncRun | None:
    """The last one started."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM sync_runs WHERE owner = ? ORDER BY position DESC LIMIT 1",
        owner,
    )
    return None if row is None else SyncRun(*row)


def run_of(tx: Transaction, owner: str, id_: str) -> SyncRun | None:
    """One run of an identity."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM sync_runs WHERE id = ? AND owner = ?",
        id_,
        owner,
    )
    return None if row is None else SyncRun(*row)


def insert_run(tx: Transaction, run: SyncRun) -> None:
    """A new run."""
    tx.run(
        f"INSERT INTO sync_runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        run.id,
        run.owner,
        run.position,
        run.type,
        run.created_at,
        run.created_by_device,
        run.expires_at,
        run.finalized_at,
        run.event_count,
    )


def finalize_run(tx: Transaction, id_: str) -> None:
    """It is over."""
    tx.run("UPDATE sync_runs SET finalized_at = ? WHERE id = ?", tx.now, id_)


def refresh_run(tx: Transaction, id_: str, expires_at: Moment) -> None:
    """It gets more time."""
    tx.run("UPDATE sync_runs SET expires_at = ? WHERE id = ?", expires_at, id_)


# --- datawallets ---------------------------------------------------------------------------------------------------


def datawallet_version(tx: Transaction, address: str) -> int | None:
    """``None`` when there is no datawallet."""
    version: int | None = tx.value("SELECT version FROM datawallets WHERE address = ?", address)
    return version


def set_datawallet_version(tx: Transaction, address: str, version: int) -> None:
    """Also makes the datawallet."""
    tx.run("INSERT OR REPLACE INTO datawallets VALUES (?, ?)", address, version)


def latest_modification_index(tx: Transaction, address: str) -> int | None:
    """``None`` when there are no modifications."""
    index: int | None = tx.value("SELECT max(position) FROM modifications WHERE address = ?", address)
    return index


def add_modifications(
    tx: Transaction, address: str, device_id: str, modifications: list[NewModification]
) -> list[tuple[str, int]]:
    """Append them without gap; their ids and indices."""
    latest = latest_modification_index(tx, address)
    first = 0 if latest is None else latest + 1
    added = []
    for position, modification in enumerate(modifications, first):
        id_ = tx.new_id("DWM")
        tx.run(
            "INSERT INTO modifications VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            address,
            position,
            id_,
            modification.datawallet_version,
            modification.object_identifier,
            modification.payload_category,
            tx.now,
            device_id,
            modification.collection,
            modification.type,
            modification.encrypted_payload,
        )
        added.append((id_, position))
    return added


# Of several modifications of the same part of an object only the newest matters.
_NEWEST = """FROM modifications m WHERE address = ?1 AND position > ?2 AND NOT EXISTS (
 SELECT 1 FROM modifications n WHERE n.address = m.address AND n.object_identifier = m.object_identifier
 AND n.type = m.type AND n.payload_category IS m.payload_category AND n.position > m.position)"""


def count_modifications(tx: Transaction, address: str, after: int) -> int:
    """How many of the newest modifications come after an index."""
    return int(tx.value(f"SELECT count(*) {_NEWEST}", address, after))


def list_modifications(tx: Transaction, address: str, after: int, offset: int, limit: int) -> list[Row]:
    """Of each part of an object the newest modification, in order, from behind an index."""
    return tx.all(
        "SELECT id, datawallet_version, position, object_identifier, payload_category, created_at,"
        f" created_by_device, collection, type, encrypted_payload {_NEWEST} ORDER BY position LIMIT ?3 OFFSET ?4",
        address,
        after,
        limit,
        offset,
    )
