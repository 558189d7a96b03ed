"""Files and their contents."""

from __future__ import annotations

from trio_connector.embedded.domain.files import File
from trio_connector.embedded.store.database import Row, Transaction

_COLUMNS = """id, created_at, created_by, created_by_device, modified_at, modified_by, modified_by_device, owner,
 owner_signature, ownership_token, ownership_is_locked, cipher_size, cipher_hash, expires_at, encrypted_properties"""


def insert_file(tx: Transaction, file: File, content: bytes) -> None:
    """A new file."""
    tx.run(
        f"INSERT INTO files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        file.id,
        file.created_at,
        file.created_by,
        file.created_by_device,
        file.modified_at,
        file.modified_by,
        file.modified_by_device,
        file.owner,
        file.owner_signature,
        file.ownership_token,
        file.ownership_is_locked,
        file.cipher_size,
        file.cipher_hash,
        file.expires_at,
        file.encrypted_properties,
    )
    tx.run("INSERT INTO file_contents VALUES (?, ?)", file.id, content)


def file(tx: Transaction, id_: str) -> File | None:
    """One file that has not expired, whoever's."""
    row = tx.one(
        f"SELECT {_COLUMNS} FROM files WHERE id = ? AND expires_at > ?",
        id_,
        tx.now,
    )
    return None if row is None else _made(row)


def file_content(tx: Transaction, id_: str) -> bytes:
    """The content of a file that exists."""
    return bytes(tx.value("SELECT content FROM file_contents WHERE file_id = ?", id_))


def update_ownership(tx: Transaction, file: File) -> None:
    """Owner, ownership token and lock."""
    tx.run(
        "UPDATE files SET owner = ?, ownership_token = ?, ownership_is_locked = ? WHERE id = ?",
        file.owner,
        file.ownership_token,
        file.ownership_is_locked,
        file.id,
    )


def delete_file(tx: Transaction, id_: str) -> None:
    """For good."""
    tx.run("DELETE FROM files WHERE id = ?", id_)


def count_files_created_by(tx: Transaction, address: str, ids: list[str]) -> int:
    """Of ``ids`` only, if there are any."""
    where, values = _filter(ids)
    return int(tx.value(f"SELECT count(*) FROM files WHERE {where}", address, tx.now, *values))


def files_created_by(tx: Transaction, address: str, ids: list[str], offset: int, limit: int) -> list[File]:
    """Oldest first."""
    where, values = _filter(ids)
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM files WHERE {where} ORDER BY created_at, rowid LIMIT ? OFFSET ?",
        address,
        tx.now,
        *values,
        limit,
        offset,
    )
    return [_made(row) for row in rows]


def _filter(ids: list[str]) -> tuple[str, list[str]]:
    where = "created_by = ? AND expires_at > ?"
    return (f"{where} AND id IN ({', '.join('?' * len(ids))})", ids) if ids else (where, [])


def _made(row: Row) -> File:
    values = list(row)
    values[10] = bool(values[10])
    return File(*values)
