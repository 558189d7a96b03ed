"""Responses to requests and their items (content spec 10). Their items have the positions of the request's items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from trio_connector.content.attributes import AnyAttribute, IdentityAttribute
from trio_connector.content.javascript import length
from trio_connector.content.kinds import Raw, Text
from trio_connector.content.model import Content, Named
from trio_connector.content.object_kinds import Item, ListOf, Nested
from trio_connector.content.rules import Address, Date, Id, not_empty, text

_CODE = text(200)
_MESSAGE = text(1000)


def _answer_length(answer: Any) -> str | None:
    if isinstance(answer, str) and not 1 <= length(answer) <= 4096:
        return "The string response cannot be shorter than 1 character or longer than 4096 characters."
    return None


def _answer_strings(answer: Any) -> str | None:
    if isinstance(answer, Sequence) and not all(isinstance(item, str) for item in answer):
        return "If the response is an array, it must be a string array."
    return None


FORM_FIELD_ANSWER = Raw(("string", "number", "boolean", "array"), (_answer_length, _answer_strings))
"""What a form field can be answered with, whatever its settings."""


class ResponseItem(Content, abstract=True):
    """The answer to one request item."""

    result: Annotated[str, Text()]
    """``Accepted``, ``Rejected`` or ``Error``; not enforced."""


class AcceptResponseItem(ResponseItem):
    """The item was accepted."""


class RejectResponseItem(ResponseItem):
    """The item was rejected."""

    code: Annotated[str, _CODE] | None = None
    message: Annotated[str, _MESSAGE] | None = None


class ErrorResponseItem(ResponseItem):
    """The item could not be processed."""

    code: Annotated[str, _CODE]
    message: Annotated[str, _MESSAGE]


class AttributeAlreadySharedAcceptResponseItem(AcceptResponseItem):
    """The sender already has the attribute."""

    attribute_id: Id


class AttributeSuccessionAcceptResponseItem(AcceptResponseItem):
    """The sender had an older version of the attribute and gets the new one."""

    predecessor_id: Id
    successor_id: Id
    successor_content: AnyAttribute


class CreateAttributeAcceptResponseItem(AcceptResponseItem):
    """The attribute was created with this id."""

    attribute_id: Id


class DeleteAttributeAcceptResponseItem(AcceptResponseItem):
    """The attribute will be deleted at ``deletionDate``."""

    deletion_date: Date


class FormFieldAcceptResponseItem(AcceptResponseItem):
    """The answer to a form field."""

    response: Annotated[Any, FORM_FIELD_ANSWER]


class ProposeAttributeAcceptResponseItem(AcceptResponseItem):
    """The attribute that was created from the proposal."""

    attribute_id: Id
    attribute: AnyAttribute


class ReadAttributeAcceptResponseItem(AcceptResponseItem):
    """The attribute that was asked for; ``initialAttributePeer`` is where the answering identity has it from."""

    attribute_id: Id
    attribute: AnyAttribute
    initial_attribute_peer: Annotated[Address, Named("initialAttributePeer", former="thirdPartyAddress")] | None = None


class TransferFileOwnershipAcceptResponseItem(AcceptResponseItem):
    """The file was taken over; the attribute that now refers to it."""

    attribute_id: Id
    attribute: Annotated[IdentityAttribute, Nested(IdentityAttribute)]


class ResponseItemGroup(Content):
    """The answers to a group."""

    items: Annotated[tuple[ResponseItem, ...], ListOf(Item((ResponseItem,)), (not_empty,))]


class Response(Content):
    """The answer to a request."""

    result: Annotated[str, Text()]
    """``Accepted`` or ``Rejected``; not enforced."""
    request_id: Id
    items: Annotated[
        tuple[ResponseItem | ResponseItemGroup, ...], ListOf(Item((ResponseItemGroup, ResponseItem)), (not_empty,))
    ]
