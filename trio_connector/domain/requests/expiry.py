"""When a request is over (consumption spec 1.2). Nothing happens by itself: every look at a request checks. Pure."""

from __future__ import annotations

from trio_connector.domain.changes import Changes, Reader
from trio_connector.domain.requests.record import (
    FINAL,
    REQUESTS,
    LocalRequest,
    change_status,
    request_not_found,
)


def is_overdue(request: LocalRequest, now: str) -> bool:
    """Whether the request is past its expiry and not yet marked so. ``now`` is ISO, UTC, milliseconds."""
    return request.status not in FINAL and request.expires_at is not None and now > request.expires_at


def overdue_requests(reader: Reader, now: str) -> list[LocalRequest]:
    """All requests that have to be marked as Expired."""
    return [request for request in reader.select(REQUESTS, can_expire=1) if is_overdue(request, now)]


def expire_if_overdue(changes: Changes, request: LocalRequest) -> LocalRequest:
    """Mark ``request`` as Expired, and tell of it, if it is over."""
    return change_status(changes, request, "Expired") if is_overdue(request, changes.now) else request


def current_request(changes: Changes, request_id: str, *, own: bool) -> LocalRequest:
    """The request of this direction, marked as Expired if it is over. Raises RecordNotFound."""
    request = changes.get(REQUESTS, request_id)
    if request is None or request.is_own != own:
        raise request_not_found(request_id)
    return expire_if_overdue(changes, request)
