"""What can go wrong with the store itself; none of these is a use case's ordinary answer."""

from __future__ import annotations

from pathlib import Path

from trio_connector.events.log import LogUnavailable


class StoreError(Exception):
    """Base of the store's own failures."""


class StoreInUse(StoreError):
    """Another process, or another part of this one, has the same identity's files open."""

    def __init__(self, lock_file: Path) -> None:
        super().__init__(
            f"the database is in use by another process (lock file {lock_file}); "
            "only one connector can run on one identity"
        )
        self.lock_file = lock_file


class StoreTooNew(StoreError):
    """The file was written by a newer version of this software."""

    def __init__(self, found: int, supported: int) -> None:
        super().__init__(
            f"the database has schema version {found}, this version supports up to {supported}; "
            "use the newer software, or restore a backup made with the older one"
        )
        self.found = found
        self.supported = supported


class NotOurFile(StoreError):
    """The file is an SQLite database of some other software, or no database at all."""

    def __init__(self, file: Path) -> None:
        super().__init__(f"{file} is not a database of trio-connector")
        self.file = file


class WriteFailed(StoreError, LogUnavailable):
    """The disk did not take a unit of work (full, read-only, broken); nothing of the unit is stored.

    The cause is the database's own error. Later units are tried again.
    """


class StoreClosed(StoreError):
    """The store is being closed, or its writer ended; the unit of work was not done."""


class DuplicateRecord(StoreError):
    """A record with this id is there already."""

    def __init__(self, kind: str, id_: str) -> None:
        super().__init__(f"there already is a {kind} with the id {id_}")
        self.kind = kind
        self.id = id_


class UnreadableRecord(StoreError):
    """A stored document is not what its class expects: a damaged file, or one changed by hand."""

    def __init__(self, collection: str, id_: str) -> None:
        super().__init__(f"the stored record {id_} of {collection} cannot be read")
        self.collection = collection
        self.id = id_
