"""What every response carries, and what becomes of its body (connector spec 3.1 and 3.2): entity tag, 304, compression.

`finish` decides everything about a response except compressing large bodies, which `compressed` does in a thread. All
of it is the same for every way an answer comes about.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import trio

from trio_connector.api.answer import JSON_TYPE, Answer
from trio_connector.api.negotiation import accepts_gzip

RawHeaders = list[tuple[bytes, bytes]]

COMPRESS_FROM_BYTES: Final = 1024
_IN_THE_LOOP_BYTES: Final = 32 * 1024
"""What is shorter is compressed faster than a thread is reached."""
_LEVEL: Final = 4
_COMPRESSIBLE: Final = re.compile(
    r"(?:text/.*|application/(?:json|javascript|xml|yaml|x-yaml|vnd\.yaml|.*\+json|.*\+xml)|image/svg\+xml"
    r"|image/vnd\.microsoft\.icon|image/bmp|font/(?:ttf|otf))(?:;.*)?",
    re.IGNORECASE,
)
_compressing = trio.CapacityLimiter(2)


@dataclass(frozen=True)
class Finished:
    """A response as it goes out."""

    status: int
    headers: RawHeaders
    body: bytes


async def compressed(answer: Answer, accept_encoding: str | None) -> Answer:
    """``answer`` with its body compressed where that helps; may take a thread for a long one."""
    body = answer.body
    if len(body) < COMPRESS_FROM_BYTES or not accepts_gzip(accept_encoding) or not _is_compressible(answer):
        return answer
    if len(body) <= _IN_THE_LOOP_BYTES:
        packed = _packed(body)
    else:
        packed = await trio.to_thread.run_sync(_packed, body, limiter=_compressing)
    return Answer(
        answer.status, packed, answer.content_type, (*answer.headers, ("Content-Encoding", "gzip")), answer.varies
    )


def finish(
    answer: Answer,
    *,
    is_head: bool,
    if_none_match: str | None,
    method_is_safe: bool,
    common: RawHeaders,
    varies: tuple[str, ...] = (),
) -> Finished:
    """The response for ``answer``; ``common`` are the headers that were decided without looking at it."""
    body = answer.body
    headers = list(common)
    vary = [*varies, "Accept"] if answer.varies else [*varies]
    for name, value in answer.headers:
        if name == "Vary":
            vary += [part for part in value.split(", ") if part not in vary]
        else:
            headers.append((name.encode("latin-1"), value.encode("latin-1")))
    headers.append((b"Vary", ", ".join([*vary, "Accept-Encoding"]).encode("latin-1")))
    if not body:
        if answer.content_type is not None:
            headers.append((b"Content-Type", answer.content_type.encode("latin-1")))
        if answer.status != 204 and answer.status >= 200 and not any(name == b"Content-Length" for name, _ in headers):
            headers.append((b"Content-Length", b"0"))
        return Finished(answer.status, headers, b"")
    tag = entity_tag(body)
    headers.append((b"ETag", tag))
    if method_is_safe and answer.status == 200 and if_none_match is not None and matches(if_none_match, tag):
        return Finished(304, headers, b"")
    headers.append((b"Content-Type", (answer.content_type or "application/octet-stream").encode("latin-1")))
    headers.append((b"Content-Length", str(len(body)).encode("ascii")))
    return Finished(answer.status, headers, b"" if is_head else body)


def entity_tag(body: bytes) -> bytes:
    """The weak entity tag of a body."""
    digest = b64encode(hashlib.sha1(body, usedforsecurity=False).digest())[:27]
    return b'W/"%x-%s"' % (len(body), digest)


def matches(if_none_match: str, tag: bytes) -> bool:
    """Whether a client's ``If-None-Match`` names ``tag``; weak and strong tags count as equal."""
    if if_none_match.strip() == "*":
        return True
    wanted = tag.decode("ascii").removeprefix("W/")
    return any(part.strip().removeprefix("W/") == wanted for part in if_none_match.split(","))


def _is_compressible(answer: Answer) -> bool:
    content_type = answer.content_type
    if content_type is JSON_TYPE:
        return True
    return content_type is not None and _COMPRESSIBLE.fullmatch(content_type) is not None


def _packed(body: bytes) -> bytes:
    # Without a time inside, equal bodies have equal entity tags.
    return gzip.compress(body, _LEVEL, mtime=0)
