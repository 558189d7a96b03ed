"""What a route answers, before the pipeline adds what every response carries (connector spec 5.1 and 6)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import msgspec

JSON_TYPE: Final = "application/json; charset=utf-8"
PNG_TYPE: Final = "image/png"

Header = tuple[str, str]

_encoder = msgspec.json.Encoder()
_UNESCAPED_IN_COMPONENTS: Final = "!~*'()"
"""What JavaScript's ``encodeURIComponent`` leaves alone besides letters, digits and ``-_.``."""


@dataclass(frozen=True)
class Answer:
    """Status, body and the headers that belong to it.

    ``varies`` says that another ``Accept`` header may get another answer. ``hidden`` headers of the pipeline are not
    known here: security, timing and caching headers are added later.
    """

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: tuple[Header, ...] = field(default=())
    varies: bool = False


def json_answer(value: Any, status: int = 200, *, varies: bool = False) -> Answer:
    """``value`` itself as JSON, without envelope."""
    return Answer(status, _encoder.encode(value), JSON_TYPE, varies=varies)


def result(value: Any) -> bytes:
    """The envelope around anything msgspec can encode."""
    return prepared_result(_encoder.encode(value))


def prepared_result(json_text: bytes) -> bytes:
    """The envelope around JSON text."""
    return b'{"result":' + json_text + b"}"


def attachment(name: str) -> Header:
    """The header that makes a browser save the body under ``name``."""
    return ("Content-Disposition", f"attachment;filename={quote(name, safe=_UNESCAPED_IN_COMPONENTS)}")
