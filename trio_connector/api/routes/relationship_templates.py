"""Relationship templates (connector spec section 7)."""

from __future__ import annotations

from typing import Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import (
    check,
    checked_path,
    expiry,
    filters_of,
    password_protection,
    picked,
    query_of,
)
from trio_connector.api.routes.outputs import dto_or_qr, stored, stored_list
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.domain.query import equals
from trio_connector.domain.query_fields import TEMPLATE_FIELDS
from trio_connector.domain.template import template_dto
from trio_connector.domain.token import token_dto
from trio_connector.usecases.templates import (
    create_own_template,
    create_token_for_template,
    delete_template,
    get_template,
    load_peer_template,
)
from trio_connector.usecases.validation import relationship_templates as inputs
from trio_connector.usecases.validation.dates import normalized_date

TOKEN_MEMBERS: Final = ("expiresAt", "ephemeral", "forIdentity", "passwordProtection")
"""What a request for a token about something may say; other members are ignored."""


async def _create(call: Call) -> Answer:
    check(call, inputs.CREATE_OWN_RELATIONSHIP_TEMPLATE, call.body)
    template = await create_own_template(
        call.services,
        content=call.body["content"],
        expires_at=normalized_date(call.body["expiresAt"]),
        max_number_of_allocations=call.body.get("maxNumberOfAllocations"),
        for_identity=call.body.get("forIdentity"),
        password_protection=password_protection(call.body),
    )
    return call.result(template_dto(template, call.services.base_url))


async def _load(call: Call) -> Answer:
    check(call, inputs.LOAD_PEER_RELATIONSHIP_TEMPLATE, call.body)
    template = await load_peer_template(call.services, call.body["reference"], call.body.get("password"))
    return call.result(template_dto(template, call.services.base_url))


async def _list(call: Call) -> Answer:
    return await stored_list(call, call.services.collections.templates, query_of(call, TEMPLATE_FIELDS))


async def _list_own(call: Call) -> Answer:
    query = query_of(call, TEMPLATE_FIELDS).forced(equals("isOwn", True))
    return await stored_list(call, call.services.collections.templates, query)


async def _list_peer(call: Call) -> Answer:
    query = query_of(call, TEMPLATE_FIELDS).forced(equals("isOwn", False))
    return await stored_list(call, call.services.collections.templates, query)


async def _get(call: Call) -> Answer:
    template_id = checked_path(call, inputs.GET_RELATIONSHIP_TEMPLATE, id="id")
    if call.wants_png:
        return await dto_or_qr(call, template_dto(get_template(call.services, template_id), call.services.base_url))
    return stored(call, call.services.collections.templates, template_id)


async def _create_token(call: Call) -> Answer:
    request = picked(call.body, TOKEN_MEMBERS) | {"templateId": call.path["id"]}
    if call.wants_png:
        request["ephemeral"] = True
    check(call, inputs.CREATE_TOKEN_FOR_OWN_RELATIONSHIP_TEMPLATE, request)
    ephemeral: bool = request.get("ephemeral", True)
    token = await create_token_for_template(
        call.services,
        request["templateId"],
        expires_at=expiry(request),
        ephemeral=ephemeral,
        for_identity=request.get("forIdentity"),
        password_protection=password_protection(request),
    )
    return await dto_or_qr(call, token_dto(token, call.services.base_url, is_ephemeral=ephemeral))


async def _delete(call: Call) -> Answer:
    template_id = checked_path(call, inputs.DELETE_RELATIONSHIP_TEMPLATE, templateId="id")
    await delete_template(call.services, template_id)
    return call.nothing()


_FILTERS: Final = filters_of(TEMPLATE_FIELDS)

RELATIONSHIP_TEMPLATE_ROUTES: Final = (
    Route(
        "GET",
        "",
        _list,
        "All templates.",
        Kind.LIST,
        accept=Accept.ANY,
        query=_FILTERS,
        result="RelationshipTemplate",
    ),
    Route("GET", "Own", _list_own, "Own templates.", Kind.LIST, query=_FILTERS, result="RelationshipTemplate"),
    Route("GET", "Peer", _list_peer, "Templates of peers.", Kind.LIST, query=_FILTERS, result="RelationshipTemplate"),
    Route("GET", "{id}", _get, "One template.", Kind.QR, accept=Accept.JSON_OR_PNG, result="RelationshipTemplate"),
    Route(
        "POST",
        "Own",
        _create,
        "Create a template.",
        status=201,
        changes=True,
        body=inputs.CREATE_OWN_RELATIONSHIP_TEMPLATE.schema,
        result="RelationshipTemplate",
    ),
    Route(
        "POST",
        "Peer",
        _load,
        "Load the template of a peer.",
        status=201,
        changes=True,
        body=inputs.LOAD_PEER_RELATIONSHIP_TEMPLATE.schema,
        result="RelationshipTemplate",
    ),
    Route(
        "POST",
        "Own/{id}/Token",
        _create_token,
        "Create a token that hands on an own template.",
        Kind.QR,
        201,
        Accept.JSON_OR_PNG,
        changes=True,
        body=inputs.TOKEN_BODY,
        result="Token",
    ),
    Route("DELETE", "{id}", _delete, "Delete a template.", Kind.NOTHING, 204, Accept.ANY, changes=True),
)
