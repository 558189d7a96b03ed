"""Devices: credentials, logins, push registrations."""

from __future__ import annotations

from dataclasses import dataclass

from trio_connector.embedded.domain.moments import Moment
from trio_connector.embedded.store.database import Transaction

_COLUMNS = """id, address, username, created_at, created_by_device, communication_language, is_backup, last_login,
 failed_logins, locked_until"""


@dataclass(frozen=True)
class Device:
    """A device without its password."""

    id: str
    address: str
    username: str
    created_at: Moment
    created_by_device: str
    communication_language: str
    is_backup: bool
    last_login: Moment | None
    failed_logins: int
    locked_until: Moment | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_backup", bool(self.is_backup))


def insert_device(
    tx: Transaction,
    *,
    id_: str,
    address: str,
    username: str,
    password: bytes,
    created_by_device: str,
    language: str,
    is_backup: bool,
) -> None:
    """A new device that has never logged in. ``password`` is salted and hashed."""
    tx.run(
        "INSERT INTO devices (id, address, username, password, created_at, created_by_device, communication_language,"
        " is_backup) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        id_,
        address,
        username,
        password,
        tx.now,
        created_by_device,
        language,
        is_backup,
    )


def device_exists(tx: Transaction, id_: str) -> bool:
    """Whether it was not deleted."""
    return tx.one("SELECT 1 FROM devices WHERE id = ?", id_) is not None


def device(tx: Transaction, id_: str) -> Device | None:
    """One device, whoever's."""
    row = tx.one(f"SELECT {_COLUMNS} FROM devices WHERE id = ?", id_)
    return None if row is None else Device(*row)


def device_of_user(tx: Transaction, username: str) -> Device | None:
    """By user name, whatever its case."""
    row = tx.one(f"SELECT {_COLUMNS} FROM devices WHERE username = ?", username)
    return None if row is None else Device(*row)


def devices_of(tx: Transaction, address: str) -> list[Device]:
    """All devices of an identity, oldest first."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM devices WHERE address = ? ORDER BY created_at, id",
        address,
    )
    return [Device(*row) for row in rows]


def has_backup_device(tx: Transaction, address: str) -> bool:
    """Whether one of the identity's devices is for emergencies."""
    return tx.one("SELECT 1 FROM devices WHERE address = ? AND is_backup", address) is not None


def stored_password(tx: Transaction, id_: str) -> bytes:
    """Salt and hash of a device that exists."""
    return bytes(tx.value("SELECT password FROM devices WHERE id = ?", id_))


def set_password(tx: Transaction, id_: str, old: bytes, new: bytes) -> bool:
    """Replace ``old`` by ``new``; false when it is not ``old`` any more."""
    return tx.run("UPDATE devices SET password = ? WHERE id = ? AND password = ?", new, id_, old) == 1


def set_language(tx: Transaction, id_: str, language: str) -> None:
    """The language of push notifications."""
    tx.run("UPDATE devices SET communication_language = ? WHERE id = ?", language, id_)


def record_login(tx: Transaction, id_: str) -> None:
    """From now on the device is onboarded, and a backup device is an ordinary one."""
    tx.run(
        "UPDATE devices SET last_login = ?, failed_logins = 0, locked_until = NULL, is_backup = 0 WHERE id = ?",
        tx.now,
        id_,
    )


def record_failed_login(tx: Transaction, id_: str, failed_logins: int, locked_until: Moment | None) -> None:
    """Wrong passwords are counted."""
    tx.run("UPDATE devices SET failed_logins = ?, locked_until = ? WHERE id = ?", failed_logins, locked_until, id_)


def delete_device(tx: Transaction, id_: str) -> None:
    """For good."""
    tx.run("DELETE FROM devices WHERE id = ?", id_)


def push_identifier(tx: Transaction, id_: str) -> str | None:
    """Once given, it stays."""
    identifier: str | None = tx.value("SELECT push_identifier FROM devices WHERE id = ?", id_)
    return identifier


def set_push_registration(tx: Transaction, id_: str, identifier: str | None, registration: str | None) -> None:
    """``registration`` is JSON; ``None`` ends it."""
    tx.run("UPDATE devices SET push_identifier = ?, push_registration = ? WHERE id = ?", identifier, registration, id_)


def deletion_of_user(tx: Transaction, username: str) -> Moment | None:
    """When the identity of this user was deleted, if it was."""
    deleted_at: Moment | None = tx.value("SELECT deleted_at FROM deleted_users WHERE username = ?", username)
    return deleted_at


def grace_end_of_user(tx: Transaction, username: str) -> tuple[bool, Moment | None]:
    """Whether the user exists, and when the identity's grace period ends, if it is about to be deleted."""
    row = tx.one(
        "SELECT grace_ends_at FROM devices JOIN identities USING (address) WHERE username = ?",
        username,
    )
    return (False, None) if row is None else (True, row[0])
