"""The ``request`` module: moves requests between messages, templates, relationships and the store (runtime 7.1).

Always on. What it does about an event is one unit with the cursor. The exceptions are answers: they go over the
Backbone before they are recorded, so a repeated reaction looks first whether the answer is on its way already.

::

    message received     Request: received       ResponseWrapper: the own request is completed
    message sent         Request: sent           ResponseWrapper: the peer's request is completed
    template loaded      its request is received, unless something stands in the way
    request decided      the answer is sent, or the relationship requested
    relationship changed requested by a peer: the template's request is completed; ended: attributes go
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from trio_connector.domain.attributes.deletion import delete_after_failed_relationship, mark_deleted_by_peer
from trio_connector.domain.changes import Changes
from trio_connector.domain.contents import canonical
from trio_connector.domain.identity import Json
from trio_connector.domain.message import MESSAGES, Message
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship, newest
from trio_connector.domain.requests.expiry import expire_if_overdue
from trio_connector.domain.requests.incoming import complete_incoming, receive_and_check
from trio_connector.domain.requests.outgoing import complete_from_template, complete_outgoing, mark_sent
from trio_connector.domain.requests.record import (
    INCOMING_REQUEST_STATUS_CHANGED,
    REQUESTS,
    LocalRequest,
    RequestSource,
    ResponseSource,
)
from trio_connector.domain.template import RelationshipTemplate
from trio_connector.errors import ConnectorError, RecordNotFound, UnexpectedCondition
from trio_connector.events.model import Event
from trio_connector.modules.told import (
    tell_message_processed,
    tell_template_processed,
    told_id,
    told_request,
)
from trio_connector.usecases.answers import complete_with_relationship, send_answer
from trio_connector.usecases.consumption import Reaction, react
from trio_connector.usecases.messages import MESSAGE_RECEIVED, MESSAGE_SENT
from trio_connector.usecases.reachability import is_unreachable
from trio_connector.usecases.relationships import RELATIONSHIP_CHANGED
from trio_connector.usecases.services import Services
from trio_connector.usecases.templates import PEER_TEMPLATE_LOADED

NAME = "request"
PATTERNS = (
    MESSAGE_RECEIVED,
    MESSAGE_SENT,
    PEER_TEMPLATE_LOADED,
    INCOMING_REQUEST_STATUS_CHANGED,
    RELATIONSHIP_CHANGED,
)

_UNDECIDED = frozenset({"Open", "DecisionRequired", "ManualDecisionRequired", "Decided"})

log = structlog.get_logger("RequestModule")


async def react_to(services: Services, event: Event) -> None:
    """Do what ``event`` calls for.

    Raises BackboneRequestError when the Backbone is needed and away; the reaction is then to be repeated.
    """
    match event.namespace:
        case "transport.messageReceived":
            await _message_received(services, event)
        case "transport.messageSent":
            await _message_sent(services, event)
        case "transport.peerRelationshipTemplateLoaded":
            await _template_loaded(services, event)
        case "consumption.incomingRequestStatusChanged":
            await _status_changed(services, event)
        case "transport.relationshipChanged":
            await _relationship_changed(services, event)


async def _once(
    services: Services,
    event: Event,
    work: Callable[[Changes], object],
    otherwise: Callable[[Changes], None] | None = None,
) -> None:
    """Do ``work`` once for this event; what it refuses is logged, and ``otherwise`` is done in its place."""
    refusals: list[ConnectorError] = []

    def attempt(changes: Changes) -> None:
        inner = changes.nested()
        try:
            work(inner)
        except ConnectorError as error:
            refusals.append(error)
            if otherwise is not None:
                otherwise(changes)
        else:
            changes.absorb(inner)

    await react(services, Reaction(NAME, event.position), attempt)
    for error in refusals:
        log.error("A request could not be processed", namespace=event.namespace, code=error.code, error=error.message)


# --- messages ------------------------------------------------------------------------------------------------------


async def _message_received(services: Services, event: Event) -> None:
    message = services.store.get(MESSAGES, told_id(event))
    if message is None or message.is_own:
        return
    content: Json = message.content
    kind = content.get("@type")

    def nothing_to_decide(changes: Changes) -> None:
        tell_message_processed(changes, message, "NoRequest")

    def take(changes: Changes) -> None:
        if kind == "Request":
            source = RequestSource(type="Message", reference=message.id)
            receive_and_check(changes, content, source, message.created_by)
            return
        if kind == "ResponseWrapper":
            _complete_own(services, changes, message)
        nothing_to_decide(changes)

    await _once(services, event, take, otherwise=None if kind == "Request" else nothing_to_decide)


def _complete_own(services: Services, changes: Changes, message: Message) -> None:
    wrapper: Json = message.content
    response = canonical(wrapper["response"], "Response", where="ResponseWrapper.response")
    source = ResponseSource(type="Message", reference=message.id)
    if wrapper["requestSourceType"] == "Message":
        if response["requestId"] != wrapper["requestId"]:
            raise UnexpectedCondition("A ResponseWrapper and the Response in it name different Requests")
        complete_outgoing(
            changes,
            response["requestId"],
            response,
            source,
            created_at=message.created_at,
            sender=message.created_by,
        )
        return
    template = own_template(services, changes, wrapper["requestSourceReference"])
    content = template.content.get("onExistingRelationship")
    complete_from_template(
        changes,
        template.id,
        _request_of(content),
        response,
        source,
        peer=message.created_by,
        created_at=message.created_at,
    )


def own_template(services: Services, changes: Changes, template_id: str) -> RelationshipTemplate:
    """The own template with a request in it. Raises RecordNotFound or UnexpectedCondition."""
    template = changes.get(services.collections.templates, template_id)
    if template is None or not template.is_own:
        raise RecordNotFound("RelationshipTemplate", template_id)
    if not _has_request(template):
        raise UnexpectedCondition(
            "The content of the template is not of type RelationshipTemplateContent hence it's not possible to create "
            "a request from it."
        )
    return template


def _has_request(template: RelationshipTemplate) -> bool:
    return isinstance(template.content, dict) and template.content.get("@type") == "RelationshipTemplateContent"


def _request_of(content: object) -> Json:
    if content is None:
        raise UnexpectedCondition(
            "The request content is undefined. This can happen when there were invalid params when executing "
            "createAndCompleteFromRelationshipTemplateResponse."
        )
    return canonical(content, "Request", where="Request")


async def _message_sent(services: Services, event: Event) -> None:
    message = services.store.get(MESSAGES, told_id(event))
    if message is None or not message.is_own:
        return
    content: Json = message.content
    if content.get("@type") == "Request":
        source = RequestSource(type="Message", reference=message.id)
        await _once(services, event, lambda changes: mark_sent(changes, content["id"], source))
    elif content.get("@type") == "ResponseWrapper":
        # Normally whoever sent it has completed the request; this is for one that died in between.
        await _once(services, event, lambda changes: _complete_decided(changes, content["requestId"], message))


def _complete_decided(changes: Changes, request_id: str, message: Message) -> None:
    request = changes.get(REQUESTS, request_id)
    if request is not None and not request.is_own and request.status == "Decided":
        complete_incoming(changes, request_id, ResponseSource(type="Message", reference=message.id))


# --- templates -----------------------------------------------------------------------------------------------------


async def _template_loaded(services: Services, event: Event) -> None:
    template = services.store.get(services.collections.templates, told_id(event))
    if template is None or template.is_own:
        return

    def take(changes: Changes) -> None:
        _take_template(services, changes, template)

    def fail(changes: Changes) -> None:
        tell_template_processed(services, changes, template, "Error")

    await _once(services, event, take, otherwise=fail)


def _take_template(services: Services, changes: Changes, template: RelationshipTemplate) -> None:
    """Receive the request in ``template``, or tell why not; the first reason counts (runtime 7.1)."""
    peer = template.created_by
    if not _has_request(template):
        tell_template_processed(services, changes, template, "NoRequest")
        return
    of_template = [request for request in _incoming(changes, peer) if _came_with(request, template.id)]
    unfinished = next((request for request in of_template if request.status != "Completed"), None)
    if unfinished is not None:
        tell_template_processed(services, changes, template, "NonCompletedRequestExists", request_id=unfinished.id)
        return
    relationships = changes.select(RELATIONSHIPS, peer=peer)
    blocking = _with_status(relationships, "Pending") or _with_status(relationships, "Terminated", "DeletionProposed")
    active = _with_status(relationships, "Active")
    content = template.content.get("onExistingRelationship" if active else "onNewRelationship")
    if blocking is not None or (active is not None and content is None):
        relationship = blocking or active
        tell_template_processed(
            services,
            changes,
            template,
            "RelationshipExists",
            relationship_id=None if relationship is None else relationship.id,
        )
        return
    other = None if active is not None else _other_undecided(changes, peer)
    if other is not None:
        tell_template_processed(services, changes, template, "NonCompletedRequestExists", request_id=other.id)
        return
    request = _request_of(content)
    if request.get("expiresAt") is not None and changes.now > request["expiresAt"]:
        tell_template_processed(services, changes, template, "RequestExpired")
        return
    source = RequestSource(type="RelationshipTemplate", reference=template.id)
    receive_and_check(changes, request, source, peer, template_expires_at=template.expires_at)


def _incoming(changes: Changes, peer: str) -> list[LocalRequest]:
    requests = changes.select(REQUESTS, peer=peer)
    return [expire_if_overdue(changes, request) for request in requests if not request.is_own]


def _came_with(request: LocalRequest, template_id: str) -> bool:
    return request.source is not None and request.source.reference == template_id


def _other_undecided(changes: Changes, peer: str) -> LocalRequest | None:
    return next(
        (
            request
            for request in _incoming(changes, peer)
            if request.status in _UNDECIDED
            and request.source is not None
            and request.source.type == "RelationshipTemplate"
        ),
        None,
    )


def _with_status(relationships: list[Relationship], *statuses: str) -> Relationship | None:
    return next((relationship for relationship in relationships if relationship.status in statuses), None)


# --- answers -------------------------------------------------------------------------------------------------------


async def _status_changed(services: Services, event: Event) -> None:
    request_id, status = told_request(event)
    if status != "Decided":
        return
    try:
        await send_answer(services, request_id)
    except ConnectorError as error:
        if is_unreachable(error):
            raise
        log.error("The answer to a request could not be sent", request=request_id, code=error.code, error=error.message)


# --- relationships -------------------------------------------------------------------------------------------------


async def _relationship_changed(services: Services, event: Event) -> None:
    told = services.store.get(RELATIONSHIPS, told_id(event))
    if told is None:
        return
    peer = told.peer.address

    def follow(changes: Changes) -> None:
        relationship = newest(changes.select(RELATIONSHIPS, peer=peer))
        if relationship is None or relationship.id != told.id:
            return  # what is exchanged in a later relationship is none of this one's business
        if relationship.status in ("Rejected", "Revoked"):
            delete_after_failed_relationship(changes, peer)
        elif relationship.status == "DeletionProposed":
            mark_deleted_by_peer(changes, relationship)
        elif relationship.status in ("Pending", "Active"):
            _follow_creation(services, changes, relationship)

    await _once(services, event, follow)


def _follow_creation(services: Services, changes: Changes, relationship: Relationship) -> None:
    """A peer's request for a relationship answers the request in our template; our own one answers the peer's."""
    if relationship.audit_log[0].created_by == services.address:
        complete_with_relationship(changes, relationship)
        return
    template = changes.get(services.collections.templates, relationship.template_id)
    creation = relationship.creation_content
    answered = isinstance(creation, dict) and creation.get("@type") == "RelationshipCreationContent"
    if template is None or not _has_request(template) or not answered:
        return
    complete_from_template(
        changes,
        template.id,
        _request_of(template.content.get("onNewRelationship")),
        canonical(creation["response"], "Response", where="RelationshipCreationContent.response"),
        ResponseSource(type="Relationship", reference=relationship.id),
        peer=relationship.peer.address,
        created_at=relationship.created_at,
    )
