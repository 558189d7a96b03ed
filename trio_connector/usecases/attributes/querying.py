"""Executing attribute queries on the own attributes, and checking IQL (runtime spec 5.6, content spec section 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trio_connector.domain.attributes.queries import (
    execute_identity_query,
    execute_relationship_query,
    execute_third_party_query,
)
from trio_connector.domain.attributes.queries import execute_iql_query as execute_iql
from trio_connector.domain.attributes.record import LocalAttribute, LocalAttributeDTO, attribute_dto
from trio_connector.domain.contents import canonical
from trio_connector.domain.identity import Json
from trio_connector.errors import DeserializationError, runtime_record_not_found
from trio_connector.usecases.services import Services


async def execute_identity_attribute_query(services: Services, body: object) -> list[LocalAttributeDTO]:
    """The own identity attributes that answer an IdentityAttributeQuery; ``body`` is ``{query}``."""
    query = _parsed(body, "IdentityAttributeQuery")
    return _shown(execute_identity_query(services.store, query, services.address))


async def execute_relationship_attribute_query(services: Services, body: object) -> LocalAttributeDTO:
    """The one attribute that answers a RelationshipAttributeQuery. Raises ``error.runtime.recordNotFound``."""
    query = _parsed(body, "RelationshipAttributeQuery")
    found = execute_relationship_query(services.store, query, services.address)
    if found is None:
        raise runtime_record_not_found("RelationshipAttribute")
    return attribute_dto(found)


async def execute_third_party_relationship_attribute_query(services: Services, body: object) -> list[LocalAttributeDTO]:
    """The attributes that answer a ThirdPartyRelationshipAttributeQuery."""
    query = _parsed(body, "ThirdPartyRelationshipAttributeQuery")
    return _shown(execute_third_party_query(services.store, query, services.address))


async def execute_iql_query(services: Services, body: object) -> list[LocalAttributeDTO]:
    """The own identity attributes, every version, that an IQLQuery selects."""
    query = _parsed(body, "IQLQuery")
    return _shown(execute_iql(services.store, query["queryString"]))


async def validate_iql_query(services: Services, body: object) -> dict[str, Any]:
    """``{"isValid": true}``; a query with a mistake is refused already when it is parsed, as everywhere."""
    _parsed(body, "IQLQuery")
    return {"isValid": True}


def _parsed(body: Any, type_name: str) -> Json:
    if not isinstance(body, dict) or body.get("query") is None:
        raise DeserializationError(f"{type_name}.from() :: Parameter must be an object - is 'undefined'")
    return canonical(body["query"], type_name, where="query")


def _shown(attributes: Sequence[LocalAttribute]) -> list[LocalAttributeDTO]:
    return [attribute_dto(attribute) for attribute in attributes]
