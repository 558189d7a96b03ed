"""What a collection of records is, said once for store, use cases and API.

A record is a frozen msgspec struct with an ``id``. Its JSON document is what the official software keeps in the
collection of the same name (transport spec section 5), so its member names are the spec's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of all stored records. Dates are ISO strings in UTC with milliseconds; an absent member is ``None``."""

    id: str


R = TypeVar("R", bound=Record)

KeyValue = str | int | None


@dataclass(frozen=True)
class Collection(Generic[R]):
    """A named set of records of one class.

    ``keys`` are the columns by which our own code looks records up: name and how to read it from a record; each is
    indexed. ``indexed`` are document paths (``content.@type``) by which the list endpoints filter; each gets a
    generated column with an index. ``prepare`` makes the DTO that the API answers and events carry; the store keeps
    its JSON beside the document, so reading needs no work.
    """

    name: str
    record: type[R]
    kind: str
    """The class name that error texts use, e.g. ``RelationshipTemplate``."""
    keys: Mapping[str, Callable[[R], KeyValue]] = field(default_factory=dict)
    indexed: tuple[str, ...] = ()
    prepare: Callable[[R], object] | None = None
