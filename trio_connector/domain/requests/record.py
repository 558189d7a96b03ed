"""Local requests: record, status machine, DTOs, collection (consumption spec 1 and 1.1, runtime spec section 3)."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from trio_connector.domain.changes import Changes
from trio_connector.domain.collection import Collection, Record
from trio_connector.domain.identity import Json
from trio_connector.errors import CoreError, RecordNotFound, UnexpectedCondition

Status = Literal["Draft", "Open", "DecisionRequired", "ManualDecisionRequired", "Decided", "Completed", "Expired"]
FINAL: frozenset[str] = frozenset({"Completed", "Expired"})

INCOMING_REQUEST_RECEIVED = "consumption.incomingRequestReceived"
INCOMING_REQUEST_STATUS_CHANGED = "consumption.incomingRequestStatusChanged"
OUTGOING_REQUEST_CREATED = "consumption.outgoingRequestCreated"
OUTGOING_REQUEST_CREATED_AND_COMPLETED = "consumption.outgoingRequestCreatedAndCompleted"
OUTGOING_REQUEST_FROM_RELATIONSHIP_CREATION = "consumption.outgoingRequestFromRelationshipCreationCreatedAndCompleted"
OUTGOING_REQUEST_STATUS_CHANGED = "consumption.outgoingRequestStatusChanged"


class RequestSource(msgspec.Struct, frozen=True, kw_only=True):
    """What carried the request: a message or a relationship template, by id."""

    type: Literal["Message", "RelationshipTemplate"]
    reference: str


class ResponseSource(msgspec.Struct, frozen=True, kw_only=True):
    """What carried the response: a message or a relationship, by id."""

    type: Literal["Message", "Relationship"]
    reference: str


class LocalResponse(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The answer to a request; ``source`` is absent until it was sent."""

    created_at: str
    content: Json
    source: ResponseSource | None = None


class StatusLogEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One change of status."""

    created_at: str
    old_status: Status
    new_status: Status


class LocalRequest(Record, frozen=True, kw_only=True):
    """A request in our hands; ``is_own`` means outgoing, ``peer`` is the other side."""

    is_own: bool
    peer: str
    created_at: str
    content: Json
    source: RequestSource | None = None
    response: LocalResponse | None = None
    status: Status
    status_log: list[StatusLogEntry] = msgspec.field(default_factory=list)
    was_automatically_decided: bool | None = None

    @property
    def expires_at(self) -> str | None:
        """When it is over, if ever."""
        expires_at: str | None = self.content.get("expiresAt")
        return expires_at


class LocalRequestDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A request as the API and events show it."""

    id: str
    is_own: bool
    peer: str
    created_at: str
    status: Status
    content: Json
    source: RequestSource | None = None
    response: LocalResponse | None = None
    was_automatically_decided: bool | None = None


class RequestStatusChangedDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The data of the two status events."""

    request: LocalRequestDTO
    old_status: Status
    new_status: Status


def request_dto(request: LocalRequest) -> LocalRequestDTO:
    """What API users see of ``request``."""
    return LocalRequestDTO(
        id=request.id,
        is_own=request.is_own,
        peer=request.peer,
        created_at=request.created_at,
        status=request.status,
        content=request.content,
        source=request.source,
        response=request.response,
        was_automatically_decided=request.was_automatically_decided,
    )


REQUESTS: Collection[LocalRequest] = Collection(
    name="Requests",
    record=LocalRequest,
    kind="LocalRequest",
    keys={
        "peer": lambda request: request.peer,
        "is_own": lambda request: int(request.is_own),
        "source_reference": lambda request: request.source.reference if request.source else None,
        "can_expire": lambda request: int(request.status not in FINAL and request.expires_at is not None),
    },
    indexed=("isOwn", "peer", "status", "createdAt", "source.reference"),
    prepare=request_dto,
)


def request_not_found(request_id: str) -> CoreError:
    """No request of this direction has this id."""
    return RecordNotFound("LocalRequest", request_id)


def request_error(code: str, reason: str) -> CoreError:
    """A CoreError ``error.consumption.requests.<code>``."""
    return CoreError(f"error.consumption.requests.{code}", reason)


def require_status(request: LocalRequest, *allowed: Status) -> None:
    """Refuse a step that this status does not allow. Raises UnexpectedCondition with the official text."""
    if request.status not in allowed:
        raise UnexpectedCondition(f"Local Request has to be in status '{'/'.join(allowed)}'.")


def with_status(request: LocalRequest, status: Status, now: str) -> LocalRequest:
    """``request`` in its new ``status``, with the step in its log. Raises UnexpectedCondition if it has it already."""
    if request.status == status:
        raise UnexpectedCondition("cannot change status to the same status")
    entry = StatusLogEntry(created_at=now, old_status=request.status, new_status=status)
    return replace(request, status=status, status_log=[*request.status_log, entry])


def change_status(
    changes: Changes, request: LocalRequest, status: Status, *, told_old_status: Status | None = None, tell: bool = True
) -> LocalRequest:
    """Store ``request`` in its new ``status`` and tell of it.

    ``told_old_status`` is what the event calls the old status where that differs from the truth (1.5 *complete*).
    """
    changed = with_status(request, status, changes.now)
    changes.put(REQUESTS, changed)
    if tell:
        namespace = OUTGOING_REQUEST_STATUS_CHANGED if request.is_own else INCOMING_REQUEST_STATUS_CHANGED
        data = RequestStatusChangedDTO(
            request=request_dto(changed), old_status=told_old_status or request.status, new_status=status
        )
        changes.event(namespace, data, request.peer)
    return changed
