"""Tokens and who allocated them."""

from __future__ import annotations

from trio_connector.embedded.domain.tokens import Token
from trio_connector.embedded.store.database import Transaction

_COLUMNS = """id, created_by, created_by_device, created_at, expires_at, for_identity, password, failed_attempts,
 content"""


def insert_token(tx: Transaction, token: Token) -> None:
    """A new token."""
    tx.run(
        f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        token.id,
        token.created_by,
        token.created_by_device,
        token.created_at,
        token.expires_at,
        token.for_identity,
        token.password,
        token.failed_attempts,
        token.content,
    )


def token(tx: Transaction, id_: str) -> Token | None:
    """One token, whoever's."""
    row = tx.one(f"SELECT {_COLUMNS} FROM tokens WHERE id = ?", id_)
    return None if row is None else Token(*row)


def has_allocated_token(tx: Transaction, id_: str, address: str) -> bool:
    """Whether ``address`` has read it before."""
    return tx.one("SELECT 1 FROM token_allocations WHERE token_id = ? AND address = ?", id_, address) is not None


def allocate_token(tx: Transaction, id_: str, address: str) -> None:
    """``address`` has read it."""
    tx.run("INSERT INTO token_allocations VALUES (?, ?, ?)", id_, address, tx.now)


def count_failed_attempt(tx: Transaction, id_: str) -> int:
    """One more wrong password; how many there are now."""
    tx.run("UPDATE tokens SET failed_attempts = failed_attempts + 1 WHERE id = ?", id_)
    return int(tx.value("SELECT failed_attempts FROM tokens WHERE id = ?", id_))


def fill_token(tx: Transaction, id_: str, content: bytes, address: str, device_id: str) -> None:
    """The content of an empty token; who gives it becomes the creator."""
    tx.run(
        "UPDATE tokens SET content = ?, created_by = ?, created_by_device = ? WHERE id = ?",
        content,
        address,
        device_id,
        id_,
    )


def delete_token(tx: Transaction, id_: str) -> None:
    """For good."""
    tx.run("DELETE FROM tokens WHERE id = ?", id_)
