"""Looking at requests. Every look marks those that are over as Expired first (consumption spec 1.2)."""

from __future__ import annotations

from trio_connector.domain.changes import Changes
from trio_connector.domain.query import Query, equals
from trio_connector.domain.requests.expiry import current_request, is_overdue, overdue_requests
from trio_connector.domain.requests.record import REQUESTS, LocalRequest
from trio_connector.errors import runtime_record_not_found
from trio_connector.usecases.consumption import change
from trio_connector.usecases.services import Services


async def expire_request(services: Services, request_id: str, *, own: bool) -> None:
    """Mark the request as Expired if it is over; an unknown one is left to whoever looks for it."""
    request = services.store.get(REQUESTS, request_id)
    if request is not None and request.is_own == own and is_overdue(request, services.now()):
        await change(services, lambda changes: current_request(changes, request_id, own=own))


async def expire_requests(services: Services) -> None:
    """Mark all requests that are over as Expired."""
    overdue = overdue_requests(services.store, services.now())
    if not overdue:
        return

    def mark(changes: Changes) -> None:
        for request in overdue:
            known = changes.get(REQUESTS, request.id)
            if known is not None:
                current_request(changes, known.id, own=known.is_own)

    await change(services, mark)


async def read_request(services: Services, request_id: str, *, own: bool) -> LocalRequest:
    """The request of this direction. Raises ``error.runtime.recordNotFound``."""
    await expire_request(services, request_id, own=own)
    request = services.store.get(REQUESTS, request_id)
    if request is None or request.is_own != own:
        raise runtime_record_not_found("LocalRequest")
    return request


async def list_requests(services: Services, query: Query, *, own: bool) -> bytes:
    """The DTOs of all requests of this direction that ``query`` asks for, as a JSON array."""
    await expire_requests(services)
    return await services.store.list_prepared(REQUESTS, query.forced(equals("isOwn", own)))
