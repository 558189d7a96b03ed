"""What the modules of the consumption layer read from events, and the two events that say how a request was processed.

Events tell *that* something happened; what is done about it is decided by what the store says now.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trio_connector.domain.changes import Changes
from trio_connector.domain.message import MESSAGES, Message, MessageDTO, message_dto
from trio_connector.domain.requests.record import LocalRequest
from trio_connector.domain.template import RelationshipTemplate, RelationshipTemplateDTO
from trio_connector.events.model import Event
from trio_connector.usecases.services import Services

MESSAGE_PROCESSED = "consumption.messageProcessed"
RELATIONSHIP_TEMPLATE_PROCESSED = "consumption.relationshipTemplateProcessed"

ProcessingResult = Literal[
    "RequestAutomaticallyDecided",
    "ManualRequestDecisionRequired",
    "NonCompletedRequestExists",
    "RelationshipExists",
    "NoRequest",
    "Error",
    "RequestExpired",
]


class _Told(msgspec.Struct):
    id: str


class _ToldRequest(msgspec.Struct, rename="camel"):
    request: _Told
    new_status: str


class MessageProcessedDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The data of ``consumption.messageProcessed``."""

    message: MessageDTO
    result: ProcessingResult


class TemplateProcessedDTO(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The data of ``consumption.relationshipTemplateProcessed``."""

    template: RelationshipTemplateDTO
    result: ProcessingResult
    request_id: str | None = None
    relationship_id: str | None = None


_decode = msgspec.json.Decoder(_Told).decode
_decode_request = msgspec.json.Decoder(_ToldRequest).decode


def told_id(event: Event) -> str:
    """The id of the record that ``event`` tells of."""
    return _decode(event.data).id


def told_request(event: Event) -> tuple[str, str]:
    """The id and the new status of the request whose status changed."""
    told = _decode_request(event.data)
    return told.request.id, told.new_status


def tell_message_processed(changes: Changes, message: Message, result: ProcessingResult) -> None:
    """Tell what became of a received message."""
    data = MessageProcessedDTO(message=message_dto(message), result=result)
    changes.event(MESSAGE_PROCESSED, data, message.created_by)


def tell_template_processed(
    services: Services,
    changes: Changes,
    template: RelationshipTemplate,
    result: ProcessingResult,
    *,
    request_id: str | None = None,
    relationship_id: str | None = None,
) -> None:
    """Tell what became of a loaded template."""
    prepare = services.collections.templates.prepare
    dto = prepare(template) if prepare is not None else None
    if not isinstance(dto, RelationshipTemplateDTO):
        raise TypeError("templates are shown as RelationshipTemplateDTO")
    data = TemplateProcessedDTO(template=dto, result=result, request_id=request_id, relationship_id=relationship_id)
    changes.event(RELATIONSHIP_TEMPLATE_PROCESSED, data, template.created_by)


def tell_source_processed(
    services: Services, changes: Changes, request: LocalRequest, result: ProcessingResult
) -> None:
    """Tell what became of the message or template that brought ``request``; nothing if that is gone."""
    source = request.source
    if source is None:
        return
    if source.type == "Message":
        message = changes.get(MESSAGES, source.reference)
        if message is not None:
            tell_message_processed(changes, message, result)
        return
    template = changes.get(services.collections.templates, source.reference)
    if template is not None:
        request_id = None if result == "Error" else request.id
        tell_template_processed(services, changes, template, result, request_id=request_id)
