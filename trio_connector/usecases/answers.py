"""Answering incoming requests: the decision goes to the peer, then the request is completed (consumption spec 1.7).

A message or relationship is on its way before it can be recorded. So each step looks first for what an earlier, cut
attempt left behind: a recorded answer, or one that the Backbone has and the store has not.
"""

from __future__ import annotations

from trio_connector.domain.changes import Changes
from trio_connector.domain.identity import Json
from trio_connector.domain.message import Message
from trio_connector.domain.relationship import RELATIONSHIPS, Relationship
from trio_connector.domain.requests.incoming import complete_incoming
from trio_connector.domain.requests.record import REQUESTS, LocalRequest, LocalResponse, RequestSource, ResponseSource
from trio_connector.errors import UnexpectedCondition
from trio_connector.usecases.consumption import change
from trio_connector.usecases.messages import send_message
from trio_connector.usecases.own_messages import find_sent_message
from trio_connector.usecases.relationships import active_relationship_to, create_relationship
from trio_connector.usecases.services import Services


async def send_answer(services: Services, request_id: str) -> None:
    """Bring the decision of the request to its peer and complete it; one that is not Decided (any more) is left alone.

    Raises ConnectorError when the answer cannot be sent; the request stays Decided then. A cancellation leaves open
    how far it came; calling it again goes on from there.
    """
    request = services.store.get(REQUESTS, request_id)
    if request is None or request.is_own or request.status != "Decided":
        return
    if request.source is None or request.response is None:
        raise UnexpectedCondition("A decided Request has neither source nor response")
    source = await _bring(services, request, request.source, request.response)

    def complete(changes: Changes) -> None:
        current = changes.get(REQUESTS, request_id)
        if current is not None and current.status == "Decided":
            complete_incoming(changes, request_id, source)

    await change(services, complete)


async def _bring(
    services: Services, request: LocalRequest, source: RequestSource, response: LocalResponse
) -> ResponseSource | None:
    by_message = source.type == "Message" or active_relationship_to(services, request.peer) is not None
    if by_message and own_relationship_from(services, request) is None:
        message = await _answer_message(services, request, source, response)
        return ResponseSource(type="Message", reference=message.id)
    if response.content["result"] == "Rejected":
        return None
    relationship = own_relationship_from(services, request)
    if relationship is None:
        content = {"@type": "RelationshipCreationContent", "response": response.content}
        relationship = await create_relationship(services, source.reference, content)
    return ResponseSource(type="Relationship", reference=relationship.id)


def own_relationship_from(services: Services, request: LocalRequest) -> Relationship | None:
    """The relationship whose creation carries the answer to this request of a template."""
    if request.source is None or request.source.type != "RelationshipTemplate" or request.response is None:
        return None
    return next(
        (
            relationship
            for relationship in services.store.select(RELATIONSHIPS, template_id=request.source.reference)
            if _answers(relationship, request, services.address)
        ),
        None,
    )


def _answers(relationship: Relationship, request: LocalRequest, me: str) -> bool:
    creation = relationship.creation_content
    return (
        relationship.audit_log[0].created_by == me
        and isinstance(creation, dict)
        and creation.get("@type") == "RelationshipCreationContent"
        and creation["response"].get("requestId") == request.id
    )


async def _answer_message(
    services: Services, request: LocalRequest, source: RequestSource, response: LocalResponse
) -> Message:
    sent = await find_sent_message(services, request.id, "ResponseWrapper")
    if sent is not None:
        return sent
    content: Json = {
        "@type": "ResponseWrapper",
        "requestId": request.id,
        "requestSourceReference": source.reference,
        "requestSourceType": source.type,
        "response": response.content,
    }
    return await send_message(services, recipients=[request.peer], content=content)


def complete_with_relationship(changes: Changes, relationship: Relationship) -> None:
    """Complete the decided request whose answer went out with the own ``relationship``, if it still waits."""
    for request in changes.select(REQUESTS, source_reference=relationship.template_id):
        if not request.is_own and request.status == "Decided" and _answers(relationship, request, changes.me):
            complete_incoming(changes, request.id, ResponseSource(type="Relationship", reference=relationship.id))
