"""Incoming requests: received, checked, decided, completed (consumption spec 1.3 and 1.4). Pure.

Whoever calls marks the request as Expired first if it is over (``expiry.current_request`` in a change of its own), so
that this stays even when the step itself is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from trio_connector.domain.changes import Changes
from trio_connector.domain.contents import canonical, is_group
from trio_connector.domain.identity import Json
from trio_connector.domain.relationship import RELATIONSHIPS, existing, newest
from trio_connector.domain.requests.expiry import current_request, expire_if_overdue, is_overdue
from trio_connector.domain.requests.items.processor import FileFacts, RequestContext
from trio_connector.domain.requests.items.registry import check_items, processor_for
from trio_connector.domain.requests.key_uniqueness import acceptance_error, check_acceptable
from trio_connector.domain.requests.parameters import (
    accepts,
    answers_group,
    is_group_answer,
    parsed_items,
    shape_result,
)
from trio_connector.domain.requests.record import (
    INCOMING_REQUEST_RECEIVED,
    REQUESTS,
    LocalRequest,
    LocalResponse,
    RequestSource,
    ResponseSource,
    change_status,
    request_dto,
    request_error,
    require_status,
    with_status,
)
from trio_connector.domain.validation_result import SUCCESS, ValidationResult, failure, from_items, merged
from trio_connector.errors import ConnectorError, CoreError, DeserializationError, UnexpectedCondition, UnknownType

_SERVAL_CODES = frozenset(
    {"error.runtime.requestDeserialization", "error.runtime.unknownType", "error.runtime.servalError"}
)


def receive(
    changes: Changes, content: Json, source: RequestSource, peer: str, *, template_expires_at: str | None = None
) -> LocalRequest:
    """Record a request that came with ``source`` from ``peer``, and tell of it.

    ``content`` is a parsed and printed Request. Without a relationship to the peer a request does not outlive its
    template. Raises CoreError for a known id, DeserializationError for items that are none.
    """
    check_items(content)
    request_id = content.get("id") or changes.new_id("REQ")
    if changes.get(REQUESTS, request_id) is not None:
        raise request_error(
            "cannotCreateRequestWithDuplicateId",
            f"You cannot create the Request since there already is a Request with the id '{request_id}'.",
        )
    if template_expires_at is not None and existing(changes.select(RELATIONSHIPS, peer=peer)) is None:
        content = {**content, "expiresAt": min(content.get("expiresAt") or template_expires_at, template_expires_at)}
    request = LocalRequest(
        id=request_id,
        is_own=False,
        peer=peer,
        created_at=changes.now,
        content=content,
        source=source,
        status="Open",
    )
    if source.type == "RelationshipTemplate" and is_overdue(request, changes.now):
        request = with_status(request, "Expired", changes.now)
    changes.insert(REQUESTS, request)
    changes.event(INCOMING_REQUEST_RECEIVED, request_dto(request), peer)
    return request


def receive_and_check(
    changes: Changes, content: Json, source: RequestSource, peer: str, *, template_expires_at: str | None = None
) -> LocalRequest:
    """``receive``, then ``check_prerequisites`` unless the request is over already."""
    request = receive(changes, content, source, peer, template_expires_at=template_expires_at)
    request = expire_if_overdue(changes, request)
    return check_prerequisites(changes, request.id) if request.status == "Open" else request


def check_prerequisites(changes: Changes, request_id: str) -> LocalRequest:
    """All prerequisites are always given: the request needs a decision now."""
    request = current_request(changes, request_id, own=False)
    require_status(request, "Open")
    return change_status(changes, request, "DecisionRequired")


def require_manual_decision(changes: Changes, request_id: str) -> LocalRequest:
    """Nothing decided it by itself: it waits for somebody."""
    request = current_request(changes, request_id, own=False)
    require_status(request, "DecisionRequired")
    return change_status(changes, request, "ManualDecisionRequired")


def complete_incoming(changes: Changes, request_id: str, source: ResponseSource | None) -> LocalRequest:
    """The response went out with ``source``; a rejection of a template's request goes out with nothing."""
    request = current_request(changes, request_id, own=False)
    require_status(request, "Decided")
    response = request.response
    if response is None:
        raise UnexpectedCondition("A decided Request has no response")
    silent = response.content["result"] == "Rejected" and request.source is not None
    if source is None and not (silent and request.source is not None and request.source.type == "RelationshipTemplate"):
        raise UnexpectedCondition(
            "A Request can only be completed without a responseSource if the Request is rejected and the Request is "
            "from a Relationship Template"
        )
    return change_status(changes, replace(request, response=replace(response, source=source)), "Completed")


def check_deletable(request: LocalRequest) -> None:
    """Only incoming requests that are over can be deleted. Raises CoreError."""
    if request.status != "Expired":
        raise request_error(
            "canOnlyDeleteIncomingRequestThatIsExpired",
            f"The incoming Request '{request.id}' is in status '{request.status}'. At the moment, you can only delete "
            "incoming Requests that are expired.",
        )


# --- the decision --------------------------------------------------------------------------------------------------


def decision_result(
    changes: Changes, request: LocalRequest, params: object, *, accepting: bool, files: Mapping[str, FileFacts]
) -> ValidationResult:
    """Whether ``request`` can be accepted or rejected with ``params`` (1.4).

    Raises DeserializationError for params that are none, UnexpectedCondition for a wrong status, CoreError when
    the request could never be accepted.
    """
    entries = parsed_items(params)
    relationship = newest(changes.select(RELATIONSHIPS, peer=request.peer))
    from_template = request.source is not None and request.source.type == "RelationshipTemplate"
    possible = {"Active", "Rejected", "Revoked"} if from_template else {"Active"}
    if relationship is not None and relationship.status not in possible:
        return failure(_wrong_relationship_status(request.peer, relationship.status), changes.now)
    require_status(request, "DecisionRequired", "ManualDecisionRequired")
    if relationship is not None and relationship.peer_deletion_info is not None:
        return failure(_peer_goes(request.peer, relationship.peer_deletion_info.deletion_status), changes.now)
    items: list[Json] = request.content["items"]
    shape = shape_result(items, entries, accepting=accepting, at=changes.now)
    if len(items) != len(entries):
        return shape
    context = RequestContext(id=request.id, peer=request.peer, files=files)
    result = merged(shape, from_items(_item_results(changes, items, entries, context)))
    if not accepting or not result.is_success:
        return result
    check_acceptable(items, changes.me)
    error = acceptance_error(items, entries)
    return result if error is None else failure(error, changes.now)


def _item_results(
    changes: Changes, items: Sequence[Json], entries: Sequence[Json], context: RequestContext
) -> list[ValidationResult]:
    results = []
    for item, entry in zip(items, entries, strict=True):
        if not is_group(item):
            results.append(_item_result(changes, item, entry, context))
        elif answers_group(item, entry):
            results.append(from_items(_item_results(changes, item["items"], entry["items"], context)))
        else:
            results.append(SUCCESS)  # the shape says what is wrong; there is nothing to check one by one
    return results


def _item_result(changes: Changes, item: Json, entry: Json, context: RequestContext) -> ValidationResult:
    processor = processor_for(item)
    if is_group_answer(entry) or not accepts(entry):
        return SUCCESS
    try:
        error = processor.can_accept(changes, item, entry, context)
    except ConnectorError as raised:
        error = during_processing(raised, changes.now)
    return SUCCESS if error is None else failure(error, changes.now)


def during_processing(error: ConnectorError, at: str) -> CoreError:
    """What a check raised, as the error of its item (1.4 step 8)."""
    if isinstance(error, (DeserializationError, UnknownType)) or error.code in _SERVAL_CODES:
        return request_error("servalErrorDuringRequestItemProcessing", error.message)
    return request_error("unexpectedErrorDuringRequestItemProcessing", full_text(error, at))


def full_text(error: ConnectorError, at: str) -> str:
    """The text of ``error`` where it becomes part of another one."""
    return error.reason if isinstance(error, UnexpectedCondition) else error.shown_message(at)


def decide(
    changes: Changes,
    request_id: str,
    params: object,
    *,
    accepting: bool,
    files: Mapping[str, FileFacts],
    automatically: bool = False,
) -> LocalRequest:
    """Accept or reject the request: do what its items ask for, and record the response.

    Raises what ``decision_result`` raises, and UnexpectedCondition when it finds an error or an item cannot be
    processed; then nothing of ``changes`` may be used.
    """
    request = current_request(changes, request_id, own=False)
    result = decision_result(changes, request, params, accepting=accepting, files=files)
    if not result.is_success:
        verb = "accept" if accepting else "reject"
        raise UnexpectedCondition(
            f"Cannot {verb} the Request with the given parameters. Call 'can{verb.capitalize()}' to get more "
            "information."
        )
    context = RequestContext(id=request.id, peer=request.peer, files=files)
    items, answers = _decided(changes, request.content["items"], parsed_items(params), context)
    response = {
        "@type": "Response",
        "result": "Accepted" if accepting else "Rejected",
        "requestId": request.id,
        "items": answers,
    }
    decided = replace(
        request,
        content={**request.content, "items": items},
        response=LocalResponse(created_at=changes.now, content=canonical(response, "Response")),
        was_automatically_decided=True if automatically else request.was_automatically_decided,
    )
    return change_status(changes, decided, "Decided")


def _decided(
    changes: Changes, items: Sequence[Json], entries: Sequence[Json], context: RequestContext
) -> tuple[list[Json], list[Json]]:
    """The items as they stay in the request, and their response items."""
    kept: list[Json] = []
    answers: list[Json] = []
    for item, entry in zip(items, entries, strict=True):
        if is_group(item):
            inner_kept, inner_answers = _decided(changes, item["items"], entry["items"], context)
            kept.append({**item, "items": inner_kept})
            answers.append({"@type": "ResponseItemGroup", "items": inner_answers})
            continue
        processor = processor_for(item)
        try:
            if accepts(entry):
                answer = processor.accept(changes, item, entry, context)
                item = processor.resolved(item, changes.me)
            else:
                answer = processor.reject(entry)
            answers.append(canonical(answer, answer["@type"]))
        except ConnectorError as error:
            raise UnexpectedCondition(
                f"An error occurred while processing a '{item['@type']}'. You should contact the developer of this "
                f"RequestItem. Details: {full_text(error, changes.now)}}}"
            ) from error
        kept.append(item)
    return kept, answers


def _wrong_relationship_status(peer: str, status: str) -> CoreError:
    return request_error(
        "wrongRelationshipStatus",
        f"You cannot decide a request from '{peer}' since the relationship is in status '{status}'.",
    )


def _peer_goes(peer: str, status: str) -> CoreError:
    code, text = ("peerIsInDeletion", "in deletion") if status == "ToBeDeleted" else ("peerIsDeleted", "deleted")
    return request_error(code, f"You cannot decide a Request from peer '{peer}' since the peer is {text}.")
