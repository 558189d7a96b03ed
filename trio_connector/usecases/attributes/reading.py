"""Looking at attributes: single ones, lists, versions, forwarding details (runtime spec 5.6).

Lists are answered as JSON arrays of DTOs. Where the order or the choice depends on other records, the records are
looked at one by one; ``query`` then filters them as the database would.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from trio_connector.domain.attributes.forwarding import is_forwarded
from trio_connector.domain.attributes.queries import by_creation, is_technical
from trio_connector.domain.attributes.record import (
    ATTRIBUTES,
    FORWARDABLE,
    FORWARDING_DETAILS,
    OWN,
    RECEIVED,
    LocalAttribute,
    LocalAttributeDTO,
    attribute_dto,
    forwarding_details_dto,
)
from trio_connector.domain.attributes.versions import shared_versions, successors, versions
from trio_connector.domain.query import EVERYTHING, AnyOf, Exists, Query, differs, equals, matches
from trio_connector.domain.relationship import RELATIONSHIPS
from trio_connector.errors import ValidationFailed, runtime_record_not_found
from trio_connector.usecases.services import Services


def find_attribute(services: Services, attribute_id: str) -> LocalAttribute:
    """The attribute. Raises ``error.runtime.recordNotFound``."""
    attribute = services.store.get(ATTRIBUTES, attribute_id)
    if attribute is None:
        raise runtime_record_not_found("LocalAttribute")
    return attribute


async def get_attribute(services: Services, attribute_id: str) -> LocalAttributeDTO:
    """One attribute. Raises ``error.runtime.recordNotFound``."""
    return attribute_dto(find_attribute(services, attribute_id))


async def list_attributes(services: Services, query: Query = EVERYTHING, *, hide_technical: bool = False) -> bytes:
    """All attributes that ``query`` asks for, oldest first."""
    return await services.store.list_prepared(ATTRIBUTES, _listed(query, hide_technical))


async def list_own_identity_attributes(
    services: Services, query: Query = EVERYTHING, *, only_latest_versions: bool = True
) -> bytes:
    """The own identity attributes that ``query`` asks for, oldest first."""
    query = query.forced(equals("@type", "OwnIdentityAttribute"))
    if only_latest_versions:
        query = query.forced(Exists("succeededBy", present=False))
    return await services.store.list_prepared(ATTRIBUTES, _listed(query, hide_technical=False))


async def list_peer_attributes(
    services: Services,
    peer: str,
    query: Query = EVERYTHING,
    *,
    hide_technical: bool = False,
    only_latest_versions: bool = True,
) -> bytes:
    """The attributes that came from ``peer`` and that ``query`` asks for, oldest first."""
    query = query.where(AnyOf("@type", tuple(sorted(RECEIVED)))).forced(equals("peer", peer))
    if only_latest_versions:
        query = query.forced(Exists("succeededBy", present=False))
    return await services.store.list_prepared(ATTRIBUTES, _listed(query, hide_technical))


def _listed(query: Query, hide_technical: bool) -> Query:
    if hide_technical:
        query = query.where(differs("content.isTechnical", True))
    return query.ordered_by("createdAt")


async def list_own_attributes_shared_with_peer(
    services: Services,
    peer: str,
    query: Query = EVERYTHING,
    *,
    details_query: Query = EVERYTHING,
    hide_technical: bool = False,
    only_latest_versions: bool = True,
) -> bytes:
    """The own attributes that ``peer`` has: those forwarded to it, then those of the relationship with it.

    ``query`` asks for OwnIdentity- and OwnRelationshipAttributes unless it names an ``@type`` itself.
    """
    if not any(getattr(condition, "path", None) == "@type" for condition in query.conditions):
        query = query.where(AnyOf("@type", tuple(sorted(OWN))))
    found = _shared_with(services, peer, details_query, only_latest_versions)
    chosen = [attribute for attribute in found if matches(query, document_of(attribute))]
    return _as_json(_shown(chosen, hide_technical))


async def attributes_of_relationship(
    services: Services, relationship_id: str, *, hide_technical: bool = False, only_latest_versions: bool = True
) -> bytes:
    """The attributes that were exchanged in a relationship: forwarded ones, then those with its peer as peer."""
    relationship = services.store.get(RELATIONSHIPS, relationship_id)
    if relationship is None:
        raise runtime_record_not_found("Relationship")
    found = _shared_with(services, relationship.peer.address, EVERYTHING, only_latest_versions)
    return _as_json(_shown(found, hide_technical))


def _shared_with(
    services: Services, peer: str, details_query: Query, only_latest_versions: bool
) -> list[LocalAttribute]:
    store = services.store
    ids = dict.fromkeys(
        details.attribute_id
        for details in store.select(FORWARDING_DETAILS, peer=peer)
        if matches(details_query, msgspec.to_builtins(details))
    )
    forwarded = by_creation(a for id_ in ids if (a := store.get(ATTRIBUTES, id_)) is not None)
    of_relationship = by_creation(store.select(ATTRIBUTES, peer=peer))
    if only_latest_versions:
        forwarded = [a for a in forwarded if not any(is_forwarded(store, s, peer) for s in successors(store, a))]
        of_relationship = [a for a in of_relationship if a.succeeded_by is None]
    return [*forwarded, *of_relationship]


def _shown(attributes: Iterable[LocalAttribute], hide_technical: bool) -> list[LocalAttribute]:
    return [attribute for attribute in attributes if not (hide_technical and is_technical(attribute))]


def document_of(attribute: LocalAttribute) -> Any:
    """The attribute's document, as queries see it."""
    return msgspec.to_builtins(attribute)


def _as_json(attributes: Sequence[LocalAttribute]) -> bytes:
    return msgspec.json.encode([attribute_dto(attribute) for attribute in attributes])


async def list_forwarding_details(services: Services, attribute_id: str, query: Query = EVERYTHING) -> bytes:
    """To whom an attribute was forwarded, as a JSON array."""
    attribute = find_attribute(services, attribute_id)
    found = services.store.select(FORWARDING_DETAILS, attribute_id=attribute.id)
    chosen = [details for details in found if matches(query, msgspec.to_builtins(details))]
    return msgspec.json.encode([forwarding_details_dto(details) for details in chosen])


async def versions_of_attribute(services: Services, attribute_id: str) -> list[LocalAttributeDTO]:
    """All versions of an attribute, newest first."""
    found = versions(services.store, find_attribute(services, attribute_id))
    return [attribute_dto(version) for version in found]


async def shared_versions_of_attribute(
    services: Services, attribute_id: str, peer: str, *, only_latest_versions: bool = True
) -> list[LocalAttributeDTO]:
    """The versions of an attribute that were forwarded to ``peer``, newest first, or only the newest of them."""
    attribute = find_attribute(services, attribute_id)
    if attribute.kind not in FORWARDABLE:
        raise ValidationFailed(
            "The `attributeId` property must belong to an OwnIdentityAttribute, an OwnRelationshipAttribute or a "
            "PeerRelationshipAttribute."
        )
    found = shared_versions(services.store, attribute, peer)
    return [attribute_dto(version) for version in (found[:1] if only_latest_versions else found)]
