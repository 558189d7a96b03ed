"""Records in memory, and short ways to make the ones that tests of the consumption rules need."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDING_DETAILS,
    OWN_IDENTITY,
    DeletionInfo,
    ForwardingDetails,
    Kind,
    LocalAttribute,
)
from trio_connector.domain.attributes.tags import Tag, TagCollection
from trio_connector.domain.changes import Changes
from trio_connector.domain.collection import Collection, KeyValue, Record
from trio_connector.domain.identity import Identity
from trio_connector.domain.relationship import RELATIONSHIPS, AuditLogEntry, Relationship
from trio_connector.events.model import NewEvent

R = TypeVar("R", bound=Record)

ME = "did:e:localhost:dids:0000000000000000000000"
PEER = "did:e:localhost:dids:1111111111111111111111"
THIRD = "did:e:localhost:dids:2222222222222222222222"
NOW = "2026-06-01T12:00:00.000Z"
EARLIER = "2026-05-01T12:00:00.000Z"
LATER = "2026-07-01T12:00:00.000Z"

TAGS = TagCollection(
    supported_languages=["en"],
    tags_for_attribute_value_types={
        "PhoneNumber": {"emergency": Tag(children={"first": Tag(), "second": Tag(children={})})}
    },
)


class Records:
    """A store without SQL: what a unit of work reads and writes."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.events: list[NewEvent] = []
        self._numbers = itertools.count(1)

    def get(self, collection: Collection[R], id_: str) -> R | None:
        """The record with this id."""
        found: R | None = self.documents.get(collection.name, {}).get(id_)
        return found

    def select(self, collection: Collection[R], **keys: KeyValue) -> list[R]:
        """The records with these keys, in the order of insertion."""
        found: list[R] = [
            record
            for record in self.documents.get(collection.name, {}).values()
            if all(collection.keys[name](record) == value for name, value in keys.items())
        ]
        return found

    def put(self, collection: Collection[R], record: R) -> None:
        """Insert or replace."""
        copy = msgspec.json.decode(msgspec.json.encode(record), type=collection.record)
        self.documents.setdefault(collection.name, {})[record.id] = copy

    def delete(self, collection: Collection[R], id_: str) -> None:
        """Remove."""
        self.documents.get(collection.name, {}).pop(id_, None)

    def append(self, event: NewEvent) -> int:
        """Tell."""
        self.events.append(event)
        return len(self.events)

    def entropy(self, size: int) -> bytes:
        """Different bytes each time."""
        return next(self._numbers).to_bytes(8, "little")[:size].ljust(size, b"\0")

    def changes(self, *, me: str = ME, now: str = NOW) -> Changes:
        """A change on top of these records."""
        return Changes(self, me=me, now=now, entropy=self.entropy, tags=TAGS)

    @property
    def namespaces(self) -> list[str]:
        """What was told, in order."""
        return [event.namespace for event in self.events]


def attribute_content(
    value: str = "Ada", *, owner: str = ME, tags: Sequence[str] = (), value_type: str = "GivenName"
) -> dict[str, Any]:
    """An IdentityAttribute as it is printed."""
    content: dict[str, Any] = {"@type": "IdentityAttribute", "owner": owner}
    if tags:
        content["tags"] = list(tags)
    return {**content, "value": {"@type": value_type, "value": value}}


def relationship_content(
    value: str = "C-1", *, owner: str = ME, key: str = "customerId", confidentiality: str = "public"
) -> dict[str, Any]:
    """A RelationshipAttribute as it is printed."""
    return {
        "@type": "RelationshipAttribute",
        "confidentiality": confidentiality,
        "isTechnical": False,
        "key": key,
        "owner": owner,
        "value": {"@type": "ProprietaryString", "title": "Customer", "value": value},
    }


def stored_attribute(
    records: Records, id_: str, content: dict[str, Any], kind: Kind = OWN_IDENTITY, **members: Any
) -> LocalAttribute:
    """Store an attribute."""
    attribute = LocalAttribute(id=id_, kind=kind, content=content, created_at=EARLIER, **members)
    records.put(ATTRIBUTES, attribute)
    return attribute


def forwarded(records: Records, attribute_id: str, peer: str, deletion_status: Any = None) -> ForwardingDetails:
    """Store forwarding details."""
    info = None
    if deletion_status is not None:
        info = DeletionInfo(deletion_status=deletion_status, deletion_date=EARLIER)
    details = ForwardingDetails(
        id=f"ATTFD{len(records.documents.get(FORWARDING_DETAILS.name, {}))}",
        attribute_id=attribute_id,
        peer=peer,
        source_reference="REQ0",
        shared_at=EARLIER,
        deletion_info=info,
    )
    records.put(FORWARDING_DETAILS, details)
    return details


def related(records: Records, peer: str = PEER, status: Any = "Active", **members: Any) -> Relationship:
    """Store a relationship."""
    relationship = Relationship(
        id=f"REL{peer[-4:]}{status}",
        relationship_secret_id="TRPRSE1",
        peer=Identity(address=peer, public_key={"pub": "x", "alg": 3}),
        status=status,
        audit_log=[
            AuditLogEntry(created_at=EARLIER, created_by=peer, reason="Creation", new_status="Pending"),
            AuditLogEntry(
                created_at=NOW, created_by=ME, reason="AcceptanceOfCreation", old_status="Pending", new_status=status
            ),
        ],
        template_id="RLT1",
        creation_content={},
        **members,
    )
    records.put(RELATIONSHIPS, relationship)
    return relationship
