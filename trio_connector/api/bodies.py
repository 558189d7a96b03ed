"""Reading request bodies: JSON, urlencoded, multipart; each within its limit (connector spec 3.1, 6 and 13).

A body is read by Quart, so that a client that goes away cancels the reading. What a stranger sends amiss is an
`HttpError` or a ValidationFailed, never a fault. A body of a type nobody asked for is not read at all.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import Any, Final

import msgspec
import trio
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from trio_connector.api.errors import (
    body_timeout,
    invalid_json,
    invalid_multipart,
    payload_too_large,
    unsupported_encoding,
)
from trio_connector.api.request import Parameters, Request, parameters

JSON_LIMIT_BYTES: Final = 2 * 1024 * 1024
URLENCODED_LIMIT_BYTES: Final = 100 * 1024
FIELD_LIMIT_BYTES: Final = 1024 * 1024
"""All text fields of a multipart form together."""
PAUSE_LIMIT_SECONDS: Final = 10
"""How long a client may pause within a body."""
READING_LIMIT_SECONDS: Final = 300
"""How long a body may take in total."""
_FILE_IN_MEMORY_BYTES: Final = 512 * 1024
_MAX_PARTS: Final = 1000
_MAX_DEPTH: Final = 128
_SAFE_INTEGER: Final = 2**53
_LONG_NUMBER = re.compile(rb"[0-9]{16}")

Chunks = AsyncIterator[bytes]


@dataclass(frozen=True)
class Upload:
    """The file of a multipart form; ``content`` is closed by whoever closes the form."""

    filename: str
    mimetype: str
    content: SpooledTemporaryFile[bytes]
    size_bytes: int


@dataclass
class Form:
    """A multipart form: its text fields, and the one file named ``file``, if it has one. A context manager."""

    fields: Parameters = field(default_factory=dict)
    file: Upload | None = None

    def __enter__(self) -> Form:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.content.close()


def media_type(request: Request) -> tuple[str, Mapping[str, str]]:
    """The type of the body and its parameters; ``""`` when the client does not say."""
    value = request.header(b"content-type")
    return ("", {}) if value is None else parse_options_header(value)


async def read_document(request: Request, chunks: Chunks) -> Any:
    """The JSON or urlencoded body as an object or array; ``{}`` when it is empty or missing.

    A body of another type counts as missing. Raises HttpError: 400, 408, 413, 415.
    """
    kind, options = media_type(request)
    if kind == "application/json":
        raw = await _read(request, chunks, JSON_LIMIT_BYTES)
        return decode_json(raw, options.get("charset", "utf-8"))
    if kind == "application/x-www-form-urlencoded":
        raw = await _read(request, chunks, URLENCODED_LIMIT_BYTES)
        return parameters(raw.decode("utf-8", "replace"))
    return {}


def decode_json(raw: bytes, charset: str = "utf-8") -> Any:
    """JSON text whose top is an object or an array; raises HttpError 400.

    Integers beyond what JavaScript keeps exactly become floats, as there. Nesting is limited, so that nothing behind
    this border has to fear for its stack.
    """
    if charset.lower() not in ("utf-8", "utf8", "us-ascii"):
        try:
            raw = raw.decode(charset).encode()
        except (LookupError, UnicodeError) as error:
            raise invalid_json() from error
    if not raw:
        return {}
    if raw.lstrip(b" \t\r\n")[:1] not in (b"{", b"["):
        raise invalid_json()
    try:
        document = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid_json() from error
    if raw.count(b"[") + raw.count(b"{") > _MAX_DEPTH or _LONG_NUMBER.search(raw):
        document = _tamed(document)
    return document


def _tamed(document: Any) -> Any:
    try:
        return _copied(document, 0)
    except OverflowError as error:
        raise invalid_json() from error


def _copied(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise invalid_json()
    if isinstance(value, dict):
        return {name: _copied(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_copied(member, depth + 1) for member in value]
    if isinstance(value, int) and abs(value) > _SAFE_INTEGER:
        return float(value)
    return value


async def read_form(request: Request, chunks: Chunks, *, max_file_bytes: int) -> Form:
    """The multipart form of an upload. Memory stays bounded: a longer file goes to a temporary file.

    More than ``max_file_bytes`` of the file are read over and not kept; its ``size_bytes`` tells. File names are taken
    as UTF-8, because that is what clients send. Raises ValidationFailed for what is no form or
    has other files, HttpError 408 and 413. On any error nothing is left open.
    """
    kind, options = media_type(request)
    boundary = options.get("boundary")
    if kind != "multipart/form-data" or not boundary:
        raise invalid_multipart()
    reader = _FormReader(MultipartDecoder(boundary.encode("latin-1", "replace"), max_parts=_MAX_PARTS), max_file_bytes)
    try:
        paced = _Paced(chunks)
        while not reader.complete:
            chunk = await paced.next()
            reader.feed(chunk)
            if chunk is None:
                break
    except BaseException:
        reader.form.__exit__()
        raise
    if not reader.complete:
        reader.form.__exit__()
        raise invalid_multipart()
    return reader.form


class _FormReader:
    """Takes chunks, fills a form."""

    def __init__(self, decoder: MultipartDecoder, max_file_bytes: int) -> None:
        self.form = Form()
        self.complete = False
        self._decoder = decoder
        self._max_file_bytes = max_file_bytes
        self._field: str | None = None
        self._text = bytearray()
        self._fields_bytes = 0
        self._in_file = False
        self._fields: dict[str, list[str]] = {}

    def feed(self, chunk: bytes | None) -> None:
        try:
            self._decoder.receive_data(chunk)
            while not isinstance(event := self._decoder.next_event(), NeedData):
                self._take(event)
                if isinstance(event, Epilogue):
                    self._end()
                    return
        except RequestEntityTooLarge as error:
            raise payload_too_large() from error
        except ValueError as error:
            raise invalid_multipart() from error

    def _take(self, event: Any) -> None:
        match event:
            case File():
                if event.name != "file" or self.form.file is not None:
                    raise invalid_multipart()
                self._in_file = True
                self._field = None
                self.form.file = Upload(
                    filename=event.filename or "",
                    mimetype=event.headers.get("Content-Type") or "application/octet-stream",
                    content=SpooledTemporaryFile(_FILE_IN_MEMORY_BYTES),  # noqa: SIM115 - closed with the form
                    size_bytes=0,
                )
            case Field():
                self._in_file = False
                self._field = event.name
                self._text.clear()
            case Data() if self._in_file:
                self._file_data(event.data)
            case Data():
                self._fields_bytes += len(event.data)
                if self._fields_bytes > FIELD_LIMIT_BYTES:
                    raise payload_too_large()
                self._text += event.data
                if not event.more_data and self._field is not None:
                    self._fields.setdefault(self._field, []).append(self._text.decode("utf-8", "replace"))

    def _file_data(self, data: bytes) -> None:
        upload = self.form.file
        if upload is None:
            return
        kept = max(self._max_file_bytes - upload.size_bytes, 0)
        upload.content.write(data[:kept])
        self.form.file = Upload(upload.filename, upload.mimetype, upload.content, upload.size_bytes + len(data))

    def _end(self) -> None:
        self.form.fields = {
            name: values[0] if len(values) == 1 else values for name, values in self._fields.items() if name != "file"
        }
        self.complete = True


async def _read(request: Request, chunks: Chunks, limit: int) -> bytes:
    encoding = (request.header(b"content-encoding") or "identity").strip().lower()
    unpack = None if encoding == "identity" else _unpacker(encoding)
    length = request.header(b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise payload_too_large()
    body = bytearray()
    paced = _Paced(chunks)
    while (chunk := await paced.next()) is not None:
        body += chunk if unpack is None else _unpacked(unpack, chunk, limit + 1 - len(body))
        if len(body) > limit:
            raise payload_too_large()
    return bytes(body)


def _unpacker(encoding: str) -> Any:
    if encoding in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=31)
    if encoding == "deflate":
        return zlib.decompressobj()
    raise unsupported_encoding()


def _unpacked(unpack: Any, chunk: bytes, limit: int) -> bytes:
    try:
        unpacked: bytes = unpack.decompress(chunk, max(limit, 1))
    except zlib.error as error:
        raise invalid_json() from error
    if unpack.unconsumed_tail:
        raise payload_too_large()
    return unpacked


class _Paced:
    """Chunks, of which each, and all together, must come in time."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = aiter(chunks)
        self._end = trio.current_time() + READING_LIMIT_SECONDS

    async def next(self) -> bytes | None:
        """The next chunk, None at the end; raises HttpError 408."""
        chunk: bytes | None = None
        with trio.move_on_at(min(self._end, trio.current_time() + PAUSE_LIMIT_SECONDS)) as scope:
            chunk = await anext(self._chunks, None)
        if scope.cancelled_caught:
            raise body_timeout()
        return chunk
