"""Forms with files in them, ``multipart/form-data``."""

from __future__ import annotations

from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from trio_connector.embedded.domain.errors import cannot_be_parsed

_MAX_PARTS = 20
_MAX_BOUNDARY = 200


def parts_of(content_type: bytes, body: bytes) -> dict[str, bytes]:
    """The parts by name; of several with one name the last counts. Raises PlatformError."""
    mimetype, options = parse_options_header(content_type.decode("latin-1"))
    boundary = options.get("boundary", "")
    if mimetype.lower() != "multipart/form-data" or not 1 <= len(boundary) <= _MAX_BOUNDARY:
        raise cannot_be_parsed("", "The body is not multipart/form-data.")
    decoder = MultipartDecoder(boundary.encode("latin-1", "replace"), max_parts=_MAX_PARTS)
    parts: dict[str, list[bytes]] = {}
    current: list[bytes] = []
    try:
        decoder.receive_data(body)
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Field | File):
                current = []
                parts[event.name] = current
            elif isinstance(event, Data):
                current.append(event.data)
            elif isinstance(event, NeedData):
                break
    except (ValueError, HTTPException) as error:
        raise cannot_be_parsed("", "The body is not valid multipart/form-data.") from error
    return {name: b"".join(chunks) for name, chunks in parts.items()}
