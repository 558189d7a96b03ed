"""Messages and their attachments (connector spec section 7)."""

from __future__ import annotations

from typing import Final

from trio_connector.api.answer import Answer
from trio_connector.api.call import Call
from trio_connector.api.routes.inputs import check, checked_path, filters_of, query_of
from trio_connector.api.routes.outputs import download, stored_list
from trio_connector.api.routing import Kind, Route
from trio_connector.domain.file import file_dto
from trio_connector.domain.message import MESSAGES, message_dto
from trio_connector.domain.query_fields import MESSAGE_FIELDS
from trio_connector.usecases.messages import (
    download_attachment,
    get_attachment,
    get_message_with_attachments,
    send_message,
)
from trio_connector.usecases.validation import messages as inputs


async def _send(call: Call) -> Answer:
    check(call, inputs.SEND_MESSAGE, call.body)
    message = await send_message(
        call.services,
        recipients=call.body["recipients"],
        content=call.body["content"],
        attachments=call.body.get("attachments", ()),
    )
    return call.result(message_dto(message))


async def _list(call: Call) -> Answer:
    return await stored_list(call, MESSAGES, query_of(call, MESSAGE_FIELDS))


async def _get(call: Call) -> Answer:
    message_id = checked_path(call, inputs.GET_MESSAGE, id="id")
    return call.prepared(get_message_with_attachments(call.services, message_id))


async def _attachment(call: Call) -> Answer:
    message_id = checked_path(call, inputs.GET_ATTACHMENT, id="id", attachmentId="attachmentId")
    file = get_attachment(call.services, message_id, call.path["attachmentId"])
    return call.result(file_dto(file, call.services.base_url))


async def _download(call: Call) -> Answer:
    message_id = checked_path(call, inputs.GET_ATTACHMENT, id="id", attachmentId="attachmentId")
    return download(call, *await download_attachment(call.services, message_id, call.path["attachmentId"]))


MESSAGE_ROUTES: Final = (
    Route(
        "POST",
        "",
        _send,
        "Send a message.",
        status=201,
        changes=True,
        body=inputs.SEND_MESSAGE.schema,
        result="Message",
    ),
    Route("GET", "", _list, "All messages.", Kind.LIST, query=filters_of(MESSAGE_FIELDS), result="Message"),
    Route("GET", "{id}", _get, "One message with its attachments.", result="MessageWithAttachments"),
    Route("GET", "{id}/Attachments/{attachmentId}", _attachment, "An attached file.", result="File"),
    Route(
        "GET",
        "{id}/Attachments/{attachmentId}/Download",
        _download,
        "The content of an attached file.",
        Kind.BYTES,
        waits=True,
    ),
)
