"""Relationships (connector spec section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import check, checked_path, filters_of, query_of
from trio_connector.api.routes.outputs import stored, stored_list
from trio_connector.api.routing import Answering, Kind, Route
from trio_connector.domain.query_fields import RELATIONSHIP_FIELDS
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship, relationship_dto
from trio_connector.errors import ConnectorError
from trio_connector.usecases.attributes.changing import CanCreateDTO
from trio_connector.usecases.attributes.reading import attributes_of_relationship
from trio_connector.usecases.decomposition import decompose_relationship
from trio_connector.usecases.relationships import (
    accept_relationship,
    accept_relationship_reactivation,
    check_can_create_relationship,
    create_relationship,
    reject_relationship,
    reject_relationship_reactivation,
    request_relationship_reactivation,
    revoke_relationship,
    revoke_relationship_reactivation,
    terminate_relationship,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.validation import relationships as inputs


async def _can_create(call: Call) -> Answer:
    check(call, inputs.CAN_CREATE_RELATIONSHIP, call.body)
    try:
        await check_can_create_relationship(call.services, call.body["templateId"], call.body.get("creationContent"))
    except ConnectorError as refusal:
        # Part of the answer, with the bare reason (runtime spec 5.4).
        return call.result(CanCreateDTO(is_success=False, code=refusal.code, message=refusal.message))
    return call.result(CanCreateDTO(is_success=True))


async def _create(call: Call) -> Answer:
    check(call, inputs.CREATE_RELATIONSHIP, call.body)
    relationship = await create_relationship(call.services, call.body["templateId"], call.body["creationContent"])
    return call.result(relationship_dto(relationship))


async def _list(call: Call) -> Answer:
    return await stored_list(call, RELATIONSHIPS, query_of(call, RELATIONSHIP_FIELDS))


async def _get(call: Call) -> Answer:
    return stored(call, RELATIONSHIPS, checked_path(call, inputs.GET_RELATIONSHIP, id="id"))


async def _attributes(call: Call) -> Answer:
    relationship_id = checked_path(call, inputs.GET_ATTRIBUTES_FOR_RELATIONSHIP, id="id")
    return call.prepared(await attributes_of_relationship(call.services, relationship_id))


def _change(use_case: Callable[[Services, str], Awaitable[Relationship]]) -> Answering:
    async def answer(call: Call) -> Answer:
        relationship_id = checked_path(call, inputs.CHANGE_RELATIONSHIP, relationshipId="id")
        return call.result(relationship_dto(await use_case(call.services, relationship_id)))

    return answer


async def _decompose(call: Call) -> Answer:
    await decompose_relationship(call.services, checked_path(call, inputs.CHANGE_RELATIONSHIP, relationshipId="id"))
    return call.nothing()


def _changing(path: str, use_case: Callable[[Services, str], Awaitable[Relationship]], summary: str) -> Route:
    return Route("PUT", f"{{id}}/{path}", _change(use_case), summary, changes=True, result="Relationship")


RELATIONSHIP_ROUTES: Final = (
    Route(
        "PUT",
        "CanCreate",
        _can_create,
        "Whether a relationship could be asked for.",
        waits=True,
        body=inputs.CAN_CREATE_RELATIONSHIP.schema,
        result="CanCreate",
    ),
    Route(
        "POST",
        "",
        _create,
        "Ask the owner of a template for a relationship.",
        status=201,
        changes=True,
        body=inputs.CREATE_RELATIONSHIP.schema,
        result="Relationship",
    ),
    Route(
        "GET",
        "",
        _list,
        "All relationships.",
        Kind.LIST,
        query=filters_of(RELATIONSHIP_FIELDS),
        result="Relationship",
    ),
    Route("GET", "{id}", _get, "One relationship.", result="Relationship"),
    Route("GET", "{id}/Attributes", _attributes, "Attributes of a relationship.", Kind.LIST, result="LocalAttribute"),
    _changing("Accept", accept_relationship, "Accept a pending relationship."),
    _changing("Reject", reject_relationship, "Reject a pending relationship."),
    _changing("Revoke", revoke_relationship, "Revoke an own pending relationship."),
    _changing("Terminate", terminate_relationship, "End an active relationship."),
    _changing("Reactivate", request_relationship_reactivation, "Ask for the reactivation of a terminated one."),
    _changing("Reactivate/Accept", accept_relationship_reactivation, "Accept a reactivation."),
    _changing("Reactivate/Reject", reject_relationship_reactivation, "Reject a reactivation."),
    _changing("Reactivate/Revoke", revoke_relationship_reactivation, "Revoke an own reactivation."),
    Route("DELETE", "{id}", _decompose, "Decompose a relationship.", Kind.NOTHING, 204, changes=True),
)
