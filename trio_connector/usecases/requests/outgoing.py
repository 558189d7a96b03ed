"""Outgoing requests: check, create, read, discard (runtime spec 5.7, consumption spec 1.5)."""

from __future__ import annotations

from typing import Any

from trio_connector.domain.carried import own_message_carrying
from trio_connector.domain.changes import Changes
from trio_connector.domain.contents import canonical
from trio_connector.domain.identity import Json
from trio_connector.domain.query import EVERYTHING, Query
from trio_connector.domain.requests.expiry import current_request
from trio_connector.domain.requests.outgoing import already_sent, check_sendable, create_request, creation_result
from trio_connector.domain.requests.record import REQUESTS, LocalRequestDTO, request_dto, require_status
from trio_connector.domain.validation_result import ValidationResult
from trio_connector.errors import ConnectorError, DeserializationError
from trio_connector.usecases.consumption import change, current_view, tags_in, tags_to_check
from trio_connector.usecases.requests.files import facts_for_creation
from trio_connector.usecases.requests.reading import list_requests, read_request
from trio_connector.usecases.services import Services


async def get_outgoing_request(services: Services, request_id: str) -> LocalRequestDTO:
    """One outgoing request. Raises ``error.runtime.recordNotFound``."""
    return request_dto(await read_request(services, request_id, own=True))


async def list_outgoing_requests(services: Services, query: Query = EVERYTHING) -> bytes:
    """The DTOs of all outgoing requests that ``query`` asks for, as a JSON array."""
    return await list_requests(services, query, own=True)


async def can_create_outgoing_request(services: Services, body: object) -> ValidationResult:
    """Whether a request could be created; ``body`` is ``{content, peer?}``. Raises DeserializationError."""
    content, peer = _parsed(body, "CanCreateOutgoingRequestParameters", peer_required=False)
    return await _result(services, content, peer)


async def create_outgoing_request(services: Services, body: object) -> LocalRequestDTO:
    """Create a draft; ``body`` is ``{content, peer}``. Raises the error that keeps it from being created."""
    content, peer = _parsed(body, "CreateOutgoingRequestParameters", peer_required=True)
    files = await facts_for_creation(services, content["items"])
    tags = await tags_to_check(services, tags_in(content["items"]))

    def create(changes: Changes) -> LocalRequestDTO:
        return request_dto(create_request(changes, content, peer or "", files=files))

    return await change(services, create, tags=tags)


async def check_can_create_outgoing_request(services: Services, content: Json) -> None:
    """Refuse a request inside a template that could not be created. Raises ConnectorError."""
    parsed = canonical(content, "Request", where="Request")
    result = await _result(services, parsed, None)
    if not result.is_success:
        raise ConnectorError(result.code or "error.runtime.unknown", result.message or "")


async def _result(services: Services, content: Json, peer: str | None) -> ValidationResult:
    files = await facts_for_creation(services, content["items"])
    tags = await tags_to_check(services, tags_in(content["items"]))
    return creation_result(current_view(services, tags), content, peer, files=files)


async def discard_outgoing_request(services: Services, request_id: str) -> None:
    """Delete a draft."""
    await read_request(services, request_id, own=True)

    def discard(changes: Changes) -> None:
        request = current_request(changes, request_id, own=True)
        require_status(request, "Draft")
        changes.delete(REQUESTS, request_id)

    await change(services, discard)


def check_request_can_be_sent(services: Services, content: Json, recipient: str) -> None:
    """Refuse a message whose request is not exactly a draft for ``recipient`` (runtime spec 5.5 step 5).

    ``content`` is the parsed and printed Request. Raises ConnectorError.
    """
    check_sendable(services.store, content, recipient, services.now())
    if (
        own_message_carrying(services.store, content["id"], "Request") is not None
    ):  # its request is still about to be marked
        raise already_sent()


def _parsed(body: Any, class_name: str, *, peer_required: bool) -> tuple[Json, str | None]:
    if not isinstance(body, dict) or body.get("content") is None:
        raise DeserializationError(f"{class_name}.content :: Value is not defined")
    content = canonical(body["content"], "Request", where=f"{class_name}.content")
    peer = body.get("peer")
    if peer is None and peer_required:
        raise DeserializationError(f"{class_name}.peer :: Value is not defined")
    if peer is not None and not isinstance(peer, str):
        raise DeserializationError(f"CoreAddress.from() :: Parameter must be an object - is '{peer}'")
    return content, peer
