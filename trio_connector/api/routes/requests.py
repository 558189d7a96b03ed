"""Incoming and outgoing requests (connector spec section 7)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import filters_of, query_of
from trio_connector.api.routing import Answering, Kind, Route
from trio_connector.domain.query_fields import INCOMING_REQUEST_FIELDS, OUTGOING_REQUEST_FIELDS
from trio_connector.usecases.requests.incoming import (
    accept_incoming_request,
    can_accept_incoming_request,
    can_reject_incoming_request,
    get_incoming_request,
    list_incoming_requests,
    reject_incoming_request,
)
from trio_connector.usecases.requests.outgoing import (
    can_create_outgoing_request,
    create_outgoing_request,
    get_outgoing_request,
    list_outgoing_requests,
)
from trio_connector.usecases.services import Services
from trio_connector.usecases.validation import requests as inputs

Deciding = Callable[[Services, str, object], Awaitable[Any]]


def _decide(use_case: Deciding) -> Answering:
    async def answer(call: Call) -> Answer:
        inputs.refuse_decided_by_automation(call.body)
        return call.result(await use_case(call.services, call.path["id"], call.body))

    return answer


async def _list_incoming(call: Call) -> Answer:
    return call.prepared(await list_incoming_requests(call.services, query_of(call, INCOMING_REQUEST_FIELDS)))


async def _list_outgoing(call: Call) -> Answer:
    return call.prepared(await list_outgoing_requests(call.services, query_of(call, OUTGOING_REQUEST_FIELDS)))


async def _get_incoming(call: Call) -> Answer:
    return call.result(await get_incoming_request(call.services, call.path["id"]))


async def _get_outgoing(call: Call) -> Answer:
    return call.result(await get_outgoing_request(call.services, call.path["id"]))


async def _can_create(call: Call) -> Answer:
    return call.result(await can_create_outgoing_request(call.services, call.body))


async def _create(call: Call) -> Answer:
    return call.result(await create_outgoing_request(call.services, call.body))


def _deciding(path: str, use_case: Deciding, summary: str, result: str, *, changes: bool) -> Route:
    return Route(
        "PUT",
        f"{{id}}/{path}",
        _decide(use_case),
        summary,
        changes=changes,
        waits=True,
        body=inputs.DECIDE_REQUEST_BODY,
        result=result,
    )


# Reading a request that ran out writes that down and tells of it, so even reading is changing.
INCOMING_REQUEST_ROUTES: Final = (
    _deciding(
        "CanAccept",
        can_accept_incoming_request,
        "Whether a request can be accepted like this.",
        "RequestValidationResult",
        changes=False,
    ),
    _deciding(
        "CanReject",
        can_reject_incoming_request,
        "Whether a request can be rejected like this.",
        "RequestValidationResult",
        changes=False,
    ),
    _deciding("Accept", accept_incoming_request, "Accept a request.", "LocalRequest", changes=True),
    _deciding("Reject", reject_incoming_request, "Reject a request.", "LocalRequest", changes=True),
    Route("GET", "{id}", _get_incoming, "One incoming request.", result="LocalRequest"),
    Route(
        "GET",
        "",
        _list_incoming,
        "Incoming requests.",
        Kind.LIST,
        query=filters_of(INCOMING_REQUEST_FIELDS),
        result="LocalRequest",
    ),
)
OUTGOING_REQUEST_ROUTES: Final = (
    Route(
        "POST",
        "Validate",
        _can_create,
        "Whether a request could be created.",
        status=201,
        waits=True,
        body=inputs.CAN_CREATE_OUTGOING_REQUEST_BODY,
        result="RequestValidationResult",
    ),
    Route(
        "POST",
        "",
        _create,
        "Create a request, as a draft.",
        status=201,
        changes=True,
        body=inputs.CREATE_OUTGOING_REQUEST_BODY,
        result="LocalRequest",
    ),
    Route("GET", "{id}", _get_outgoing, "One outgoing request.", result="LocalRequest"),
    Route(
        "GET",
        "",
        _list_outgoing,
        "Outgoing requests.",
        Kind.LIST,
        query=filters_of(OUTGOING_REQUEST_FIELDS),
        result="LocalRequest",
    ),
)
