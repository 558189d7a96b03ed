"""Finding attributes: queries, duplicates, lists (consumption spec 4.2, 4.6, 4.9; content spec section 7). Pure."""

from __future__ import annotations

from collections.abc import Iterable

from trio_connector.content.iql import select
from trio_connector.domain.attributes.creation import trimmed_value
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    GONE,
    OWN_IDENTITY,
    OWN_RELATIONSHIP,
    PEER_IDENTITY,
    PEER_RELATIONSHIP,
    RECEIVED,
    THIRD_PARTY,
    LocalAttribute,
)
from trio_connector.domain.attributes.versions import latest_shared
from trio_connector.domain.changes import Reader
from trio_connector.domain.identity import Json


def own_identity_attribute_with(reader: Reader, value: Json) -> LocalAttribute | None:
    """The own identity attribute without successor that has this value, once trimmed."""
    wanted = trimmed_value(value)
    return next(
        (
            attribute
            for attribute in reader.select(ATTRIBUTES, kind=OWN_IDENTITY, value_type=wanted["@type"])
            if attribute.succeeded_by is None and attribute.content["value"] == wanted
        ),
        None,
    )


def peer_identity_attribute_with(reader: Reader, value: Json, peer: str) -> LocalAttribute | None:
    """The identity attribute of ``peer`` with this value, once trimmed, that it has not deleted; any version."""
    wanted = trimmed_value(value)
    return next(
        (
            attribute
            for attribute in reader.select(ATTRIBUTES, kind=PEER_IDENTITY, peer=peer, value_type=wanted["@type"])
            if attribute.deletion_status != "DeletedByEmitter"
            and attribute.content["value"] == wanted
            and attribute.owner == peer
        ),
        None,
    )


def third_party_attribute_with(reader: Reader, content: Json, peer: str) -> LocalAttribute | None:
    """The attribute that ``peer`` forwarded to us with the value, owner and key of ``content``, not deleted by it."""
    return next(
        (
            attribute
            for attribute in reader.select(ATTRIBUTES, kind=THIRD_PARTY, peer=peer, attribute_key=content["key"])
            if attribute.deletion_status != "DeletedByEmitter"
            and attribute.owner == content["owner"]
            and attribute.content["value"] == content["value"]
        ),
        None,
    )


def key_taken(reader: Reader, *, key: str, owner: str, value_type: str, peer: str) -> bool:
    """Whether the relationship to ``peer`` already has such an attribute (4.6)."""
    return any(
        attribute.kind in (OWN_RELATIONSHIP, PEER_RELATIONSHIP)
        and attribute.owner == owner
        and attribute.deletion_status not in GONE
        for attribute in reader.select(ATTRIBUTES, peer=peer, attribute_key=key, value_type=value_type)
    )


def key_is_taken_text(key: str) -> str:
    """How texts call a taken key."""
    return (
        "there is already a RelationshipAttribute in the context of this Relationship with the same key "
        f"'{key}', owner and value type."
    )


# --- executing queries ---------------------------------------------------------------------------------------------


def execute_identity_query(reader: Reader, query: Json, me: str) -> list[LocalAttribute]:
    """All own identity attributes, every version, of the value type and with one of the tags."""
    tags = set(query.get("tags") or ())
    found = (
        attribute
        for attribute in reader.select(ATTRIBUTES, value_type=query["valueType"])
        if attribute.is_identity_attribute
        and attribute.owner == me
        and (not tags or tags & set(attribute.content.get("tags") or ()))
    )
    return by_creation(found)


def execute_relationship_query(reader: Reader, query: Json, me: str) -> LocalAttribute | None:
    """The first relationship attribute with this key and owner that is not private."""
    owner = query["owner"] or me
    found = (
        attribute
        for attribute in reader.select(ATTRIBUTES, attribute_key=query["key"])
        if attribute.owner == owner and attribute.content["confidentiality"] != "private"
    )
    return next(iter(by_creation(found)), None)


def execute_third_party_query(reader: Reader, query: Json, me: str) -> list[LocalAttribute]:
    """All relationship attributes with this key, shared with one of the third parties, that are not private."""
    parties = set(query["thirdParty"])
    owners = {"recipient": {me}, "thirdParty": parties, "": parties | {me}}[query["owner"]]
    found = (
        attribute
        for attribute in reader.select(ATTRIBUTES, attribute_key=query["key"])
        if attribute.peer in parties and attribute.owner in owners and attribute.content["confidentiality"] != "private"
    )
    return by_creation(found)


def execute_iql_query(reader: Reader, query_string: str) -> list[LocalAttribute]:
    """All own identity attributes, every version, for which the IQL expression holds."""
    attributes = by_creation(reader.select(ATTRIBUTES, kind=OWN_IDENTITY))
    contents = [attribute.content for attribute in attributes]
    return [attributes[index] for index in select(query_string, contents)]


# --- lists ---------------------------------------------------------------------------------------------------------


def by_creation(attributes: Iterable[LocalAttribute]) -> list[LocalAttribute]:
    """Oldest first."""
    return sorted(attributes, key=lambda attribute: attribute.created_at)


def is_technical(attribute: LocalAttribute) -> bool:
    """Whether people need not see it."""
    return attribute.content.get("isTechnical") is True


def latest_versions_shared(reader: Reader, attributes: Iterable[LocalAttribute], peer: str) -> list[LocalAttribute]:
    """Without those of which ``peer`` also has a later version."""
    kept = []
    for attribute in attributes:
        latest = latest_shared(reader, attribute, peer)
        if latest is None or latest.id == attribute.id or attribute.succeeded_by is None:
            kept.append(attribute)
    return kept


def received_from(reader: Reader, peer: str) -> list[LocalAttribute]:
    """Everything that came from ``peer``, oldest first."""
    return by_creation(a for a in reader.select(ATTRIBUTES, peer=peer) if a.kind in RECEIVED)
