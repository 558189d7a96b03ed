"""From what a use case gives back to an answer: stored DTOs, files, QR codes (connector spec section 6)."""

from __future__ import annotations

import io
import re
from typing import Any, Final

import trio

from trio_connector.api.answer import PNG_TYPE, Answer, attachment
from trio_connector.api.call import Call
from trio_connector.domain.collection import Collection
from trio_connector.domain.file import File
from trio_connector.domain.query import Query
from trio_connector.errors import runtime_record_not_found

_TOKEN: Final = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # noqa: S105 - a token of HTTP's grammar
_MEDIA_TYPE: Final = re.compile(rf'{_TOKEN}/{_TOKEN}(?:\s*;\s*{_TOKEN}=(?:{_TOKEN}|"[^"\\\x00-\x1f\x7f-\uffff]*"))*')
_FALLBACK_TYPE: Final = "application/octet-stream"
_drawing = trio.CapacityLimiter(1)


async def stored_list(call: Call, collection: Collection[Any], query: Query) -> Answer:
    """The DTOs of all records that ``query`` asks for."""
    return call.prepared(await call.services.store.list_prepared(collection, query))


def stored(call: Call, collection: Collection[Any], id_: str) -> Answer:
    """The DTO of one record; raises ``error.runtime.recordNotFound``."""
    prepared = call.services.store.prepared(collection, id_)
    if prepared is None:
        raise runtime_record_not_found(collection.kind)
    return call.prepared(prepared)


def download(call: Call, file: File, content: bytes) -> Answer:
    """The bytes of a file, to be saved under its name.

    The media type was written by whoever uploaded the file; one that could not stand in a header is not passed on.
    """
    mimetype = file.mimetype if _MEDIA_TYPE.fullmatch(file.mimetype) else _FALLBACK_TYPE
    return Answer(200, content, mimetype, (attachment(file.filename),), varies=bool(call.route.accept.value))


async def dto_or_qr(call: Call, dto: Any) -> Answer:
    """A DTO with a reference, as JSON or, when the client prefers that, its reference as a QR code."""
    return await qr_code_answer(call, dto.reference.url, dto.id) if call.wants_png else call.result(dto)


async def qr_code_answer(call: Call, text: str, name: str) -> Answer:
    """The QR code of ``text``, to be saved as ``name`` with the ending of an image."""
    async with _drawing:
        png = await trio.to_thread.run_sync(qr_code, text)
    headers = (("Location", "_"),) if call.route.status == 201 else ()
    return Answer(call.route.status, png, PNG_TYPE, (attachment(f"{name}.png"), *headers), varies=True)


def qr_code(text: str) -> bytes:
    """A PNG image of the QR code of ``text``: error correction M, quiet zone 4, 4 pixels per module."""
    import segno  # by few, and not before the first one asks

    image = io.BytesIO()
    segno.make(text, error="m", boost_error=False, micro=False).save(image, kind="png", scale=4, border=4)
    return image.getvalue()
