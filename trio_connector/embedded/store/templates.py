"""Relationship templates and who allocated them."""

from __future__ import annotations

from trio_connector.embedded.domain.templates import Reader, Template
from trio_connector.embedded.store.database import Transaction

_COLUMNS = """id, created_by, created_by_device, created_at, expires_at, max_allocations, for_identity, password,
 content"""


def insert_template(tx: Transaction, template: Template) -> None:
    """A new template."""
    tx.run(
        f"INSERT INTO templates ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        template.id,
        template.created_by,
        template.created_by_device,
        template.created_at,
        template.expires_at,
        template.max_allocations,
        template.for_identity,
        template.password,
        template.content,
    )


def template(tx: Transaction, id_: str) -> Template | None:
    """One template, whoever's."""
    row = tx.one(f"SELECT {_COLUMNS} FROM templates WHERE id = ?", id_)
    return None if row is None else Template(*row)


def reader_of(tx: Transaction, id_: str, address: str) -> Reader:
    """What ties ``address`` has to the template."""
    return Reader(
        address,
        tx.one("SELECT 1 FROM template_allocations WHERE template_id = ? AND address = ?", id_, address) is not None,
        tx.one(
            "SELECT 1 FROM relationships WHERE template_id = ?1 AND (from_address = ?2 OR to_address = ?2)",
            id_,
            address,
        )
        is not None,
    )


def count_allocations(tx: Transaction, id_: str) -> int:
    """How many identities have read the template."""
    return int(tx.value("SELECT count(*) FROM template_allocations WHERE template_id = ?", id_))


def allocate_template(tx: Transaction, id_: str, address: str) -> None:
    """``address`` has read the template."""
    tx.run("INSERT INTO template_allocations VALUES (?, ?, ?)", id_, address, tx.now)


def delete_template(tx: Transaction, id_: str) -> None:
    """Relationships that came from it live on without it."""
    tx.run("UPDATE relationships SET template_id = NULL WHERE template_id = ?", id_)
    tx.run("DELETE FROM templates WHERE id = ?", id_)


def allocators_of_templates_of(tx: Transaction, owner: str) -> list[str]:
    """Everybody who has read one of the owner's templates."""
    rows = tx.all(
        "SELECT DISTINCT a.address FROM template_allocations a JOIN templates t ON t.id = a.template_id"
        " WHERE t.created_by = ?",
        owner,
    )
    return [address for (address,) in rows]


def has_allocated_template_of(tx: Transaction, reader: str, owner: str) -> bool:
    """Whether ``reader`` has read one of the owner's templates."""
    return (
        tx.one(
            "SELECT 1 FROM template_allocations a JOIN templates t ON t.id = a.template_id"
            " WHERE a.address = ? AND t.created_by = ? LIMIT 1",
            reader,
            owner,
        )
        is not None
    )
