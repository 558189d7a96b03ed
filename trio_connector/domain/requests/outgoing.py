"""Outgoing requests: created, sent, answered (consumption spec 1.5). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from trio_connector.domain.changes import Changes, Reader, View
from trio_connector.domain.contents import is_group, single_items
from trio_connector.domain.identity import Json
from trio_connector.domain.relationship import RELATIONSHIPS, newest
from trio_connector.domain.requests.expiry import current_request
from trio_connector.domain.requests.items.processor import REJECTIONS, FileFacts, RequestContext
from trio_connector.domain.requests.items.registry import check_items, processor_for
from trio_connector.domain.requests.key_uniqueness import outgoing_error
from trio_connector.domain.requests.record import (
    OUTGOING_REQUEST_CREATED,
    OUTGOING_REQUEST_CREATED_AND_COMPLETED,
    OUTGOING_REQUEST_FROM_RELATIONSHIP_CREATION,
    REQUESTS,
    LocalRequest,
    LocalResponse,
    RequestSource,
    ResponseSource,
    change_status,
    request_dto,
    request_error,
    require_status,
)
from trio_connector.domain.validation_result import (
    INHERITED,
    SUCCESS,
    ValidationResult,
    failure,
    from_items,
)
from trio_connector.errors import (
    ConnectorError,
    CoreError,
    UnexpectedCondition,
    ValidationFailed,
    runtime_record_not_found,
)

NO_FILES: Mapping[str, FileFacts] = {}


def creation_result(
    view: View, content: Json, peer: str | None, *, files: Mapping[str, FileFacts] = NO_FILES
) -> ValidationResult:
    """Whether a request with ``content`` can be created for ``peer``; without peer it is one for a template.

    ``content`` is a parsed and printed Request. Raises DeserializationError for items that are no request items.
    """
    check_items(content)
    error = _root_error(view, content, peer, view.now)
    if error is not None:
        return failure(error, view.now)

    def result_of(item: Json) -> ValidationResult:
        if is_group(item):
            return from_items([result_of(inner) for inner in item["items"]])
        found = processor_for(item).can_create(view, item, peer, files)
        return SUCCESS if found is None else failure(found, view.now)

    result = from_items([result_of(item) for item in content["items"]])
    if not result.is_success:
        return result
    error = outgoing_error(content["items"], peer)
    return result if error is None else failure(error, view.now)


def _root_error(view: View, content: Json, peer: str | None, at: str) -> CoreError | None:
    if peer is not None and peer == view.me:
        return request_error("cannotShareRequestWithYourself", "You cannot share a Request with yourself.")
    expires_at = content.get("expiresAt")
    if expires_at is not None and expires_at < at:
        return request_error(
            "cannotCreateRequestWithExpirationDateInPast",
            "You cannot create a Request with an expiration date that is in the past.",
        )
    return None if peer is None else _relationship_error(view, peer)


def _relationship_error(view: View, peer: str) -> CoreError | None:
    relationship = newest(view.select(RELATIONSHIPS, peer=peer))
    if relationship is None:
        return request_error(
            "missingRelationship", f"You cannot create a request to '{peer}' since you are not in a relationship."
        )
    if relationship.status not in ("Pending", "Active"):
        return request_error(
            "wrongRelationshipStatus",
            f"You cannot create a request to '{peer}' since the relationship is in status '{relationship.status}'.",
        )
    if relationship.peer_deletion_info is None:
        return None
    going = relationship.peer_deletion_info.deletion_status == "ToBeDeleted"
    code, text = ("peerIsInDeletion", "in deletion") if going else ("peerIsDeleted", "deleted")
    return request_error(code, f"You cannot create a Request to peer '{peer}' since the peer is {text}.")


def raised(result: ValidationResult) -> None:
    """Raise the error of ``result``, if it is one, as *create* does."""
    if result.is_success:
        return
    message = result.message or ""
    if result.code == INHERITED:
        message = "Some child items have errors. Call 'canCreate' to get more information."
    raise ConnectorError(result.code or "error.runtime.unknown", message)


def create_request(
    changes: Changes, content: Json, peer: str, *, files: Mapping[str, FileFacts] = NO_FILES
) -> LocalRequest:
    """Create a draft of a request to ``peer`` and tell of it. Raises ConnectorError when it cannot be created."""
    raised(creation_result(changes, content, peer, files=files))
    request_id = changes.new_id("REQ")
    request = _draft(changes, request_id, {**content, "id": request_id}, peer)
    changes.insert(REQUESTS, request)
    changes.event(OUTGOING_REQUEST_CREATED, request_dto(request), peer)
    return request


def _draft(changes: Changes, request_id: str, content: Json, peer: str) -> LocalRequest:
    ordered = {"@type": "Request", **{name: content[name] for name in sorted(content) if name != "@type"}}
    return LocalRequest(id=request_id, is_own=True, peer=peer, created_at=changes.now, content=ordered, status="Draft")


def check_sendable(reader: Reader, content: Json, recipient: str, now: str) -> None:
    """Refuse a message whose request is not exactly a draft for ``recipient`` (runtime spec 5.5 step 5).

    ``content`` is the parsed and printed Request in the message. Raises ConnectorError.
    """
    request_id = content.get("id")
    if not request_id:
        raise ValidationFailed("The Request must have an id.")
    request = reader.get(REQUESTS, request_id)
    if request is None or not request.is_own:
        raise runtime_record_not_found("Request")
    if content != request.content:
        raise ValidationFailed("The sent Request must have the same content as the LocalRequest.")
    if request.expires_at is not None and now > request.expires_at:
        raise ConnectorError(
            "error.runtime.messages.cannotSendMessageWithExpiredRequest",
            "The Message cannot be sent as the contained Request is already expired. Please create a new Request and "
            "try again.",
        )
    if recipient != request.peer:
        raise ValidationFailed("The recipient does not match the Request's peer.")
    if request.status != "Draft":
        raise already_sent()


def already_sent() -> ConnectorError:
    """A request is sent once."""
    return ConnectorError(
        "error.runtime.messages.cannotSendRequestThatWasAlreadySent",
        "The Message cannot be sent as the contained Request has already been sent. Please create a new Request and "
        "try again.",
    )


def mark_sent(changes: Changes, request_id: str, source: RequestSource, *, tell: bool = True) -> LocalRequest:
    """The request went out with the own message or template ``source``."""
    request = current_request(changes, request_id, own=True)
    require_status(request, "Draft")
    context = RequestContext(id=request.id, peer=request.peer)
    for item in single_items(request.content["items"]):
        processor_for(item).on_sent(changes, item, context)
    return change_status(changes, replace(request, source=source), "Open", tell=tell)


def complete_outgoing(
    changes: Changes, request_id: str, response: Json, source: ResponseSource, *, created_at: str, sender: str
) -> LocalRequest:
    """Record the peer's ``response``, a parsed and printed Response that ``sender`` created at ``created_at``.

    Raises RecordNotFound, UnexpectedCondition when the response does not belong to the request or is too late, and
    what the items raise.
    """
    request = current_request(changes, request_id, own=True)
    require_status(request, "Open", "Expired")
    if sender != request.peer:
        raise UnexpectedCondition(f"The response to the Request '{request_id}' was not sent by its peer")
    if request.expires_at is not None and request.status == "Expired" and created_at > request.expires_at:
        raise UnexpectedCondition(
            "Cannot complete an expired request with a response that was created before the expiration date"
        )
    completed = _answered(changes, request, response, source)
    return change_status(changes, completed, "Completed", told_old_status="Open")


def complete_from_template(
    changes: Changes,
    template_id: str,
    content: Json,
    response: Json,
    source: ResponseSource,
    *,
    peer: str,
    created_at: str,
) -> LocalRequest | None:
    """The answer to a request inside an own template: the request comes into being completed.

    ``content`` is the request of the template that was answered. None when this answer was recorded before. Whether
    the request was over is judged at ``created_at``, when the peer answered; its items were checked when the template
    was made. Raises ConnectorError.
    """
    request_id = response["requestId"]
    known = changes.get(REQUESTS, request_id)
    if known is not None:
        if known.is_own and known.response is not None and known.response.source == source:
            return None
        raise request_error(
            "cannotCreateRequestWithDuplicateId",
            f"You cannot create the Request since there already is a Request with the id '{request_id}'.",
        )
    check_items(content)
    error = _root_error(changes, content, peer, created_at)
    if error is not None:
        raise error
    request = _draft(changes, request_id, content, peer)
    changes.insert(REQUESTS, request)
    request = replace(request, source=RequestSource(type="RelationshipTemplate", reference=template_id))
    context = RequestContext(id=request.id, peer=request.peer)
    for item in single_items(request.content["items"]):
        processor_for(item).on_sent(changes, item, context)
    request = change_status(changes, request, "Open", tell=False)
    request = change_status(changes, _answered(changes, request, response, source), "Completed", tell=False)
    changes.event(OUTGOING_REQUEST_CREATED_AND_COMPLETED, request_dto(request), peer)
    if source.type == "Relationship":
        changes.event(OUTGOING_REQUEST_FROM_RELATIONSHIP_CREATION, request_dto(request), peer)
    return request


def _answered(changes: Changes, request: LocalRequest, response: Json, source: ResponseSource) -> LocalRequest:
    items: list[Json] = request.content["items"]
    answers: list[Json] = response["items"]
    if not _same_shape(items, answers):
        raise UnexpectedCondition(
            f"The response to the Request '{request.id}' does not have as many items as the Request"
        )
    context = RequestContext(id=request.id, peer=request.peer)
    resolved: list[Json] = []
    for item, answer in zip(items, answers, strict=True):
        if is_group(item):
            inner_answers = answer.get("items") or [{} for _ in item["items"]]
            inner = [
                _apply(changes, inner_item, inner_answer, context)
                for inner_item, inner_answer in zip(item["items"], inner_answers, strict=True)
            ]
            resolved.append({**item, "items": inner})
        else:
            resolved.append(_apply(changes, item, answer, context))
    return replace(
        request,
        content={**request.content, "items": resolved},
        response=LocalResponse(created_at=changes.now, content=response, source=source),
    )


def _apply(changes: Changes, item: Json, answer: Json, context: RequestContext) -> Json:
    processor = processor_for(item)
    processor.apply(changes, item, answer, context)
    kind = answer.get("@type")
    untouched = kind is None or kind in REJECTIONS or kind == "AttributeAlreadySharedAcceptResponseItem"
    return item if untouched else processor.resolved(item, context.peer)


def _same_shape(items: Sequence[Json], answers: Sequence[Json]) -> bool:
    return len(items) == len(answers) and all(_pairs(items, answers))


def _pairs(items: Sequence[Json], answers: Sequence[Json]) -> Iterator[bool]:
    for item, answer in zip(items, answers, strict=True):
        if is_group(item) and answer.get("@type") == "ResponseItemGroup":
            yield len(item["items"]) == len(answer["items"])
        else:
            yield True
