"""A change in the making: what consumption rules read, and what they want written and told, as data.

``View`` is what checks may ask. ``Changes`` is a view that also collects writes and events and shows them to whoever
reads through it, so that the second item of a request sees what the first one created. Nothing is stored before
``apply`` hands everything to a unit of work; a ``Changes`` that is dropped has never happened, which is how a failed
notification is rolled back (consumption spec section 5).

Pure: time and randomness come in with the constructor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from trio_connector.crypto.ids import new_id
from trio_connector.domain.attributes.tags import TagCollection
from trio_connector.domain.collection import Collection, KeyValue, Record
from trio_connector.errors import UnexpectedCondition
from trio_connector.events.model import NewEvent

R = TypeVar("R", bound=Record)

Entropy = Callable[[int], bytes]


class Reader(Protocol):
    """Reads records: a store, a unit of work, or ``Changes`` on top of either."""

    def get(self, collection: Collection[R], id_: str) -> R | None:
        """The record with this id, if there is one."""
        ...

    def select(self, collection: Collection[R], **keys: KeyValue) -> list[R]:
        """All records whose key columns have these values, in the order in which they were inserted."""
        ...


class Writer(Reader, Protocol):
    """What ``Changes.apply`` needs of a unit of work."""

    def put(self, collection: Collection[R], record: R) -> None:
        """Insert or replace ``record``."""
        ...

    def delete(self, collection: Collection[R], id_: str) -> object:
        """Remove the record with this id, if there is one."""
        ...

    def append(self, event: NewEvent) -> int:
        """Append ``event`` to the log."""
        ...


class View(Reader, Protocol):
    """What checks may know: who I am, what time it is, which tags exist, and all records."""

    @property
    def me(self) -> str:
        """The own address."""
        ...

    @property
    def now(self) -> str:
        """The time of this change: ISO, UTC, milliseconds."""
        ...

    @property
    def tags(self) -> TagCollection:
        """The tags that the Backbone knows."""
        ...


class Changes:
    """Collects the writes and events of one change on top of ``base``.

    ``me`` is the own address, ``now`` the one time that all of the change carries, ``entropy`` the source of new ids,
    ``tags`` the collection against which tags are checked. ``writes`` and ``events`` may be read at any time.
    """

    def __init__(self, base: Reader, *, me: str, now: str, entropy: Entropy, tags: TagCollection | None = None) -> None:
        self._base = base
        self._entropy = entropy
        self.me = me
        self.now = now
        self.tags = tags or TagCollection()
        self.events: list[NewEvent] = []
        self._written: dict[str, dict[str, tuple[Collection[Any], Record | None]]] = {}

    # --- reading ---------------------------------------------------------------------------------------------------

    def get(self, collection: Collection[R], id_: str) -> R | None:
        """The record with this id as it will be after this change."""
        written = self._written.get(collection.name, {})
        if id_ in written:
            record: Any = written[id_][1]
            found: R | None = record
            return found
        return self._base.get(collection, id_)

    def select(self, collection: Collection[R], **keys: KeyValue) -> list[R]:
        """All matching records as they will be after this change; new ones come last."""
        written = self._written.get(collection.name)
        found = self._base.select(collection, **keys)
        if not written:
            return found
        changed: dict[str, Any] = {
            id_: record for id_, (_, record) in written.items() if record is not None and _has(collection, record, keys)
        }
        merged: list[R] = []
        for record in found:
            if record.id not in written:
                merged.append(record)
            elif record.id in changed:
                merged.append(changed.pop(record.id))
        merged.extend(changed.values())
        return merged

    # --- writing ---------------------------------------------------------------------------------------------------

    def insert(self, collection: Collection[R], record: R) -> None:
        """Add ``record``. Raises UnexpectedCondition when its id is taken: ids may come from a peer."""
        if self.get(collection, record.id) is not None:
            raise UnexpectedCondition(f"There already is a {collection.kind} with the id '{record.id}'.")
        self.put(collection, record)

    def put(self, collection: Collection[R], record: R) -> None:
        """Insert or replace ``record``."""
        self._written.setdefault(collection.name, {})[record.id] = (collection, record)

    def delete(self, collection: Collection[R], id_: str) -> None:
        """Remove the record with this id, if there is one."""
        self._written.setdefault(collection.name, {})[id_] = (collection, None)

    def event(self, namespace: str, data: object, entity: str | None = None) -> None:
        """Tell of this change under ``namespace``. ``data`` is turned to JSON now: later changes do not alter it."""
        self.events.append(NewEvent(namespace=namespace, data=msgspec.Raw(msgspec.json.encode(data)), entity=entity))

    def new_id(self, prefix: str) -> str:
        """A fresh id of 20 characters."""
        return new_id(prefix, self._entropy)

    # --- the result ------------------------------------------------------------------------------------------------

    @property
    def writes(self) -> list[tuple[Collection[Any], str, Record | None]]:
        """What is to be stored: collection, id, and the record, or None to delete it."""
        return [
            (collection, id_, record)
            for records in self._written.values()
            for id_, (collection, record) in records.items()
        ]

    def apply(self, unit: Writer) -> None:
        """Write everything into ``unit`` and append the events to its log."""
        for collection, id_, record in self.writes:
            if record is None:
                unit.delete(collection, id_)
            else:
                unit.put(collection, record)
        for event in self.events:
            unit.append(event)

    def nested(self) -> Changes:
        """A change on top of this one: ``absorb`` it, or drop it."""
        return Changes(self, me=self.me, now=self.now, entropy=self._entropy, tags=self.tags)

    def absorb(self, inner: Changes) -> None:
        """Make the writes and events of ``inner`` part of this change."""
        for collection, id_, record in inner.writes:
            if record is None:
                self.delete(collection, id_)
            else:
                self.put(collection, record)
        self.events.extend(inner.events)


def _has(collection: Collection[Any], record: Record, keys: Mapping[str, KeyValue]) -> bool:
    return all(collection.keys[name](record) == value for name, value in keys.items())
