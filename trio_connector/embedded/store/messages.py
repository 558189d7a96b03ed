"""Messages and their recipients."""

from __future__ import annotations

import msgspec

from trio_connector.embedded.domain.messages import Message, Recipient
from trio_connector.embedded.store.database import Row, Transaction

_COLUMNS = "id, created_at, created_by, created_by_device, body, attachments"

# Visible to the sender until it has decomposed all, to a recipient until it has decomposed (Backbone spec 10).
_VISIBLE = """(m.created_by = ?1 AND EXISTS (
  SELECT 1 FROM message_recipients r WHERE r.message_id = m.id AND NOT r.decomposed_by_sender)
 OR EXISTS (
  SELECT 1 FROM message_recipients r WHERE r.message_id = m.id AND r.address = ?1 AND NOT r.decomposed_by_recipient))"""


def insert_message(tx: Transaction, message: Message) -> None:
    """A new message."""
    tx.run(
        f"INSERT INTO messages ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        message.id,
        message.created_at,
        message.created_by,
        message.created_by_device,
        message.body,
        msgspec.json.encode(message.attachments).decode(),
    )
    for position, recipient in enumerate(message.recipients):
        tx.run(
            "INSERT INTO message_recipients (message_id, position, address, relationship_id, encrypted_key)"
            " VALUES (?, ?, ?, ?, ?)",
            message.id,
            position,
            recipient.address,
            recipient.relationship_id,
            recipient.encrypted_key,
        )


def message(tx: Transaction, id_: str) -> Message | None:
    """One message, whoever's."""
    row = tx.one(f"SELECT {_COLUMNS} FROM messages WHERE id = ?", id_)
    return None if row is None else _made(tx, row)


def count_visible(tx: Transaction, address: str, ids: list[str]) -> int:
    """How many messages ``address`` sees, of ``ids`` only if there are any."""
    where, values = _filter(ids)
    return int(tx.value(f"SELECT count(*) FROM messages m WHERE {where}", address, *values))


def list_visible(tx: Transaction, address: str, ids: list[str], offset: int, limit: int) -> list[Message]:
    """The messages ``address`` sees, oldest first."""
    where, values = _filter(ids)
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM messages m WHERE {where}"
        f" ORDER BY created_at, rowid LIMIT ?{len(values) + 2} OFFSET ?{len(values) + 3}",
        address,
        *values,
        limit,
        offset,
    )
    return [_made(tx, row) for row in rows]


def mark_received(tx: Transaction, id_: str, address: str, device_id: str) -> bool:
    """The recipient has the message now; false when it had it before (or is none)."""
    changed = tx.run(
        "UPDATE message_recipients SET received_at = ?, received_by_device = ?"
        " WHERE message_id = ? AND address = ? AND received_at IS NULL",
        tx.now,
        device_id,
        id_,
        address,
    )
    return changed > 0


def count_unreceived(tx: Transaction, sender: str, recipient: str) -> int:
    """How many messages of ``sender`` wait for ``recipient``."""
    return int(
        tx.value(
            "SELECT count(*) FROM message_recipients r JOIN messages m ON m.id = r.message_id"
            " WHERE r.address = ? AND r.received_at IS NULL AND m.created_by = ?",
            recipient,
            sender,
        )
    )


def decompose_messages(tx: Transaction, relationship_id: str, address: str) -> None:
    """``address`` leaves the messages of a relationship, on whichever side it is."""
    tx.run(
        "UPDATE message_recipients SET decomposed_by_sender = 1 WHERE relationship_id = ?"
        " AND message_id IN (SELECT id FROM messages WHERE created_by = ?)",
        relationship_id,
        address,
    )
    tx.run(
        "UPDATE message_recipients SET decomposed_by_recipient = 1 WHERE relationship_id = ? AND address = ?",
        relationship_id,
        address,
    )


def forget_messages(tx: Transaction, relationship_id: str, anonymized: str) -> None:
    """Both sides have left: nobody is named any more, and what concerns nobody else is deleted."""
    ids = tx.all("SELECT DISTINCT message_id FROM message_recipients WHERE relationship_id = ?", relationship_id)
    tx.run(
        "UPDATE message_recipients SET address = ?, decomposed_by_sender = 1, decomposed_by_recipient = 1"
        " WHERE relationship_id = ?",
        anonymized,
        relationship_id,
    )
    for (id_,) in ids:
        tx.run(
            "DELETE FROM messages WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM message_recipients"
            " WHERE message_id = ?1 AND NOT (decomposed_by_sender AND decomposed_by_recipient))",
            id_,
        )


def anonymize_messages(tx: Transaction, relationship_id: str, address: str, anonymized: str) -> None:
    """Take a deleted ``address`` out of the messages of a relationship, on whichever side it is."""
    tx.run(
        "UPDATE messages SET created_by = ? WHERE created_by = ? AND id IN"
        " (SELECT message_id FROM message_recipients WHERE relationship_id = ?)",
        anonymized,
        address,
        relationship_id,
    )
    tx.run(
        "UPDATE message_recipients SET address = ? WHERE relationship_id = ? AND address = ?",
        anonymized,
        relationship_id,
        address,
    )


def _filter(ids: list[str]) -> tuple[str, list[str]]:
    if not ids:
        return _VISIBLE, []
    marks = ", ".join(f"?{position}" for position in range(2, len(ids) + 2))
    return f"m.id IN ({marks}) AND {_VISIBLE}", ids


def _made(tx: Transaction, row: Row) -> Message:
    id_, created_at, created_by, created_by_device, body, attachments = row
    rows = tx.all(
        "SELECT address, relationship_id, encrypted_key, received_at, received_by_device, decomposed_by_sender,"
        " decomposed_by_recipient FROM message_recipients WHERE message_id = ? ORDER BY position",
        id_,
    )
    recipients = tuple(
        Recipient(address, relationship_id, key, received_at, device_id, bool(by_sender), bool(by_recipient))
        for address, relationship_id, key, received_at, device_id, by_sender, by_recipient in rows
    )
    return Message(
        id_, created_at, created_by, created_by_device, body, tuple(msgspec.json.decode(attachments)), recipients
    )
