"""Tokens (connector spec section 7)."""

from __future__ import annotations

from typing import Any, Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import (
    check,
    checked_path,
    extended,
    filters_of,
    password_protection,
    query_of,
)
from trio_connector.api.routes.outputs import dto_or_qr, stored, stored_list
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.crypto.references import TokenReference
from trio_connector.domain.query import equals
from trio_connector.domain.query_fields import TOKEN_FIELDS
from trio_connector.domain.token import token_dto
from trio_connector.usecases.tokens import create_own_token, delete_token, get_token, load_peer_token
from trio_connector.usecases.validation import tokens as inputs
from trio_connector.usecases.validation.dates import normalized_date


async def _create(call: Call) -> Answer:
    request = _with_default(call)
    check(call, inputs.CREATE_OWN_TOKEN, request)
    ephemeral: bool = request["ephemeral"]
    token = await create_own_token(
        call.services,
        content=request["content"],
        expires_at=normalized_date(request["expiresAt"]),
        ephemeral=ephemeral,
        for_identity=request.get("forIdentity"),
        password_protection=password_protection(request),
    )
    return call.result(token_dto(token, call.services.base_url, is_ephemeral=ephemeral))


async def _load(call: Call) -> Answer:
    request = _with_default(call)
    check(call, inputs.LOAD_PEER_TOKEN, request)
    ephemeral: bool = request["ephemeral"]
    reference = TokenReference.of_text(request["reference"])
    token = await load_peer_token(call.services, reference, ephemeral=ephemeral, password=request.get("password"))
    return call.result(token_dto(token, call.services.base_url, is_ephemeral=ephemeral))


def _with_default(call: Call) -> Any:
    given = call.body.get("ephemeral") if isinstance(call.body, dict) else None
    return extended(call.body, ephemeral=False) if given is None else call.body


async def _list(call: Call, is_own: bool) -> Answer:
    query = query_of(call, TOKEN_FIELDS).forced(equals("isOwn", is_own))
    return await stored_list(call, call.services.collections.tokens, query)


async def _list_own(call: Call) -> Answer:
    return await _list(call, True)


async def _list_peer(call: Call) -> Answer:
    return await _list(call, False)


async def _get(call: Call) -> Answer:
    token_id = checked_path(call, inputs.GET_TOKEN, id="id")
    if call.wants_png:
        return await dto_or_qr(call, token_dto(get_token(call.services, token_id), call.services.base_url))
    return stored(call, call.services.collections.tokens, token_id)


async def _delete(call: Call) -> Answer:
    await delete_token(call.services, checked_path(call, inputs.DELETE_TOKEN, tokenId="id"))
    return call.nothing()


TOKEN_ROUTES: Final = (
    Route(
        "POST",
        "Own",
        _create,
        "Create a token.",
        status=201,
        changes=True,
        body=inputs.CREATE_OWN_TOKEN.schema,
        optional_members=("ephemeral",),
        result="Token",
    ),
    Route(
        "POST",
        "Peer",
        _load,
        "Load the token of a peer.",
        status=201,
        changes=True,
        body=inputs.LOAD_PEER_TOKEN.schema,
        optional_members=("ephemeral",),
        result="Token",
    ),
    Route("GET", "Own", _list_own, "Own tokens.", Kind.LIST, query=filters_of(TOKEN_FIELDS), result="Token"),
    Route("GET", "Peer", _list_peer, "Tokens of peers.", Kind.LIST, query=filters_of(TOKEN_FIELDS), result="Token"),
    Route("GET", "{id}", _get, "One token.", Kind.QR, accept=Accept.JSON_OR_PNG, result="Token"),
    Route("DELETE", "{id}", _delete, "Delete a token.", Kind.NOTHING, 204, Accept.ANY, changes=True),
)
