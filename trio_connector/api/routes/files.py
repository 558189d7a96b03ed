"""Files (connector spec sections 6 and 7)."""

from __future__ import annotations

from typing import Any, Final

import trio

from trio_connector.api.answer import Answer
from trio_connector.api.bodies import Form
from trio_connector.api.call import Call
from trio_connector.api.errors import undecodable_reference
from trio_connector.api.routes.inputs import (
    check,
    checked_path,
    expiry,
    filters_of,
    password_protection,
    picked,
    query_of,
)
from trio_connector.api.routes.outputs import download, dto_or_qr, stored, stored_list
from trio_connector.api.routes.relationship_templates import TOKEN_MEMBERS
from trio_connector.api.routing import Accept, Kind, Route
from trio_connector.crypto.references import Reference
from trio_connector.domain.file import file_dto
from trio_connector.domain.query import equals
from trio_connector.domain.query_fields import FILE_FIELDS
from trio_connector.domain.token import token_dto
from trio_connector.errors import ConnectorError
from trio_connector.usecases.files import (
    create_token_for_file,
    delete_file,
    download_file,
    get_file,
    get_or_load_file,
    regenerate_ownership_token,
    upload_own_file,
)
from trio_connector.usecases.validation import files as inputs
from trio_connector.usecases.validation.relationship_templates import TOKEN_BODY

_TEXT_MEMBERS: Final = ("expiresAt", "title", "description")


async def _upload(call: Call) -> Answer:
    fields: Any = call.form.fields if call.form is not None else call.body
    request = picked(fields, _TEXT_MEMBERS)
    if (tags := _tags(fields)) is not None:
        request["tags"] = tags
    if call.form is not None and call.form.file is not None:
        request["filename"] = call.form.file.filename
        request["mimetype"] = call.form.file.mimetype
        request["content"] = await _content(call.form)
    check(call, inputs.UPLOAD_OWN_FILE, request)
    file = await upload_own_file(
        call.services,
        content=request["content"],
        filename=request["filename"],
        mimetype=request["mimetype"],
        expires_at=expiry(request),
        title=request.get("title"),
        description=request.get("description"),
        tags=request.get("tags"),
    )
    return call.result(file_dto(file, call.services.base_url))


async def _content(form: Form) -> bytes | _TooLong:
    upload = form.file
    assert upload is not None  # noqa: S101 - the caller looked
    length = upload.content.tell()
    if upload.size_bytes > length:
        return _TooLong(upload.size_bytes)
    upload.content.seek(0)
    if length < 1024 * 1024:
        return upload.content.read()
    return await trio.to_thread.run_sync(upload.content.read)


class _TooLong(bytes):
    """Stands for a content that was not kept because it is too long."""

    def __new__(cls, size_bytes: int) -> _TooLong:
        made = super().__new__(cls)
        made.size_bytes = size_bytes
        return made

    size_bytes: int

    def __len__(self) -> int:
        return self.size_bytes


def _tags(fields: Any) -> list[Any] | Any | None:
    """The tags: of a form every ``tags`` and ``tags[]`` field counts; of JSON what stands there."""
    if not isinstance(fields, dict) or not ("tags" in fields or "tags[]" in fields):
        return None
    found: list[Any] = []
    for name in ("tags", "tags[]"):
        value = fields.get(name, [])
        if not isinstance(value, str | list):
            return value
        found += [value] if isinstance(value, str) else value
    return found


async def _load(call: Call) -> Answer:
    check(call, inputs.GET_OR_LOAD_FILE, call.body)
    file = await get_or_load_file(call.services, call.body["reference"], call.body.get("password"))
    return call.result(file_dto(file, call.services.base_url))


async def _list(call: Call) -> Answer:
    return await stored_list(call, call.services.collections.files, query_of(call, FILE_FIELDS))


async def _list_own(call: Call) -> Answer:
    query = query_of(call, FILE_FIELDS).forced(equals("isOwn", True))
    return await stored_list(call, call.services.collections.files, query)


async def _list_peer(call: Call) -> Answer:
    query = query_of(call, FILE_FIELDS).forced(equals("isOwn", False))
    return await stored_list(call, call.services.collections.files, query)


async def _get(call: Call) -> Answer:
    file_id = _id_of(call.path["idOrReference"])
    check(call, inputs.GET_FILE, {"id": file_id})
    if call.wants_png:
        return await dto_or_qr(call, file_dto(get_file(call.services, file_id), call.services.base_url))
    return stored(call, call.services.collections.files, file_id)


def _id_of(id_or_reference: str) -> str:
    if id_or_reference.startswith("FIL"):
        return id_or_reference
    try:
        return Reference.of_text(id_or_reference).id
    except ConnectorError as error:
        raise undecodable_reference() from error


async def _download(call: Call) -> Answer:
    file_id = checked_path(call, inputs.DOWNLOAD_FILE, id="idOrReference")
    return download(call, *await download_file(call.services, file_id))


async def _create_token(call: Call) -> Answer:
    request = picked(call.body, TOKEN_MEMBERS) | {"fileId": call.path["idOrReference"]}
    if call.wants_png:
        request["ephemeral"] = True
    check(call, inputs.CREATE_TOKEN_FOR_FILE, request)
    ephemeral: bool = request.get("ephemeral", True)
    token = await create_token_for_file(
        call.services,
        request["fileId"],
        expires_at=expiry(request),
        ephemeral=ephemeral,
        for_identity=request.get("forIdentity"),
        password_protection=password_protection(request),
    )
    return await dto_or_qr(call, token_dto(token, call.services.base_url, is_ephemeral=ephemeral))


async def _regenerate(call: Call) -> Answer:
    file_id = checked_path(call, inputs.REGENERATE_FILE_OWNERSHIP_TOKEN, id="idOrReference")
    return call.result(file_dto(await regenerate_ownership_token(call.services, file_id), call.services.base_url))


async def _delete(call: Call) -> Answer:
    await delete_file(call.services, checked_path(call, inputs.DELETE_FILE, fileId="idOrReference"))
    return call.nothing()


_FILTERS: Final = filters_of(FILE_FIELDS)

FILE_ROUTES: Final = (
    Route("GET", "", _list, "All files.", Kind.LIST, query=_FILTERS, result="File"),
    Route("GET", "Own", _list_own, "Own files.", Kind.LIST, query=_FILTERS, result="File"),
    Route("GET", "Peer", _list_peer, "Files of peers.", Kind.LIST, query=_FILTERS, result="File"),
    Route(
        "POST",
        "Own",
        _upload,
        "Upload a file.",
        status=201,
        changes=True,
        multipart=inputs.UPLOAD_FORM,
        result="File",
    ),
    Route(
        "POST",
        "Peer",
        _load,
        "Load the file of a peer.",
        status=201,
        changes=True,
        body=inputs.GET_OR_LOAD_FILE.schema,
        result="File",
    ),
    Route("GET", "{idOrReference}", _get, "One file.", Kind.QR, accept=Accept.JSON_OR_PNG, result="File"),
    Route(
        "GET",
        "{idOrReference}/Download",
        _download,
        "The content of a file.",
        Kind.BYTES,
        accept=Accept.ANY,
        waits=True,
    ),
    Route(
        "POST",
        "{idOrReference}/Token",
        _create_token,
        "Create a token that hands on a file.",
        Kind.QR,
        201,
        Accept.JSON_OR_PNG,
        changes=True,
        body=TOKEN_BODY,
        result="Token",
    ),
    Route(
        "PATCH",
        "{idOrReference}/RegenerateOwnershipToken",
        _regenerate,
        "A new ownership token for an own file.",
        accept=Accept.ANY,
        changes=True,
        result="File",
    ),
    Route("DELETE", "{idOrReference}", _delete, "Delete a file.", Kind.NOTHING, 204, Accept.ANY, changes=True),
)
