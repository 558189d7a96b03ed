"""Storage: documents, named maps, the event log and cursors, in one file per identity (design section 3)."""

from trio_connector.store.errors import (
    DuplicateRecord,
    NotOurFile,
    StoreClosed,
    StoreError,
    StoreInUse,
    StoreTooNew,
    UnreadableRecord,
    WriteFailed,
)
from trio_connector.store.store import Store, open_store
from trio_connector.store.unit import Unit
from trio_connector.store.writer import CommitReport

__all__ = [
    "CommitReport",
    "DuplicateRecord",
    "NotOurFile",
    "Store",
    "StoreClosed",
    "StoreError",
    "StoreInUse",
    "StoreTooNew",
    "Unit",
    "UnreadableRecord",
    "WriteFailed",
    "open_store",
]
