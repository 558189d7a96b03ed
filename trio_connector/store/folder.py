"""The files of one identity: who may read them, and who has them open (design section 3)."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trio_connector.store.errors import StoreInUse


@contextmanager
def locked_database(folder: Path, name: str) -> Iterator[Path]:
    """The path of database ``name`` in ``folder``, kept from every other process while the block runs.

    Creates the folder (0700) and an empty file (0600) when they are not there; SQLite gives its own side files the
    permissions of the database. The lock is held on a separate file, because closing any descriptor of the database
    would drop SQLite's own locks. It ends with the process, however that ends. Raises `StoreInUse`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = folder / f"{name}.sqlite"
    lock_file = folder / f"{name}.lock"
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreInUse(lock_file) from error
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        yield database
    finally:
        os.close(lock)
