"""Relationships with their audit logs."""

from __future__ import annotations

from trio_connector.embedded.domain.relationships import AuditEntry, Relationship
from trio_connector.embedded.store.database import Row, Transaction

_COLUMNS = "id, template_id, from_address, to_address, created_at, status, from_decomposed, to_decomposed"


def insert_relationship(tx: Transaction, relationship: Relationship, creation_content: bytes | None) -> None:
    """A new relationship."""
    tx.run(
        f"INSERT INTO relationships ({_COLUMNS}, creation_content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        relationship.id,
        relationship.template_id,
        relationship.from_address,
        relationship.to_address,
        relationship.created_at,
        relationship.status,
        relationship.from_decomposed,
        relationship.to_decomposed,
        creation_content,
    )
    _save_audit_log(tx, relationship)


def update_relationship(tx: Transaction, relationship: Relationship) -> None:
    """Everything but the contents."""
    tx.run(
        "UPDATE relationships SET from_address = ?, to_address = ?, status = ?, from_decomposed = ?,"
        " to_decomposed = ? WHERE id = ?",
        relationship.from_address,
        relationship.to_address,
        relationship.status,
        relationship.from_decomposed,
        relationship.to_decomposed,
        relationship.id,
    )
    _save_audit_log(tx, relationship)


def set_response_content(tx: Transaction, id_: str, content: bytes) -> None:
    """What the addressee says."""
    tx.run("UPDATE relationships SET creation_response_content = ? WHERE id = ?", content, id_)


def relationship_contents(tx: Transaction, id_: str) -> tuple[bytes | None, bytes | None]:
    """Creation and response of a relationship that exists."""
    row = tx.one("SELECT creation_content, creation_response_content FROM relationships WHERE id = ?", id_)
    return (None, None) if row is None else (row[0], row[1])


def relationship(tx: Transaction, id_: str) -> Relationship | None:
    """One relationship, whoever's."""
    row = tx.one(f"SELECT {_COLUMNS} FROM relationships WHERE id = ?", id_)
    return None if row is None else _made(tx, row)


def relationship_of(tx: Transaction, id_: str, address: str) -> Relationship | None:
    """One relationship, if ``address`` takes part."""
    found = relationship(tx, id_)
    return found if found is not None and found.has(address) else None


def relationships_between(tx: Transaction, one: str, other: str) -> list[Relationship]:
    """All there have been, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM relationships WHERE (from_address = ?1 AND to_address = ?2)"
        " OR (from_address = ?2 AND to_address = ?1) ORDER BY created_at, rowid",
        one,
        other,
    )
    return [_made(tx, row) for row in rows]


def youngest_relationship(tx: Transaction, one: str, other: str) -> tuple[str, str] | None:
    """Id and status of the last one between the two."""
    row = tx.one(
        "SELECT id, status FROM relationships WHERE (from_address = ?1 AND to_address = ?2)"
        " OR (from_address = ?2 AND to_address = ?1) ORDER BY created_at DESC, rowid DESC LIMIT 1",
        one,
        other,
    )
    return None if row is None else (row[0], row[1])


def relationships_of(tx: Transaction, address: str) -> list[Relationship]:
    """All of an identity, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM relationships WHERE from_address = ?1 OR to_address = ?1 ORDER BY created_at, rowid",
        address,
    )
    return [_made(tx, row) for row in rows]


def _made(tx: Transaction, row: Row) -> Relationship:
    entries = tx.all(
        "SELECT created_at, created_by, created_by_device, reason, old_status, new_status FROM audit_log"
        " WHERE relationship_id = ? ORDER BY position",
        row[0],
    )
    id_, template_id, from_address, to_address, created_at, status, from_decomposed, to_decomposed = row
    audit_log = tuple(AuditEntry(*entry) for entry in entries)
    return Relationship(
        id_,
        template_id,
        from_address,
        to_address,
        created_at,
        status,
        audit_log,
        bool(from_decomposed),
        bool(to_decomposed),
    )


def _save_audit_log(tx: Transaction, relationship: Relationship) -> None:
    for position, entry in enumerate(relationship.audit_log):
        tx.run(
            "INSERT OR REPLACE INTO audit_log VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            relationship.id,
            position,
            entry.created_at,
            entry.created_by,
            entry.created_by_device,
            entry.reason,
            entry.old_status,
            entry.new_status,
        )
