"""Announcements."""

from __future__ import annotations

import msgspec

from trio_connector.embedded.domain.announcements import Action, Announcement, Text
from trio_connector.embedded.store.database import Transaction


def insert_announcement(tx: Transaction, announcement: Announcement) -> None:
    """For all when it has no recipients."""
    tx.run(
        "INSERT INTO announcements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        announcement.id,
        announcement.created_at,
        announcement.expires_at,
        announcement.severity,
        announcement.is_silent,
        announcement.iql_query,
        msgspec.json.encode(announcement.texts).decode(),
        msgspec.json.encode(announcement.actions).decode(),
        not announcement.recipients,
    )
    for address in announcement.recipients:
        tx.run("INSERT OR IGNORE INTO announcement_recipients VALUES (?, ?)", announcement.id, address)


def announcements_for(tx: Transaction, address: str) -> list[Announcement]:
    """Those for all and those for ``address``, expired ones included, oldest first."""
    rows = tx.all(
        "SELECT id, created_at, expires_at, severity, is_silent, iql_query, texts, actions FROM announcements a"
        " WHERE is_for_all OR EXISTS"
        " (SELECT 1 FROM announcement_recipients r WHERE r.announcement_id = a.id AND r.address = ?)"
        " ORDER BY created_at, rowid",
        address,
    )
    return [
        Announcement(
            id_,
            created_at,
            expires_at,
            severity,
            bool(is_silent),
            iql_query,
            msgspec.json.decode(texts, type=tuple[Text, ...]),
            msgspec.json.decode(actions, type=tuple[Action, ...]),
        )
        for id_, created_at, expires_at, severity, is_silent, iql_query, texts, actions in rows
    ]


def active_addresses(tx: Transaction) -> list[str]:
    """All identities that are not about to be deleted."""
    return [address for (address,) in tx.all("SELECT address FROM identities WHERE status = 'Active'")]
